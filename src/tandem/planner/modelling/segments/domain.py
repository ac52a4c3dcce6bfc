"""Micro-segments and value segments: what they are made of, how they are cut, merged, named and kept.

A layer is a figure of a customer in one context (value, activity, basket, contact), cut into bins. A cell is a stage
with one bin of each of its layers; a micro-segment is one or more cells of a stage.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any

from tandem.planner.modelling.lifecycle.domain import Stage

LEAST_MEMBERS = 200
LEAST_SHARE = 0.001
HYSTERESIS = 0.05
#: the vendor's ids of stages; 1 to 4 are its example
STAGE_IDS = {
    Stage.NEW: 1, Stage.ACTIVE: 2, Stage.FROM_CHURN: 3, Stage.CHURN: 4, Stage.AT_RISK: 5, Stage.REGISTERED: 6,
    Stage.DORMANT: 7,
}  # fmt: skip
#: best first; the id is the place, from 1
VALUE_SEGMENTS = ("Diamond", "Platinum", "Gold", "Silver", "Bronze")
VALUE_SHARES = (1.0, 4.0, 15.0, 30.0, 50.0)


class Basis(StrEnum):
    """What value segments are cut by: calibrated future value, or past spend and why."""

    FUTURE = "future_value"
    NO_MODEL = "no_model"
    TIED = "tied"

    @property
    def figure(self) -> str:
        """The figure itself."""
        return "future_value" if self is Basis.FUTURE else "spent_365"


BASIS_WORDS = {
    Basis.FUTURE: "By future value: what a customer is expected to spend in the next 365 days.",
    Basis.NO_MODEL: "By what a customer spent in the last 365 days: there is no model of future value yet.",
    Basis.TIED: "By what a customer spent in the last 365 days: too many customers have the same future value, because "
    "in their stage no model did better than the average.",
}
#: with more customers than this on one future value, that value cannot tell customers apart
MOST_TIED = 0.1


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A figure of the features, cut at shares of the stage's customers; words name the bins, lowest first.

    once: the words where the only cut is at 1; told: the figure in a sentence, {} = the bounds.
    """

    figure: str
    shares: tuple[float, ...]
    words: tuple[str, ...]
    once: tuple[str, ...] = ()
    told: str = ""


_SPENT = Layer(
    figure="spent_365", shares=(1 / 3, 2 / 3), words=("small spenders", "middling spenders", "big spenders"),
    told="spent {} in the last 365 days",
)  # fmt: skip
_ORDERED = Layer(
    figure="orders_365", shares=(0.5,), words=("who order seldom", "who order often"),
    once=("with one order", "who ordered again"), told="ordered on {} days of the last 365",
)  # fmt: skip
_BASKET = Layer(
    figure="average_order", shares=(0.5,), words=("small baskets", "large baskets"), told="spend {} per order"
)
_SPENT_EVER = Layer(
    figure="total_spent", shares=_SPENT.shares, words=_SPENT.words, told="spent {} in all"
)  # fmt: skip
_ORDERED_EVER = Layer(
    figure="orders", shares=_ORDERED.shares, words=("who ordered seldom", "who ordered often"),
    once=_ORDERED.once, told="ordered on {} days in all",
)  # fmt: skip
_BY_EMAIL = Layer(
    figure="may_receive_email", shares=(0.5,), words=("not reached by email", "reached by email")
)
_BY_SMS = Layer(figure="may_receive_sms", shares=(0.5,), words=("not reached by SMS", "reached by SMS"))
LAYERS: dict[Stage, tuple[Layer, ...]] = {
    Stage.NEW: (_SPENT, _ORDERED),
    Stage.ACTIVE: (_SPENT, _ORDERED, _BASKET),
    Stage.AT_RISK: (_SPENT, _ORDERED),
    Stage.FROM_CHURN: (_SPENT, _ORDERED),
    Stage.CHURN: (_SPENT_EVER, _ORDERED_EVER),
    Stage.DORMANT: (_SPENT_EVER, _ORDERED_EVER),
    Stage.REGISTERED: (_BY_EMAIL, _BY_SMS),
}

