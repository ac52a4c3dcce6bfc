"""Imports of contacts: declared, then the file."""

from typing import Any

from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Kind, Param, post
from tandem.messenger.api.rest.wire import BadRequest
from tandem.messenger.contacts import service as contacts


def start_import(call: Call) -> Any:
    """Declare an import."""
    body = call.json()
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    import_id = contacts.start_import(
        call.account_id,
        call.number("listId"),
        delimiter=str(body.get("delimiter") or "9"),
        encoding=str(body.get("encoding") or "UTF8"),
        kind=str(body.get("type") or "ADD"),
        identity_column=str(body.get("identityColumn") or "originalId"),
        actor=call.user_name,
        clock=call.clock,
    )
    return {"id": import_id}


def upload(call: Call) -> Any:
    """The file of an import."""
    batch = contacts.upload(
        call.account_id, call.number("listId"), call.path["importId"], call.blocks(), clock=call.clock
    )
    return {"batchId": batch.id}


ENDPOINTS = (
    post(
        "lists/{listId}/imports", start_import,
        Param(name="delimiter", kind=Kind.TEXT, default="9", meaning="The separator's ASCII code: 9 a tab, 124 a bar."),
        Param(name="encoding", kind=Kind.TEXT, default="UTF8", meaning="UTF8, UTF-8 or ISO-8859-1."),
        Param(name="type", kind=Kind.TEXT, default="ADD",
              meaning="ADD changes rows; REPLACE makes those not in the file inactive; UNSUBSCRIBE unsubscribes them."),
        Param(name="identityColumn", kind=Kind.TEXT, default="originalId", meaning="The column that says who."),
        meaning="Declare an import. While another of the list runs it is refused with 429 and Retry-After.",
        example='{"id":"bd48b5cc-b118-4062-8d06-09efa765592b"}',
    ),
    post("lists/{listId}/recipients/{importId}", upload, takes="text/csv", meaning="The file of an import, as it is.",
         example='{"batchId":101111}'),
)  # fmt: skip
