"""What doors show of discovery."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tandem.planner.discovery.domain import Estimate


@dataclass(frozen=True, kw_only=True)
class Later:
    """What became of a group in the days after it was found, against the rest or what was expected of it.

    usual: what customers of the same recency, orders and spend did; alone: what as many at the end of one attribute.
    """

    until: date
    members: int
    mean: float
    other: float
    low: float
    high: float
    kept: bool
    usual: float | None = None
    alone: float | None = None


@dataclass(frozen=True, kw_only=True)
class AloneView:
    """A group against as many customers at one end of one attribute (top = the highest); `better`: surely so."""

    label: str
    top: bool
    difference: float
    low: float
    high: float
    better: bool


@dataclass(frozen=True, kw_only=True)
class DiscoveryView:
    """A group that was found.

    estimate: on customers who had no part in finding it; members: on the day of the search; spent, spent_all: by a
    member and by any customer in 365 days; alike: the saved group most like it, None = new to you.
    """

    id: int
    run_id: int
    title: str
    sentence: str
    text: str
    condition: dict[str, Any]
    direction: int
    rate: bool
    members: int
    estimate: Estimate
    parent: str
    alone: AloneView | None
    traits: tuple[str, ...]
    spent: Decimal
    spent_all: Decimal
    alike_id: int | None
    alike_name: str
    alike_share: float
    splits: int
    group_id: int | None
    hidden: bool
    later: Later | None

    @property
    def new_to_you(self) -> bool:
        """Whether no saved group holds much the same customers."""
        return self.alike_id is None


@dataclass(frozen=True, kw_only=True)
class SimpleView:
    """One attribute and one threshold: two segments, the first with more of the outcome."""

    label: str
    first: str
    second: str
    first_members: int
    second_members: int
    mean: float
    other: float
    low: float
    high: float
    q: float
    confirmed: bool


@dataclass(frozen=True, kw_only=True)
class HowFound:
    """How a search was done: enough to repeat it."""

    candidates: int = 0
    tested: int = 0
    customers: int = 0
    search: int = 0
    confirm: int = 0
    splits: int = 0
    method: str = ""
    rate: bool = True
    small: int = 0
    why: str = ""
    dropped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunView:
    """One search. state: waiting, running, done, failed; found: groups shown now; part: how far, 0 to 1."""

    id: int
    goal: str
    label: str
    meaning: str
    days: int
    occurrence_id: int | None
    subject: str
    weekly: bool
    asked_by: str
    asked_at: datetime
    state: str
    phase: str
    part: float
    problem: str
    as_of: date | None
    looked_from: date | None
    seed: int
    how: HowFound
    simple: tuple[SimpleView, ...]
    found: int

    @property
    def busy(self) -> bool:
        """Whether it is not over."""
        return self.state in ("waiting", "running")


@dataclass(frozen=True, kw_only=True)
class DismissedView:
    """A group that is not interesting."""

    id: int
    goal: str
    label: str
    title: str
    text: str
    at: datetime
    by: str


@dataclass(frozen=True, kw_only=True)
class Lift:
    """A mean difference of so many groups; of fewer than two there is no interval."""

    groups: int = 0
    mean: float = 0.0
    low: float = 0.0
    high: float = 0.0

    @property
    def sure(self) -> bool:
        """Whether it is above zero as far as can be told."""
        return self.groups > 1 and self.low > 0


@dataclass(frozen=True, kw_only=True)
class RecordView:
    """How groups shown earlier did in the days after: how many kept their side, and by how much on average.

    All of goals that count customers, in the direction found, with their 95 % interval: against the rest or what was
    expected; against customers of the same recency, orders and spend; against as many at the end of one attribute.
    """

    groups: int
    kept: int
    rest: Lift
    usual: Lift
    alone: Lift

    @property
    def share(self) -> float:
        """Of the groups, those that kept their side."""
        return self.kept / self.groups if self.groups else 0.0
