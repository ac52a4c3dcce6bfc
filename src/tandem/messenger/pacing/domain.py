"""Pure rules of pace: token buckets, who draws what, warm-up schedules, when a sending pauses by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar

Number = TypeVar("Number", int, float)

#: a bucket holds what comes in so many seconds, and at least one message
BURST_SECONDS = 2.0
#: large sendings leave this share of a bucket to small ones, so that a test of ten does not wait for a million
KEPT_FOR_SMALL = 0.25
#: a sending of at most so many rows is small
SMALL_ROWS = 1000
LONGEST_WAIT = 60.0
MOST_PER_SECOND = 100_000.0
#: a day's messages of a warming sender are spread over so many hours
ACTIVE_SECONDS = 12 * 3600.0

#: messages on day 1, 2, 3 ... of a sender nobody knows yet. Known from public guides of relay vendors; after the last
#: day there is no limit
WARM_UP: Mapping[str, tuple[int, ...]] = {
    "careful": (
        *(50, 100, 200, 400, 800, 1_500, 3_000, 5_000, 7_500, 10_000, 12_500, 15_000, 18_000, 21_000, 25_000),
        *(30_000, 35_000, 40_000, 47_000, 55_000, 63_000, 72_000, 82_000, 93_000, 105_000, 118_000, 131_000),
        *(145_000, 160_000, 175_000),
    ),
    "fast": (
        *(200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 40_000, 70_000, 100_000, 140_000, 190_000, 240_000),
        300_000,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Rate:
    """What may pass: messages a second, and a day; None = any number."""

    per_second: float | None = None
    per_day: int | None = None

    def and_also(self, other: "Rate") -> "Rate":
        """Both at once."""
        return Rate(
            per_second=_least(self.per_second, other.per_second), per_day=_least(self.per_day, other.per_day)
        )

    @property
    def free(self) -> bool:
        """Whether there is no limit at all."""
        return self.per_second is None and self.per_day is None


def _least(one: Number | None, other: Number | None) -> Number | None:
    given = [value for value in (one, other) if value is not None]
    return min(given) if given else None


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Tokens of one limit at an instant; `used` messages of the day `day`."""

    tokens: float
    at: datetime
    day: date
    used: int = 0

    def filled(self, rate: Rate, now: datetime, today: date) -> "Bucket":
        """The same a while later. A clock that steps back adds nothing."""
        used = self.used if self.day == today else 0
        if rate.per_second is None:
            return Bucket(tokens=self.tokens, at=now, day=today, used=used)
        passed = max(0.0, (now - self.at).total_seconds())
        tokens = min(burst(rate.per_second), self.tokens + passed * rate.per_second)
        return Bucket(tokens=tokens, at=now, day=today, used=used)

    def allows(self, rate: Rate, kept: float = 0.0) -> int | None:
        """How many may pass now; None = any number. kept: the share of the bucket that must stay in it."""
        found: list[int] = []
        if rate.per_second is not None:
            found.append(int(max(0.0, self.tokens - _floor_of(rate.per_second, kept)) + 1e-9))
        if rate.per_day is not None:
            found.append(max(0, int(rate.per_day * (1 - kept)) - self.used))
        return min(found) if found else None

    def without(self, number: int, rate: Rate) -> "Bucket":
        """The same after so many passed."""
        tokens = self.tokens - number if rate.per_second is not None else self.tokens
        return replace(self, tokens=tokens, used=self.used + number)


def burst(per_second: float) -> float:
    """What a bucket holds when it is full."""
    return max(1.0, per_second * BURST_SECONDS)


def _floor_of(per_second: float, kept: float) -> float:
    """A bucket that holds less than four messages keeps nothing back: it would never let a large sending pass."""
    full = burst(per_second)
    return full * kept if full * kept >= 1.0 else 0.0


def full_bucket(rate: Rate, now: datetime, today: date) -> Bucket:
    """A bucket that was never drawn from."""
    return Bucket(tokens=burst(rate.per_second) if rate.per_second else 0.0, at=now, day=today)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What of each provider's rows may leave now, and how long the others wait. `day_over`: until tomorrow."""

    granted: Mapping[int, int]
    wait: float = 0.0
    day_over: bool = False


