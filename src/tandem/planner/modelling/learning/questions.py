"""What each model asks: of whom, by when, what counts as yes; and what each method answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning.beside import BESIDE
from tandem.planner.modelling.learning.domain import ITERATION, LIFE_KINDS, Model, Rung
from tandem.planner.modelling.learning.estimators import LEAST_POSITIVES, Estimator, boosted, logistic
from tandem.planner.modelling.learning.frames import STAGES, Frame
from tandem.planner.modelling.learning.lives import Lives, part
from tandem.planner.modelling.learning.measures import CUT
from tandem.planner.modelling.lifecycle.domain import Stage, StageRules

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
SOON = 2 * ITERATION
QUARTER = 6 * ITERATION
LIVE = (Stage.NEW, Stage.ACTIVE, Stage.FROM_CHURN, Stage.AT_RISK)
NOT_DORMANT = tuple(stage for stage in STAGES if stage is not Stage.DORMANT)
TOP_SHARE = 0.99
MOST_ROWS = 60_000
LEARNT = (Rung.LOGISTIC, Rung.BOOSTING, Rung.STAGED)


@dataclass(frozen=True, kw_only=True)
class Question:
    """One model as asked of a log. horizon: days looked ahead; step: days between its back-tests.

    top: the least spend of the top percentile, where a frame holds only a part of all customers; beside: columns that
    are not of purchases and may be learnt from; categories: those of all columns that are names of groups.
    """

    model: Model
    horizon: int
    step: int
    stages: tuple[Stage, ...]
    rungs: tuple[Rung, ...]
    rules: StageRules
    top: float | None = None
    beside: tuple[str, ...] = ()
    categories: frozenset[str] = frozenset()

    @property
    def is_value(self) -> bool:
        """Whether the answer is money, not a chance."""
        return self.model is Model.VALUE

    def members(self, frame: Frame) -> Mask:
        """Whom it is asked of."""
        wanted = np.isin(frame.stage, [STAGES.index(stage) for stage in self.stages])
        if self.model is Model.CHURN:
            return wanted & (self._until_churn(frame) <= self.horizon)
        if self.model is Model.TOP:
            return wanted & (frame.of("total_spent") < self._edge(frame))
        return wanted

    def actual(self, frame: Frame, rows: Mask) -> Array:
        """What came of them: money, or 1 and 0."""
        if self.is_value:
            return frame.later[self.horizon][1][rows]
        if self.model is Model.TOP:
            spent = frame.of("total_spent") + frame.later[self.horizon][1]
            return (spent >= edge(spent))[rows].astype(float)
        days = self._until_churn(frame) if self.model is Model.CHURN else np.full(len(frame), self.horizon)
        bought = frame.next_gap <= days  # not known = nothing came: false
        return (~bought if self.model is Model.CHURN else bought)[rows].astype(float)

    def _edge(self, frame: Frame) -> float:
        return edge(frame.of("total_spent")) if self.top is None else self.top

    def _until_churn(self, frame: Frame) -> Array:
        """Days without a purchase after which each one would be in Churn."""
        return self.rules.churn_days - frame.of("days_since_last_order") + 1

    def columns(self, frame: Frame, rows: Mask, lives: Lives) -> dict[str, Array]:
        """Features of the rows: of purchases, by the purchase models, and what is known beside them."""
        found = {name: values[rows] for name, values in frame.features.items()}
        found |= lives.columns(part(frame.histories, rows), self.horizon)
        if self.model is Model.TOP:
            found["share_of_top"] = found["total_spent"] / max(self._edge(frame), 1e-9)
        return found | {name: values[rows] for name, values in frame.beside.items()}

    def by_life(self, rung: Rung, frame: Frame, rows: Mask, lives: Lives) -> Array:
        """What a purchase model answers."""
        histories = part(frame.histories, rows)
        if self.is_value:
            return lives.value(rung, histories, self.horizon)
        if self.model is Model.CHURN:
            return 1 - lives.buys(rung, histories, self._until_churn(frame)[rows])
        return lives.buys(rung, histories, self.horizon)


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What was learnt for one question from days whose horizon had passed.

    means: stage index -> mean answer (NaN: none seen); refused: method -> in words why there is none; days: those
    learnt from, newest first.
    """

    means: Mapping[int, float] = field(default_factory=dict)
    estimators: Mapping[str, Estimator] = field(default_factory=dict)
    refused: Mapping[Rung, str] = field(default_factory=dict)
    rows: int = 0
    positives: int = 0
    days: tuple[date, ...] = ()


