"""One run over a log in DuckDB: learn if it is time, else take what was learnt, and make the table `scores`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning import frames, measures, scoring, telling
from tandem.planner.modelling.learning.beside import KEPT, OWN, Beside
from tandem.planner.modelling.learning.choosing import Choice
from tandem.planner.modelling.learning.domain import (
    LIFE_KINDS,
    MOST_DRIFT,
    Evidence,
    Fingerprint,
    Model,
    ModelEvidence,
    Rung,
)
from tandem.planner.modelling.learning.frames import STAGES
from tandem.planner.modelling.learning.keeping import CODE, Store
from tandem.planner.modelling.learning.learning import (
    LIFE,
    MOST_SAMPLED,
    SEED,
    Learner,
    Learnt,
    fingerprint,
    usable,
)
from tandem.planner.modelling.learning.lives import Lives, live
from tandem.planner.modelling.learning.questions import LEAST_HISTORY, Question, Trained, questions
from tandem.planner.modelling.learning.treatment import notes
from tandem.planner.modelling.lifecycle.domain import Stage, StageRules
from tandem.planner.modelling.value import collapse, read_histories

Array = NDArray[np.float64]
Tell = Callable[[str, float], None]
LEAST_CUSTOMERS = 100
FRESH = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How a run is to go. only: SQL of our own text over `customer`: whose data may be used; stored: what was learnt
    before; life: the purchase models that compete; beside: what is known beside purchases; retrain: learn whether it
    is time or not; keep: take what is stored, whether it is time or not."""

    rules: StageRules
    seed: int = SEED
    only: str = "TRUE"
    currency: str = ""
    stored: Store | None = None
    retrain: bool = False
    keep: bool = False
    most_sampled: int = MOST_SAMPLED
    life: tuple[Rung, ...] = LIFE
    beside: Beside = field(default_factory=Beside)
    tell: Tell = field(default=lambda _words, _share: None)


def run(session: duckdb.DuckDBPyConnection, day: date, wish: Wish) -> Store:
    """Make `scores` of the tables `daily` and `people` (`history`, if there, spares work) at the end of `day`."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        return _run(session, day, wish)


def _run(session: duckdb.DuckDBPyConnection, day: date, wish: Wish) -> Store:
    frames.prepare(session, day, only=wish.only)
    data = fingerprint(session, day)
    told = notes(session, day, data, least=LEAST_CUSTOMERS)
    evidence = Evidence(
        day=day, trained_on=day, seed=wish.seed, code=CODE, data=data, currency=wish.currency, notes=told
    )
    first = data.first_day
    if first is None or not enough(data):
        scoring.make_scores(session, day, None, None)
        return Store(evidence=evidence, trained={}, looks={})
    wish.tell("Reading the histories", 0.05)
    frames.frame_all(session, day, wish.rules)
    frames.make_histories(session)
    wish.beside.share = frames.sample(session, wish.most_sampled)
    learner = Learner(
        session=session, day=day, first=first, rules=wish.rules, seed=wish.seed, life=wish.life, beside=wish.beside,
        tell=lambda words, share: wish.tell(words, 0.1 + 0.7 * share),
    )  # fmt: skip
    asked = questions(wish.rules, first, day, wish.life)
    drifted = _drifted(learner, wish.stored)
    kept = wish.keep and wish.stored and not _lost(wish, day)
    reason = "" if kept else _reason(evidence, wish, asked, drifted)
    if reason:
        sample = f"(SELECT customer FROM people WHERE {frames.among(wish.beside.share)} AND ({wish.only}))"
        wish.beside.find_values(session, day, sample)
    elif wish.stored:
        wish.beside.values = wish.stored.values
    lives = live(collapse(session), read_histories(session)[1], wish.life if reason else _in_use(wish.stored))
    store = (
        _learnt(evidence, learner, lives, reason) if reason else _taken(evidence, wish.stored, drifted, lives)
    )
    models = tuple(_able(one, lives, store.trained) for one in store.evidence.models)
    wish.tell("Scoring", 0.85)
    _score(
        session,
        first,
        wish.rules,
        asked,
        lives,
        replace(store, evidence=replace(store.evidence, models=models)),
        wish.beside,
    )
    frames.forget(session)
    session.execute(f"DROP TABLE IF EXISTS {KEPT}")
    return replace(store, evidence=replace(store.evidence, models=models))


def enough(data: Fingerprint) -> bool:
    """Whether a log is long and wide enough to learn anything from it."""
    return (
        data.customers >= LEAST_CUSTOMERS
        and data.first_day is not None
        and (data.as_of - data.first_day).days >= LEAST_HISTORY
    )


def _learnt(evidence: Evidence, learner: Learner, lives: Lives, reason: str) -> Store:
    found = learner.learn()
    made = replace(
        evidence, retrained=reason, gates=lives.gate_results(), fits=lives.described(), models=found.models,
        frequencies=telling.frequencies(lives, learner.known(learner.day)[0].histories), drift=0.0,
        **_courses(learner, found),
    )  # fmt: skip
    return Store(evidence=made, trained=found.trained, looks=found.looks, values=learner.beside.values)


def _courses(learner: Learner, found: Learnt) -> dict[str, Any]:
    if found.judged is None:
        return {}
    frame, lives = found.judged
    return {
        "weeks": telling.weeks(learner.session, frame, lives, learner.first, learner.day),
        "by_frequency": telling.by_frequency(frame, lives, found.horizon),
        "calibration_line": frame.day,
    }


def _taken(
    evidence: Evidence, stored: Store | None, drifted: Sequence[tuple[str, float]], lives: Lives
) -> Store:
    """What was learnt before, with today's purchase models."""
    if stored is None:
        raise ValueError("nothing was learnt before")
    before = stored.evidence
    made = replace(
        before, day=evidence.day, data=evidence.data, notes=evidence.notes, retrained="",
        gates=lives.gate_results(), fits=lives.described(), drifted=tuple(drifted),
        drift=max((size for _, size in drifted), default=0.0),
    )  # fmt: skip
    return replace(stored, evidence=made)


