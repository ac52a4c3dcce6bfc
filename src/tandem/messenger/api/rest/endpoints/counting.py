"""Whose openings and clicks are counted: switches of the account, a list, a contact. Our own addition."""

from typing import Any

from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Kind, Param, Sure, get, post
from tandem.messenger.api.rest.wire import BadRequest, Json
from tandem.messenger.contacts import counting
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.domain import Applies


def show(call: Call) -> Any:
    """The switches, and what holds."""
    return _shown(counting.applies(call.account_id, **_place(call)))


def change(call: Call) -> Any:
    """Switch what the body names."""
    place, body = _place(call), call.json()
    if not isinstance(body, dict) or not body.keys() & {"opens", "clicks"}:
        raise BadRequest("The body names neither opens nor clicks.", "Give one of them, true or false.")
    return _shown(
        counting.change(
            call.account_id, opens=_flag(body, "opens"), clicks=_flag(body, "clicks"), actor=call.user_name,
            clock=call.clock, **place,
        )
    )  # fmt: skip


def _place(call: Call) -> dict[str, int]:
    """Of whom the path speaks. Raises UnknownList, UnknownContact."""
    if "listId" not in call.path:
        return {}
    list_id = call.number("listId")
    if "originalId" in call.path:
        return {"contact_id": contacts.get_contact(call.account_id, list_id, call.original_id).id}
    return {"list_id": contacts.get_list(call.account_id, list_id).id}


def _flag(body: Json, name: str) -> bool | None:
    said = body.get(name)
    if said is not None and not isinstance(said, bool):
        raise BadRequest(f"{name} must be true or false.")
    return said


def _shown(applies: Applies) -> Json:
    return {
        "opens": applies.own.opens,
        "clicks": applies.own.clicks,
        "counted": {"opens": applies.counted.opens, "clicks": applies.counted.clicks},
        "offBy": {name: list(applies.off_by(name)) for name in ("opens", "clicks")},
    }


_EXAMPLE = '{"opens":true,"clicks":true,"counted":{"opens":false,"clicks":true},"offBy":{"opens":["list"],"clicks":[]}}'
_BODY = (
    Param(name="opens", kind=Kind.FLAG, default="as it is", meaning="A picture in each email."),
    Param(name="clicks", kind=Kind.FLAG, default="as it is", meaning="Links lead through this server."),
)
_PLACES = (
    ("counting", "the account"),
    ("lists/{listId}/counting", "a list"),
    ("lists/{listId}/contacts/{originalId}/counting", "a contact"),
)
ENDPOINTS = tuple(
    one
    for path, whose in _PLACES
    for one in (
        get(
            path, show, sure=Sure.OURS, example=_EXAMPLE,
            meaning=f"The switches of {whose}; what is counted by all switches together, and which are off.",
        ),
        post(
            path, change, *_BODY, sure=Sure.OURS, example=_EXAMPLE,
            meaning=f"Switch openings and clicks of {whose}, for messages made from now on.",
        ),
    )
)  # fmt: skip
