"""Every call of the messenger's contract: how it is called and what it answers. No framework, no code behind it.

The messenger's own table (its handlers) must know each of them; a test compares the two.
"""

from dataclasses import dataclass

from tandem.contract.shapes import Shape, shape

MODES = ("all", "bounced", "unsubscribed")
_C = "lists/{listId}/contacts"
_STAT = (
    "statDtos:{sent:number? opened:number? clicked:number? unsubscribed:number? notBounced:number? "
    "softBounced:number? hardBounced:number? complaints:number? nonDeliverable:number?}|null?"
)
_VERSION = (
    "campaignId:id campaignName:text|null? campaignTypeId:id|null? active:flag|null? locked:flag|null? "
    f"dateCreated:ms|null? dateModified:ms|null? lastActivated:ms|null? {_STAT}"
)
_TRIGGER = (
    "id:id type:id|null? projectId:id name:text description:text|null? listId:id|null dateCreated:ms|null? "
    "dateModified:ms|null? channelTypeId:id activeCampaign:id|null ignoreOptOut:flag|null? active:flag "
    f"campaignVersions:[{_VERSION}]|null?"
)
_LIST = (
    "id:id listTypeId:id|null? name:text description:text|null? lastImportTime:ms|null? contacts:number|null?"
)
_CONTACT = (
    "id:id listId:id|null? originalId:text emailAddress:text|null mobileNumber:text|null firstName:text|null? "
    "lastName:text|null? unsubscribed:flag mobileUnsubscribed:flag bounced:flag mobileBounced:flag|null? "
    "active:flag|null? optOutDate:ms|null? optOutMobileDate:ms|null? dateOfInvalidation:ms|null? "
    "dateCreated:ms|null? dateModified:ms|null? blockedUntil:ms|null? properties:{}|null? namedProperties:{}|null?"
)
_MESSAGE = (
    "id:id contactId:id|null? deliveryId:id|null? read:flag|null? sentTimestamp:ms|null openInBrowserUrl:text|null "
    "actions:{}|null? name:text|null? archived:flag|null?"
)
_BATCH = (
    "id:id type:text|null? customerId:id|null? startTime:ms|null? endTime:ms|null? affected:number|null? "
    "processed:number|null? total:number|null? status:text"
)
_JOB = "id:id campaignId:id listId:id contentUploaded:flag feedback:[feedback:text severity:text timestamp:ms|null?]"
_PREVIEW = (
    "subject:text|null from:text|null html:text|null text:text|null "
    "sms:{text:text encoding:text parts:number}|null missing:[]|null?"
)
_PROPERTY = (
    "id:id propertyTypeId:id|null? name:text description:text|null? dataType:text|null? staticProperty:flag|null? "
    "fileHeaders:[]|null?"
)


