"""Who is told of what, and the schedule of telling."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

TIMEOUT = 15.0
RETRIES = tuple(timedelta(seconds=seconds) for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600))
JITTER = 0.1
THROTTLED = frozenset({429, 502, 504})
LATE_CUT_OFF = timedelta(minutes=60)
#: nothing is sent because of these, so the whole schedule of retries may run
DAY_CUT_OFF = timedelta(hours=24)
LEASE = timedelta(seconds=60)
DISABLE_AFTER = timedelta(days=5)
SECRET_OVERLAP = timedelta(hours=24)
LOG_KEPT = timedelta(days=90)
EVENT_NAMES = {
    1: "campaign processed",
    2: "all campaigns of the day processed",
    3: "daily data update done",
    4: "processed campaign cancelled",
    5: "conditional campaign waits for clearance",
    11: "customer met a trigger",
    13: "campaign executed on a channel",
}
DAY_TYPES = frozenset({2, 3})
CHANNEL_TYPES = frozenset({1, 4, 11, 13})


class EventState(StrEnum):
    """Where one event for one listener stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    DISABLED = "disabled"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


#: what could not be told: kept with its cause until somebody replays it
DEAD = (EventState.FAILED, EventState.DISABLED, EventState.EXPIRED)


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A registration: one address per event type and channel (None = all channels).

    secret_made_at: when its signing secret was last shown, None if never; old_secret_until: until then the one before
    it signs too.
    """

    id: int
    event_type: int
    channel_id: int | None
    url: str
    is_active: bool
    disabled_reason: str
    registered_at: datetime
    last_call: datetime | None
    last_answer: str
    secret_made_at: datetime | None
    old_secret_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class NewSecret:
    """A listener's signing secret, shown this once; the one before it signs too until `old_until`."""

    listener_id: int
    secret: str = field(repr=False)
    old_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class LogFilter:
    """Which events of the log are meant; what is None or empty does not matter.

    since, until: business time at which it happened, until exclusive.
    """

    since: datetime | None = None
    until: datetime | None = None
    event_type: int | None = None
    listener_id: int | None = None
    occurrence_id: int | None = None
    states: tuple[EventState, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What became of a range: how many are told again; how many are too late, or whose listener is switched off."""

    again: int
    late: int
    off: int


@dataclass(frozen=True, kw_only=True)
class AttemptView:
    """One POST: when, what was answered (status None = nothing), what went wrong, seconds, both bodies."""

    at: datetime
    status: int | None
    problem: str
    seconds: float
    request: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class EventView:
    """One event for one listener with its attempts, oldest first; cause: why it will not be told any more."""

    id: int
    listener_id: int
    message_id: str
    happened_at: datetime
    deadline: datetime
    cause: str
    occurrence_id: int | None
    event_type: int
    channel_id: int | None
    url: str
    state: EventState
    next_at: datetime | None
    attempts: tuple[AttemptView, ...]


def next_pause(attempts: int, chance: float, *, retry_after: timedelta | None = None) -> timedelta | None:
    """How long to wait after `attempts` failures; None when the schedule has ended.

    chance: 0..1, spreads the pause over +-10 %. retry_after: what the listener asked for, if longer.
    """
    if attempts > len(RETRIES):
        return None
    pause = RETRIES[attempts - 1] * (1 + JITTER * (2 * chance - 1))
    return max(pause, retry_after) if retry_after else pause


def succeeded(status: int | None) -> bool:
    """Only 2xx is success; a redirect is a failure."""
    return status is not None and 200 <= status < 300


def retry_after(text: str) -> timedelta | None:
    """The seconds of a Retry-After header, at most an hour; dates are not read."""
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 6:
        return None
    return min(timedelta(seconds=int(digits)), timedelta(hours=1))


def cut_off(event_type: int) -> timedelta:
    """How long an event may be told if nobody says otherwise."""
    return DAY_CUT_OFF if event_type in DAY_TYPES else LATE_CUT_OFF
