"""Lists of contacts, and the attributes contacts have."""

from typing import Any

from tandem.messenger.api.rest import wire, wire_messages
from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Param, get
from tandem.messenger.contacts import service as contacts
from tandem.messenger.messages import service as messages


def list_lists(call: Call) -> Any:
    """Lists: typeId 1 normal (the default), 2 test."""
    return [
        wire.contact_list(view) for view in contacts.list_lists(call.account_id, call.integer("typeId", 1))
    ]


def get_list(call: Call) -> Any:
    """One list."""
    return wire.contact_list(contacts.get_list(call.account_id, call.number("listId")))


def unsubscribe_url(call: Call) -> Any:
    """Where a list says how one leaves it."""
    return {"url": messages.unsubscribe_url(call.account_id, call.number("listId"))}


def list_zapier_properties(call: Call) -> Any:
    """Recipient attributes as fields of a form."""
    return [wire_messages.zapier_property(view) for view in contacts.list_properties(call.account_id)]


def list_properties(call: Call) -> Any:
    """Recipient attributes."""
    return [wire.recipient_property(view) for view in contacts.list_properties(call.account_id)]


ENDPOINTS = (
    get(
        "lists", list_lists, Param(name="typeId", default="1", meaning="1 normal, 2 test."), meaning="Lists."
    ),
    get("lists/{listId}", get_list, meaning="One list, with how many contacts it holds by state."),
    get(
        "lists/{listId}/unsubscribeurl",
        unsubscribe_url,
        meaning="A page that says how one leaves the list: each message has its own link, so this one names nobody.",
        example='{"url":"https://host/l/3q2-7w.."}',
    ),
    get(
        "properties/zapier",
        list_zapier_properties,
        meaning="Recipient attributes as fields of a form.",
        example='[{"key":"originalId","type":"string","required":true,"label":"originalId","help_text":""}]',
    ),
    get("properties", list_properties, meaning="Recipient attributes, the default ones included."),
)
