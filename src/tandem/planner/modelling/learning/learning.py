"""One day's learning from a log: which method answers which question in which stage, and how right that was."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning import choosing, measures, seasons, spread, telling
from tandem.planner.modelling.learning.beside import Beside
from tandem.planner.modelling.learning.calibration import Calibration
from tandem.planner.modelling.learning.choosing import LEAST_MEMBERS, Choice, choose
from tandem.planner.modelling.learning.domain import (
    LIFE_KINDS,
    Fingerprint,
    Model,
    ModelEvidence,
    Rung,
    Spread,
    StageEvidence,
)
from tandem.planner.modelling.learning.folding import Fold, completed, days_of, fold, training_days
from tandem.planner.modelling.learning.frames import STAGES, Frame, make_frame
from tandem.planner.modelling.learning.lives import Lives, live
from tandem.planner.modelling.learning.questions import (
    HORIZONS,
    LEAST_HISTORY,
    QUARTER,
    SOON,
    Question,
    Trained,
    at_stage,
    questions,
    train,
)
from tandem.planner.modelling.learning.season import Index
from tandem.planner.modelling.lifecycle.domain import StageRules

Array = NDArray[np.float64]
Tell = Callable[[str, float], None]
SEED = 20_260_101
SHOWN_DAYS = (30, 90, 365)
LIFE = (Rung.LIFE, Rung.LIFE_BG)
#: customers that back-tests look at
MOST_SAMPLED = 30_000
#: different histories up to which a back-test's purchase models are fitted to days; beyond, to weeks
MOST_ROWS = 10_000
LEAST_BUYERS = 30
#: back-tests in which a column must have been tried before it is learnt from
LEAST_TRIED = 2
TRACKED = (
    "days_since_last_order", "orders", "average_order", "spent_90", "orders_90", "usual_gap", "tenure_days",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Learnt:
    """What was learnt: evidence per model, the trained estimators behind it, and what today's people look like."""

    models: tuple[ModelEvidence, ...]
    trained: dict[Model, Trained]
    looks: dict[str, tuple[Array, Array]]
    judged: tuple[Frame, Lives] | None
    horizon: int


