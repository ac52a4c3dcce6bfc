"""Twenty splits of few customers: a group is shown when groups like it held in the median split.

In each split every proposed group answers for all that were proposed there (Bonferroni). A group's p in a split is the
best of those like it, 1 where there is none; twice the median of the twenty is its p (Meinshausen, Meier, Buhlmann
2009), which keeps the chance of any false one below the level however the splits overlap.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tandem.planner.discovery.confirming import twice_median
from tandem.planner.discovery.cubes import Terms
from tandem.planner.discovery.domain import MOST_ALIKE, Estimate, Feature, Floats
from tandem.planner.discovery.finding import Group
from tandem.planner.discovery.pruning import members_of

#: groups of two splits with so many common customers are the same find
ALIKE = 0.5


class Tested(NamedTuple):
    """A proposed group and what the confirm half of its split says."""

    group: Group
    direction: int
    estimate: Estimate
    parent: Terms = ()
    parent_estimate: Estimate | None = None
    splits: int = 1


class _Pooled(NamedTuple):
    tested: Tested
    split: int
    p: float


def agreed(runs: Sequence[Sequence[Tested]], features: Sequence[Feature], level: float) -> list[Tested]:
    """The groups of all splits, near copies once, each with the estimate of its median split; best first."""
    pool = [
        _Pooled(one, split, min(1.0, one.estimate.p * len(run)))
        for split, run in enumerate(runs)
        for one in run
    ]
    like = _alike([one.tested for one in pool], features)
    first: dict[tuple[Terms, int], int] = {}
    for place, one in enumerate(pool):
        first.setdefault((one.tested.group.terms, one.tested.direction), place)
    judged = [(_judged(place, pool, like[place], len(runs)), place) for place in first.values()]
    judged.sort(key=lambda pair: (pair[0].estimate.q, -pair[0].splits, -abs(pair[0].group.z)))
    return _apart(judged, like)


def apart(tested: Sequence[Tested], features: Sequence[Feature]) -> list[Tested]:
    """Without those that share most of their customers with a surer one."""
    judged = sorted(
        zip(tested, range(len(tested)), strict=True),
        key=lambda pair: (pair[0].estimate.q, -abs(pair[0].group.z)),
    )
    return _apart(judged, _alike(tested, features))


def _apart(judged: Sequence[tuple[Tested, int]], like: Floats) -> list[Tested]:
    kept: list[tuple[Tested, int]] = []
    for tested, place in judged:
        if all(like[place, other] < MOST_ALIKE for _, other in kept):
            kept.append((tested, place))
    return [tested for tested, _ in kept]


def _alike(tested: Sequence[Tested], features: Sequence[Feature]) -> Floats:
    """Jaccard index of every two groups, shape (groups, groups)."""
    options = [one.axis.options() for one in features]
    rows = [members_of(one.group.terms, features, options) for one in tested]
    sizes = np.array([np.count_nonzero(one) for one in rows], np.float64)
    both = np.zeros((len(rows), len(rows)))
    for place, one in enumerate(rows):
        for other in range(place, len(rows)):
            both[place, other] = both[other, place] = np.count_nonzero(one & rows[other])
    return both / np.maximum(sizes[:, None] + sizes[None, :] - both, 1)


def _judged(at: int, pool: Sequence[_Pooled], like: Floats, splits: int) -> Tested:
    """like: of this group with each of the pool, shape (pool,)."""
    one = pool[at].tested
    matches: list[list[int]] = [[] for _ in range(splits)]
    for place in map(int, np.flatnonzero(like >= ALIKE)):
        if pool[place].tested.direction == one.direction:
            matches[pool[place].split].append(place)
    p = twice_median([min((pool[place].p for place in found), default=1.0) for found in matches])
    nearest = [pool[max(found, key=lambda place: like[place])].tested for found in matches if found]
    estimate = replace(_middle([other.estimate for other in nearest], one.direction), p=p, q=p)
    return one._replace(estimate=estimate, splits=len(nearest))


def _middle(estimates: Sequence[Estimate], direction: int) -> Estimate:
    """The one with the median difference, of two the lesser: no split is chosen for its luck."""
    ordered = sorted(estimates, key=lambda one: (direction * one.difference, one.members))
    return ordered[(len(ordered) - 1) // 2]