def _reason(
    evidence: Evidence, wish: Wish, asked: Sequence[Question], drifted: Sequence[tuple[str, float]]
) -> str:
    """In words why it is time to learn again; empty when it is not."""
    before = wish.stored.evidence if wish.stored else None
    if before is None or not before.models:
        return "Nothing was learnt before."
    if wish.retrain:
        return "Somebody asked for it."
    if before.code != CODE or before.seed != wish.seed:
        return "The program has changed."
    if _lost(wish, evidence.day):
        return "An attribute that a model goes by may no longer be used."
    value = before.of(Model.VALUE)
    if value is None or value.horizon != asked[0].horizon:
        return "The log is long enough now for a longer look back."
    age = evidence.day - before.trained_on
    if not timedelta() <= age < FRESH:
        return "A week has passed." if age >= FRESH else "It was learnt on a later day."
    worst = max(drifted, key=lambda one: one[1], default=("", 0.0))
    return f"Customers look different ({worst[0]}, PSI {worst[1]:.2f})." if worst[1] > MOST_DRIFT else ""


def _lost(wish: Wish, day: date) -> set[str]:
    """Columns beside purchases that the estimators go by and that are not to be had any more, or not as they were."""
    stored = wish.stored
    used = {name for name in (stored.beside if stored else ()) if name.startswith(OWN)}
    if stored is None or not used:
        return set()
    alike = (
        one for one in wish.beside.stood(day).columns if (one.kind == "text") == (one.name in stored.values)
    )
    return used - {OWN + one.name for one in alike}


def _in_use(stored: Store | None) -> tuple[Rung, ...]:
    """The purchase models that must be fitted today: the default, and those that stages use."""
    used = {rung for one in (stored.evidence.models if stored else ()) for rung in one.rungs}
    return tuple(rung for rung in LIFE_KINDS if rung is Rung.LIFE or rung in used)


def _drifted(learner: Learner, stored: Store | None) -> tuple[tuple[str, float], ...]:
    """Feature -> how far today's customers are from those on the day of learning (PSI), farthest first."""
    if stored is None or not stored.looks:
        return ()
    frame = learner.bought(learner.day)
    found = [
        (name, round(measures.psi(shares, measures.shares(frame.of(name), cuts)), 4))
        for name, (cuts, shares) in stored.looks.items()
    ]
    return tuple(sorted(found, key=lambda one: -one[1]))


def _able(one: ModelEvidence, lives: Lives, trained: Mapping[Model, Trained]) -> ModelEvidence:
    """Stages whose method's gates fail today take the next best one."""
    made = trained.get(one.model, Trained())
    stages = []
    for stage in one.stages:
        choice = Choice(rung=stage.rung, why=stage.why, candidates=stage.candidates)
        number = STAGES.index(Stage(stage.stage))
        rung = usable(choice, lives, made, value=one.model is Model.VALUE, stage=number)
        if rung is not stage.rung:
            words = f"{stage.why} It cannot answer today, so another does."
            stage = replace(stage, rung=rung, factor=1.0, curve=(), why=words)
        stages.append(stage)
    return replace(one, stages=tuple(stages))


def _score(
    session: duckdb.DuckDBPyConnection, first: date, rules: StageRules, asked: Sequence[Question], lives: Lives,
    store: Store, beside: Beside,
) -> None:  # fmt: skip
    top = scoring.top_edge(session)
    scorer = scoring.Scorer(
        lives=lives, questions={one.model: replace(one, top=top) for one in asked}, trained=store.trained,
        evidence={one.model: one for one in store.evidence.models}, top=top, rules=rules,
        beside=bool(store.beside) and beside.keep(session, store.evidence.day),
    )  # fmt: skip
    scoring.make_scores(session, store.evidence.day, first, scorer)
