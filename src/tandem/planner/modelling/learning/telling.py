"""What a reader is told beside the figures: weights of attributes, courses of purchases, and sentences."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

import duckdb
import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning import measures
from tandem.planner.modelling.learning.beside import BESIDE
from tandem.planner.modelling.learning.domain import (
    ByFrequency,
    Frequency,
    Rung,
    Season,
    StageEvidence,
    Week,
)
from tandem.planner.modelling.learning.estimators import Estimator
from tandem.planner.modelling.learning.folding import Fold
from tandem.planner.modelling.learning.frames import Frame
from tandem.planner.modelling.learning.lives import Lives
from tandem.planner.modelling.learning.questions import Question, Trained
from tandem.planner.modelling.value import Histories, tracking

Array = NDArray[np.float64]
MOST_ROWS = 4_000
SHOWN = 8
MOST_X = 7


def importance(
    question: Question,
    trained: Trained,
    folds: Sequence[Fold],
    days: Sequence[date],
    known: Callable[[date], tuple[Frame, Lives]],
    seed: int,
) -> tuple[tuple[str, float], ...]:
    """Attribute -> how much of the ranking (AUC) is lost when its values are mixed up among customers.

    Without a trained model: how far the attribute alone ranks from chance.
    """
    if not folds or not len(folds[0].actual):
        return ()
    frame, lives = known(days[0])
    rows = question.members(frame)
    columns = question.columns(frame, rows, lives)
    rng = np.random.default_rng(seed)
    taken = rng.permutation(len(folds[0].actual))[:MOST_ROWS]
    hit = folds[0].actual[taken] > 0
    columns = {name: values[taken] for name, values in columns.items() if name != "stage_number"}
    alone = {name: values for name, values in columns.items() if name not in question.categories}
    found = _alone({name: v for name, v in alone.items() if _allowed(name, question)}, hit)
    estimator = trained.estimators.get("chance") or trained.estimators.get("logistic")
    if estimator is not None:
        columns["stage_number"] = frame.of("stage_number")[rows][taken]
        found = _lost(estimator, columns, hit, rng)
        found.pop("stage_number", None)
    return _heaviest(found)


def weights(
    estimator: Estimator, columns: Mapping[str, Array], hit: NDArray[np.bool_], seed: int
) -> tuple[tuple[str, float], ...]:
    """Attribute -> how much of the ranking is lost when its values are mixed up; on some of the rows."""
    rng = np.random.default_rng(seed)
    taken = rng.permutation(len(hit))[:MOST_ROWS]
    return _heaviest(_lost(estimator, {n: values[taken] for n, values in columns.items()}, hit[taken], rng))


def _lost(
    estimator: Estimator, columns: Mapping[str, Array], hit: NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, float]:
    whole, found = measures.auc(estimator.predict(columns), hit), {}
    for name in estimator.names:
        if name in columns:
            mixed = {**columns, name: rng.permutation(columns[name])}
            found[name] = (whole or 0) - (measures.auc(estimator.predict(mixed), hit) or 0)
    return found


def _heaviest(found: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    best = sorted(found.items(), key=lambda one: -one[1])[:SHOWN]
    return tuple((name, round(size, 5)) for name, size in best if size > 0)


def _allowed(name: str, question: Question) -> bool:
    return name in question.beside or not name.startswith(BESIDE)


def _alone(columns: dict[str, Array], hit: NDArray[np.bool_]) -> dict[str, float]:
    found = {}
    for name, values in columns.items():
        known = ~np.isnan(values)
        ranked = measures.auc(values[known], hit[known])
        found[name] = abs(ranked - 0.5) if ranked is not None else 0.0
    return found


def words(
    question: Question, folds: Sequence[Fold], stages: Sequence[StageEvidence], trained: Trained,
    season: Season | None = None,
) -> tuple[str, ...]:  # fmt: skip
    """What must be known to read the figures."""
    found = []
    if len(folds) < 2:
        have = "No day" if not folds else "Only one day"
        found.append(
            f"{have} is far enough back to compare methods: the log is too short for {question.horizon} days."
        )
    if question.is_value and question.horizon < 365:
        found.append(
            f"The log is too short to look back at a whole year several times: methods are compared on "
            f"{question.horizon} days, and a year is what follows from them."
        )
    if season is not None and not season.windows:
        found.append(season.why)
    if stages and all(stage.rung is Rung.NONE for stage in stages):
        found.append("Nothing can be said yet; scores are empty.")
    found += [
        f"{stage.stage}: predictions were off by more than a quarter on past days and are multiplied by "
        f"{stage.factor:.2f}."
        for stage in stages
        if stage.flagged
    ]
    return tuple(found)


def frequencies(lives: Lives, rows: Histories) -> tuple[Frequency, ...]:
    """How many customers bought on 0, 1, ... 7 or more days after the first: actual and by the default model."""
    fitted = lives.fits[lives.shown]
    if fitted.note:
        return ()
    ends, place = np.unique(7 * np.rint(rows.T / 7), return_inverse=True)
    weight = np.bincount(place, rows.weight)
    expected = weight @ fitted.frequencies(ends, MOST_X)
    actual = np.bincount(np.minimum(rows.x, MOST_X).astype(int), rows.weight, MOST_X + 1)
    return tuple(
        Frequency(x=x, actual=float(actual[x]), expected=float(expected[x])) for x in range(MOST_X + 1)
    )


def by_frequency(frame: Frame, lives: Lives, horizon: int) -> tuple[ByFrequency, ...]:
    """Purchase days expected in the horizon and what came, by repeat purchase days before."""
    fitted = lives.fits[lives.shown]
    if fitted.note or not len(frame):
        return ()
    histories, actual = frame.histories, frame.later[horizon][0]
    expected = fitted.expected(histories, horizon)
    group = np.minimum(histories.x, MOST_X).astype(int)
    found = []
    for x in range(MOST_X + 1):
        rows = group == x
        if rows.any():
            found.append(
                ByFrequency(x=x, customers=int(rows.sum()), expected=float(expected[rows].mean()),
                            actual=float(actual[rows].mean()))
            )  # fmt: skip
    return tuple(found)


def weeks(
    session: duckdb.DuckDBPyConnection, frame: Frame, lives: Lives, first: date, day: date
) -> tuple[Week, ...]:
    """Repeat purchase days by week of those known on the frame's day: actual, and by the model fitted to that day."""
    fitted, line = lives.fits[lives.shown], frame.day
    if fitted.note or not len(frame):
        return ()
    ends = [
        line + timedelta(days=7 * n) for n in range(-((line - first).days // 7), (day - line).days // 7 + 1)
    ]
    counted = dict(
        session.execute(
            f"""SELECT greatest(ceil((day - DATE '{line}') / 7.0), {(ends[0] - line).days // 7})::INTEGER, count(*)
            FROM sampled WHERE gap IS NOT NULL AND customer IN (SELECT customer FROM sampled GROUP BY 1
              HAVING min(day) <= DATE '{line}') GROUP BY 1"""
        ).fetchall()
    )
    days = np.array([(end - line).days for end in ends], dtype=np.float64)
    histories = frame.histories
    up_to = tracking(fitted, histories.T, histories.weight, days)
    expected = np.diff(up_to, prepend=0.0)
    actual = np.array([counted.get(int(n // 7), 0) for n in days], dtype=np.float64)
    so_far = np.cumsum(actual)
    return tuple(
        Week(ends=end, actual=float(actual[n]), expected=float(expected[n]), cumulative=float(so_far[n]),
             cumulative_expected=float(up_to[n]), held_out=end > line)
        for n, end in enumerate(ends)
    )  # fmt: skip