#: beside the layers a figure of those who have bought, for groups of customers who are alike
SILENCE = Layer(
    figure="silence",
    shares=(),
    words=("who bought lately", "long silent"),
    told="have been silent for {} days",
)


class Method(StrEnum):
    """How a stage is cut into cells."""

    QUANTILES = "quantiles"
    KMEANS = "kmeans"


#: stages whose customers have figures to be alike in
CLUSTERED = tuple(stage for stage in LAYERS if stage is not Stage.REGISTERED)

Cell = tuple[int, ...]
#: for each layer of a stage the highest value of every bin but the last
Cuts = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """A stage cut by k-means. A cell has one place: the number of its group.

    figures: of `standing`; knots: of each figure the values that a customer's rank counts those below; centres: of each
    group the mean rank of each figure, in hundredths; names, told: of each group.
    """

    figures: tuple[str, ...]
    knots: tuple[tuple[float, ...], ...]
    centres: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    told: tuple[str, ...]

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Clusters":
        """What `dataclasses.asdict` gave."""
        return cls(
            figures=tuple(stored["figures"]), knots=tuple(map(tuple, stored["knots"])),
            centres=tuple(map(tuple, stored["centres"])), names=tuple(stored["names"]), told=tuple(stored["told"]),
        )  # fmt: skip


#: how a stage is cut: each layer by itself, or all figures at once
Cutting = Cuts | Clusters


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A micro-segment as it is cut: its id, its name and its cells."""

    number: int
    stage: Stage
    name: str
    cells: tuple[Cell, ...]


def least_members(customers: int) -> float:
    """How many members a micro-segment needs, of so many customers in all."""
    return max(LEAST_MEMBERS, LEAST_SHARE * customers)


def merged(counts: Mapping[Cell, int], customers: int) -> tuple[tuple[Cell, ...], ...]:
    """The cells of one stage put together until each part has enough members; a stage alone may be smaller.

    Enough = max(200, 0.1 % of `customers`). The smallest part joins the nearest: fewest bins away, then the smaller.
    """
    least = least_members(customers)
    parts: dict[tuple[Cell, ...], int] = {(cell,): members for cell, members in counts.items() if members}
    while len(parts) > 1:
        smallest = min(parts, key=lambda part: (parts[part], part))
        if parts[smallest] >= least:
            break
        others = [part for part in parts if part != smallest]
        nearest = min(others, key=lambda part: (_distance(smallest, part), parts[part], part))
        members = parts.pop(smallest) + parts.pop(nearest)
        parts[tuple(sorted((*smallest, *nearest)))] = members
    return tuple(sorted(parts))


def whole(parts: Sequence[tuple[Cell, ...]], cuts: Cuts) -> tuple[tuple[Cell, ...], ...]:
    """The parts with every cell the cuts allow: one without members today belongs to the nearest part."""
    taken = {cell for part in parts for cell in part}
    grown = [list(part) for part in parts]
    for cell in product(*(range(len(bounds) + 1) for bounds in cuts)):
        if cell not in taken and grown:
            nearest = min(range(len(parts)), key=lambda n: (_distance((cell,), parts[n]), n))
            grown[nearest].append(cell)
    return tuple(tuple(sorted(part)) for part in grown)


def _distance(one: Iterable[Cell], other: Iterable[Cell]) -> int:
    return min(sum(abs(x - y) for x, y in zip(a, b, strict=True)) for a, b in product(one, other))


def names(stage: Stage, parts: Sequence[tuple[Cell, ...]], cuts: Cuts) -> tuple[str, ...]:
    """A name for each part, all different: the stage, then what tells it apart in each layer."""
    given: list[str] = []
    for part in parts:
        words = [
            _words(layer, bounds, {cell[n] for cell in part}) for n, (layer, bounds) in _layers(stage, cuts)
        ]
        told = ", ".join(word for word in words if word)
        given.append(unused(f"{stage}: {told}" if told else f"{stage}", given))
    return tuple(given)


def _layers(stage: Stage, cuts: Cuts) -> Iterable[tuple[int, tuple[Layer, tuple[float, ...]]]]:
    return enumerate(zip(LAYERS[stage], cuts, strict=True))


def _words(layer: Layer, bounds: tuple[float, ...], bins: set[int]) -> str:
    """Nothing where the part has all bins of the layer; with fewer cuts than words the outermost words stay."""
    count = len(bounds) + 1
    if len(bins) == count:
        return ""
    words = layer.words if count == len(layer.words) else (layer.words[0], layer.words[-1])
    words = layer.once if layer.once and bounds == (1.0,) else words
    first, *others = (words[one] for one in sorted(bins))
    if not others:
        return first
    noun = first.rpartition(" ")[2]
    joint = "to" if max(bins) - min(bins) == 1 else "or"
    return f"{first.removesuffix(noun).strip()} {joint} {others[-1]}"


def described(stage: Stage, part: Sequence[Cell], cuts: Cuts) -> str:
    """A part in one sentence with its figures, rounded to whole ones; empty for all of a stage."""
    told = []
    for n, (layer, bounds) in _layers(stage, cuts):
        bins = {cell[n] for cell in part}
        if len(bins) <= len(bounds):
            told.append(_figures(layer, bounds, bins))
    who = f"Customers in {stage}" if stage is not Stage.REGISTERED else "Registered without a purchase"
    return f"{who} who {' and '.join(told)}." if told else ""


def _figures(layer: Layer, bounds: tuple[float, ...], bins: set[int]) -> str:
    if not layer.told:
        return f"are {_words(layer, bounds, bins)}"
    low, high = min(bins), max(bins)
    edges = [f"more than {bounds[low - 1]:,.0f}"] if low else []
    edges += [f"at most {bounds[high]:,.0f}"] if high < len(bounds) else []
    if high - low + 1 != len(bins):
        edges = [f"at most {bounds[low]:,.0f} or more than {bounds[high - 1]:,.0f}"]
    told = layer.told.format(" and ".join(edges))
    return told.replace("at most 1 days", "one day").replace("more than 1 days", "more than one day")


def unused(name: str, given: Sequence[str]) -> str:
    """The name, with a number if it is taken."""
    made, number = name, 2
    while made in given:
        made, number = f"{name} ({number})", number + 1
    return made


def kept_numbers(overlap: Mapping[tuple[int, int], int], new: int, next_number: int) -> tuple[int, ...]:
    """The ids of `new` segments: those of the old ones, each given once, so that most members keep theirs; else new.

    overlap: (old id, place of the new one) -> members in both.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    old = sorted({number for number, _ in overlap})
    members = np.zeros((len(old), new))
    for (number, place), count in overlap.items():
        members[old.index(number), place] = count
    rows, places = linear_sum_assignment(members, maximize=True)
    numbers = {
        int(place): old[row] for row, place in zip(rows, places, strict=True) if members[row, place] > 0
    }
    free = iter(range(next_number, next_number + new))
    return tuple(numbers[place] if place in numbers else next(free) for place in range(new))


