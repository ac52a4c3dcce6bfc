"""The other half decides: one test per group that was proposed, one-sided, all answered for together.

Benjamini and Hochberg 1995 (false discoveries), Holm 1979 (any false one). Under 20,000 customers one split says too
little: 20 splits, twice the median p (Meinshausen, Meier, Buhlmann 2009).
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np

from tandem.planner.customers.rights import LEAST_DESCRIBED
from tandem.planner.discovery.contrasts import Moments, contrast
from tandem.planner.discovery.cubes import Terms
from tandem.planner.discovery.domain import Estimate, Flags, Floats, Method
from tandem.planner.discovery.halves import Half
from tandem.planner.discovery.pruning import groups_of, members_of, wholes_of, without, z_among

#: what a condition has to add on the confirm half, or the group is shown without it: one-sided, one in twenty
LEAST_BEYOND = NormalDist().inv_cdf(0.95)


def needed(terms: Terms, half: Half, direction: int) -> tuple[Terms, Estimate]:
    """The group without the conditions that this half does not show to add anything, and its estimate.

    Its p is the largest of the groups on the way there, so which of them is shown is not chosen by luck.
    """
    worst = 0.0
    while True:
        estimate = estimated(terms, half, direction)
        worst = max(worst, estimate.p)
        added = [_added(terms, place, half, direction) for place in range(len(terms))] if terms[1:] else []
        if not added or min(added) >= LEAST_BEYOND:
            return terms, replace(estimate, p=worst, q=worst)
        terms = without(terms, int(np.argmin(added)))


def _added(terms: Terms, place: int, half: Half, direction: int) -> float:
    options = [one.axis.options() for one in half.features]
    around = members_of(without(terms, place), half.features, options)
    inside = members_of(terms, half.features, options)[around]
    treated = None if half.treated is None else half.treated[around]
    return direction * z_among(inside, half.y[around], treated)


def estimated(terms: Terms, half: Half, direction: int) -> Estimate:
    """The group on this half."""
    options = [one.axis.options() for one in half.features]
    inside = members_of(terms, half.features, options)
    return measured(inside, half.y, half.treated, direction, half.expected)


def measured(
    inside: Flags, y: Floats, treated: Flags | None, direction: int, expected: Floats | None = None
) -> Estimate:
    """The group against the rest, with its 95 % interval and p; q is p until all tests are known.

    expected: y is then the surprise, outcome less expected. The mean is told of the outcome itself, the difference
    against what was expected of the group: as much of the gap to the rest as the rest is of all, as surprises cancel.
    """
    groups, wholes = groups_of(inside, y, treated), wholes_of(y, treated)
    size, everybody = int(np.count_nonzero(inside)), len(y)
    gap, variance = (float(one) for one in contrast(groups, wholes))
    testable = min(size, everybody - size) >= LEAST_DESCRIBED and variance > 0
    error = math.sqrt(variance) if testable else math.inf
    gap = gap if math.isfinite(gap) else 0.0
    p = p_of(direction * gap / error) if testable else 1.0
    mean, part = _mean(groups), 1.0
    if expected is not None:
        part = (everybody - size) / max(everybody, 1)
        mean += float(expected[inside].mean()) if size else 0.0
    gap, reach = part * gap, part * NormalDist().inv_cdf(0.975) * error if part else math.inf
    return Estimate(
        members=size, rest=everybody - size, mean=mean, other=mean - gap, difference=gap, low=gap - reach,
        high=gap + reach, p=p, q=p,
    )  # fmt: skip


def _mean(groups: Sequence[Moments]) -> float:
    means = [float(one.s / one.n) if one.n else 0.0 for one in groups]
    return means[0] - means[1] if len(means) > 1 else means[0]


def p_of(z: float) -> float:
    """One-sided, of the standard normal."""
    return math.erfc(z / math.sqrt(2)) / 2


def together(p: Sequence[float], method: Method) -> list[float]:
    """q of each: the smallest level at which it is still rejected among all of them."""
    order = sorted(range(len(p)), key=lambda place: p[place])
    total = len(p)
    found = [1.0] * total
    if method is Method.HOLM:
        worst = 0.0
        for rank, place in enumerate(order):
            worst = max(worst, (total - rank) * p[place])
            found[place] = min(1.0, worst)
        return found
    least = 1.0
    for rank in range(total, 0, -1):
        place = order[rank - 1]
        least = min(least, p[place] * total / rank)
        found[place] = least
    return found


def twice_median(p: Sequence[float]) -> float:
    """One p of the p of all splits: valid whatever the splits share."""
    ordered = sorted(p)
    upper = ordered[len(ordered) // 2]  # of an even number the greater of the two: never too small
    return min(1.0, 2 * upper)
