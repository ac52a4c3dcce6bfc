"""What an alarm is about, and when it is told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: how often the watch looks
EVERY = timedelta(seconds=10)
#: what has not been seen for so long has ended: what comes and goes is told once
CALM = timedelta(seconds=60)
#: while it lasts it is told again after so long
AGAIN = timedelta(days=1)
#: waits after the first, second... failure of the second path; the last one repeats
WAITS = tuple(timedelta(seconds=s) for s in (5, 15, 30, 60, 300, 900, 1800))
GIVES_UP_AFTER = timedelta(days=3)
KEPT = timedelta(days=90)
#: what has happened and stays so (an event that nobody was told of) is seen for so long
SEEN_FOR = timedelta(days=1)
LARGEST_FREE = 1024**3
_PRIVATE = re.compile(r"[^\s@<>\"',;:()]+@[^\s@<>\"',;:()]+|[a-z]+://\S+|\+?\d[\d \-]{7,}\d", re.IGNORECASE)


class Kind(StrEnum):
    """What an alarm is about: also the name of its page in the runbook."""

    CYCLE = "cycle"
    DATABASE = "database"
    DEAD_LETTERS = "dead-letters"
    DISK = "disk"
    HELD = "held"
    IDENTITY = "identity"
    LATENESS = "lateness"
    LISTENER = "listener"
    OCCURRENCE = "occurrence"
    PAUSED = "paused"
    PLANNER = "planner"
    UNCERTAIN = "uncertain"
    WEBHOOK = "webhook"
    WORKER = "worker"

    @property
    def words(self) -> str:
        """The alarm in a sentence."""
        return _WORDS[self]

    @property
    def patience(self) -> timedelta:
        """For how long it must last before it is told."""
        return _PATIENCE.get(self, timedelta(0))


_WORDS: Mapping[Kind, str] = {
    Kind.CYCLE: "The daily cycle failed",
    Kind.DATABASE: "The database does not answer",
    Kind.DEAD_LETTERS: "Events could not be told",
    Kind.DISK: "The disk is nearly full",
    Kind.HELD: "A campaign's list could not be fetched",
    Kind.IDENTITY: "The numbers of a sending do not add up",
    Kind.LATENESS: "Messages are late",
    Kind.LISTENER: "A listener fails or is switched off",
    Kind.OCCURRENCE: "A campaign is past its deadline",
    Kind.PAUSED: "A sending paused by itself",
    Kind.PLANNER: "The planner does not answer",
    Kind.UNCERTAIN: "Messages are uncertain",
    Kind.WEBHOOK: "A webhook was switched off",
    Kind.WORKER: "No worker is running",
}
#: a restart, or one lost answer, is no alarm
_PATIENCE: Mapping[Kind, timedelta] = {
    Kind.WORKER: timedelta(seconds=20),
    Kind.PLANNER: timedelta(seconds=20),
    Kind.CYCLE: timedelta(seconds=15),
}


class What(StrEnum):
    """What is told of an alarm."""

    RAISED = "raised"
    AGAIN = "again"
    ENDED = "ended"
    TEST = "test"

    @property
    def words(self) -> str:
        """As a line begins."""
        return {"raised": "Alarm", "again": "Still", "ended": "Ended", "test": "Test"}[self.value]


class Step(StrEnum):
    """What follows from one look at one alarm."""

    NOTHING = "nothing"
    NOTE = "note"
    RAISE = "raise"
    AGAIN = "again"
    END = "end"
    FORGET = "forget"


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """Something that is wrong now. account_id None = the whole installation; detail: no addresses, no secrets."""

    kind: Kind
    subject: str
    detail: str
    account_id: int | None = None

    @property
    def key(self) -> tuple[int | None, str, str]:
        """The same for the same thing at every look."""
        return (self.account_id, self.kind.value, self.subject)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is remembered of an alarm: since when, when it was last seen and told, whether a person silenced it."""

    kind: Kind
    since: datetime
    seen_at: datetime
    told_at: datetime | None = None
    silenced: bool = False


def step(known: Known | None, *, seen: bool, now: datetime) -> Step:
    """What follows from a look. A new one is remembered (NOTE); it is told when it has lasted long enough."""
    if known is None:
        return Step.NOTE if seen else Step.NOTHING
    if not seen:
        if known.told_at is None:
            return Step.FORGET
        return Step.END if now - known.seen_at >= CALM else Step.NOTHING
    if known.told_at is None:
        return Step.RAISE if now - known.since >= known.kind.patience else Step.NOTE
    return Step.AGAIN if now - known.told_at >= AGAIN and not known.silenced else Step.NOTE


def wait_after(tries: int) -> timedelta:
    """How long to wait after the `tries`-th failure."""
    return WAITS[min(max(tries, 1), len(WAITS)) - 1]


def without_private(text: str, longest: int = 300) -> str:
    """A text of others without addresses, numbers of people, links and control characters."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return _PRIVATE.sub("(left out)", plain)[:longest]


@dataclass(frozen=True, kw_only=True)
class AlarmView:
    """An alarm as pages and programs see it. since, told_at, ended_at: machine time."""

    id: int
    account_id: int | None
    kind: Kind
    subject: str
    detail: str
    since: datetime
    told_at: datetime | None
    ended_at: datetime | None
    silenced_by: str
    waiting: int = 0

    @property
    def title(self) -> str:
        """What it is about, in a sentence."""
        return self.kind.words


@dataclass(frozen=True, kw_only=True)
class WayView:
    """A second path, without its secret. whose: `installation` or the account's name; problem: of its last try."""

    path: str
    whose: str
    target: str
    waiting: int
    problem: str
    account_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of a test over one path; problem is empty if it went."""

    path: str
    whose: str
    problem: str