def share(
    wanted: Mapping[int, int], allowed: Mapping[int, int | None], together: int | None
) -> dict[int, int]:
    """How many of each provider's rows pass: each within its own limit, all within `together`, in equal turns.

    wanted: provider -> rows; allowed: provider -> limit, None = any number.
    """
    open_ = {key: _within(rows, allowed.get(key)) for key, rows in wanted.items()}
    left = sum(open_.values()) if together is None else together
    given = dict.fromkeys(wanted, 0)
    while left > 0 and any(open_.values()):
        waiting = [key for key in sorted(open_) if open_[key]]
        part = max(1, left // len(waiting))
        for key in waiting:
            taken = min(part, open_[key], left)
            given[key] += taken
            open_[key] -= taken
            left -= taken
    return given


def _within(rows: int, limit: int | None) -> int:
    return rows if limit is None else min(rows, limit)


def wait_for(missing: int, per_second: float | None) -> float:
    """Seconds until so many more may pass, within [0.2, LONGEST_WAIT]; a limit of the day alone waits longest."""
    if not per_second:
        return LONGEST_WAIT
    return min(LONGEST_WAIT, max(0.2, missing / per_second))


def warm_up_rate(schedule: str, started: date, today: date) -> Rate:
    """What a warming sender may send today: the day's number, evenly over ACTIVE_SECONDS; no limit after the last."""
    days = WARM_UP.get(schedule, ())
    day = max(0, (today - started).days)
    if day >= len(days):
        return Rate()
    return Rate(per_second=days[day] / ACTIVE_SECONDS, per_day=days[day])


@dataclass(frozen=True, kw_only=True)
class PauseRules:
    """When a sending pauses by itself: shares in percent of what was handed over; 0 = this rule is off.

    The defaults are those at which a large relay stops a sender (bounces 10 %, complaints 0.5 %), the errors' our own.
    """

    bounces: float = 10.0
    complaints: float = 0.5
    errors: float = 50.0
    least: int = 200

    def reason(self, seen: "Seen") -> str:
        """Why the sending should pause, in a sentence; empty = it need not."""
        broken = self.broken(seen)
        return broken.words if broken else ""

    def broken(self, seen: "Seen") -> "Broken | None":
        """The first rule that is broken."""
        for rule, count, limit, handed, words in (
            ("errors", seen.errors, self.errors, seen.tried, "of the messages were refused or asked to wait"),
            (
                "bounces",
                seen.bounces,
                self.bounces,
                seen.handed_over,
                "of the messages came back as undeliverable",
            ),
            (
                "complaints",
                seen.complaints,
                self.complaints,
                seen.handed_over,
                "of the recipients complained",
            ),
        ):
            if limit and handed >= self.least and count * 100 / handed > limit:
                share = count * 100 / handed
                said = f"{share:.1f} % {words} ({count} of {handed}); the limit is {limit:g} %."
                return Broken(rule=rule, share=share, words=said)
        return None

    def overruled(self, shares: Mapping[str, float]) -> "PauseRules":
        """The rules of a sending that went on at these shares: twice as much breaks them again, or half-way to all."""
        raised = {
            rule: max(getattr(self, rule), min(2 * share, (100 + share) / 2))
            for rule, share in shares.items()
            if getattr(self, rule)
        }
        return replace(self, **raised)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A rule that is broken: its name, the share in percent that broke it, and that in a sentence."""

    rule: str
    share: float
    words: str


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a running sending has met so far. tried: handed over, refused or put off; errors: the last two."""

    tried: int = 0
    errors: int = 0
    handed_over: int = 0
    bounces: int = 0
    complaints: int = 0


@dataclass(frozen=True, kw_only=True)
class LimitView:
    """One limit as people set it. sender: a sending domain or number, empty = every sender of the account."""

    id: int
    sender: str
    provider: int
    provider_name: str
    per_second: float | None
    per_day: int | None


@dataclass(frozen=True, kw_only=True)
class WarmUpView:
    """A sender that is being made known. today: what it may send today, None = the schedule is over."""

    sender: str
    schedule: str
    started: date
    day: int
    days: int
    today: int | None
    used: int


def effective(limits: Sequence[LimitView], sender: str, provider: int) -> Rate:
    """The rate of a sender at a provider: the most particular limit counts for each of second and day."""
    matching = sorted(
        (one for one in limits if one.sender in {"", sender} and one.provider == provider),
        key=lambda one: one.sender == "",
    )
    return Rate(
        per_second=next((one.per_second for one in matching if one.per_second is not None), None),
        per_day=next((one.per_day for one in matching if one.per_day is not None), None),
    )
