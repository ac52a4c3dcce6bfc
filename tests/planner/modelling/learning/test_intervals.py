"""Intervals of groups hold as often as they promise, are made of several past days, and never of one."""

from datetime import date

import numpy as np
import pytest

from tandem.planner.modelling.learning import spread
from tandem.planner.modelling.learning.domain import Rung, Spread, StageSpread
from tandem.planner.modelling.learning.folding import Fold
from tandem.planner.modelling.learning.intervals import Sums, churn_range, value_range

pytestmark = pytest.mark.models
NAMES = {0: "New", 1: "Active"}
PEOPLE = 800


def fold(rng, month, predicted, level, *, money=True):
    """A past day: outcomes of the predictions, all of them off by one level."""
    stage = np.repeat(np.array([0, 1], np.int8), PEOPLE // 2)
    actual = outcomes(rng, predicted * level, money=money)
    return Fold(day=date(2025, month, 1), horizon=365, stage=stage, answers={Rung.PACE: predicted}, refused={},
                actual=actual, past=rng.gamma(1, 10, PEOPLE))  # fmt: skip


def outcomes(rng, expected, *, money=True):
    """Money: a number of baskets of 20 each; chances: yes or no."""
    return (
        20.0 * rng.poisson(expected / 20) if money else (rng.random(len(expected)) < expected).astype(float)
    )


def found(folds, **wanted):
    people = [np.arange(PEOPLE)] * len(folds)
    rungs = {0: Rung.PACE, 1: Rung.PACE}
    return spread.measured(folds, people, rungs, None, NAMES, seed=1, **wanted)


def inside(seed, sizes, *, money):
    """Whether intervals made of four past days hold what comes of groups on eight fifth days: a row per size."""
    rng = np.random.default_rng(seed)
    predicted = rng.gamma(2, 30, PEOPLE) if money else rng.beta(2, 6, PEOPLE)
    levels = np.exp(rng.normal(0, 0.12, 12))
    folds = [fold(rng, month, predicted, levels[month], money=money) for month in (4, 3, 2, 1)]
    made = found(folds, value=money)
    p = predicted * np.mean([one.actual.sum() / predicted.sum() for one in folds])
    return [
        [
            holds(made, p[group], outcomes(rng, predicted * later, money=money)[group], money)
            for later in levels[4:]
        ]
        for group in (rng.choice(PEOPLE, size, replace=False) for size in sizes)
    ]


def holds(made, p, came, money):
    if money:
        told = value_range(
            made, [Sums(stage="Active", members=len(p), value=p.sum(), value_squares=(p**2).sum())]
        )
        return told.low <= came.sum() <= told.high
    told = churn_range(
        made, made, [Sums(stage="Active", members=len(p), churn=p.sum(), churn_squares=(p**2).sum())]
    )
    return told.low <= came.mean() <= told.high


@pytest.mark.parametrize("money", [True, False])
def test_eight_of_ten_groups_lie_in_their_interval(money):
    held = np.array([inside(seed, (60, 600), money=money) for seed in range(20)]).mean(axis=(0, 2))
    assert (held > 0.7).all() and (held < 0.93).all()


def test_one_past_day_makes_no_interval_and_a_stage_too_small_takes_that_of_all():
    rng = np.random.default_rng(3)
    predicted = rng.gamma(2, 30, PEOPLE)
    folds = [fold(rng, month, predicted, 1.0) for month in (2, 1)]
    assert found(folds[:1], value=True) is None and found([], value=True) is None
    made = found(folds, value=True)
    assert [one.stage for one in made.stages] == ["New", "Active", ""] and made.backtests == 2
    group = dict(members=60, value=600.0, value_squares=7000.0)
    other = value_range(made, [Sums(stage="FromChurn", **group)])
    assert other.low < 600 < other.high and value_range(None, [Sums(stage="New", **group)]) is None
    assert found(folds, value=True) == made  # drawn again with the same seed


def test_a_group_of_which_all_is_certain_has_no_width_and_shares_stay_shares():
    sure = [Sums(stage="Dormant", members=80, sure=80.0)]
    told = churn_range(None, None, sure)
    assert (told.low, told.expected, told.high) == (1, 1, 1)
    wide = Spread(
        level=3.0,
        backtests=2,
        stages=(StageSpread(stage="", by_value=1, by_square=-1, resampled=1, parts=1),),
    )
    told = churn_range(wide, wide, [Sums(stage="Active", members=80, churn=70.0, churn_squares=62.0)])
    assert 0 <= told.low < 70 / 80 < told.high <= 1
    assert value_range(wide, [Sums(stage="Active", members=80)]) is None
