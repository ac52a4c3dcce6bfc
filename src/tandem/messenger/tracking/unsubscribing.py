"""The unsubscribe link of a message. GET shows a page, only POST acts (RFC 8058).

Messages start again only here and on the preference page, by a form that one of these pages held.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from django.conf import settings
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from tandem.kit import clock as clocks
from tandem.kit.clock import Clock
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.errors import StillSuppressed
from tandem.messenger.contacts.proofs import Door, Proof
from tandem.messenger.reporting import unsubscribes
from tandem.messenger.subscriptions import service as subscriptions
from tandem.messenger.subscriptions import showing
from tandem.messenger.tracking.answers import HEADERS, answered
from tandem.messenger.tracking.scenes import Visit, visit

MAX_BODY = 16 * 1024
SHOWN_OF_TOKEN = 6


async def ask(request: Request) -> Response:
    """The confirmation page; link scanners that fetch it change nothing."""
    return await answered(lambda: _look(visit(request, request.path_params["token"])))


async def unsubscribe(request: Request) -> Response:
    """End or start; the answer comes after the commit, the same however often it is asked."""
    form = await form_of(request)
    if form is None:
        return PlainTextResponse("Too large.", status_code=413, headers=HEADERS)
    return await answered(lambda: _act(visit(request, request.path_params["token"]), form))


async def form_of(request: Request) -> Mapping[str, str] | None:
    """The fields of a small form, empty where the body is none of ours; None if it is too large."""
    body = b""
    async for block in request.stream():
        body += block
        if len(body) > MAX_BODY:
            return None
    if request.headers.get("content-type", "").partition(";")[0].strip() == "multipart/form-data":
        return {}  # a mail program's one click (RFC 8058 3.1) says nothing that its address does not
    text = body.decode("utf-8", "replace")
    try:
        return dict(parse_qsl(text, max_num_fields=20))
    except ValueError:
        return {}


def proof_of(seen: Visit, door: Door, kind: str, words: str, *, clock: Clock) -> Proof:
    """What proves a wish: the words that were seen, on which page, in which language. Keeps the words."""
    account_id, language = seen.behind.account_id, seen.scene.language
    text_id = contacts.keep_text(account_id, kind, language, words, clock=clock) if words else None
    letter = "p" if door is Door.PREFERENCES else "u"
    return Proof(
        door=door,
        url=f"{settings.TANDEM_TRACKING_URL}/{letter}/{seen.token[:SHOWN_OF_TOKEN]}…",
        language=language if words else "",
        text_id=text_id,
        sending_id=seen.behind.sending_id,
        attempt_id=seen.behind.attempt_id,
    )


def html(content: str, status: int = 200) -> HTMLResponse:
    """One of the pages."""
    return HTMLResponse(content, status_code=status, headers=HEADERS)


def _look(seen: Visit) -> Response:
    # without an address or inactive there is no place to show, but there is a consent to end
    state = seen.place.state if seen.place else "on" if seen.behind.contact_id else "off"
    if state == "on":
        return html(showing.ask_page(seen.scene))
    return _ended(seen, "done")


def _act(seen: Visit, form: Mapping[str, str]) -> Response:
    clock = clocks.from_environment()
    do = form.get("do", "")
    if do == "subscribe":
        return _subscribe(seen, form.get("stamp", ""), clock)
    if do == "everything":
        proof = proof_of(seen, Door.PAGE, "everything", seen.scene.asked_everything(), clock=clock)
        unsubscribes.end_everything_by_token(seen.token, clock=clock, proof=proof)
        return _ended(seen, "done_everything")
    door, words = (Door.PAGE, seen.scene.asked()) if do == "list" else (Door.ONE_CLICK, "")
    proof = proof_of(seen, door, "unsubscribe", words, clock=clock)
    unsubscribes.unsubscribe_by_token(seen.token, clock=clock, proof=proof)
    return _ended(seen, "done")


def _ended(seen: Visit, said: str) -> Response:
    stamp = subscriptions.stamp(seen.token, clock=clocks.from_environment())
    way_back = stamp if seen.place is not None and seen.place.state != "paused" else ""
    scene = seen.scene
    return html(showing.told_page(scene, scene.say("done_heading"), scene.say(said), stamp=way_back))


def _subscribe(seen: Visit, stamp: str, clock: Clock) -> Response:
    scene, behind = seen.scene, seen.behind
    if not subscriptions.is_fresh(seen.token, stamp, clock=clock):
        page = showing.told_page(
            scene,
            scene.say("title"),
            scene.say("expired"),
            stamp=subscriptions.stamp(seen.token, clock=clock),
        )
        return html(page, 403)
    proof = proof_of(seen, Door.PAGE, "subscribe", scene.agreed(), clock=clock)
    try:
        contacts.subscribe_again(
            behind.account_id,
            behind.contact_id or 0,
            behind.channel,
            source="the person",
            proof=proof,
            clock=clock,
        )
    except StillSuppressed:
        return html(showing.told_page(scene, scene.say("title"), scene.say("cannot")), 403)
    return html(showing.told_page(scene, scene.say("again_heading"), scene.say("back")))
