"""Whether one attribute alone does as well as a group: as many customers at its high or its low end.

The attribute is chosen on the half that was searched, for each group the one that did best there; both are compared on
the other half. Customers of equal value share the last places at an end; those of whom it is not known have none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tandem.planner.discovery.domain import Alone, Axis, Feature, Flags, Floats, Found, Kind, Outcome, Rule
from tandem.planner.discovery.expected import cells
from tandem.planner.discovery.halves import split_of
from tandem.planner.discovery.pruning import members
from tandem.planner.discovery.splitting import searched

_REACH = 1.96


class _Against(NamedTuple):
    """A group less as many customers at one end of one attribute, on one confirm half."""

    end: tuple[str, bool]
    gap: float
    variance: float


def with_alone(
    found: Found,
    features: Sequence[Feature],
    raw: Mapping[str, NDArray[Any]],
    outcome: Outcome,
    customers: NDArray[np.int64],
) -> Found:
    """The same with the attribute that alone comes closest to each group shown; as it is where it is about uplift.

    raw: the columns of the features, shape (n,) each.
    """
    axes = {one.axis.name: one.axis for one in features if one.axis.kind is Kind.NUMBER}
    numbers = {name: raw[name].astype(np.float64, copy=False) for name in axes}
    insides = [members(one.conditions, features) for one in found.rules]
    told = _against_alone(found, insides, numbers, outcome, customers)
    rules = [_compared(rule, _middle(one, axes)) for rule, one in zip(found.rules, told, strict=True)]
    return replace(found, rules=tuple(rules))


def _compared(rule: Rule, alone: Alone | None) -> Rule:
    """A group that is itself a range of that attribute is not compared with it."""
    itself = alone is not None and [one.name for one in rule.conditions] == [alone.name]
    return replace(rule, alone=None if itself else alone)


def _against_alone(
    found: Found,
    insides: Sequence[Flags],
    raw: Mapping[str, Floats],
    outcome: Outcome,
    customers: NDArray[np.int64],
) -> list[list[_Against]]:
    """Of each rule one comparison for each split."""
    told: list[list[_Against]] = [[] for _ in found.rules]
    if outcome.treated is not None or not raw or not found.rules:
        return told
    rfm = cells(outcome.rfm) if outcome.rfm is not None else None
    for turn in range(found.splits):
        first = searched(customers, found.seed, turn)
        halves = split_of((), outcome, rfm, customers, found.seed, turn)
        ends = Ends({name: values[first] for name, values in raw.items()}, halves.search.y)
        for rows, rule, inside in zip(told, found.rules, insides, strict=True):
            end = ends.best(int(np.count_nonzero(inside[first])), rule.direction)
            if end is not None:
                values = raw[end[0]][~first]
                rows.append(_against(end, values, inside[~first], halves.confirm.y))
    return told


class Ends:
    """The customers in the order of each attribute; y: the outcome, shape (n,)."""

    def __init__(self, raw: Mapping[str, NDArray[Any]], y: Floats) -> None:
        self._sorted: dict[str, tuple[Floats, Floats]] = {}
        for name, values in raw.items():
            order = np.argsort(values, kind="stable")
            order = order[: len(values) - int(np.count_nonzero(np.isnan(values)))]
            self._sorted[name] = (values[order], np.concatenate([[0.0], np.cumsum(y[order])]))

    def best(self, size: int, direction: int) -> tuple[str, bool] | None:
        """The attribute and its end (True = high) where so many have most of the outcome; least for direction -1."""
        found = [
            (direction * self.mean(name, top, size), name, top)
            for name, (values, _) in self._sorted.items()
            for top in (True, False)
            if 0 < size <= len(values)
        ]
        return max(found, key=lambda one: one[0])[1:] if found else None

    def mean(self, name: str, top: bool, size: int) -> float:
        """The mean outcome of so many customers at an end."""
        values, sums = self._sorted[name]
        size = min(size, len(values))
        edge = values[len(values) - size] if top else values[size - 1]
        low = int(np.searchsorted(values, edge, "left"))
        high = int(np.searchsorted(values, edge, "right"))
        tied, many = sums[high] - sums[low], high - low
        beyond, known = (sums[-1] - sums[high], len(values) - high) if top else (sums[low], low)
        return float((beyond + tied * (size - known) / many) / size)


def weights(values: Floats, top: bool, size: int) -> Floats:
    """How much of each customer is among so many at an end, shape (n,): 1, 0, or a share of equal ones."""
    signed = np.where(np.isnan(values), -np.inf, values if top else -values)
    edge = np.partition(signed, len(signed) - size)[len(signed) - size]
    beyond, tied = signed > edge, signed == edge
    left, among = size - int(np.count_nonzero(beyond)), int(np.count_nonzero(tied))
    return np.asarray(beyond + tied * (left / max(among, 1)))


def _against(end: tuple[str, bool], values: Floats, inside: Flags, y: Floats) -> _Against:
    size = int(np.count_nonzero(inside))
    if not size:
        return _Against(end, 0.0, np.inf)
    apart = (inside - weights(values, end[1], size)) / size
    touched = apart != 0
    left = y[touched] - (y[touched].mean() if touched.any() else 0.0)
    return _Against(end, float(apart @ y), float((apart[touched] ** 2) @ left**2))


def _middle(told: Sequence[_Against], axes: Mapping[str, Axis]) -> Alone | None:
    """Of several splits those with the end that was chosen most often: the mean, with the mean variance."""
    if not told:
        return None
    end = Counter(one.end for one in told).most_common(1)[0][0]
    same = [one for one in told if one.end == end]
    gap = sum(one.gap for one in same) / len(same)
    reach = _REACH * float(np.sqrt(sum(one.variance for one in same) / len(same)))
    return Alone(
        name=end[0], label=axes[end[0]].label, top=end[1], difference=gap, low=gap - reach, high=gap + reach
    )