def edge(spent: Array) -> float:
    """The least lifetime spend of the top percentile."""
    return float(np.quantile(spent, TOP_SHARE)) if len(spent) else 0.0


def train(question: Question, frames: Sequence[tuple[Frame, Lives]], *, seed: int) -> Trained:
    """Learn from frames, newest first, of which all is known that came within the horizon."""
    parts, columns, days, left = [], [], [], MOST_ROWS
    for frame, lives in _knowing(question, frames)[:3]:
        rows = question.members(frame)
        if rows.sum() <= left:
            parts.append((question.actual(frame, rows), frame.stage[rows]))
            columns.append(question.columns(frame, rows, lives))
            days.append(frame.day)
            left -= int(rows.sum())
    if not parts:
        words = "No earlier day is far enough back to learn from."
        return Trained(
            refused={rung: words for rung in question.rungs if rung is Rung.BASE or rung in LEARNT}
        )
    actual, stage = (np.concatenate(one) for one in zip(*parts, strict=True))
    joined = {name: np.concatenate([one[name] for one in columns]) for name in _common(question, columns)}
    means = {n: float(actual[stage == n].mean()) for n in range(len(STAGES)) if (stage == n).any()}
    made = Trained(means=means, rows=len(actual), positives=int((actual > 0).sum()), days=tuple(days))
    made = estimated(question, made, joined, actual, seed)
    return _staged(question, made, joined, (actual, stage), seed) if Rung.STAGED in question.rungs else made


def _knowing(question: Question, frames: Sequence[tuple[Frame, Lives]]) -> Sequence[tuple[Frame, Lives]]:
    """The frames on which all is known that may be learnt from beside purchases; all of them if none is."""
    able = [one for one in frames if set(question.beside) <= one[0].beside.keys()]
    return able or frames


def _common(question: Question, columns: Sequence[dict[str, Array]]) -> list[str]:
    """Columns known on every day and of purchases or allowed beside them; the first day's order."""
    known = set(columns[0]).intersection(*columns)
    barred = {name for name in known if name.startswith(BESIDE)} - set(question.beside)
    return [name for name in columns[0] if name in known - barred]


def estimated(
    question: Question, made: Trained, columns: dict[str, Array], actual: Array, seed: int
) -> Trained:
    """With logistic regression and trees over all rows, where the rarer outcome shows often enough."""
    least = min(made.positives, made.rows - made.positives)
    few = f"Only {least:,} of {made.rows:,} cases show the rarer outcome; {LEAST_POSITIVES} are needed."
    found: dict[str, Estimator] = {}
    refused: dict[Rung, str] = {}
    if Rung.BOOSTING in question.rungs:
        if least >= LEAST_POSITIVES:
            found |= _boosted(question, columns, actual, seed)
        else:
            refused[Rung.BOOSTING] = few
    if Rung.LOGISTIC in question.rungs:
        if least >= LEAST_POSITIVES // 10:
            found["logistic"] = logistic(columns, actual, seed=seed, categories=question.categories)
        else:
            refused[Rung.LOGISTIC] = few.replace(f"{LEAST_POSITIVES} are", f"{LEAST_POSITIVES // 10} are")
    return replace(made, estimators=found, refused=refused)


def _staged(
    question: Question,
    made: Trained,
    columns: dict[str, Array],
    cases: tuple[Array, NDArray[np.int8]],
    seed: int,
) -> Trained:
    """Trees of their own for each stage that shows the rarer outcome often enough."""
    actual, stage = cases
    found: dict[str, Estimator] = {}
    for number in np.unique(stage):
        rows = stage == number
        hits = int((actual[rows] > 0).sum())
        if min(hits, int(rows.sum()) - hits) >= LEAST_POSITIVES:
            own = {name: values[rows] for name, values in columns.items()}
            trees = _boosted(question, own, actual[rows], seed)
            found |= {at_stage(name, int(number)): one for name, one in trees.items()}
    if not found:
        words = f"In no stage {LEAST_POSITIVES} cases show the rarer outcome."
        return replace(made, refused={**made.refused, Rung.STAGED: words})
    return replace(made, estimators={**made.estimators, **found})


def at_stage(name: str, number: int) -> str:
    """What the trees of one stage are called."""
    return f"{name}@{number}"


def _boosted(question: Question, columns: dict[str, Array], actual: Array, seed: int) -> dict[str, Estimator]:
    hit, groups = actual > 0, question.categories
    found = {"chance": boosted(columns, hit.astype(float), kind="chance", seed=seed, categories=groups)}
    if question.is_value:
        spent = np.minimum(actual[hit], np.quantile(actual[hit], CUT))
        of_buyers = {name: values[hit] for name, values in columns.items()}
        found["spend"] = boosted(of_buyers, spent, kind="mean", seed=seed, categories=groups)
    return found


