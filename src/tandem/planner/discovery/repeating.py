"""Twenty splits of few customers: a group is shown when groups like it held in the median split.

In each split every proposed group answers for all that were proposed there (Bonferroni). A group's p in a split is the
best of those like it, 1 where there is none; twice the median of the twenty is its p (Meinshausen, Meier, Buhlmann
2009), which keeps the chance of any false one below the level however the splits overlap.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from tandem.planner.discovery.confirming import twice_median
from tandem.planner.discovery.cubes import Terms
from tandem.planner.discovery.domain import MOST_ALIKE, Estimate, Feature, Flags
from tandem.planner.discovery.finding import Group
from tandem.planner.discovery.pruning import jaccard, members_of

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
    inside: Flags
    split: int
    p: float


def agreed(runs: Sequence[Sequence[Tested]], features: Sequence[Feature], level: float) -> list[Tested]:
    """The groups of all splits, near copies once, each with the estimate of its median split; best first."""
    options = [one.axis.options() for one in features]
    pool = [
        _Pooled(
            one, members_of(one.group.terms, features, options), split, min(1.0, one.estimate.p * len(run))
        )
        for split, run in enumerate(runs)
        for one in run
    ]
    judged = [_judged(one, pool, len(runs)) for one in _once(pool)]
    judged.sort(key=lambda pair: (pair[0].estimate.q, -pair[0].splits, -abs(pair[0].group.z)))
    kept: list[tuple[Tested, Flags]] = []
    for tested, inside in judged:
        if all(jaccard(inside, other) < MOST_ALIKE for _, other in kept):
            kept.append((tested, inside))
    return [tested for tested, _ in kept]


def _once(pool: Sequence[_Pooled]) -> list[_Pooled]:
    seen: dict[tuple[Terms, int], _Pooled] = {}
    for one in pool:
        seen.setdefault((one.tested.group.terms, one.tested.direction), one)
    return list(seen.values())


def _judged(one: _Pooled, pool: Sequence[_Pooled], splits: int) -> tuple[Tested, Flags]:
    like = [
        (jaccard(one.inside, other.inside), other)
        for other in pool
        if other.tested.direction == one.tested.direction
    ]
    matches = {
        split: [pair for pair in like if pair[1].split == split and pair[0] >= ALIKE]
        for split in range(splits)
    }
    p = twice_median([min((other.p for _, other in found), default=1.0) for found in matches.values()])
    nearest = [max(found, key=lambda pair: pair[0])[1].tested for found in matches.values() if found]
    estimate = replace(_middle([other.estimate for other in nearest], one.tested.direction), p=p, q=p)
    return one.tested._replace(estimate=estimate, splits=len(nearest)), one.inside


def _middle(estimates: Sequence[Estimate], direction: int) -> Estimate:
    """The one with the median difference, of two the lesser: no split is chosen for its luck."""
    ordered = sorted(estimates, key=lambda one: (direction * one.difference, one.members))
    return ordered[(len(ordered) - 1) // 2]
