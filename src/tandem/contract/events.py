"""The notice that a campaign is ready (event 13) and its siblings; keys are read without regard to case."""

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from tandem.contract.reading import ContractBroken, folded, whole_number


class EventType(IntEnum):
    """What happened. 1 and 13 name a campaign; 13 may be for one channel; 2 and 3 are about the day."""

    CAMPAIGN_PROCESSED = 1
    DAY_PROCESSED = 2
    DATA_UPDATED = 3
    CAMPAIGN_CANCELLED = 4
    CHANNEL_EXECUTED = 13


#: event types whose registration may name a channel
PER_CHANNEL = frozenset({EventType.CAMPAIGN_PROCESSED, EventType.CHANNEL_EXECUTED})


@dataclass(frozen=True, kw_only=True)
class CampaignEvent:
    """One event. timestamp: the account's local time, `YYYY-MM-DD HH:MM:SS`."""

    event_type: int
    timestamp: str
    campaign_id: int | None = None
    channel_id: int | None = None


def build(event: CampaignEvent) -> bytes:
    """The body that is posted to a listener."""
    body: dict[str, Any] = {"EventTypeID": event.event_type, "TimeStamp": event.timestamp}
    if event.campaign_id is not None:
        body["CampaignID"] = event.campaign_id
    if event.channel_id is not None:
        body["ChannelID"] = event.channel_id
    return json.dumps(body, separators=(",", ":")).encode()


def parse(body: bytes) -> CampaignEvent:
    """Read an event, whatever the case of its keys, unknown keys ignored. Raises ContractBroken."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ContractBroken("The event is not JSON.") from error
    fields = folded(document, "event")
    return CampaignEvent(
        event_type=whole_number(fields.get("eventtypeid"), "EventTypeID"),
        timestamp=str(fields.get("timestamp") or "")[:40],
        campaign_id=_optional(fields, "campaignid"),
        channel_id=_optional(fields, "channelid"),
    )


def _optional(fields: dict[str, Any], name: str) -> int | None:
    value = fields.get(name)
    return None if value in (None, "") else whole_number(value, name)
