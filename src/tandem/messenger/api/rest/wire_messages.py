"""DTOs of messages, in the vendor's spelling (its errors too), and the reading of a SendTriggerDto."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tandem.messenger.api.rest.wire import BadRequest, Json, ms
from tandem.messenger.contacts.domain import PropertyView
from tandem.messenger.delivery.domain import SINGLE_KINDS, AttemptState
from tandem.messenger.engagement.domain import Kind
from tandem.messenger.messages.domain import Bounce, MessageCounts, MessageView, VersionNumbers, Wanted
from tandem.messenger.projects.domain import LinkView

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(Z|[+-]\d\d:?\d\d)")
_TYPES = {"INTEGER": "integer", "BIGINT": "integer", "DATETIME": "datetime"}
#: a BounceDto as the vendor's relay fills it; what we do not know is null
_BOUNCE = (
    "messageId", "bounceType", "recipient", "mta", "vmta", "bncCat", "dsnStatus", "dsnMta", "dsnDiagnosis",
    "dsnStatusCode", "senderAddress", "bounceDate", "domain", "remoteMta",
)  # fmt: skip
_STAT_ZEROS = (
    "source", "deliveryTypeId", "openedInBrower", "shareTarget", "mailClick", "conversions",
)  # fmt: skip


def read_wanted(body: object, account_id: int) -> Wanted:
    """What a SendTriggerDto asks for; nulls, empty texts and unknown fields are as if absent. Raises BadRequest."""
    if not isinstance(body, dict):
        raise BadRequest("The body must be one message, a JSON object.")
    given = {str(name).lower(): value for name, value in body.items() if value is not None}
    if _number(given, "customerid") not in (0, account_id):
        raise BadRequest("customerId is another account's.", "Leave it out, or send the one of the address.")
    return Wanted(
        original_id=_original_id(given),
        due_at=delivery_time(given.get("deliverytime", "")),
        properties=_properties(given),
        save_properties=_flag(given, "saveprops"),
        create_missing=_flag(given, "forcecreatemissingproperties"),
        opt_out=_flag(given, "optout"),
        version_id=_number(given, "campaignid") or None,
    )


def _original_id(given: Mapping[str, Any]) -> str:
    said = given.get("originalid", "")
    text = str(said) if isinstance(said, int) and not isinstance(said, bool) else said
    if not isinstance(text, str) or not text or "\0" in text:
        raise BadRequest("The message has no originalId.", "Give the contact's id as a text.")
    return text


def _number(given: Mapping[str, Any], name: str) -> int:
    said = given.get(name, 0)
    if isinstance(said, str) and re.fullmatch(r"[0-9]{0,17}", said):
        said = int(said or 0)
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said < 10**17:
        raise BadRequest(f"{name} must be a whole number.")
    return said


def _flag(given: Mapping[str, Any], name: str) -> bool:
    said = given.get(name, False)
    if not isinstance(said, bool):
        raise BadRequest(f"{name} must be true or false.")
    return said


def delivery_time(said: object) -> datetime | None:
    """A deliveryTime with its offset, as 2026-02-09T11:00:00+0100; None if there is none. Raises BadRequest."""
    if said is None or said == "":
        return None
    found = _TIME.fullmatch(said) if isinstance(said, str) and said.isascii() else None
    try:
        if found is None:
            raise ValueError
        return datetime.fromisoformat(found[1] + found[2]).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(
            "deliveryTime cannot be read.", "Write it as 2026-02-09T11:00:00+0100, +01:00 or Z."
        ) from None


def _properties(given: Mapping[str, Any]) -> dict[str, str]:
    said = given.get("properties", {})
    if not isinstance(said, dict):
        raise BadRequest("properties must be an object of texts.")
    return {_name(name): _value(name, value) for name, value in said.items()}


def _name(name: str) -> str:
    if not name.strip() or not name.isprintable() or len(name) > 100:
        raise BadRequest("A property has a name that cannot be one.", "Use letters, digits, _ and -.")
    return name


def _value(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | dict | list):
        raise BadRequest(f"The property {name!r} must be a text.")
    return str(value).replace("\0", "")


def message(view: MessageView) -> Json:
    """ContactMessageDto; state and reason are our own. A message was read when a person first opened it."""
    opened_at, clicked_at = view.reaction.opened_at, view.reaction.clicked_at
    left_at = ms(view.done_at) if view.state in (AttemptState.ACCEPTED, AttemptState.UNCERTAIN) else 0
    return {
        "id": view.id,
        "contactId": view.contact_id or 0,
        "deliveryId": view.version_id,
        "read": opened_at is not None,
        "readTimestamp": ms(opened_at),
        "sentTimestamp": left_at,
        "openInBrowserUrl": view.url,
        "actions": {
            "opened": opened_at is not None,
            "recieved": view.state is AttemptState.ACCEPTED,
            "clicked": clicked_at is not None,
            "converted": False,
            "softBounce": view.state is AttemptState.DEFERRED or Kind.BOUNCED_SOFT in view.events,
            "hardBounce": view.state is AttemptState.REJECTED or Kind.BOUNCED_HARD in view.events,
            "unsubscribed": view.unsubscribed,
            "complaint": Kind.COMPLAINED in view.events,
        },
        "type": "SMS" if view.channel == "sms" else "EMAIL",
        "module": "TRIGGER" if view.kind in SINGLE_KINDS else "CAMPAIGN",
        "name": view.trigger_name,
        "archived": False,
        "state": view.state.words,
        "reason": view.reason,
    }


def stat(numbers: VersionNumbers | None, version_id: int, project_id: int) -> Json | None:
    """StatDto; null for a version of which nothing was sent."""
    if numbers is None:
        return None
    return {
        "id": version_id,
        "deliveryId": version_id,
        "projectId": project_id,
        **dict.fromkeys(_STAT_ZEROS, 0),
        "recipients": numbers.recipients,
        "sent": numbers.sent,
        "opened": numbers.opened,
        "clicked": numbers.clicked,
        "uniqueClick": numbers.clicked,
        "complaints": numbers.complaints,
        "nonDeliverable": numbers.rejected,
        "unsubscribed": numbers.unsubscribed,
        "notBounced": numbers.accepted + numbers.uncertain,
        "softBounced": numbers.deferred,
        "hardBounced": numbers.rejected,
        "amount": 0.0,
    }


def link(view: LinkView) -> Json:
    """A link of a version."""
    return {"id": view.id, "name": view.name, "linkTarget": view.target, "tags": list(view.tags)}


def link_tags(view: LinkView) -> list[Json]:
    """Its tags, one object each."""
    return [{"blockLinkId": view.id, "tag": tag} for tag in view.tags]


def bounce(view: Bounce | None) -> Json:
    """BounceDto; every field null when nothing bounced."""
    dto: Json = dict.fromkeys(_BOUNCE)
    if view is not None:
        dto |= {
            "messageId": str(view.message_id),
            "bounceType": view.kind.upper(),
            "recipient": view.recipient,
            "bncCat": view.category,
            "dsnStatus": view.code,
            "dsnDiagnosis": view.words,
            "dsnStatusCode": view.code,
            "bounceDate": ms(view.at),
            "mta": view.mta or None,
            "dsnMta": view.mta or None,
            "remoteMta": view.remote_mta or None,
            "domain": view.recipient.rpartition("@")[2],
        }
    return dto


def counts(view: MessageCounts) -> Json:
    """Messages by how they were made."""
    return {"normal": view.normal, "trigger": view.trigger, "auto": 0, "total": view.total}


def zapier_property(view: PropertyView) -> Json:
    """A field of a form that asks for an attribute."""
    return {
        "key": view.name,
        "type": _TYPES.get(view.data_type, "string"),
        "required": view.name == "originalId",
        "label": view.name,
        "help_text": view.description,
    }
