"""The daily cycle in words: its steps, and how one run of it stands."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tandem.kit.problems import Conflict

#: step -> what it does, in the order of the day
STEPS = {
    "orders": "New orders and attributes",
    "history": "Purchase histories",
    "features": "Features of each customer",
    "stages": "Lifecycle stages",
    "scores": "Models and scores",
    "segments": "Micro-segments and value segments",
    "customers": "The rows of the snapshot",
    "publish": "The snapshot in force",
    "groups": "Target groups: who is in which, and their sizes",
    "changes": "Who changed stage and value segment",
    "discoveries": "The week's discoveries",
    "event": "Listeners are told that the day is in",
}
#: without a sign of life for so long a run counts as interrupted
SILENT = timedelta(minutes=2)


class CycleBusy(Conflict):
    """The account's cycle is running."""

    title = "The daily cycle is running"


@dataclass(frozen=True, kw_only=True)
class StepView:
    """A step: state is waiting, running, done, failed or skipped; share is 0..1."""

    step: str
    label: str
    state: str
    share: float
    words: str
    rows: int | None
    seconds: float | None
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True)
class RunView:
    """A run: state is running, interrupted, done or failed; share is 0..1 of its steps."""

    id: int
    day: date
    trigger: str
    actor: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    attempts: int
    words: str
    snapshot_id: int | None
    steps: tuple[StepView, ...]

    @property
    def seconds(self) -> float | None:
        """From the start to the end, interruptions and all."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None

    @property
    def cpu_seconds(self) -> float:
        """Of all its steps."""
        return sum(one.cpu_seconds for one in self.steps)

    @property
    def share(self) -> float:
        """How far it is, each step counted alike."""
        ended = ("done", "skipped", "failed")
        done = sum(1.0 if one.state in ended else one.share for one in self.steps)
        return done / len(self.steps) if self.steps else 0.0

    @property
    def failed_steps(self) -> tuple[StepView, ...]:
        """Those that failed, of a run that is done too: it goes on without some."""
        return tuple(one for one in self.steps if one.state == "failed")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is in force: the day of the newest snapshot, whether it is the last whole day's, and why not, in words."""

    wanted: date
    as_of: date | None
    run: RunView | None
    failures: tuple[tuple[str, str], ...] = ()

    @property
    def is_current(self) -> bool:
        """Whether the data of the last whole day is in force."""
        return self.as_of is not None and self.as_of >= self.wanted

    @property
    def words(self) -> str:
        """One sentence for a page or a terminal."""
        if self.as_of is None:
            return "There is no snapshot yet: import orders, then run the cycle."
        if self.is_current:
            return f"The data of {self.as_of} is in force."
        old = f"The data of {self.as_of} stays in force; that of {self.wanted} is not in yet."
        if self.run is None or self.run.state == "done":
            return old
        why = {"running": "It is being worked on.", "interrupted": "Its work was interrupted and will go on."}
        return f"{old} {why.get(self.run.state, f'Its work failed: {self.run.words}')}"
