"""The notice that a campaign is ready (event 13) and its siblings; keys are read without regard to case."""

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from tandem.contract.reading import ContractBroken, folded, plain_text, whole_number


class EventType(IntEnum):
    """What happened. 1 and 13 name a campaign; 13 may be for one channel; 2 and 3 are about the day."""

    CAMPAIGN_PROCESSED = 1
    DAY_PROCESSED = 2
    DATA_UPDATED = 3
    CAMPAIGN_CANCELLED = 4
    CLEARANCE_REQUIRED = 5
    CUSTOMER_TRIGGERED = 11
    CHANNEL_EXECUTED = 13


#: event types whose registration may name a channel
PER_CHANNEL = frozenset(
    {EventType.CAMPAIGN_PROCESSED, EventType.CUSTOMER_TRIGGERED, EventType.CHANNEL_EXECUTED}
)


@dataclass(frozen=True, kw_only=True)
class CampaignEvent:
    """One event. timestamp: the account's local time, `YYYY-MM-DD HH:MM:SS`; so is clearance_by, of event 5."""

    event_type: int
    timestamp: str
    campaign_id: int | None = None
    channel_id: int | None = None
    clearance_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class TriggeredEvent:
    """Event 11: a customer met the trigger of a real-time campaign.

    campaign_id: looks like a GUID; event_id: ours, the same over retries, empty from a planner that gives none.
    """

    campaign_id: str
    channel_id: int
    template_id: int
    customer_id: str
    promo_codes: tuple[str, ...] = ()
    timestamp: str = ""
    event_id: str = ""
    event_type: int = EventType.CUSTOMER_TRIGGERED


def build_triggered(event: TriggeredEvent) -> bytes:
    """The body of event 11, its keys spelled as seen at live listeners; ours added at the end."""
    codes = event.promo_codes
    body = {
        "EventTypeID": event.event_type,
        "TimeStamp": event.timestamp,
        "campaignID": event.campaign_id,
        "channelID": event.channel_id,
        "templateID": event.template_id,
        "customerID": event.customer_id,
        "promoCode": list(codes) if len(codes) > 1 else "".join(codes),
        "eventID": event.event_id,
    }
    return json.dumps(body, separators=(",", ":")).encode()


def build(event: CampaignEvent) -> bytes:
    """The body that is posted to a listener."""
    body: dict[str, Any] = {"EventTypeID": event.event_type, "TimeStamp": event.timestamp}
    if event.campaign_id is not None:
        body["CampaignID"] = event.campaign_id
    if event.channel_id is not None:
        body["ChannelID"] = event.channel_id
    if event.clearance_by is not None:
        body["ClearanceRequiredBy"] = event.clearance_by
    return json.dumps(body, separators=(",", ":")).encode()


def parse(body: bytes) -> CampaignEvent:
    """Read an event, whatever the case of its keys, unknown keys ignored. Raises ContractBroken."""
    return _campaign_event(_fields(body))


def parse_any(body: bytes) -> CampaignEvent | TriggeredEvent:
    """The same, event 11 too; a body that names a customer and no type is one. Raises ContractBroken."""
    fields = _fields(body)
    if "customerid" in fields and fields.get("eventtypeid") in (11, "11", None, ""):
        return _triggered_event(fields)
    return _campaign_event(fields)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ContractBroken("The event is not JSON.") from error
    return folded(document, "event")


def _campaign_event(fields: dict[str, Any]) -> CampaignEvent:
    return CampaignEvent(
        event_type=whole_number(fields.get("eventtypeid"), "EventTypeID"),
        timestamp=str(fields.get("timestamp") or "")[:40],
        campaign_id=_optional(fields, "campaignid"),
        channel_id=_optional(fields, "channelid"),
    )


def _triggered_event(fields: dict[str, Any]) -> TriggeredEvent:
    customer = _word(fields.get("customerid"), "customerID", 200)
    if not customer:
        raise ContractBroken("customerID is missing.")
    return TriggeredEvent(
        campaign_id=_word(fields.get("campaignid", ""), "campaignID", 100),
        channel_id=whole_number(fields.get("channelid"), "channelID"),
        template_id=whole_number(fields.get("templateid"), "templateID"),
        customer_id=customer,
        promo_codes=_codes(fields.get("promocode")),
        timestamp=_word(fields.get("timestamp") or "", "TimeStamp", 40),
        event_id=_word(fields.get("eventid") or "", "eventID", 100),
    )


def _codes(value: object) -> tuple[str, ...]:
    given = value if isinstance(value, list) else [] if value in (None, "") else [value]
    if len(given) > 20:
        raise ContractBroken("promoCode names more than 20 codes.")
    return tuple(_word(code, "promoCode", 200) for code in given)


def _word(value: object, what: str, longest: int) -> str:
    text = plain_text(value, what)
    if len(text) > longest or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ContractBroken(f"{what} is too long or not text.")
    return text


def _optional(fields: dict[str, Any], name: str) -> int | None:
    value = fields.get(name)
    return None if value in (None, "") else whole_number(value, name)
