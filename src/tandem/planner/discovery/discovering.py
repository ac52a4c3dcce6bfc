"""One search from features to confirmed rules: the same rows and seed give the same answer."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tandem.planner.discovery.confirming import estimated, needed, together
from tandem.planner.discovery.cubes import LEAST_Z, Terms
from tandem.planner.discovery.domain import (
    LEAST_MEMBERS,
    MOST_TESTED,
    REPEATED_BELOW,
    SPLITS,
    Condition,
    Dropped,
    Feature,
    Found,
    Method,
    Outcome,
    Rule,
)
from tandem.planner.discovery.expected import cells
from tandem.planner.discovery.finding import Group, find
from tandem.planner.discovery.halves import Half, Split, split_of
from tandem.planner.discovery.pruning import members_of, z_among
from tandem.planner.discovery.repeating import Tested, agreed, apart
from tandem.planner.discovery.splitting import searched

Progress = Callable[[float, str], None]


def discover(
    features: Sequence[Feature],
    outcome: Outcome,
    customers: NDArray[np.int64],
    *,
    seed: int,
    depth: int = 3,
    method: Method = Method.BH,
    q: float = 0.05,
    dropped: Sequence[Dropped] = (),
    progress: Progress | None = None,
) -> Found:
    """Groups that stand out on one half and again on the other, best first.

    customers: their numbers, shape (n,), which decide the half. Under 20,000 customers it is done 20 times, and what
    is shown held in the median of them. q: the share of false ones among the shown that is put up with.
    """
    repeated = len(customers) < REPEATED_BELOW
    splits = SPLITS if repeated else 1
    first = searched(customers, seed)
    search = int(np.count_nonzero(first))
    told = Found(
        rules=(), tested=(), candidates=0, seed=seed, customers=len(customers), search=search,
        confirm=len(customers) - search, splits=splits, method=method, rate=outcome.rate, dropped=tuple(dropped),
    )  # fmt: skip
    if reason := _impossible(outcome, told, features):
        return replace(told, note=reason)
    rfm = cells(outcome.rfm) if outcome.rfm is not None else None
    runs, candidates = [], 0
    for turn in range(splits):
        if progress is not None:
            progress(turn / splits, "Searching on one half")
        halves = split_of(features, outcome, rfm, customers, seed, turn)
        proposed = find(
            halves.search.features, halves.search.y, treated=halves.search.treated, side=outcome.side,
            depth=depth, least_z=LEAST_Z_OF_FEW if repeated else LEAST_Z,
            most=MOST_OF_FEW if repeated else MOST_TESTED,
        )  # fmt: skip
        candidates += proposed.candidates
        runs.append([_tested(group, halves) for group in proposed.groups])
    found = agreed(runs, features, q) if repeated else apart(_of_one(runs[0], method), features)
    if progress is not None:
        progress(0.9, "Confirming on the other half")
    rules = tuple(_rule(one, features) for one in found)
    shown = sorted(
        (one for one in rules if one.estimate.q <= q),
        key=lambda one: (one.estimate.q, one.estimate.p, -abs(one.search_z)),
    )
    note = "" if shown else "not_confirmed" if rules else "nothing_stood_out"
    return replace(told, rules=tuple(shown), tested=rules, candidates=candidates, note=note)


#: a half of few customers shows less; what it proposes is tested twenty times
LEAST_Z_OF_FEW, MOST_OF_FEW = 3.0, 8


def _impossible(outcome: Outcome, told: Found, features: Sequence[Feature]) -> str:
    if min(told.search, told.confirm) < 2 * LEAST_MEMBERS or not features:
        return "too_few"
    if outcome.treated is not None and min(outcome.treated.sum(), (~outcome.treated).sum()) < LEAST_MEMBERS:
        return "too_few"
    return "constant" if outcome.y.min() == outcome.y.max() else ""


def _tested(group: Group, halves: Split) -> Tested:
    """The group on the confirm half, and the one of its conditions that says most alone."""
    direction = 1 if group.z > 0 else -1
    terms, estimate = needed(group.terms, halves.confirm, direction)
    if terms != group.terms:
        options = [one.axis.options() for one in halves.search.features]
        inside = members_of(terms, halves.search.features, options)
        group = Group(terms, z_among(inside, halves.search.y, halves.search.treated), group.round)
    parent = _parent(group, halves.search, direction)
    return Tested(
        group=group,
        direction=direction,
        estimate=estimate,
        parent=parent,
        parent_estimate=estimated(parent, halves.confirm, direction) if parent else None,
    )


def _parent(group: Group, half: Half, direction: int) -> Terms:
    if len(group.terms) < 2:
        return ()
    options = [one.axis.options() for one in half.features]
    alone = [(term,) for term in group.terms]
    strength = [
        direction * z_among(members_of(terms, half.features, options), half.y, half.treated)
        for terms in alone
    ]
    return alone[int(np.argmax(strength))]


def _of_one(tested: Sequence[Tested], method: Method) -> list[Tested]:
    answers = together([one.estimate.p for one in tested], method)
    return [
        one._replace(estimate=replace(one.estimate, q=answer))
        for one, answer in zip(tested, answers, strict=True)
    ]


def _rule(one: Tested, features: Sequence[Feature]) -> Rule:
    """Size is told of all customers, figures of the confirm half."""
    options = [feature.axis.options() for feature in features]
    size = int(np.count_nonzero(members_of(one.group.terms, features, options)))

    def conditions(terms: Terms) -> tuple[Condition, ...]:
        return tuple(features[place].axis.condition(options[place][option]) for place, option in terms)

    return Rule(
        conditions=conditions(one.group.terms), direction=one.direction, size=size,
        share=size / len(features[0].codes), estimate=one.estimate, search_z=one.group.z,
        parent=conditions(one.parent), parent_estimate=one.parent_estimate, round=one.group.round,
        splits=one.splits,
    )  # fmt: skip
