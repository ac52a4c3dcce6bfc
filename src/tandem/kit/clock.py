"""Two clocks. Business time may be moved by an offset; system time is the machine's.

Business: occurrences, due times, as-of dates, log dates, wire times.
System: leases, sessions, tokens, signatures, retries, job schedules, audit.
"""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What every service that needs the time is given."""

    def business(self) -> datetime:
        """The aware UTC instant that campaigns live in."""

    def system(self) -> datetime:
        """The aware UTC instant of the machine."""


@dataclass(frozen=True)
class OffsetClock:
    """The machine's clock; business time runs `offset` ahead of it (or behind) and ticks with it."""

    offset: timedelta = timedelta(0)

    def business(self) -> datetime:
        """Machine time plus the offset, aware UTC."""
        return datetime.now(UTC) + self.offset

    def system(self) -> datetime:
        """Machine time, aware UTC."""
        return datetime.now(UTC)


@dataclass
class FrozenClock:
    """A clock for tests: stands still until it is moved."""

    now: datetime
    offset: timedelta = field(default=timedelta(0))

    def business(self) -> datetime:
        """The set instant plus the offset."""
        return self.now + self.offset

    def system(self) -> datetime:
        """The set instant."""
        return self.now

    def move(self, **delta: float) -> None:
        """Move both clocks on, in the words of timedelta."""
        self.now += timedelta(**delta)


def from_environment() -> OffsetClock:
    """The clock of this process; TANDEM_CLOCK_OFFSET is in seconds and given to every process alike."""
    return OffsetClock(timedelta(seconds=float(os.environ.get("TANDEM_CLOCK_OFFSET") or 0)))
