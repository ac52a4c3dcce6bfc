"""What a person gets of a sender, list by list and channel by channel, with a button for each."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tandem.kit import clock as clocks
from tandem.kit.clock import Clock
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.errors import StillSuppressed
from tandem.messenger.contacts.proofs import Door, Place
from tandem.messenger.reporting import unsubscribes
from tandem.messenger.subscriptions import service as subscriptions
from tandem.messenger.subscriptions import showing
from tandem.messenger.tracking.answers import HEADERS, answered
from tandem.messenger.tracking.scenes import Visit, visit
from tandem.messenger.tracking.unsubscribing import form_of, html, proof_of


async def look(request: Request) -> Response:
    """The page; looking changes nothing."""
    return await answered(lambda: _page(visit(request, request.path_params["token"])))


async def change(request: Request) -> Response:
    """End or start one list on one channel."""
    form = await form_of(request)
    if form is None:
        return PlainTextResponse("Too large.", status_code=413, headers=HEADERS)
    return await answered(lambda: _change(request, form))


def _page(seen: Visit, told: str = "", status: int = 200) -> Response:
    stamp = subscriptions.stamp(seen.token, clock=clocks.from_environment())
    return html(showing.preferences_page(seen.scene, seen.places, stamp=stamp, told=told), status)


def _change(request: Request, form: Mapping[str, str]) -> Response:
    token, clock = request.path_params["token"], clocks.from_environment()
    seen = visit(request, token)
    place = next((one for one in seen.places if f"{one.contact_id}:{one.channel}" == form.get("place")), None)
    do = form.get("do")
    if place is None or do not in ("on", "off"):
        return _page(seen)
    if do == "off":
        _end(seen, place, clock)
        return _page(visit(request, token), _say(seen, "done", place))
    if not subscriptions.is_fresh(token, form.get("stamp", ""), clock=clock):
        return _page(seen, seen.scene.say("expired"), 403)
    words = seen.scene.agreed(list_name=place.list_name, channel=place.channel)
    proof = proof_of(seen, Door.PREFERENCES, "subscribe", words, clock=clock)
    try:
        contacts.subscribe_again(
            seen.behind.account_id,
            place.contact_id,
            place.channel,
            source="the person",
            proof=proof,
            clock=clock,
        )
    except StillSuppressed:
        return _page(seen, seen.scene.say("cannot"), 403)
    return _page(visit(request, token), _say(seen, "back", place))


def _end(seen: Visit, place: Place, clock: Clock) -> None:
    words = f"{place.list_name}, {seen.scene.say(place.channel)}\n[{seen.scene.say('end_list')}]"
    proof = proof_of(seen, Door.PREFERENCES, "unsubscribe", words, clock=clock)
    if place == seen.place:
        unsubscribes.unsubscribe_by_token(seen.token, clock=clock, proof=proof)
    else:
        contacts.unsubscribe(
            seen.behind.account_id,
            place.contact_id,
            place.channel,
            source="preferences",
            proof=proof,
            clock=clock,
        )


def _say(seen: Visit, name: str, place: Place) -> str:
    return seen.scene.say(name, list_name=place.list_name, channel=place.channel)
