"""What each model asks: of whom, by when, what counts as yes; and what each method answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True, kw_only=True)
class Question:
    """One model as asked of a log. horizon: days looked ahead; step: days between its back-tests.

    top: the least spend of the top percentile, where a frame holds only a part of all customers.
    """

    model: Model
    horizon: int
    step: int
    stages: tuple[Stage, ...]
    rungs: tuple[Rung, ...]
    rules: StageRules
    top: float | None = None

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

    def columns(self, frame: Frame, lives: Lives) -> dict[str, Array]:
        """Features of all rows, those of the purchase models among them."""
        found = {**frame.features, **lives.columns(frame.histories, self.horizon)}
        if self.model is Model.TOP:
            found["share_of_top"] = frame.of("total_spent") / max(self._edge(frame), 1e-9)
        return found

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

    means: stage index -> mean answer (NaN: none seen); refused: method -> in words why there is none.
    """

    means: Mapping[int, float] = field(default_factory=dict)
    estimators: Mapping[str, Estimator] = field(default_factory=dict)
    refused: Mapping[Rung, str] = field(default_factory=dict)
    rows: int = 0
    positives: int = 0


def edge(spent: Array) -> float:
    """The least lifetime spend of the top percentile."""
    return float(np.quantile(spent, TOP_SHARE)) if len(spent) else 0.0


def train(question: Question, frames: Sequence[tuple[Frame, Lives]], *, seed: int) -> Trained:
    """Learn from frames, newest first, of which all is known that came within the horizon."""
    parts, columns, left = [], [], MOST_ROWS
    for frame, lives in frames[:3]:
        rows = question.members(frame)
        if rows.sum() <= left:
            parts.append((question.actual(frame, rows), frame.stage[rows]))
            columns.append({name: values[rows] for name, values in question.columns(frame, lives).items()})
            left -= int(rows.sum())
    if not parts:
        words = "No earlier day is far enough back to learn from."
        return Trained(refused=dict.fromkeys((Rung.BASE, Rung.LOGISTIC, Rung.BOOSTING), words))
    actual, stage = (np.concatenate(one) for one in zip(*parts, strict=True))
    joined = {name: np.concatenate([one[name] for one in columns]) for name in columns[0]}
    means = {n: float(actual[stage == n].mean()) for n in range(len(STAGES)) if (stage == n).any()}
    made = Trained(means=means, rows=len(actual), positives=int((actual > 0).sum()))
    return _estimated(question, made, joined, actual, seed)


def _estimated(
    question: Question, made: Trained, columns: dict[str, Array], actual: Array, seed: int
) -> Trained:
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
            found["logistic"] = logistic(columns, actual, seed=seed)
        else:
            refused[Rung.LOGISTIC] = few.replace(f"{LEAST_POSITIVES} are", f"{LEAST_POSITIVES // 10} are")
    return replace(made, estimators=found, refused=refused)


def _boosted(question: Question, columns: dict[str, Array], actual: Array, seed: int) -> dict[str, Estimator]:
    hit = actual > 0
    found = {"chance": boosted(columns, hit.astype(float), kind="chance", seed=seed)}
    if question.is_value:
        spent = np.minimum(actual[hit], np.quantile(actual[hit], CUT))
        of_buyers = {name: values[hit] for name, values in columns.items()}
        found["spend"] = boosted(of_buyers, spent, kind="mean", seed=seed)
    return found


def answers(
    question: Question, frame: Frame, rows: Mask, lives: Lives, trained: Trained
) -> tuple[dict[Rung, Array], dict[Rung, str]]:
    """What each method answers for the rows, and in words why others do not."""
    found: dict[Rung, Array] = {}
    refused = {rung: words for rung, words in trained.refused.items() if rung in question.rungs}
    for rung in question.rungs:
        if rung in refused:
            continue
        if rung in LIFE_KINDS:
            words = lives.refusal(rung, value=question.is_value)
            if words:
                refused[rung] = words
                continue
        made = answer(question, rung, frame, rows, lives, trained)
        if np.isfinite(made).all():
            found[rung] = made
        else:
            refused[rung] = "It has no answer for some of these customers."
    return found, refused


def answer(question: Question, rung: Rung, frame: Frame, rows: Mask, lives: Lives, trained: Trained) -> Array:
    """What one method answers for the rows, not calibrated."""
    if rung in LIFE_KINDS:
        return question.by_life(rung, frame, rows, lives)
    if rung is Rung.PACE:
        return frame.of("spent_365")[rows] * (question.horizon / min(frame.age, 365))
    if rung is Rung.BASE:
        means = np.array([trained.means.get(n, 0.0) for n in range(len(STAGES))])
        return means[frame.stage[rows]]
    columns = {name: values[rows] for name, values in question.columns(frame, lives).items()}
    if rung is Rung.LOGISTIC:
        return trained.estimators["logistic"].predict(columns)
    chance = trained.estimators["chance"].predict(columns)
    return chance * trained.estimators["spend"].predict(columns) if question.is_value else chance


def questions(rules: StageRules, first: date, day: date, life: tuple[Rung, ...]) -> tuple[Question, ...]:
    """The four questions that a log of purchases answers; conversion asks those who never bought."""
    days = value_horizon((day - first).days)
    chances = (Rung.BASE, *life, Rung.BOOSTING)
    return (
        Question(model=Model.VALUE, horizon=days, step=max(days // 2, 1), stages=NOT_DORMANT, rules=rules,
                 rungs=(Rung.BASE, Rung.PACE, *life, Rung.BOOSTING)),
        Question(model=Model.CHURN, horizon=SOON, step=SOON, stages=LIVE, rules=rules, rungs=chances),
        Question(model=Model.REACTIVATION, horizon=SOON, step=SOON, stages=(Stage.CHURN,), rules=rules,
                 rungs=chances),
        Question(model=Model.TOP, horizon=QUARTER, step=SOON, stages=NOT_DORMANT, rules=rules,
                 rungs=(Rung.BASE, Rung.LOGISTIC, Rung.BOOSTING)),
    )  # fmt: skip


HORIZONS = (365, 180, 90, 30)
#: days of a log before which nothing is learnt from it
LEAST_HISTORY = 28


def value_horizon(span: int) -> int:
    """The longest horizon that a log of so many days lets be looked back on several times; else 30 days."""
    return next((days for days in HORIZONS if span >= 3.5 * days + LEAST_HISTORY), HORIZONS[-1])