@dataclass(kw_only=True, eq=False)
class Learner:
    """Learns from the table `sampled` of a session; frames and purchase models of a day are made once."""

    session: duckdb.DuckDBPyConnection
    day: date
    first: date
    rules: StageRules
    seed: int = SEED
    life: tuple[Rung, ...] = LIFE
    tell: Tell = lambda _words, _share: None
    beside: Beside = field(default_factory=Beside)
    _bought: dict[date, Frame] = field(default_factory=dict)
    _frames: dict[date, Frame] = field(default_factory=dict)
    _lives: dict[date, Lives] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The seasons are counted when they are asked for."""
        self.seasons = seasons.Seasons(session=self.session, first=self.first, day=self.day)

    def learn(self) -> Learnt:
        """All questions, one after the other."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):  # small matrices: a second thread only waits
            return self._learn()

    def _learn(self) -> Learnt:
        asked = questions(self.rules, self.first, self.day, self.life)
        trained, found = {}, []
        for n, question in enumerate(asked):
            self.tell(f"Looking back: {question.model.value}", n / len(asked))
            made, evidence = self._answer(question)
            trained[question.model] = made
            found.append(evidence)
        now = self.known(self.day)[0]
        value = asked[0]
        days = days_of(value, self.first, self.day)
        return Learnt(
            models=tuple(found), trained=trained, looks=looks(now), horizon=value.horizon,
            judged=self.known(days[0]) if days else None,
        )  # fmt: skip

    def bought(self, day: date) -> Frame:
        """What purchases told at the end of a day, and what came after."""
        if day not in self._bought:
            horizons = tuple(sorted({SOON, QUARTER, *HORIZONS}))
            self._bought[day] = make_frame(self.session, day, self.rules, self.first, horizons)
        return self._bought[day]

    def frame(self, day: date) -> Frame:
        """The same with what was known beside purchases."""
        if day not in self._frames:
            made = self.bought(day)
            self._frames[day] = replace(made, beside=self.beside.at(self.session, day, made.customer))
        return self._frames[day]

    def known(self, day: date) -> tuple[Frame, Lives]:
        """The frame of a day and the purchase models fitted to what was known on it."""
        frame = self.frame(day)
        if day not in self._lives:
            histories = frame.histories
            self._lives[day] = live(histories.collapsed(MOST_ROWS), histories, self.life)
        return frame, self._lives[day]

    def _answer(self, question: Question) -> tuple[Trained, ModelEvidence]:
        days = days_of(question, self.first, self.day)
        question = replace(question, beside=self._tried(question, days), categories=self.beside.categories)
        tested = [self._fold(question, one) for one in days]
        trained = train(
            question,
            [self.known(one) for one in training_days(question, self.first, self.day)],
            seed=self.seed,
        )
        frame, lives = self.known(self.day)
        rows = question.members(frame)
        found, now = self.seasons.settle(question, tested, trained.days, SHOWN_DAYS)
        folds = tested if now is not None else seasons.without(tested)
        whole = choose([one.whole for one in folds], value=question.is_value)
        stages, judged = [], Judged(question, tested)
        for stage in question.stages:
            number = STAGES.index(stage)
            choice, level = _of_stage(folds, number, whole, question.is_value, now)
            rung = usable(choice, lives, trained, value=question.is_value, stage=number)
            if rung is not choice.rung:
                level = _level(folds, number, rung, now)
            made = judged.stage(number)
            stages.append(
                replace(
                    made, stage=stage.value, customers=int((frame.stage[rows] == number).sum()), rung=rung,
                    why=_why(choice, rung), candidates=choice.candidates, factor=level.factor, curve=level.curve,
                    flagged=level.flagged, factors=_dated(folds, number, rung, level),
                    mean=trained.means.get(number), stretch=self._stretch(question, number, now),
                )
            )  # fmt: skip
        evidence = judged.whole(
            ModelEvidence(
                model=question.model, horizon=question.horizon, population=int(rows.sum()), stages=tuple(stages),
                backtests=days, importance=telling.importance(question, trained, folds, days, self.known, self.seed),
                words=telling.words(question, folds, stages, trained, found), season=found,
                spread=self._spread(question, tested, stages, now),
            )
        )  # fmt: skip
        return trained, evidence

    def _tried(self, question: Question, days: Sequence[date]) -> tuple[str, ...]:
        """Columns beside purchases that two back-tests can try: known on the day, and on one learnt from before it."""
        times: Counter[str] = Counter()
        for day in days:
            before = [self.frame(one).beside for one in training_days(question, self.first, day)]
            times.update(set(self.frame(day).beside) & set().union(*before))
        return tuple(name for name in sorted(times) if times[name] >= LEAST_TRIED)

    def _spread(
        self, question: Question, folds: Sequence[Fold], stages: Sequence[StageEvidence], index: Index | None
    ) -> Spread | None:
        """What intervals of groups are made of."""
        if question.model is Model.TOP:
            return None
        frames = [self.frame(one.day) for one in folds]
        numbers = {STAGES.index(stage): one.rung for stage, one in zip(question.stages, stages, strict=True)}
        names = {STAGES.index(stage): stage.value for stage in question.stages}
        people = [frame.customer[question.members(frame)] for frame in frames]
        return spread.measured(folds, people, numbers, index, names, value=question.is_value, seed=self.seed)

    def _fold(self, question: Question, day: date) -> Fold:
        """A back-test; of value with the season as it was known on its day."""
        if not question.is_value:
            return fold(question, day, self.first, self.known, seed=self.seed)
        exposure = self.seasons.exposure(day)
        made = fold(question, day, self.first, self.known, seed=self.seed, exposure=exposure)
        return replace(made, season=self.seasons.index(day))

    def _stretch(self, question: Question, number: int, index: Index | None) -> tuple[tuple[int, float], ...]:
        """What a value of the horizon is multiplied by to be one of 30, 90 and 365 days; measured where the log can.

        With an index the season is taken out of what was measured.
        """
        if not question.is_value:
            return ()
        found = []
        for days in SHOWN_DAYS:
            back = self.day - timedelta(days=max(days, question.horizon))
            ratio = days / question.horizon
            if days != question.horizon and back >= self.first + timedelta(days=LEAST_HISTORY):
                seen = _measured(self.known(back)[0], question.horizon, days, number)
                if seen and index is not None:
                    seen *= index.mean(back, question.horizon) / index.mean(back, days)
                ratio = seen or ratio
            found.append((days, ratio))
        return tuple(found)


