"""Features cut into at most eight bins: quantiles of numbers with zero of its own, the commonest values of categories.

What cannot tell customers apart is left out and says why: one value only, nothing known, no value common enough.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem.planner.discovery.domain import (
    LEAST_MEMBERS,
    LEAST_SHARE,
    REPEATED_BELOW,
    Axis,
    Bin,
    Codes,
    Dropped,
    Feature,
    Flags,
    Floats,
    Kind,
    Role,
    Unit,
    written,
)

BINS = 8
BINS_OF_FEW = 5
WINSORISED = 0.995
_DIGITS = 3


def number(
    name: str,
    values: NDArray[Any],
    *,
    label: str = "",
    unit: Unit = Unit.NONE,
    role: Role = Role.OTHER,
    bins: int = 0,
) -> Feature | Dropped:
    """A number in quantile bins, shape (n,); NaN is unknown and a bin of its own, as zero is.

    bins: at most so many; 0 chooses by the number of customers. Bounds are rounded to three digits.
    """
    numbers = values.astype(np.float64, copy=False)
    infinite = np.isinf(numbers)
    if infinite.any():
        numbers = np.where(infinite, np.nan, numbers)
    unknown = np.isnan(numbers)
    holes = bool(unknown.any())
    known = numbers[~unknown] if holes else numbers
    if not len(known):
        return Dropped(name=name, reason="Nothing is known of any customer.")
    if known.min() == known.max() and not holes:
        return Dropped(name=name, reason="It is the same for all customers.")
    bounds = _bounds(known, (bins or _bins(len(numbers))) - 1)
    codes = np.zeros(len(numbers), np.uint8)
    for value, beyond in bounds:
        codes += (numbers > value) if beyond else (numbers >= value)
    cut = _bins_between(bounds)
    if holes:
        codes[unknown] = len(cut)
        cut = (*cut, Bin(missing=True))
    if len(cut) < 2:
        return Dropped(name=name, reason="Nearly all customers have the same value.")
    whole = bool(np.all(known == np.floor(known)))
    axis = Axis(name=name, label=label or name, kind=Kind.NUMBER, bins=cut, unit=unit, role=role, whole=whole)
    return Feature(axis=axis, codes=codes)


def _bins(customers: int) -> int:
    return BINS if customers >= REPEATED_BELOW else BINS_OF_FEW


Bound = tuple[float, bool]


def _bounds(known: Floats, most: int) -> list[Bound]:
    """Where bins begin: (value, whether the value itself still belongs to the bin below)."""
    zero = bool((known == 0).any())
    rest = known[known != 0] if zero else known
    bounds: list[Bound] = []
    low, high = known.min(), known.max()
    if zero and low < 0:
        bounds.append((0.0, False))
    if zero and high > 0:
        bounds.append((0.0, True))
    bounds += [(value, False) for value in _quantiles(rest, most + 1 - (1 if zero else 0))]
    kept = sorted(
        {(value, beyond) for value, beyond in bounds if low < value <= high or (beyond and value >= low)}
    )
    return [
        (value, beyond) for value, beyond in kept if not (zero and value == 0 and not beyond and low >= 0)
    ]


def _quantiles(values: Floats, parts: int) -> list[float]:
    """Values that cut into parts of a size; a lowest value with more than a part's share is a part of its own."""
    if parts < 2 or not len(values):
        return []
    above = values[values > values.min()]
    if len(above) and len(values) - len(above) > len(values) / parts:
        return [float(above.min()), *_quantiles(above, parts - 1)]
    places = [int(share * (len(values) - 1)) for share in np.linspace(0, 1, parts + 1)[1:-1]]
    ordered = np.partition(values, sorted(set(places)))
    return [_rounded(float(ordered[place])) for place in places]


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _bins_between(bounds: Sequence[Bound]) -> tuple[Bin, ...]:
    edges: list[Bound | None] = [None, *bounds, None]
    return tuple(
        Bin(
            low=None if below is None else below[0],
            low_open=below is not None and below[1],
            high=None if above is None else above[0],
            high_open=above is not None and not above[1],
        )
        for below, above in pairwise(edges)
    )


def category(
    name: str, values: NDArray[Any], *, label: str = "", role: Role = Role.OTHER, bins: int = 0
) -> Feature | Dropped:
    """A category, shape (n,), None = unknown: its commonest values, all rarer ones pooled.

    A value is common when it holds enough customers for a group on each half.
    """
    size = len(values)
    unknown = np.fromiter((one is None for one in values), np.bool_, size)
    if unknown.all():
        return Dropped(name=name, reason="Nothing is known of any customer.")
    words, places, counts = np.unique(
        np.array([written(one) for one in values[~unknown]], np.str_), return_inverse=True, return_counts=True
    )
    if len(words) == 1 and not unknown.any():
        return Dropped(name=name, reason="It is the same for all customers.")
    least = 2 * max(LEAST_MEMBERS, LEAST_SHARE * size)
    order = np.lexsort((words, -counts))
    common = [place for place in order[: (bins or BINS) - 1] if counts[place] >= least]
    if len(common) + 1 == len(words) and len(words) <= (bins or BINS):
        common = list(order)  # a pool of one is that value
    if not common:
        return Dropped(
            name=name, reason=f"None of its {len(words):,} values is common enough to make a group."
        )
    return _of_values(name, label, role, words, common, places, unknown)


def _of_values(
    name: str,
    label: str,
    role: Role,
    words: NDArray[Any],
    common: list[Any],
    places: NDArray[Any],
    unknown: Flags,
) -> Feature | Dropped:
    recoded = np.full(len(words), len(common), np.uint8)
    recoded[common] = np.arange(len(common))
    cut = [Bin(values=(str(words[place]),)) for place in common]
    if len(common) < len(words):
        cut.append(Bin(others=True))
    codes = np.full(len(unknown), len(cut), np.uint8)
    codes[~unknown] = recoded[places]
    if unknown.any():
        cut.append(Bin(missing=True))
    axis = Axis(name=name, label=label or name, kind=Kind.CATEGORY, bins=tuple(cut), role=role)
    return Feature(axis=axis, codes=codes)


def flag(name: str, values: NDArray[Any], *, label: str = "") -> Feature | Dropped:
    """A yes or no, shape (n,): booleans, or objects with None = unknown."""
    unknown = np.fromiter((one is None for one in values), np.bool_, len(values))
    true = np.fromiter((bool(one) for one in values), np.bool_, len(values))
    codes: Codes = np.where(unknown, 2, np.where(true, 0, 1)).astype(np.uint8)
    present = np.unique(codes)
    if len(present) < 2:
        reason = "Nothing is known of any customer." if unknown.any() else "It is the same for all customers."
        return Dropped(name=name, reason=reason)
    made = (Bin(values=("true",)), Bin(values=("false",)), Bin(missing=True))
    codes = np.searchsorted(present, codes).astype(np.uint8)
    axis = Axis(name=name, label=label or name, kind=Kind.FLAG, bins=tuple(made[place] for place in present))
    return Feature(axis=axis, codes=codes)


def cap(y: Floats) -> float:
    """The sum above which sums count as that sum: percentile 99.5, of those who spent where hardly anybody did."""
    if not len(y):
        return 0.0
    found = float(np.quantile(y, WINSORISED, method="inverted_cdf"))
    if found <= 0 and (y > 0).any():
        found = float(np.quantile(y[y > 0], WINSORISED, method="inverted_cdf"))
    return found
