"""Who is told of what, and the schedule of telling."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

TIMEOUT = 15.0
RETRIES = tuple(timedelta(seconds=seconds) for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600))
JITTER = 0.1
THROTTLED = frozenset({429, 502, 504})
LATE_CUT_OFF = timedelta(minutes=60)
LEASE = timedelta(seconds=60)
DISABLE_AFTER = timedelta(days=5)
DELIVERED_TYPES = frozenset({1, 2, 3, 4, 13})
CHANNEL_TYPES = frozenset({1, 13})


class EventState(StrEnum):
    """Where one event for one listener stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    DISABLED = "disabled"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A registration: one address per event type and channel (None = all channels)."""

    id: int
    event_type: int
    channel_id: int | None
    url: str
    is_active: bool
    disabled_reason: str
    registered_at: datetime
    last_call: datetime | None
    last_answer: str


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
    """One event for one listener with its attempts, oldest first."""

    id: int
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