def _measured(frame: Frame, horizon: int, days: int, number: int) -> float | None:
    for rows in (frame.stage == number, np.ones(len(frame), dtype=bool)):
        (_, base), (_, wanted) = frame.later[horizon], frame.later[days]
        if int((base[rows] > 0).sum()) >= LEAST_BUYERS and base[rows].sum() > 0:
            return float(wanted[rows].sum() / base[rows].sum())
    return None


def _of_stage(
    folds: Sequence[Fold], number: int, whole: Choice, value: bool, index: Index | None
) -> tuple[Choice, Calibration]:
    """The stage's own choice, or that of all stages together where it has too few customers."""
    own = [one.of_stage(number) for one in folds]
    if sum(len(one.actual) for one in own) >= LEAST_MEMBERS:
        choice = choose(own, value=value)
        if _days(choice) >= min(2, _days(whole)):
            return choice, _level(folds, number, choice.rung, index)
    few = "As over all stages: too few customers were here on the days looked back at to compare methods on them."
    choice = Choice(rung=whole.rung, why=few, candidates=whole.candidates)
    return choice, _level(folds, number, choice.rung, index)


def _days(choice: Choice) -> int:
    return max((one.folds for one in choice.candidates), default=0)


def _level(folds: Sequence[Fold], number: int, rung: Rung, index: Index | None) -> Calibration:
    """Of the stage; where it had too few buyers to say, of all stages together. index: the season, if it is used."""
    folds = [one.in_season(index) for one in folds]
    own = choosing.calibration([one.of_stage(number) for one in folds], rung)
    if any(one is not None for one in own.factors):
        return own
    return choosing.calibration([one.whole for one in folds], rung)


def level_of(folds: Sequence[Fold], number: int, rung: Rung) -> Calibration:
    """What predictions of a method are multiplied by in a stage."""
    return _level(folds, number, rung, None)


def _dated(
    folds: Sequence[Fold], number: int, rung: Rung, level: Calibration
) -> tuple[tuple[date, float], ...]:
    answered = [one.day for one in folds if rung in one.of_stage(number).answers]
    return tuple(
        (day, one) for day, one in zip(answered, level.factors, strict=False) if one is not None
    )  # fmt: skip


def usable(choice: Choice, lives: Lives, trained: Trained, *, value: bool, stage: int) -> Rung:
    """The method chosen if it can answer today for the stage (index into STAGES), else the next best that can."""
    compared = [one for one in choice.candidates if one.error is not None]
    after = [one.rung for one in sorted(compared, key=lambda one: (bool(one.refused), one.error or 0))]
    unseen = [rung for rung in LIFE_KINDS if rung in lives.fits] if not compared else []
    for rung in (choice.rung, *after, *unseen, Rung.BASE):
        if _can(rung, lives, trained, value=value, stage=stage):
            return rung
    return Rung.NONE


def _can(rung: Rung, lives: Lives, trained: Trained, *, value: bool, stage: int) -> bool:
    if rung in LIFE_KINDS:
        return lives.may(rung, value=value)
    needs = {Rung.LOGISTIC: "logistic", Rung.BOOSTING: "chance", Rung.STAGED: at_stage("chance", stage)}
    if rung in needs:
        return needs[rung] in trained.estimators
    return bool(trained.means) if rung is Rung.BASE else rung is Rung.PACE


