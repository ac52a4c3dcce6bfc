"""Intervals of groups: between which amounts a group's spend, or the share of it in Churn, will lie 8 times of 10."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tandem.planner.modelling.learning.domain import Spread, StageSpread

#: 80 %: this many standard deviations to each side
EIGHTY = 1.2816


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Of a group's customers in one stage: how many, and sums of what is predicted of them and of its squares.

    value: future value; churn: risk of churn; back: reactivation; sure: chances no model made, counted as certain.
    """

    stage: str
    members: int
    value: float = 0.0
    value_squares: float = 0.0
    churn: float = 0.0
    churn_squares: float = 0.0
    back: float = 0.0
    back_squares: float = 0.0
    sure: float = 0.0
    asked_back: int = 0


@dataclass(frozen=True, kw_only=True)
class Range:
    """From low to high, around what is expected."""

    low: float
    expected: float
    high: float


def value_range(spread: Spread | None, sums: Iterable[Sums]) -> Range | None:
    """What the group will spend in a year, together; None where past days do not tell how far off that may be."""
    listed = [(one.stage, one.value, one.value_squares) for one in sums if one.value > 0]
    total = sum(value for _, value, _ in listed)
    variance = _variance(spread, listed)
    if variance is None or total <= 0:
        return None
    # a sum of amounts is skewed and never below 0: lognormal with this mean and variance
    width = math.log1p(variance / total**2)
    middle, arm = math.log(total) - width / 2, EIGHTY * math.sqrt(width)
    return Range(low=math.exp(middle - arm), expected=total, high=math.exp(middle + arm))


def churn_range(churn: Spread | None, back: Spread | None, sums: Iterable[Sums]) -> Range | None:
    """The share of the group that will be in Churn in 28 days; None where past days do not tell how far off it is."""
    listed = list(sums)
    members = sum(one.members for one in listed)
    leaving = [(one.stage, one.churn, one.churn_squares) for one in listed if one.churn > 0]
    coming = [(one.stage, one.back, one.back_squares) for one in listed if one.back > 0]
    parts = [_variance(spread, part) if part else 0.0 for spread, part in ((churn, leaving), (back, coming))]
    if not members or parts[0] is None or parts[1] is None:
        return None
    expected = sum(one.churn + one.sure + one.asked_back - one.back for one in listed) / members
    deviation = math.sqrt(parts[0] + parts[1]) / members
    if not 0 < expected < 1 or not deviation:
        return Range(low=min(max(expected, 0), 1), expected=expected, high=min(max(expected, 0), 1))
    middle = math.log(expected / (1 - expected))
    arm = EIGHTY * deviation / (expected * (1 - expected))
    return Range(low=_share(middle - arm), expected=expected, high=_share(middle + arm))


def _variance(spread: Spread | None, sums: Sequence[tuple[str, float, float]]) -> float | None:
    """Of the sum over stages of (stage, sum of predictions, sum of their squares)."""
    known = {one.stage: one for one in spread.stages} if spread else {}
    if spread is None or "" not in known:
        return None
    total = sum(value for _, value, _ in sums)
    return (total * spread.level) ** 2 + sum(
        _of_stage(known.get(stage, known[""]), *both) for stage, *both in sums
    )


def _of_stage(stage: StageSpread, value: float, squares: float) -> float:
    chance = max(stage.by_value * value + stage.by_square * squares, 0.0)
    return chance + value**2 * (stage.resampled**2 + stage.parts**2)


def _share(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(min(log_odds, 700.0), -700.0)))
