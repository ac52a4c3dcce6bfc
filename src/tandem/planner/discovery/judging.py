"""A rule on days after those it was found in: against the rest, or against what was expected of its members."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tandem.planner.customers.rights import LEAST_DESCRIBED
from tandem.planner.discovery.alone import Ends
from tandem.planner.discovery.confirming import measured
from tandem.planner.discovery.domain import Estimate, Flags, Outcome, Rule
from tandem.planner.discovery.expected import cells, expected
from tandem.planner.discovery.frames import SPENT_ON, Frame


def judged(rule: Rule, found: Frame, outcome: Outcome, seed: int) -> dict[str, Any] | None:
    """How a rule did on later days; None where it cannot be told: a column is gone, or fewer than 50 people."""
    if any(one.name not in found.raw for one in rule.conditions):
        return None
    inside = inside_of(rule, found)
    told = later_estimate(inside, outcome, found, rule.direction, seed)
    if told.members < LEAST_DESCRIBED:
        return None
    return {
        "members": told.members, "mean": told.mean, "other": told.other, "low": told.low, "high": told.high,
        "kept": bool(rule.direction * told.difference > 0), **_likewise(rule, inside, found, outcome, seed),
    }  # fmt: skip


def _likewise(rule: Rule, inside: Flags, found: Frame, outcome: Outcome, seed: int) -> dict[str, float]:
    """What customers of the same recency, orders and spend did, and as many at the end of one attribute."""
    usual = expected(cells(found.rfm), outcome.y, found.customers, seed)
    told = {"usual": float(usual[inside].mean())}
    one = rule.alone
    if one is not None and one.name in found.raw and not np.isnan(found.raw[one.name]).all():
        told["alone"] = Ends({one.name: found.raw[one.name]}, outcome.y).mean(
            one.name, one.top, int(np.count_nonzero(inside))
        )
    return told


def inside_of(rule: Rule, found: Frame) -> Flags:
    """Whom a rule holds, shape (n,)."""
    inside = np.ones(len(found.customers), np.bool_)
    for one in rule.conditions:
        inside &= one.holds(found.raw[one.name])
    return inside


def later_estimate(inside: Flags, outcome: Outcome, found: Frame, direction: int, seed: int) -> Estimate:
    """The group against the rest, or against what was expected of it."""
    if outcome.rfm is None:
        return measured(inside, outcome.y, None, direction)
    usual = expected(cells(outcome.rfm), outcome.y, found.customers, seed)
    return measured(inside, outcome.y - usual, None, direction, usual)


def categories_of(rules: Iterable[Rule]) -> tuple[str, ...]:
    """The categories that rules speak of the spend on."""
    names = {one.name for rule in rules for one in rule.conditions if one.name.startswith(SPENT_ON)}
    return tuple(sorted(name.removeprefix(SPENT_ON) for name in names))
