"""A rule on days after those it was found in: against the rest, or against what was expected of its members."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tandem.planner.discovery.confirming import measured
from tandem.planner.discovery.domain import LEAST_DESCRIBED, Estimate, Flags, Outcome, Rule
from tandem.planner.discovery.expected import cells, expected
from tandem.planner.discovery.frames import SPENT_ON, Frame


def judged(rule: Rule, found: Frame, outcome: Outcome, seed: int) -> dict[str, Any] | None:
    """How a rule did on later days; None where it cannot be told: a column is gone, or fewer than 50 people."""
    if any(one.name not in found.raw for one in rule.conditions):
        return None
    told = later_estimate(inside_of(rule, found), outcome, found, rule.direction, seed)
    if told.members < LEAST_DESCRIBED:
        return None
    return {
        "members": told.members, "mean": told.mean, "other": told.other, "low": told.low, "high": told.high,
        "kept": bool(rule.direction * told.difference > 0),
    }  # fmt: skip


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
