"""Pure words and rules of the listener: what comes in, how often it is tried, wire times."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class InboxState(StrEnum):
    """Where a heard campaign stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    HELD = "held"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Hears(StrEnum):
    """How an account learns of campaigns: the planner calls (and is asked besides), or is only asked."""

    EVENTS = "events"
    POLLING = "polling"


#: seconds between two questions, at least and at most
POLL_SECONDS = (10, 3600)
#: seconds until the next fetch after the n-th one failed; after the last one the campaign is held with an alarm
FETCH_RETRY_SECONDS = (2, 5, 15, 30, 60, 120, 300, 600, 900, 1200)
EVENT_CAMPAIGN_EXECUTED = 13
EVENT_CUSTOMER_TRIGGERED = 11
EVENT_CAMPAIGN_CANCELLED = 4
#: a planner's words for a campaign of which nobody gets anything
_STOPPED = frozenset({"failed", "cancelled", "canceled"})
#: a real-time message that could not leave by then is not sent
REAL_TIME_CUT_OFF = timedelta(minutes=15)
#: events that name no id: the same words again so soon are the same event
SAME_WORDS = timedelta(minutes=60)
MAX_EVENT_BYTES = 1024 * 1024


def retry_after(tries: int) -> int | None:
    """Seconds until the next fetch, None = hold it and tell people."""
    return FETCH_RETRY_SECONDS[tries - 1] if tries <= len(FETCH_RETRY_SECONDS) else None


def is_stopped(status: str) -> bool:
    """Whether a planner's Status says that nobody of the campaign gets anything."""
    return status.strip().casefold() in _STOPPED


def wire_to_utc(text: str, zone: str) -> datetime:
    """A planner's wall time (`YYYY-MM-DD HH:MM[:SS]`) as UTC; of a repeated hour the first, of a gap the later.

    Raises ValueError for anything else.
    """
    local = datetime.fromisoformat(text.strip())
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the door answers."""

    status: int
    words: str


@dataclass(frozen=True, kw_only=True)
class ConnectionView:
    """An account's way to its planner, without its secrets."""

    planner_url: str
    user: str
    has_password: bool
    has_api_key: bool
    zone: str
    overlap_seconds: int
    last_poll_at: datetime | None
    last_problem: str
    hears: str = Hears.EVENTS
    poll_seconds: int = 60
    profile: str = ""
    data_of: date | None = None

    @property
    def only_asks(self) -> bool:
        """Whether no listener is used."""
        return self.hears == Hears.POLLING


@dataclass(frozen=True, kw_only=True)
class RegistrationView:
    """A channel and whether the planner knows its listener."""

    channel_id: int
    kind: str
    registered_at: datetime | None
    problem: str


@dataclass(frozen=True, kw_only=True)
class CheckStep:
    """One step of the connection's test."""

    name: str
    ok: bool
    words: str


@dataclass(frozen=True, kw_only=True)
class ListenerCallView:
    """One call at the listener."""

    at: datetime
    event_type: int | None
    campaign_id: int | None
    channel_id: int | None
    answer: int
    words: str


@dataclass(frozen=True, kw_only=True)
class InboxView:
    """A campaign the listener heard of."""

    id: int
    campaign_id: int
    channel_id: int
    source: str
    state: str
    received_at: datetime
    times_received: int
    tries: int
    next_try_at: datetime
    problem: str
    sending_id: int | None
    fetched_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class CancelSaid:
    """What the planner says of a cancelled campaign: which customers, or all; cause: its own words."""

    customers: Sequence[str] = ()
    whole: bool = False
    cause: str = ""


@dataclass(frozen=True, kw_only=True)
class CancellationView:
    """A campaign that may be cancelled. customers: named by the planner; whole: all, named or not.

    rows_cancelled: rows of the ledger that it took out; left: messages that were gone, or in hand, before.
    """

    id: int
    campaign_id: int
    source: str
    state: str
    received_at: datetime
    times_received: int
    tries: int
    next_try_at: datetime
    looked_at: datetime | None
    whole: bool
    customers: int
    rows_cancelled: int
    left: int
    problem: str

    @property
    def outcome(self) -> str:
        """What it came to, in words."""
        who = "The whole campaign is stopped" if self.whole else f"{self.customers:,} customers named"
        return f"{who}, {self.rows_cancelled:,} rows taken out, {self.left:,} had left or were in hand."


@dataclass(frozen=True, kw_only=True)
class OldUrl:
    """An address that was replaced and still answers for a while."""

    url: str
    valid_until: datetime


@dataclass(frozen=True, kw_only=True)
class ListenerView:
    """Everything the listener page shows."""

    connection: ConnectionView | None
    bindings: Sequence[RegistrationView]
    url: str
    old_urls: Sequence[OldUrl] = field(default_factory=tuple)
    calls: Sequence[ListenerCallView] = field(default_factory=tuple)
    inbox: Sequence[InboxView] = field(default_factory=tuple)
    cancellations: Sequence[CancellationView] = field(default_factory=tuple)
