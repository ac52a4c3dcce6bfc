"""Messages: sent to one contact, and read back by trigger, list and contact."""

from datetime import UTC, datetime
from typing import Any

from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem
from tandem.messenger.api.rest import wire_messages as wire
from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Kind, Param, get, post
from tandem.messenger.contacts.errors import UnknownContact
from tandem.messenger.messages import service as messages

KEY_HEADER = "Idempotency-Key"
_LAST_MS = 4_102_444_800_000


def send_message(call: Call) -> Any:
    """Send a trigger's message to one contact."""
    trigger_id, key, wanted = call.number("triggerId"), call.request.headers.get(KEY_HEADER, ""), None
    try:
        wanted = wire.read_wanted(call.json(), call.account_id)
        done = messages.send(call.account_id, trigger_id, wanted, key=key, clock=call.clock)
    except Problem as problem:
        of = wanted.original_id if wanted else None
        messages.tell_refused(call.account_id, trigger_id, of, problem, clock=call.clock)
        raise
    failpoint("m19")
    return {"message": done.words, "id": done.message_id}


def messages_of_trigger(call: Call) -> Any:
    """Messages of a trigger."""
    found = messages.messages_of_trigger(call.account_id, call.number("triggerId"), **_chosen(call))
    return [wire.message(view) for view in found]


def messages_of_list(call: Call) -> Any:
    """Messages to contacts of a list."""
    found = messages.messages_of_list(call.account_id, call.number("listId"), **_chosen(call))
    return [wire.message(view) for view in found]


def messages_of_contact(call: Call) -> Any:
    """Messages to one contact; an id with `+` may have been meant with a blank."""
    list_id, original_id, chosen = call.number("listId"), call.original_id, _chosen(call)
    try:
        found = messages.messages_of_contact(call.account_id, list_id, original_id, **chosen)
    except UnknownContact:
        if "+" not in original_id:
            raise
        blank = original_id.replace("+", " ")
        found = messages.messages_of_contact(call.account_id, list_id, blank, **chosen)
    return [wire.message(view) for view in found]


def last_bounce(call: Call) -> Any:
    """The last mail to a contact that was refused or came back."""
    return wire.bounce(messages.last_bounce(call.account_id, call.number("listId"), call.number("contactId")))


def message_count(call: Call) -> Any:
    """How many messages left for a contact."""
    list_id, contact_id = call.number("listId"), call.number("contactId")
    return wire.counts(messages.message_counts(call.account_id, list_id, contact_id, call.path["channel"]))


def _chosen(call: Call) -> dict[str, Any]:
    start = call.integer("startDate", 0)
    limit = call.integer("noOfMessages", 100)
    return {
        "since": datetime.fromtimestamp(start / 1000, UTC) if 0 < start < _LAST_MS else None,
        "limit": limit if limit > 0 else 100,
        "clock": call.clock,
    }


_MESSAGE = (
    '{"id":71,"contactId":12,"deliveryId":336858,"read":false,"readTimestamp":0,"sentTimestamp":1441374310577,'
    '"openInBrowserUrl":"https://host/v/3q2-7w..","actions":{"opened":false,"recieved":true,"clicked":false,'
    '"converted":false,"softBounce":false,"hardBounce":false,"unsubscribed":false,"complaint":false},"type":"EMAIL",'
    '"module":"TRIGGER","name":"Welcome","archived":false,"state":"accepted","reason":""}'
)
_CHOICE = (
    Param(name="noOfMessages", default="100", meaning="At most so many."),
    Param(name="startDate", kind=Kind.MOMENT, meaning="None before this moment; its name is our choice."),
    Param(
        name="nostat",
        kind=Kind.FLAG,
        default="false",
        meaning="Addresses that do not count as opens; none do.",
    ),
)
_READ = (
    "Newest first; nothing before it is due. What did not leave has sentTimestamp 0 and says why in `reason`."
)
_NOT_COUNTED = "Opens, clicks, conversions and complaints are not counted here, so they are false."

ENDPOINTS = (
    post(
        "triggers/{triggerId}/messages", send_message,
        Param(name="originalId", kind=Kind.TEXT, required=True, meaning="A contact of the trigger's list, else 404."),
        Param(name="customerId", default="this account", meaning="0 is as if absent; another account's is refused."),
        Param(name="deliveryTime", kind=Kind.TEXT, default="now",
              meaning="Such as `2026-02-09T11:00:00+0100`; `+01:00` and `Z` will do; what is past is now."),
        Param(name="properties", kind=Kind.TEXTS,
              meaning="Of this message: over `{{contact.x}}`, and as `{{trigger.x}}` and `{{message.x}}`."),
        Param(name="saveProps", kind=Kind.FLAG, default="false", meaning="Keep them on the contact too."),
        Param(name="forceCreateMissingProperties", kind=Kind.FLAG, default="false",
              meaning="Make attributes that are missing; without it an unknown name fails the call."),
        Param(name="optOut", kind=Kind.FLAG, default="false",
              meaning="First unsubscribe the contact from this channel; a trigger with ignoreOptOut still sends."),
        Param(name="campaignId", default="the active version", meaning="This version of the trigger instead."),
        meaning="Send a message to one contact, at once or at a time. If the contact may not be sent to, the answer is "
        "200, the message is recorded as suppressed, and `message` says so.",
        example='{"message":"Accepted. The message leaves now.","id":71}',
        differs="With the header Idempotency-Key the same body within 24 hours is answered the same, and nothing is "
        "sent twice; another body under the key is 422. A message that could not leave for 24 hours is missed.",
    ),
    get("triggers/{triggerId}/messages", messages_of_trigger, *_CHOICE, meaning=f"Messages of a trigger. {_READ}",
        example=f"[{_MESSAGE}]", differs=_NOT_COUNTED),
    get("lists/{listId}/messages", messages_of_list, *_CHOICE, meaning=f"Messages to contacts of a list. {_READ}",
        example=f"[{_MESSAGE}]", differs=_NOT_COUNTED),
    get("lists/{listId}/contacts/{originalId}/messages", messages_of_contact, *_CHOICE,
        meaning=f"Messages to one contact. {_READ}", example=f"[{_MESSAGE}]", differs=_NOT_COUNTED),
    get("lists/{listId}/contacts/{contactId}/lastbounce", last_bounce,
        meaning="The last mail to a contact, named by its internal id, that was refused or came back; all null if "
        "there is none.",
        differs="bounceType is HARD, SOFT or BLOCKED: what was refused for reasons of the sender or of the way. "
        "Addresses in diagnoses are blacked out.",
        example='{"messageId":"71","bounceType":"HARD","recipient":"a@example.com","mta":null,"vmta":null,'
        '"bncCat":"bad-mailbox","dsnStatus":"5.1.1","dsnMta":null,"dsnDiagnosis":"550 5.1.1 no such user",'
        '"dsnStatusCode":"5.1.1","senderAddress":null,"bounceDate":1441374310577,"domain":"example.com","remoteMta":null}'),
    get("lists/{listId}/contacts/{contactId}/messagecount/{channel}", message_count,
        meaning="How many messages left for a contact, named by its internal id; channel is email or sms.",
        example='{"normal":3,"trigger":1,"auto":0,"total":4}'),
)  # fmt: skip
