"""Real-time campaigns, the events that trigger them, and the rules that need nothing but these."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tandem.planner.campaigns.domain import Offered
from tandem.planner.channels.domain import ChannelKind
from tandem.planner.realtime.conditions import Comparison
from tandem.planner.realtime.errors import EventRefused, RealTimeRefused

DEFAULT_LATE = 15
LONGEST_LATE = 24 * 60
LONGEST_CAP = 24 * 365
MOST_CONDITIONS = 20
LONGEST_EVENT_NAME = 100
#: how far ahead of the clock an event may claim to have happened
AHEAD = timedelta(minutes=5)
KEPT = timedelta(days=90)
MOST_PROPERTIES = 100
DEEPEST = 4
LONGEST_TEXT = 2000
MOST_BYTES = 64 * 1024


class Outcome(StrEnum):
    """What a matching event came to for one customer and campaign."""

    TOLD = "told"
    CONTROL = "control group"
    CAPPED = "frequency cap"
    NO_CONTACT = "no contact"
    NO_CONSENT = "no consent"
    NO_LISTENER = "no listener"
    LATE = "late"


#: these count against the frequency cap
COUNTED = (Outcome.TOLD, Outcome.CONTROL)


@dataclass(frozen=True, kw_only=True)
class RealTimePlan:
    """What a marketer sets: on which event, who, and what they get.

    cap_hours: a customer is triggered at most once in so many hours, 0 = each time. late_minutes: an event older
    than this triggers nobody. group_id: only members of this group on the latest snapshot.
    """

    name: str
    event_name: str
    channel: ChannelKind | str
    channel_account_id: int
    project_id: int
    template_id: int
    conditions: tuple[Comparison, ...] = ()
    group_id: int | None = None
    promo_code: str = ""
    cap_hours: int = 24
    control_percent: Decimal = Decimal(0)
    late_minutes: int = DEFAULT_LATE


@dataclass(frozen=True, kw_only=True)
class RealTimeView:
    """A real-time campaign; `key` is the campaignID of event 11. counts: triggered customers by outcome."""

    id: int
    key: str
    name: str
    event_name: str
    conditions: tuple[Comparison, ...]
    group_id: int | None
    group_name: str
    channel: ChannelKind
    channel_account_id: int
    channel_account_name: str
    channel_id: int
    project_id: int
    project_name: str
    template_id: int
    template_name: str
    promo_code: str
    cap_hours: int
    control_percent: Decimal
    late_minutes: int
    active: bool
    created_at: datetime
    counts: Mapping[str, int] = field(default_factory=dict)
    reported: Mapping[int, int] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The word for its state."""
        return "active" if self.active else "paused"

    @property
    def condition_lines(self) -> str:
        """The comparisons, one per line."""
        return "\n".join(one.text for one in self.conditions)


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """An event as it comes in. event_id: the sender's, the same when it is sent again. at: when it happened."""

    event_id: str
    name: str
    customer_id: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Triggered:
    """What an event came to in one campaign."""

    campaign_id: int
    campaign: str
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An event that was taken; repeated = it was here before and nothing new happens."""

    event_id: str
    repeated: bool
    triggered: tuple[Triggered, ...]


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One triggered customer on the campaign's log; told_state: where the call to the listener stands."""

    id: int
    at: datetime
    event_id: str
    customer_id: str
    outcome: Outcome
    told_state: str


def check_plan(plan: RealTimePlan) -> None:
    """The rules on single fields. Raises RealTimeRefused naming the field."""
    if not 1 <= len(plan.name.strip()) <= 200 or "\x00" in plan.name:
        raise RealTimeRefused("Give the campaign a name of 1 to 200 characters.", field="name")
    if not 1 <= len(plan.event_name.strip()) <= LONGEST_EVENT_NAME or "\x00" in plan.event_name:
        raise RealTimeRefused(
            "Name the event that triggers it.",
            "As the sender names it: purchase, for example.",
            field="event_name",
        )
    if len(plan.conditions) > MOST_CONDITIONS:
        raise RealTimeRefused(f"Use up to {MOST_CONDITIONS} conditions.", field="conditions")
    if not 0 <= plan.cap_hours <= LONGEST_CAP:
        raise RealTimeRefused(
            "The frequency cap must be from 0 hours to one year.",
            "24 is usual; 0 is no cap.",
            field="cap_hours",
        )
    if not 0 <= plan.control_percent < 100:
        raise RealTimeRefused(
            "The control group must be from 0 to less than 100 %.", "10 % is usual.", field="control_percent"
        )
    if not 1 <= plan.late_minutes <= LONGEST_LATE:
        raise RealTimeRefused(
            "The late cut-off must be from 1 minute to one day.", "15 is usual.", field="late_minutes"
        )


def check_template(plan: RealTimePlan, offered: tuple[Offered, ...]) -> None:
    """One known, usable template of the chosen project that fits the channel. Raises RealTimeRefused."""
    one = next((found for found in offered if found.template_id == plan.template_id), None)
    if one is None:
        raise RealTimeRefused(
            f"Template {plan.template_id} is not among those last read.", "Read the templates again.",
            field="template_id",
        )  # fmt: skip
    if one.project_id != plan.project_id:
        raise RealTimeRefused(
            f"{one.name} belongs to {one.project_name}, not to the chosen project.",
            "Choose a template of the project.", field="template_id",
        )  # fmt: skip
    if not one.fits:
        word = "email" if plan.channel == ChannelKind.EMAIL else "SMS"
        raise RealTimeRefused(
            f"{one.name} cannot go by {word}.", f"Choose a template for {word}.", field="template_id"
        )
    if not one.usable:
        raise RealTimeRefused(
            f"{one.name} has no active version at the messenger.", "Activate it there, then read again.",
            field="template_id",
        )  # fmt: skip


def check_event(event: Incoming, now: datetime) -> None:
    """Sizes and time. Raises EventRefused naming the field."""
    for field_name, text, longest in (
        ("event_id", event.event_id, 100),
        ("event", event.name, LONGEST_EVENT_NAME),
        ("customer_id", event.customer_id, 200),
    ):
        if not 1 <= len(text.strip()) <= longest or not _storable(text):
            raise EventRefused(f"{field_name} must be text of 1 to {longest} characters.", field=field_name)
    if event.at is not None and event.at > now + AHEAD:
        raise EventRefused("The event's time is in the future.", "Leave it out: then it is now.", field="at")
    if len(event.properties) > MOST_PROPERTIES:
        raise EventRefused(f"An event has up to {MOST_PROPERTIES} properties.", field="properties")
    _check_value(event.properties, 0)


def _check_value(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise EventRefused(f"Properties are nested up to {DEEPEST} deep.", field="properties")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _check_value(key, depth)
            _check_value(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value[:MOST_BYTES]:
            _check_value(inner, depth + 1)
    elif isinstance(value, str) and (len(value) > LONGEST_TEXT or not _storable(value)):
        raise EventRefused(
            f"A property is longer than {LONGEST_TEXT} characters or holds a character that is no text.",
            field="properties",
        )
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**63:
        raise EventRefused("A property's number is too large.", field="properties")


def _storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def is_control(key: str, surrogate: int, percent: Decimal) -> bool:
    """Whether a customer is in the campaign's control group: the same for every event."""
    drawn = int(hashlib.sha256(f"{key}:{surrogate}".encode()).hexdigest()[:8], 16) / 2**32
    return drawn < float(percent) / 100
