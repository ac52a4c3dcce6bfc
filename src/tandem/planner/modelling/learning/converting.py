"""Who of those registered without a purchase will buy: averages, logistic regression and trees, chosen by back-tests.

Who was registered on a past day, only the snapshot of that day knows: a log of purchases does not.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning import telling
from tandem.planner.modelling.learning.choosing import Choice, choose
from tandem.planner.modelling.learning.domain import Model, ModelEvidence, Rung, StageEvidence
from tandem.planner.modelling.learning.estimators import useful
from tandem.planner.modelling.learning.folding import Fold
from tandem.planner.modelling.learning.learning import LEAST_TRIED, Judged, level_of
from tandem.planner.modelling.learning.questions import (
    SOON,
    Question,
    Trained,
    by_estimator,
    estimated,
)
from tandem.planner.modelling.lifecycle.domain import Stage, StageRules

Array = NDArray[np.float64]
RUNGS = (Rung.BASE, Rung.LOGISTIC, Rung.BOOSTING)
NEEDS = {Rung.LOGISTIC: "logistic", Rung.BOOSTING: "chance"}
NOTHING = "Nothing that is known of these people tells one from another."
ONCE = "Only one day is far enough back to compare methods: all have the same chance."
MOST_DAYS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Waiting:
    """People registered without a purchase at the end of a day; columns: what was known of them; bought: 1 for those
    who bought within the horizon after it."""

    day: date
    bought: Array
    columns: Mapping[str, Array] = field(default_factory=dict)


def asked(categories: frozenset[str] = frozenset()) -> Question:
    """Conversion as a question."""
    return Question(
        model=Model.CONVERSION, horizon=SOON, step=SOON, stages=(), rungs=RUNGS, rules=StageRules(),
        categories=categories,
    )  # fmt: skip


def convert(
    past: Sequence[Waiting], categories: frozenset[str], people: int, seed: int
) -> tuple[ModelEvidence, Trained]:
    """What was learnt from past days, newest first, at least two of them; people: who waits today."""
    tried = _tried(past)
    question = replace(asked(categories), beside=tried)
    folds = [_fold(question, one, _before(past, n), seed) for n, one in enumerate(past) if _before(past, n)]
    trained = _train(question, past, seed)
    choice = choose(folds, value=False) if len(folds) > 1 else Choice(rung=Rung.BASE, why=ONCE)
    rung = choice.rung if NEEDS.get(choice.rung, "") in ("", *trained.estimators) else Rung.BASE
    rung = Rung.BASE if rung is Rung.NONE else rung
    level, judged = level_of(folds, 0, rung), Judged(question, folds)
    stage = replace(
        judged.stage(0), stage=Stage.REGISTERED.value, customers=people, rung=rung, why=_why(choice, past),
        candidates=choice.candidates, factor=level.factor, curve=level.curve, flagged=level.flagged,
        mean=trained.means[0], past_capture=None,
    )  # fmt: skip
    made = judged.whole(
        ModelEvidence(
            model=Model.CONVERSION, horizon=SOON, population=people, stages=(stage,),
            backtests=tuple(one.day for one in past), importance=_weights(past[0], trained, seed),
        )
    )  # fmt: skip
    return replace(made, past_capture=None), trained


def chances(rung: Rung, trained: Trained, columns: Mapping[str, Array], rows: int) -> Array:
    """Everybody's chance, not calibrated."""
    if rung is Rung.BASE:
        return np.full(rows, trained.means[0])
    return by_estimator(trained.estimators, rung, columns, value=False)


def _before(past: Sequence[Waiting], n: int) -> list[Waiting]:
    """The days whose outcome was known on the n-th."""
    return [one for one in past[n + 1 :] if one.day + timedelta(days=SOON) <= past[n].day]


def _tried(past: Sequence[Waiting]) -> tuple[str, ...]:
    """Columns that two back-tests can try."""
    times: Counter[str] = Counter()
    for n, one in enumerate(past):
        known: set[str] = set().union(*(other.columns for other in _before(past, n)))
        times.update(known & set(one.columns))
    return tuple(name for name in sorted(times) if times[name] >= LEAST_TRIED)


def _train(question: Question, past: Sequence[Waiting], seed: int) -> Trained:
    rates = [float(one.bought.mean()) for one in past]
    trained = Trained(means={0: sum(rates) / len(rates)})
    able = [one for one in past if set(question.beside) <= set(one.columns)] if question.beside else []
    if not able:
        return replace(trained, refused=dict.fromkeys(NEEDS, NOTHING))
    bought = np.concatenate([one.bought for one in able[:MOST_DAYS]])
    columns = {
        name: np.concatenate([one.columns[name] for one in able[:MOST_DAYS]]) for name in question.beside
    }
    if not useful(columns, bought, question.categories):
        return replace(trained, refused=dict.fromkeys(NEEDS, NOTHING))
    trained = replace(trained, rows=len(bought), positives=int(bought.sum()))
    return estimated(question, trained, columns, bought, seed)


def _fold(question: Question, one: Waiting, before: Sequence[Waiting], seed: int) -> Fold:
    trained, rows = _train(question, before, seed), len(one.bought)
    found = {
        rung: chances(rung, trained, one.columns, rows)
        for rung in RUNGS
        if rung is Rung.BASE or NEEDS[rung] in trained.estimators
    }
    return Fold(
        day=one.day, horizon=SOON, stage=np.zeros(rows, dtype=np.int8), answers=found, refused=dict(trained.refused),
        actual=one.bought, past=np.zeros(rows),
    )  # fmt: skip


def _why(choice: Choice, past: Sequence[Waiting]) -> str:
    rate = sum(float(one.bought.mean()) for one in past) / len(past)
    shown = f"Of those who had not bought, {rate:.2%} bought within {SOON} days, on {len(past)} days looked back at."
    return f"{shown} {choice.why}"


def _weights(newest: Waiting, trained: Trained, seed: int) -> tuple[tuple[str, float], ...]:
    estimator = trained.estimators.get("chance") or trained.estimators.get("logistic")
    return telling.weights(estimator, newest.columns, newest.bought > 0, seed) if estimator else ()


def nobody(people: int, words: str) -> ModelEvidence:
    """Before enough is known."""
    stage = StageEvidence(stage=Stage.REGISTERED.value, customers=people, rung=Rung.NONE, why=words)
    return ModelEvidence(
        model=Model.CONVERSION, horizon=SOON, population=people, stages=(stage,), words=(words,)
    )  # fmt: skip