def value_place(value: float, cuts: Sequence[float], before: int | None) -> int:
    """The place of a value segment, 1 = best. cuts: the least value of each but the last, best first.

    before: the place a day earlier; it is left only by a value 5 % past a cut. The reference for the SQL.
    """
    if before is None:
        return _place(value, cuts)
    up = _place(value, [cut * (1 + HYSTERESIS) for cut in cuts])
    down = _place(value, [cut * (1 - HYSTERESIS) for cut in cuts])
    return min(up, max(down, before))


def _place(value: float, cuts: Sequence[float]) -> int:
    return next((place for place, cut in enumerate(cuts, 1) if value >= cut), len(cuts) + 1)


def churn_risk(
    silence: int | None, churn_days: int, curve: Sequence[tuple[int, float]], horizon: int
) -> float:
    """The chance to be in Churn after `horizon` days without a model: from how often such silences end in 28 days.

    curve: (days of silence, share that buys in the following `horizon` days), ascending. The reference for the SQL.
    """
    if silence is None or silence + horizon <= churn_days:
        return 0.0
    returning = next((share for days, share in reversed(curve) if days <= silence), 0.0)
    waiting = min(max(churn_days - silence, 0) / horizon, 1.0) if silence <= churn_days else 1.0
    return float((1 - returning) ** waiting)
