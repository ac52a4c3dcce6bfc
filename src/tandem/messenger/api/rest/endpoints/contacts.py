"""Contacts of a list, by the ids that the shop gives them."""

from dataclasses import replace
from typing import Any

from tandem.messenger.api.rest import wire
from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.contact_lines import contact_line
from tandem.messenger.api.rest.endpoint import Endpoint, Kind, Param, Sure, get, post
from tandem.messenger.api.rest.wire import BadRequest
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.domain import ContactView
from tandem.messenger.contacts.errors import UnknownContact
from tandem.messenger.contacts.proofs import Door, Proof
from tandem.messenger.messages import service as messages


def page_contacts(call: Call) -> Any:
    """A page of contacts by ascending internal id."""
    with_properties = call.flag("includeProperties", default=True)
    found = contacts.page_contacts(
        call.account_id,
        call.number("listId"),
        mode=call.path["mode"],
        channel=call.text("channel", "MIXED"),
        email=call.text("email"),
        last_id=call.integer("lastId", -1),
        size=call.integer("pageSize", 1000),
        with_properties=with_properties,
    )
    names = contacts.property_names(call.account_id) if with_properties else {}
    list_id = call.number("listId")
    return [contact_line(line, list_id, names) for line in found]


def get_contact(call: Call) -> Any:
    """One contact."""
    return wire.contact(_found(call))


def create_contact(call: Call) -> Any:
    """Make or change the contact whose originalId is in the body."""
    return _created(call, call.json())


def _created(call: Call, body: Any) -> Any:
    original_id = (
        next((v for k, v in body.items() if k.lower() == "originalid"), "") if isinstance(body, dict) else ""
    )
    if not isinstance(original_id, str) or not original_id:
        raise BadRequest("The contact has no originalId.", "Give it as a text.")
    return _saved(call, body, original_id, force=True, may_subscribe=False)


def create_contact_by_list(call: Call) -> Any:
    """The same with the list's id in the body."""
    body = call.json()
    said = (
        next((v for k, v in body.items() if k.lower() == "listid"), None) if isinstance(body, dict) else None
    )
    text = str(said) if not isinstance(said, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise BadRequest("The contact has no listId.", "Give the id of its list as a whole number.")
    return _created(replace(call, path={**call.path, "listId": text}), body)


def update_contact(call: Call) -> Any:
    """Change a contact; force=true makes it if needed and applies subscription flags."""
    force = call.flag("force", default=False)
    original_id = call.original_id
    if not force:
        original_id = _found(call).original_id
    return _saved(call, call.json(), original_id, force=force)


def bounce_status(call: Call) -> Any:
    """NONE, SOFT or HARD."""
    view = _found(call)
    return {"status": messages.bounce_status(call.account_id, view.list_id, view.original_id)}


def subscription_status(call: Call) -> Any:
    """Consent by channel."""
    view = _found(call)
    words = {True: "UNSUBSCRIBED", False: "SUBSCRIBED"}
    return {"status": words[view.unsubscribed], "mobileStatus": words[view.mobile_unsubscribed]}


def _found(call: Call) -> ContactView:
    """By the decoded id; then with `+` read as a blank, as some clients write it."""
    list_id, original_id = call.number("listId"), call.original_id
    try:
        return contacts.get_contact(call.account_id, list_id, original_id)
    except UnknownContact:
        if "+" not in original_id:
            raise
    return contacts.get_contact(call.account_id, list_id, original_id.replace("+", " "))


def _saved(call: Call, body: Any, original_id: str, *, force: bool, may_subscribe: bool | None = None) -> Any:
    names = {
        str(view.id): view.name for view in contacts.list_properties(call.account_id) if not view.is_static
    }
    changes = wire.read_changes(body, names)
    if force and "+" in original_id:
        original_id = _written(call, original_id)
    view = contacts.save_contact(
        call.account_id,
        call.number("listId"),
        original_id,
        changes,
        force=force,
        may_subscribe=may_subscribe,
        source="REST API",
        proof=Proof(door=Door.API, actor=call.user_name, detail="force=true" if force else ""),
        clock=call.clock,
    )
    return wire.contact(view)


def _written(call: Call, original_id: str) -> str:
    """The id of an existing contact that a `+` may have been meant for, else the id as decoded."""
    for meant in (original_id, original_id.replace("+", " ")):
        try:
            return contacts.get_contact(call.account_id, call.number("listId"), meant).original_id
        except UnknownContact:
            continue
    return original_id


_FORCE = Param(
    name="force",
    kind=Kind.FLAG,
    default="false",
    meaning="Make the contact if it is new, and apply subscription flags.",
)

ENDPOINTS = (
    get(
        "lists/{listId}/contacts/{mode}", page_contacts,
        Param(name="lastId", default="-1", meaning="The internal id after which to go on."),
        Param(name="pageSize", default="1000", meaning="At most so many."),
        Param(name="channel", kind=Kind.TEXT, default="MIXED", meaning="MIXED, EMAIL or MOBILE."),
        Param(name="email", kind=Kind.TEXT, meaning="Those of one address."),
        Param(name="includeProperties", kind=Kind.FLAG, default="true", meaning="With their attributes."),
        meaning="A page of contacts by ascending internal id; mode is all, bounced or unsubscribed.",
    ),
    post("lists/{listId}/contacts", create_contact, sure=Sure.DOCUMENTED,
         meaning="Make or change the contact whose originalId is in the body.",
         differs="It never resubscribes."),
    post("contacts", create_contact_by_list, sure=Sure.NAMED,
         meaning="The same with the list's id in the body, as `listId`."),
    get("lists/{listId}/contacts/{originalId}", get_contact, meaning="One contact; 404 if there is none.",
        differs="A client that writes a blank as `+` is understood."),
    Endpoint(method="PUT", path="lists/{listId}/contacts/{originalId}/update", answer=update_contact, query=(_FORCE,),
             meaning="Change a contact; what the body leaves out stays.",
             differs="Without force nobody is resubscribed; an opt-out newer than the body's dateModified stays."),
    get("lists/{listId}/contacts/{originalId}/bouncestatus", bounce_status,
        meaning="NONE, SOFT or HARD: whether mail reaches the contact.",
        differs="SOFT: the last mail came back, not for good. HARD: no mail is sent any more.",
        example='{"status":"NONE"}'),
    get("lists/{listId}/contacts/{originalId}/subscriptionstatus", subscription_status, meaning="Consent by channel.",
        example='{"status":"SUBSCRIBED","mobileStatus":"UNSUBSCRIBED"}'),
)  # fmt: skip