def _why(choice: Choice, rung: Rung) -> str:
    if rung is choice.rung or (choice.rung is Rung.NONE and rung is Rung.NONE):
        return choice.why
    if choice.rung is Rung.NONE:
        return f"{choice.why} Until then this method answers because its conditions are met."
    return f"{choice.why} It cannot answer today, so the next best one does."


class Judged:
    """How right the newest back-test was, with methods chosen and calibrated by those that were over on its day."""

    def __init__(self, question: Question, folds: Sequence[Fold]) -> None:
        self._question = question
        before = completed(folds, folds[0].day) if folds else ()
        self._before = seasons.settled(before) if question.is_value else list(before)
        self._season = folds[0].season if any(one.season for one in self._before) else None
        self._fold = folds[0].in_season(self._season) if folds else None
        self._predicted = np.full(len(folds[0].actual), np.nan) if folds else np.zeros(0)

    def stage(self, number: int) -> StageEvidence:
        """One stage's figures; its predictions are kept for the whole."""
        empty = StageEvidence(stage="", customers=0, rung=Rung.NONE, why="")
        if self._fold is None:
            return empty
        mine = self._fold.of_stage(number)
        rung = self._rung(mine, number)
        if rung is Rung.NONE or not len(mine.actual):
            return empty
        predicted = _level(self._before, number, rung, self._season).apply(mine.answers[rung])
        predicted = predicted if self._question.is_value else np.clip(predicted, 0, 1)
        self._predicted[self._fold.stage == number] = predicted
        return replace(
            empty, judged_rung=rung, judged=len(predicted),
            **_figures(predicted, mine.actual, mine.past, self._question.is_value),
        )  # fmt: skip

    def whole(self, made: ModelEvidence) -> ModelEvidence:
        """The model's figures over all its stages."""
        known = ~np.isnan(self._predicted)
        if self._fold is None or not known.any():
            return made
        actual, past = self._fold.actual[known], self._fold.past[known]
        figures = _figures(self._predicted[known], actual, past, self._question.is_value)
        return replace(made, judged_on=self._fold.day, judged=int(known.sum()), **figures)

    def _rung(self, mine: Fold, number: int) -> Rung:
        whole = choose([one.whole for one in self._before], value=self._question.is_value)
        choice, _ = _of_stage(self._before, number, whole, self._question.is_value, self._season)
        order = (choice.rung, *(r for r in mine.answers if r in LIFE_KINDS), Rung.BASE)
        return next((rung for rung in order if rung in mine.answers), Rung.NONE)


def _figures(predicted: Array, actual: Array, past: Array, value: bool) -> dict[str, Any]:
    hit = actual > 0
    return {
        "positives": int(hit.sum()), "auc": measures.auc(predicted, hit), "ratio": measures.ratio(actual, predicted),
        "error": measures.value_error(predicted, actual) if value else measures.brier(predicted, hit),
        "brier": None if value else measures.brier(predicted, hit), "capture": measures.capture(predicted, actual),
        "past_capture": measures.capture(past, actual), "deciles": measures.deciles(predicted, actual),
    }  # fmt: skip


def looks(frame: Frame) -> dict[str, tuple[Array, Array]]:
    """Feature -> borders of ten equal bins and the shares in them: what drift is measured against."""
    found = {}
    for name in TRACKED:
        cuts = measures.cuts_of(frame.of(name))
        found[name] = (cuts, measures.shares(frame.of(name), cuts))
    return found


def fingerprint(session: duckdb.DuckDBPyConnection, day: date) -> Fingerprint:
    """What lies in `buys`, by which the same data can be known again."""
    row: Any = session.execute(
        """SELECT count(*) FILTER (gap IS NULL), count(*), coalesce(sum(value), 0), min(day),
          coalesce(sum((customer * 2654435761 + (day - DATE '1970-01-01') * 40503
            + (value * 100)::BIGINT * 97) % 1000000007), 0) FROM buys"""
    ).fetchone()
    text = "|".join(str(one) for one in (day, *row))
    return Fingerprint(
        as_of=day, customers=row[0], purchase_days=row[1], value=float(row[2]), first_day=row[3],
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )  # fmt: skip
