"""Exports of statistics, and batches: how far an import or an export is."""

from typing import Any

from tandem.messenger.api.rest import bulk, wire
from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Kind, Param, Sure, get, post
from tandem.messenger.api.rest.wire import BadRequest
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.errors import UnknownBatch
from tandem.messenger.exports import service as exports


def start_export(call: Call) -> Any:
    """Ask for an export."""
    body = call.json()
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    view = exports.start_export(
        call.account_id, str(body.get("exportType")), str(body.get("period")), clock=call.clock
    )
    return {"batchId": str(view.id)}


def get_batch(call: Call) -> Any:
    """How far an import or an export is."""
    try:
        return wire.batch(contacts.get_batch(call.account_id, call.number("batchId")), call.account_id)
    except UnknownBatch:
        return bulk.export(exports.get_export(call.account_id, call.number("batchId")), call.account_id)


def result_url(call: Call) -> Any:
    """Where the result of an export lies."""
    return {"url": exports.result_url(call.account_id, call.number("batchId"), clock=call.clock)}


ENDPOINTS = (
    post(
        "batches/exports/statistics", start_export,
        Param(name="exportType", kind=Kind.TEXT, required=True,
              meaning="LISTS, CAMPAIGNS, MESSAGES, OPENS, SENT, CLICKS, PROJECTS, HARD_BOUNCES, SOFT_BOUNCES or "
              "OPTOUTS; OPENED is the same as OPENS."),
        Param(name="period", kind=Kind.TEXT, required=True,
              meaning="TODAY (since midnight in the account's zone), LAST_DAY, LAST_3_DAYS, LAST_WEEK or LAST_2_WEEKS "
              "(whole days of 24 hours up to now)."),
        sure=Sure.DOCUMENTED, meaning="An export of what happened; LISTS, CAMPAIGNS and PROJECTS are all there are.",
        example='{"batchId":"101111"}',
        differs="Records are our choice: the objects of this API, and the fields of webhooks for events. A hard bounce "
        "is a message that the next hop refused, a soft one a message given up after days of refusals for now. "
        "OPENS and CLICKS are those of people, bots left out; a click has its linkTarget.",
    ),
    get(
        "batches/{batchId}", get_batch, meaning="How far an import or an export is; ends with FINISHED or ERROR.",
        example='{"id":101111,"type":"LIST_IMPORT","customerId":5004,"startTime":1394636797030,'
        '"endTime":1394636799710,"affected":500,"processed":500,"total":501,"status":"FINISHED"}',
    ),
    get(
        "batches/{batchId}/result/url", result_url, sure=Sure.DOCUMENTED,
        meaning="A link to the result of an export, `<id>_result.json`: it needs no sign-in, counts for an hour and "
        "can be asked for during a week. The records are read when it is followed, so nobody is in it who was "
        "forgotten.",
        example='{"url":"https://host/results/5004/101111_result.json?expires=1764000000&signature=ab12"}',
    ),
)  # fmt: skip