@dataclass(frozen=True, kw_only=True)
class WireCall:
    """One call. path: after the customer id, `{name}` stands for a value; asks: names of the query's parameters.

    sends: whether it makes a message; changes: whether it writes. reading: the shape is our reading, the vendor
    publishes none.
    """

    method: str
    path: str
    answer: Shape
    asks: tuple[str, ...] = ()
    changes: bool = False
    sends: bool = False
    reading: bool = False

    @property
    def name(self) -> str:
        """How it is told of."""
        return f"{self.method} /{self.path}"

    @property
    def places(self) -> tuple[str, ...]:
        """Names of the values in its path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


def _read(path: str, answer: str, asks: str = "", *, reading: bool = False) -> WireCall:
    return WireCall(method="GET", path=path, answer=shape(answer), asks=tuple(asks.split()), reading=reading)


def _write(method: str, path: str, answer: str, *, sends: bool = False, reading: bool = False) -> WireCall:
    return WireCall(
        method=method, path=path, answer=shape(answer), changes=True, sends=sends, reading=reading
    )


CALLS: tuple[WireCall, ...] = (
    _read("apiurl", "{serverBaseUrl:text webserviceUrl:text swaggerUrl:text restUrl:text controllerUrl:text}"),
    _read("ping", "{message:text}", reading=True),
    _read("projects", "[id:id name:text description:text|null? dateCreated:ms|null?]", reading=True),
    _read("projects/{projectId}", "{id:id name:text description:text|null?}", reading=True),
    _read("triggers", f"[{_TRIGGER}]", "projectId basic"),
    _read("triggers/{triggerId}", f"{{{_TRIGGER}}}"),
    _read("triggers/{triggerId}/messages", f"[{_MESSAGE}]", "nostat noOfMessages startDate"),
    _read("triggers/{triggerId}/campaigns", f"[{_VERSION}]"),
    _read("triggers/{triggerId}/links", "[id:id name:text|null linkTarget:text tags:[]|null?]"),
    _read("triggers/{triggerId}/tags", "[blockLinkId:id tag:text]"),
    _read("triggers/{triggerId}/campaigns/{campaignId}/preview", f"{{{_PREVIEW}}}", "originalId", reading=True),
    _read("lists", f"[{_LIST}]", "typeId"),
    _read("lists/{listId}", f"{{{_LIST}}}"),
    _read("lists/{listId}/unsubscribeurl", "{url:text}"),
    _read("lists/{listId}/messages", f"[{_MESSAGE}]", "nostat noOfMessages startDate"),
    _read(f"{_C}/all", f"[{_CONTACT}]", "email pageSize channel lastId includeProperties"),
    _read(f"{_C}/unsubscribed", f"[{_CONTACT}]", "pageSize channel lastId includeProperties"),
    _read(f"{_C}/bounced", f"[{_CONTACT}]", "pageSize channel lastId includeProperties"),
    _read(f"{_C}/{{originalId}}", f"{{{_CONTACT}}}"),
    _read(f"{_C}/{{originalId}}/bouncestatus", "{status:text}"),
    _read(f"{_C}/{{originalId}}/subscriptionstatus", "{status:text mobileStatus:text}"),
    _read(f"{_C}/{{originalId}}/messages", f"[{_MESSAGE}]", "startDate"),
    _read(f"{_C}/{{contactId}}/lastbounce", "{bounceType:text|null bncCat:text|null bounceDate:any|null?}"),
    _read(f"{_C}/{{contactId}}/messagecount/email", "{normal:number trigger:number auto:number total:number}"),
    _read(f"{_C}/{{contactId}}/messagecount/sms", "{normal:number trigger:number auto:number total:number}"),
    _read("properties", f"[{_PROPERTY}]"),
    _read("properties/zapier", "[key:text type:text|null required:flag|null label:text|null help_text:text|null?]"),
    _write("POST", "lists/{listId}/imports", "{id:text}"),
    _write("POST", "lists/{listId}/recipients/{importId}", "{batchId:id}"),
    _read("batches/{batchId}", f"{{{_BATCH}}}"),
    _write("POST", "batches/exports/statistics", "{batchId:any}"),
    _read("batches/{exportId}/result/url", "{url:text}", reading=True),
    _write("PUT", f"{_C}/{{originalId}}/update", f"{{{_CONTACT}}}"),
    _write("POST", _C, f"{{{_CONTACT}}}", reading=True),
    _write("POST", "contacts", f"{{{_CONTACT}}}", reading=True),
    _write("POST", "triggers/{triggerId}/messages", "{message:text}", sends=True),
    _write("POST", "jobs/generation/fixed", f"{{{_JOB}}}", sends=True),
    _write("POST", "jobs/generation/fixed/{jobId}/recipients/automapping", f"{{{_JOB}}}", sends=True, reading=True),
    _read("jobs/generation/fixed/{jobId}", f"{{{_JOB}}}", reading=True),
    _write("POST", "batchtrigger/v2", "{uploadUrl:text}", sends=True),
    _write("POST", "journeys/{journeyId}/commence", "{}", sends=True, reading=True),
)  # fmt: skip
BY_NAME = {call.name: call for call in CALLS}
#: fields that hold milliseconds, in lower case
MOMENTS = frozenset({
    "datecreated", "datemodified", "lastactivated", "lastimporttime", "lastupdatetime", "senttimestamp",
    "readtimestamp", "optoutdate", "optoutmobiledate", "optoutaudiodate", "dateofinvalidation", "blockeduntil",
    "starttime", "endtime", "timestamp",
})  # fmt: skip
EXPORTS = (
    "LISTS", "CAMPAIGNS", "MESSAGES", "OPENS", "SENT", "CLICKS", "PROJECTS", "HARD_BOUNCES", "SOFT_BOUNCES", "OPTOUTS",
)  # fmt: skip
#: words of fields that are numbers or other words in the contract: field -> what a server may say -> what is meant
WORDS: dict[str, dict[str, int | str]] = {
    "channelTypeId": {"EMAIL": 1, "MAIL": 1, "SMS": 2, "PUSH": 3, "MIXED": 4},
    "status": {
        "COMPLETED": "FINISHED", "COMPLETE": "FINISHED", "DONE": "FINISHED", "SUCCESS": "FINISHED",
        "FAILED": "ERROR", "FAILURE": "ERROR", "RUNNING": "IN_PROGRESS", "PROCESSING": "IN_PROGRESS",
        "QUEUED": "PENDING", "WAITING": "PENDING",
    },
}  # fmt: skip
BATCH_WORDS = ("PENDING", "IN_PROGRESS", "FINISHED", "ERROR")
