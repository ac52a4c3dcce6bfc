"""The event hub over HTTP: events from the shop, worked off in the order of their arrival."""

from typing import Any

from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Kind, Param, Sure, post
from tandem.messenger.eventhub import service as hub


def receive_event(call: Call) -> Any:
    """Take one event: make or change a contact, or send a trigger's message, as its selector is mapped."""
    view = hub.receive(call.account_id, call.json(), clock=call.clock)
    return {"id": view.id, "status": view.state.value.upper(), "message": view.words}


ENDPOINTS = (
    post(
        "eventhub/events",
        receive_event,
        Param(name="Type", kind=Kind.TEXT, required=True, meaning="As GENERIC_USER."),
        Param(
            name="MappingSelector",
            kind=Kind.TEXT,
            default="Type",
            meaning="What the account's mapping names.",
        ),
        Param(name="EventId", kind=Kind.TEXT, meaning="The sender's own; an event is worked off once."),
        Param(name="OriginalId", kind=Kind.TEXT, meaning="The contact. Its other fields as in a contact."),
        Param(name="Properties", kind=Kind.TEXTS, meaning="Attributes by name, or the message's own values."),
        sure=Sure.OURS,
        example='{"id": 17, "status": "DONE", "message": "CreateUser: saved in list 3."}',
        meaning=(
            "Type and MappingSelector are the vendor's; the address, the other fields and the answer are our choice. "
            "status is DONE, KEPT (the selector is mapped to nothing) or FAILED; all three are 200 and shown."
        ),
    ),
)