def answers(
    question: Question, frame: Frame, rows: Mask, lives: Lives, trained: Trained
) -> tuple[dict[Rung, Array], dict[Rung, str]]:
    """What each method answers for the rows, and in words why others do not.

    Trees of a stage say nothing (NaN) of the stages that have none.
    """
    found: dict[Rung, Array] = {}
    refused = {rung: words for rung, words in trained.refused.items() if rung in question.rungs}
    columns = question.columns(frame, rows, lives) if trained.estimators else {}
    for rung in question.rungs:
        if rung in LIFE_KINDS and (words := lives.refusal(rung, value=question.is_value)):
            refused[rung] = words
        if rung in refused:
            continue
        made = answer(question, rung, frame, rows, lives, trained, columns)
        if rung is Rung.STAGED or np.isfinite(made).all():
            found[rung] = made
        else:
            refused[rung] = "It has no answer for some of these customers."
    return found, refused


def answer(
    question: Question,
    rung: Rung,
    frame: Frame,
    rows: Mask,
    lives: Lives,
    trained: Trained,
    columns: Mapping[str, Array] | None = None,
) -> Array:
    """What one method answers for the rows, not calibrated; columns: those of the rows, if they were made before."""
    if rung in LIFE_KINDS:
        return question.by_life(rung, frame, rows, lives)
    if rung is Rung.PACE:
        return frame.of("spent_365")[rows] * (question.horizon / min(frame.age, 365))
    if rung is Rung.BASE:
        means = np.array([trained.means.get(n, 0.0) for n in range(len(STAGES))])
        return means[frame.stage[rows]]
    known = columns or question.columns(frame, rows, lives)
    if rung is Rung.STAGED:
        return _by_stage(question, known, frame.stage[rows], trained)
    return by_estimator(trained.estimators, rung, known, value=question.is_value)


def by_estimator(
    estimators: Mapping[str, Estimator],
    rung: Rung,
    columns: Mapping[str, Array],
    *,
    value: bool,
    at: str = "",
) -> Array:
    """What logistic regression or trees answer; at: after the names, for trees of a stage."""
    if rung is Rung.LOGISTIC:
        return estimators["logistic"].predict(columns)
    chance = estimators["chance" + at].predict(columns)
    return chance * estimators["spend" + at].predict(columns) if value else chance


def _by_stage(
    question: Question, columns: Mapping[str, Array], stage: NDArray[np.int8], trained: Trained
) -> Array:
    found = np.full(len(stage), np.nan)
    for number in np.unique(stage):
        at = at_stage("", int(number))
        if "chance" + at in trained.estimators:
            rows = stage == number
            own = {name: values[rows] for name, values in columns.items()}
            found[rows] = by_estimator(trained.estimators, Rung.STAGED, own, value=question.is_value, at=at)
    return found


def questions(rules: StageRules, first: date, day: date, life: tuple[Rung, ...]) -> tuple[Question, ...]:
    """The four questions that a log of purchases answers; conversion asks those who never bought."""
    days = value_horizon((day - first).days)
    trees = (Rung.BOOSTING, Rung.STAGED)
    return (
        Question(model=Model.VALUE, horizon=days, step=max(days // 2, 1), stages=NOT_DORMANT, rules=rules,
                 rungs=(Rung.BASE, Rung.PACE, *life, *trees)),
        Question(model=Model.CHURN, horizon=SOON, step=SOON, stages=LIVE, rules=rules,
                 rungs=(Rung.BASE, *life, *trees)),
        Question(model=Model.REACTIVATION, horizon=SOON, step=SOON, stages=(Stage.CHURN,), rules=rules,
                 rungs=(Rung.BASE, *life, Rung.BOOSTING)),
        Question(model=Model.TOP, horizon=QUARTER, step=SOON, stages=NOT_DORMANT, rules=rules,
                 rungs=(Rung.BASE, Rung.LOGISTIC, *trees)),
    )  # fmt: skip


HORIZONS = (365, 180, 90, 30)
#: days of a log before which nothing is learnt from it
LEAST_HISTORY = 28


def value_horizon(span: int) -> int:
    """The longest horizon that a log of so many days lets be looked back on several times; else 30 days."""
    return next((days for days in HORIZONS if span >= 3.5 * days + LEAST_HISTORY), HORIZONS[-1])
