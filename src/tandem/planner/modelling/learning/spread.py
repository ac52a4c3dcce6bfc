"""How far sums over groups were from what came: from completed back-tests, each calibrated by the others.

Three parts add up: customers differ by chance, the level of a stage and of parts of it is off, and all of it moves from
one day to another. The first two come from weighted rows: each customer counts a Poisson number of times, the same in
every back-test, 40 times over.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning import choosing
from tandem.planner.modelling.learning.domain import Rung, Spread, StageSpread
from tandem.planner.modelling.learning.folding import Fold
from tandem.planner.modelling.learning.season import YEAR, Index

Array = NDArray[np.float64]
REPLICATES = 40
TENTHS = 10
LEAST_ROWS = 100
LEAST_DAYS = 2
#: the 90 % point of Student's t by degrees of freedom, over that of the normal: few days know little of days
_FEW_DAYS = {2: 1.472, 3: 1.278, 4: 1.196, 5: 1.152}


def measured(
    folds: Sequence[Fold],
    people: Sequence[NDArray[np.int64]],
    rungs: Mapping[int, Rung],
    index: Index | None,
    names: Mapping[int, str],
    *,
    value: bool,
    seed: int,
) -> Spread | None:
    """The spread of the methods in use; None below two back-tests in which they answered.

    Money is foretold for a year: a level that moved so far within the back-tests' horizon moves further in a year.

    people: the customers of each back-test's rows; rungs: stage number -> its method; names: stage number -> stage;
    index: the season, if it is used.
    """
    used = {number: rung for number, rung in rungs.items() if rung is not Rung.NONE}
    ready = [n for n, one in enumerate(folds) if set(used.values()) & one.answers.keys()]
    if len(ready) < LEAST_DAYS:
        return None
    rows = [_rows([folds[n].in_season(index) for n in ready], place, used) for place in range(len(ready))]
    weights = _weights([people[n] for n in ready], seed)
    further = float(np.sqrt(YEAR / folds[0].horizon)) if value else 1.0
    stages = [
        found
        for number in sorted(used)
        if (found := _stage(names[number], number, rows, weights, further, value=value)) is not None
    ]
    whole = _stage("", None, rows, weights, further, value=value)
    if whole is None:
        return None
    level = _moved([_off(predicted, actual) for predicted, actual, *_ in rows])
    return Spread(level=level * further, backtests=len(ready), stages=(*stages, whole))


#: of the customers of one back-test: predictions by the others' level, what came, past spend; stage of all, -1: none
_Rows = tuple[Array, Array, Array, NDArray[np.int8]]


def _rows(folds: Sequence[Fold], place: int, rungs: Mapping[int, Rung]) -> _Rows:
    mine, others = folds[place], [one for n, one in enumerate(folds) if n != place]
    predicted = np.full(len(mine.actual), np.nan)
    for number, rung in rungs.items():
        if rung not in mine.answers:
            continue
        rows = mine.stage == number
        own = choosing.calibration([one.of_stage(number) for one in others], rung)
        if all(one is None for one in own.factors):
            own = choosing.calibration([one.whole for one in others], rung)
        predicted[rows] = own.apply(mine.answers[rung][rows])
    known = np.isfinite(predicted)
    return predicted[known], mine.actual[known], mine.past[known], np.where(known, mine.stage, -1)


def _weights(people: Sequence[NDArray[np.int64]], seed: int) -> list[NDArray[np.float32]]:
    """For each back-test a row per customer and a column per replicate."""
    ids, places = np.unique(np.concatenate(people), return_inverse=True)
    drawn = np.random.default_rng(seed).poisson(1.0, (len(ids), REPLICATES)).astype(np.float32)
    ends = np.cumsum([len(one) for one in people])[:-1]
    return [drawn[place] for place in np.split(places.reshape(-1), ends)]


def _stage(
    name: str, number: int | None, rows: Sequence[_Rows], weights: Sequence[NDArray[np.float32]], further: float,
    *, value: bool,
) -> StageSpread | None:  # fmt: skip
    parts, apart = [], []
    for (predicted, actual, past, stage), weight in zip(rows, weights, strict=True):
        known = stage >= 0
        mine = known if number is None else stage == number
        inside = mine[known]
        parts.append((predicted[inside], actual[inside], past[inside], weight[mine]))
        apart.append(_off(predicted[inside], actual[inside]) - _off(predicted, actual))
    predicted, actual = (np.concatenate([part[n] for part in parts]) for n in (0, 1))
    if len(predicted) < LEAST_ROWS or predicted.sum() <= 0:
        return None
    by_value, by_square = _chance(predicted, actual) if value else (1.0, -1.0)
    drawn = np.concatenate([part[3] for part in parts])
    ratios = (actual @ drawn) / np.maximum(predicted @ drawn, 1e-12)
    return StageSpread(
        stage=name, by_value=by_value, by_square=by_square,
        resampled=max(float(np.std(ratios)), _moved(apart) * further),
        parts=_parts([part[:3] for part in parts], by_value, by_square),
    )  # fmt: skip


def _chance(predicted: Array, actual: Array) -> tuple[float, float]:
    """Variance of one outcome as a line and a square of what was predicted, from the squares in tenths."""
    from scipy.optimize import nnls

    tenths = [part for part in np.array_split(np.argsort(predicted, kind="stable"), TENTHS) if len(part)]
    x = np.array([predicted[part].mean() for part in tenths])
    y = np.array([np.mean((actual[part] - predicted[part]) ** 2) for part in tenths])
    if (
        x.max() < 2 * x.min()
    ):  # customers are not told apart: what they differ by lasts, so it grows with its square
        return 0.0, float(y.mean() / max(float(np.mean(predicted) ** 2), 1e-12))
    weight = 1 / np.maximum(x, x.mean() / TENTHS)
    found, _ = nnls(np.stack((x, x * x), axis=1) * weight[:, None], y * weight)
    return float(found[0]), float(found[1])


def _parts(folds: Sequence[tuple[Array, Array, Array]], by_value: float, by_square: float) -> float:
    """How far tenths of the stage are off by themselves: their squared errors less what chance explains.

    Tenths by prediction and tenths by past spend; the worse of the two.
    """
    by_prediction = [(predicted, actual, predicted) for predicted, actual, _ in folds]
    return max(_excess(by_prediction, by_value, by_square), _excess(folds, by_value, by_square))


def _excess(folds: Sequence[tuple[Array, Array, Array]], by_value: float, by_square: float) -> float:
    excess, weights = [], []
    for predicted, actual, order in folds:
        total = predicted.sum()
        if len(predicted) < LEAST_ROWS or total <= 0 or actual.sum() <= 0:
            continue
        level = actual.sum() / total
        for part in np.array_split(np.argsort(order, kind="stable"), TENTHS):
            sum_, squares = predicted[part].sum() * level, (predicted[part] ** 2).sum()
            if sum_ > 0:
                chance = (by_value * sum_ / level + by_square * squares) / sum_**2
                excess.append((actual[part].sum() / sum_ - 1) ** 2 - chance)
                weights.append(sum_)
    return float(np.sqrt(max(np.average(excess, weights=weights), 0.0))) if excess else 0.0


def _off(predicted: Array, actual: Array) -> float:
    """Logarithm of actual / predicted; not a number where either is nothing."""
    sums = float(actual.sum()), float(predicted.sum())
    return float(np.log(sums[0] / sums[1])) if min(sums) > 0 else np.nan


def _moved(off: Sequence[float]) -> float:
    """How far a level will be off on a day after those looked back at, by how far it was off on each of them."""
    errors = [one for one in off if np.isfinite(one)]
    days = len(errors)
    if days < LEAST_DAYS:
        return 0.0
    # a level made of the others varies more than one made of all
    apart = (1 + 1 / days) / (1 + 1 / (days - 1))
    return float(np.sqrt(np.mean(np.square(errors)) * apart) * _FEW_DAYS.get(days, 1.0))
