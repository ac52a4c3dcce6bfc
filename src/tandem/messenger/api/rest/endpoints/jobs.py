"""Generation jobs: one message to the recipients that a file names."""

from typing import Any

from tandem.messenger.api.rest import bulk
from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Kind, Param, Sure, get, post
from tandem.messenger.api.rest.wire import BadRequest
from tandem.messenger.api.rest.wire_messages import delivery_time
from tandem.messenger.jobs import service as jobs
from tandem.messenger.jobs.domain import JobKind

LARGEST_ID = 10**17


def create_job(call: Call) -> Any:
    """A job that waits for its recipients."""
    body = call.json()
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    kind = body.get("type")
    if kind not in list(JobKind):
        raise BadRequest("The job's type is missing or unknown.", f"Use one of {', '.join(JobKind)}.")
    list_id = None if body.get("listId") is None else _id(body["listId"], "listId")
    view = jobs.create_job(
        call.account_id,
        JobKind(kind),
        _id(body.get("id"), "id"),
        list_id=list_id,
        deliver_at=delivery_time(body.get("deliveryTime")),
        clock=call.clock,
    )
    return bulk.job(view)


def get_job(call: Call) -> Any:
    """How far a job is."""
    return bulk.job(jobs.get_job(call.account_id, call.number("jobId")))


def upload_recipients(call: Call) -> Any:
    """The recipients of a job, once."""
    view = jobs.upload(
        call.account_id, call.number("jobId"), call.blocks(), encoding=call.charset, clock=call.clock
    )
    return bulk.job(view)


def _id(value: object, name: str) -> int:
    """An id as a number, or as a text of digits."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not text.isascii() or not text.isdigit() or not 0 < len(text) < 18:
        raise BadRequest(f"The {name} must be a whole number.")
    return int(text)


def _example(*words: str) -> str:
    feedback = ",".join(
        f'{{"feedback":"{word}","severity":"SEVERITY_INFO","timestamp":1441374310577}}' for word in words
    )
    uploaded = "true" if "CONTENT_UPLOADED" in words else "false"
    return (
        f'{{"id":7202,"campaignId":336858,"listId":22265,"contentUploaded":{uploaded},"feedback":[{feedback}],'
        '"type":"TRIGGER","triggerId":234,"deliveryTime":0,"recipients":0,"sendingId":0}'
    )


ENDPOINTS = (
    post(
        "jobs/generation/fixed", create_job,
        Param(name="type", kind=Kind.TEXT, required=True, meaning="TRIGGER or CAMPAIGN."),
        Param(name="id", required=True, meaning="The trigger, or the activated campaign (version)."),
        Param(name="listId", meaning="For CAMPAIGN: the list, of type 1. A trigger has its own."),
        Param(name="deliveryTime", kind=Kind.TEXT, default="when the upload is complete",
              meaning="When it is sent, as 2026-02-09T11:00:00+0100; up to an hour late, never later."),
        sure=Sure.DOCUMENTED, example=_example("WAITING_FOR_CONTENT"),
        meaning="A job that waits for its recipients. The version it will send is frozen now.",
        differs="deliveryTime and what follows the feedback are ours.",
    ),
    get("jobs/generation/fixed/{jobId}", get_job, sure=Sure.OURS,
        meaning="How far it is. DONE: its messages are in the ledger and leave at their time. ERROR: nobody is sent "
        "anything. A warning is a sentence.",
        example=_example("WAITING_FOR_CONTENT", "CONTENT_UPLOADED", "GENERATION_STARTED", "DONE")),
    post("jobs/generation/fixed/{jobId}/recipients/automapping", upload_recipients, takes="text/csv",
         sure=Sure.DOCUMENTED, example=_example("WAITING_FOR_CONTENT", "CONTENT_UPLOADED"),
         meaning="The recipients: separated by tabs, attributes in the first line by their fileHeaders, no quotes, "
         "lines ended by LF, CR or both, at most 2 GB, UTF-8 unless the content type's charset says ISO-8859-1. The "
         "rows are imported into the list as by ADD, and exactly they are sent to, each customer once. A row that "
         "cannot be read is left out, and a warning says so.",
         differs="An originalId that the list does not know becomes a contact and is sent to, with a warning: the "
         "vendor says that a job updates the list with the rows and then sends to exactly those. That such a row is "
         "left out is another reading, which is not taken. A second upload to a job is refused with 409, also when "
         "the answer to the first was lost. A first line that cannot be read is refused with 400, and the job goes on "
         "waiting."),
)  # fmt: skip
