"""The bytes that are posted, per event type as the vendor documents them."""

from datetime import datetime, timedelta

from tandem.contract.events import CampaignEvent, EventType, TriggeredEvent, build, build_triggered
from tandem.kit.zones import wire_time
from tandem.planner.listeners.models import Event, Registration

#: a test names nothing that exists: 0, and a customer nobody has
TEST_CAMPAIGN, TEST_CUSTOMER = 0, "TEST"
_TEST_CLEARANCE = timedelta(hours=1)


def body_of(event: Event, zone: str) -> bytes:
    """What a listener is told of an event; times in the account's zone."""
    stamp = wire_time(event.happened_at, zone)
    if event.details is not None:
        codes = tuple(event.details["promo_codes"])
        return build_triggered(TriggeredEvent(**{**event.details, "promo_codes": codes}, timestamp=stamp))
    return _campaign(event.event_type, stamp, event.occurrence_id, event.channel_id, event.deadline, zone)


def trial_body(registration: Registration, message_id: str, now: datetime, zone: str) -> bytes:
    """The same of a thing that does not exist, so that only the way is tried."""
    stamp, channel = wire_time(now, zone), registration.channel_id
    if registration.event_type == EventType.CUSTOMER_TRIGGERED:
        return build_triggered(
            TriggeredEvent(
                campaign_id=str(TEST_CAMPAIGN),
                channel_id=channel or 0,
                template_id=0,
                customer_id=TEST_CUSTOMER,
                timestamp=stamp,
                event_id=message_id,
            )
        )
    return _campaign(registration.event_type, stamp, TEST_CAMPAIGN, channel, now + _TEST_CLEARANCE, zone)


def _campaign(
    event_type: int, stamp: str, campaign: int | None, channel: int | None, deadline: datetime, zone: str
) -> bytes:
    of_day = event_type in (EventType.DAY_PROCESSED, EventType.DATA_UPDATED)
    return build(
        CampaignEvent(
            event_type=event_type,
            timestamp=stamp,
            campaign_id=None if of_day else campaign,
            channel_id=channel if event_type == EventType.CHANNEL_EXECUTED else None,
            clearance_by=wire_time(deadline, zone) if event_type == EventType.CLEARANCE_REQUIRED else None,
        )
    )
