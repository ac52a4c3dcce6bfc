"""What discovery speaks of: features cut into bins, conditions on them, goals, and rules that were confirmed.

A rule is a conjunction of conditions, each a contiguous range of one number, or one value of a category or its
complement. Whatever is shown of a rule was measured on customers who had no part in finding it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

#: a group is searched from this size on: the greater of the two
LEAST_MEMBERS = 200
LEAST_SHARE = 0.002
#: below it one split of the customers says too little
REPEATED_BELOW = 20_000
SPLITS = 20
LARGEST_SEARCH = 1_000_000
MOST_TESTED = 20
MOST_ALIKE = 0.4

Codes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Role(StrEnum):
    """What a feature says of a customer; titles of rules are made of it."""

    RECENCY = "recency"
    FREQUENCY = "frequency"
    VALUE = "value"
    PRICE = "price"
    CATEGORY = "category"
    OTHER = "other"


class Unit(StrEnum):
    """How the values of a number are written."""

    COUNT = "count"
    MONEY = "money"
    DAYS = "days"
    SHARE = "share"
    NONE = "none"


class Kind(StrEnum):
    """What is asked of an axis: ranges of a number, or values."""

    NUMBER = "number"
    CATEGORY = "category"
    FLAG = "flag"


class Test(StrEnum):
    """How a condition asks."""

    __test__ = False  # no test of pytest

    RANGE = "range"
    ONE_OF = "one_of"
    NOT_ONE_OF = "not_one_of"
    UNKNOWN = "unknown"
    KNOWN = "known"


class GoalKind(StrEnum):
    """What a group is searched for."""

    SURPRISE = "surprise"
    ORDERS = "orders"
    SPENDS = "spends"
    CHURNS = "churns"
    RESPONDS = "responds"
    UPLIFT_ORDERS = "uplift_orders"
    UPLIFT_SPENDS = "uplift_spends"


class Side(StrEnum):
    """Whether groups above the rest are wanted, below it, or both."""

    HIGH = "high"
    LOW = "low"
    BOTH = "both"


class Method(StrEnum):
    """How many tests at once are answered for: false discoveries (BH) or any false one (Holm)."""

    BH = "BH"
    HOLM = "Holm"


@dataclass(frozen=True, kw_only=True)
class Bin:
    """A part of an axis: a range of a number, named values, all other values, or those of whom nothing is known."""

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    values: tuple[str, ...] = ()
    others: bool = False
    missing: bool = False


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One condition of a rule.

    range: low <= v <= high, an `open` bound excluded, None = no bound; one_of, not_one_of: of `values`, for flags
    "true" and "false". unknown_too: customers without a value belong to it as well.
    """

    name: str
    kind: Kind
    test: Test
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    values: tuple[str, ...] = ()
    unknown_too: bool = False

    def holds(self, raw: NDArray[Any]) -> Flags:
        """Of whom it holds, shape (n,): raw values as the binning got them (NaN or None = unknown)."""
        if self.kind is Kind.NUMBER:
            numbers = raw.astype(np.float64, copy=False)
            unknown = np.isnan(numbers)
            found = self._in_range(numbers)
        else:
            unknown = np.fromiter((one is None for one in raw), np.bool_, len(raw))
            words = [written(one) for one in raw]
            found = np.isin(words, self.values) if len(words) else np.zeros(0, np.bool_)
        if self.test is Test.UNKNOWN:
            return unknown
        if self.test is Test.KNOWN:
            return ~unknown
        if self.test is Test.NOT_ONE_OF:
            found = ~found
        return np.asarray((found | unknown) if self.unknown_too else (found & ~unknown))

    def _in_range(self, numbers: Floats) -> Flags:
        found = np.ones(len(numbers), np.bool_)
        if self.low is not None:
            found &= (numbers > self.low) if self.low_open else (numbers >= self.low)
        if self.high is not None:
            found &= (numbers < self.high) if self.high_open else (numbers <= self.high)
        return found

    def as_json(self) -> dict[str, Any]:
        """A plain object that `from_json` reads back."""
        return {**asdict(self), "values": list(self.values)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The condition that `as_json` wrote."""
        told = {**stored, "kind": Kind(stored["kind"]), "test": Test(stored["test"])}
        return cls(**{**told, "values": tuple(stored["values"])})


def written(value: Any) -> str:
    """A category's value as text; flags as true and false."""
    return str(value).lower() if isinstance(value, bool | np.bool_) else str(value)


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A feature without its customers: its name and its bins, those of a number in order, `missing` last."""

    name: str
    label: str
    kind: Kind
    bins: tuple[Bin, ...]
    unit: Unit = Unit.NONE
    role: Role = Role.OTHER
    whole: bool = False

    def options(self) -> Flags:
        """Every condition the axis allows, shape (options, bins): the bins each one takes in."""
        size = len(self.bins)
        rows: dict[tuple[bool, ...], None] = {}
        for row in self._ranges() if self.kind is Kind.NUMBER else self._values():
            if 0 < sum(row) < size:
                rows[row] = None
        return np.array(list(rows), np.bool_).reshape(-1, size)

    def _ranges(self) -> list[tuple[bool, ...]]:
        size = len(self.bins)
        ordered = sum(not one.missing for one in self.bins)
        spans = [(first, last) for first in range(ordered) for last in range(first, ordered)]
        if ordered < size:
            spans.append((ordered, ordered))
        return [tuple(first <= place <= last for place in range(size)) for first, last in spans]

    def _values(self) -> list[tuple[bool, ...]]:
        size = len(self.bins)
        one = [tuple(place == chosen for place in range(size)) for chosen in range(size)]
        return one + [tuple(not flag for flag in row) for row in one]

    def condition(self, row: Flags) -> Condition:
        """The condition that takes in these bins, shape (bins,)."""
        chosen = [one for one, taken in zip(self.bins, row, strict=True) if taken]
        if all(one.missing for one in chosen):
            return Condition(name=self.name, kind=self.kind, test=Test.UNKNOWN)
        if len(chosen) == sum(not one.missing for one in self.bins) and not chosen[-1].missing:
            return Condition(name=self.name, kind=self.kind, test=Test.KNOWN)
        if self.kind is Kind.NUMBER:
            return self._range(chosen[0], chosen[-1])
        return self._one_of(chosen)

    def _range(self, first: Bin, last: Bin) -> Condition:
        return Condition(
            name=self.name, kind=self.kind, test=Test.RANGE, low=first.low, low_open=first.low_open,
            high=last.high, high_open=last.high_open,
        )  # fmt: skip

    def _one_of(self, chosen: list[Bin]) -> Condition:
        """Many values are told by those left out; so is the pooled rest."""
        excluded = any(one.others for one in chosen)
        if len(chosen) > 1 and len([one for one in self.bins if one not in chosen]) == 1:
            left = next(one for one in self.bins if one not in chosen)
            excluded = not left.others
        told = [one for one in self.bins if (one in chosen) != excluded]
        values = tuple(value for one in told for value in one.values)
        complete = not any(one.missing for one in self.bins)
        unknown_too = any(one.missing for one in chosen) or (excluded and complete and len(chosen) > 1)
        return Condition(
            name=self.name, kind=self.kind, test=Test.NOT_ONE_OF if excluded else Test.ONE_OF, values=values,
            unknown_too=unknown_too,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Feature:
    """An axis, and for each customer the place of the bin they are in, shape (n,)."""

    axis: Axis
    codes: Codes


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A feature that cannot tell customers apart, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What is known of each customer afterwards, shape (n,) each.

    y: 0 or 1, or a sum. For a surprise `expected`, or `rfm` = recency in days, number of orders, sum spent, of which
    what is expected is learnt. treated: for uplift, who got it; the others are the control group.
    """

    goal: GoalKind
    y: Floats
    expected: Floats | None = None
    rfm: tuple[Floats, Floats, Floats] | None = None
    treated: Flags | None = None
    side: Side = Side.HIGH

    @property
    def rate(self) -> bool:
        """Whether a mean of it is a share of customers."""
        return bool(np.all((self.y == 0) | (self.y == 1)))


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A group against the other customers, on those who had no part in finding it.

    mean: of the group; other: of the rest, or what was expected of the group (surprise); of uplift, each the effect.
    low, high: interval of the difference. p: one-sided, in the direction found; q: after all tests at once.
    """

    members: int
    rest: int
    mean: float
    other: float
    difference: float
    low: float
    high: float
    p: float
    q: float


@dataclass(frozen=True, kw_only=True)
class Alone:
    """A group against as many customers at one end of one attribute (top = its high end), on the confirm half.

    difference: mean of the group less theirs, in the outcome's own unit, with its 95 % interval.
    """

    name: str
    label: str
    top: bool
    difference: float
    low: float
    high: float

    def better(self, direction: int) -> bool:
        """Whether the group is sure to do better than they."""
        return self.low > 0 if direction > 0 else self.high < 0


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A group: its conditions, how many of all customers it holds, and what the confirm half says of it.

    direction: 1 above the rest, -1 below. parent: the simplest group around it, one condition. splits: in how many of
    the splits a group like it was found. alone: the one attribute that comes closest to it.
    """

    conditions: tuple[Condition, ...]
    direction: int
    size: int
    share: float
    estimate: Estimate
    search_z: float
    parent: tuple[Condition, ...] = ()
    parent_estimate: Estimate | None = None
    round: int = 0
    splits: int = 1
    alone: Alone | None = None

    def as_json(self) -> dict[str, Any]:
        """A plain object that `from_json` reads back."""
        told = asdict(self)
        told["conditions"] = [one.as_json() for one in self.conditions]
        told["parent"] = [one.as_json() for one in self.parent]
        return told

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The rule that `as_json` wrote."""
        told = dict(stored)
        for name in ("conditions", "parent"):
            told[name] = tuple(Condition.from_json(one) for one in stored[name])
        told["estimate"] = Estimate(**stored["estimate"])
        if stored["parent_estimate"] is not None:
            told["parent_estimate"] = Estimate(**stored["parent_estimate"])
        if stored.get("alone"):
            told["alone"] = Alone(**stored["alone"])
        return cls(**told)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one search found, and how: enough to repeat it.

    tested: all rules that came to the confirm half, refused ones too. candidates: groups scored in all rounds and
    splits. note: empty, or why nothing is shown: too_few, constant, nothing_stood_out, not_confirmed.
    """

    rules: tuple[Rule, ...]
    tested: tuple[Rule, ...]
    candidates: int
    seed: int
    customers: int
    search: int
    confirm: int
    splits: int
    method: Method
    rate: bool
    dropped: tuple[Dropped, ...] = ()
    note: str = ""
