"""The table `scores` of a snapshot being built: every customer's chances and future value, a chunk at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning import beside
from tandem.planner.modelling.learning.calibration import Calibration
from tandem.planner.modelling.learning.domain import (
    LIFE_KINDS,
    Model,
    ModelEvidence,
    Rung,
    StageEvidence,
)
from tandem.planner.modelling.learning.frames import STAGES, Frame, chunks
from tandem.planner.modelling.learning.learning import SHOWN_DAYS
from tandem.planner.modelling.learning.lives import Lives, part
from tandem.planner.modelling.learning.questions import LIVE, Question, Trained, answer, edge
from tandem.planner.modelling.learning.season import LOWEST, Index
from tandem.planner.modelling.lifecycle.domain import StageRules
from tandem.planner.modelling.value import spend_passed

Array = NDArray[np.float64]
COLUMNS = (
    "p_alive", "expected_orders_30", "expected_orders_90", "expected_orders_365", "mean_order", "future_value_raw",
    "future_value_30", "future_value_90", "future_value", "churn_risk", "reactivation", "conversion", "top_spender",
)  # fmt: skip
#: the least that a future value may be is nothing, and nobody is expected to spend more than this
MOST_VALUE = 1e12


@dataclass(frozen=True, kw_only=True, eq=False)
class Scorer:
    """What is needed to score: today's purchase models, what was learnt, and the least spend of the top percentile.

    beside: whether the table of what is known beside purchases is there to be read.
    """

    lives: Lives
    questions: Mapping[Model, Question]
    trained: Mapping[Model, Trained]
    evidence: Mapping[Model, ModelEvidence]
    top: float
    rules: StageRules
    beside: bool = False

    def columns(self, frame: Frame) -> dict[str, Array]:
        """Every score of the frame's customers, NaN = none."""
        found = {name: np.full(len(frame), np.nan) for name in COLUMNS}
        self._alive(frame, found)
        self._value(frame, found)
        for model in (Model.CHURN, Model.REACTIVATION, Model.TOP):
            self._chance(model, frame, found[model.value])
        live = np.isin(frame.stage, [STAGES.index(stage) for stage in LIVE])
        asked = self.questions[Model.CHURN].members(frame)
        found["churn_risk"][live & ~asked] = 0.0
        return found

    def _alive(self, frame: Frame, found: dict[str, Array]) -> None:
        rung, histories = self.lives.shown, frame.histories
        found["mean_order"] = frame.of("average_order").copy()
        if spend_passed(self.lives.gates[rung]):
            found["mean_order"] = self.lives.spend.mean(histories.x, histories.m)
        if self.lives.may(rung):
            fitted = self.lives.fits[rung]
            found["p_alive"] = np.clip(fitted.p_alive(histories), 0, 1)
            for days in SHOWN_DAYS:
                times = self._season(frame.day, days, None)
                found[f"expected_orders_{days}"] = fitted.expected(histories, days) * times

    def _value(self, frame: Frame, found: dict[str, Array]) -> None:
        question, evidence = self.questions[Model.VALUE], self.evidence[Model.VALUE]
        for stage in evidence.stages:
            rows = self._rows(question, frame, stage)
            if stage.rung is Rung.NONE or not rows.any():
                continue
            raw = answer(question, stage.rung, frame, rows, self.lives, self.trained[Model.VALUE])
            lifted = _level(stage).apply(raw * self._season(frame.day, question.horizon, stage.rung))
            for days, name in zip(
                SHOWN_DAYS, ("future_value_30", "future_value_90", "future_value"), strict=True
            ):
                wanted = self._stretched(stage, frame, rows, raw, days, question.horizon)
                with np.errstate(divide="ignore", invalid="ignore"):
                    share = np.where(raw > 0, wanted / raw, dict(stage.stretch).get(days, 1.0))
                times = self._ahead(frame.day, days, question.horizon)
                found[name][rows] = np.clip(lifted * share * times, 0, MOST_VALUE)
            found["future_value_raw"][rows] = self._stretched(stage, frame, rows, raw, 365, question.horizon)

    def _season(self, day: date, days: int, rung: Rung | None) -> float:
        """The season of so many days after `day` by that beneath a method's answers; None: purchase days, not money."""
        season = self.evidence[Model.VALUE].season
        if season is None or not season.used:
            return 1.0
        mean = Index.of(season).mean(day, days, orders=rung is None)
        return mean / max(
            season.order_level if rung is None else dict(season.levels).get(rung.value, 1.0), LOWEST
        )

    def _ahead(self, day: date, days: int, horizon: int) -> float:
        """The season of so many days by that of the horizon."""
        season = self.evidence[Model.VALUE].season
        if season is None or not season.used or days == horizon:
            return 1.0
        index = Index.of(season)
        return index.mean(day, days) / max(index.mean(day, horizon), LOWEST)

    def _stretched(
        self, stage: StageEvidence, frame: Frame, rows: NDArray[np.bool_], raw: Array, days: int, horizon: int
    ) -> Array:
        """The raw value of another horizon: by the purchase model itself, else by what the log showed."""
        if days == horizon:
            return raw
        if stage.rung in LIFE_KINDS:
            return self.lives.value(stage.rung, part(frame.histories, rows), days)
        return raw * dict(stage.stretch).get(days, days / horizon)

    def _chance(self, model: Model, frame: Frame, found: Array) -> None:
        question = self.questions[model]
        for stage in self.evidence[model].stages:
            rows = self._rows(question, frame, stage)
            if stage.rung is not Rung.NONE and rows.any():
                raw = answer(question, stage.rung, frame, rows, self.lives, self.trained[model])
                found[rows] = np.clip(_level(stage).apply(raw), 0, 1)

    def _rows(self, question: Question, frame: Frame, stage: StageEvidence) -> NDArray[np.bool_]:
        number = next(n for n, one in enumerate(STAGES) if one.value == stage.stage)
        return question.members(frame) & (frame.stage == number)


def top_edge(session: duckdb.DuckDBPyConnection) -> float:
    """The least lifetime spend of the top percentile of `framed`."""
    return edge(
        session.execute("SELECT total_spent::DOUBLE AS total_spent FROM framed").fetchnumpy()["total_spent"]
    )


def make_scores(
    session: duckdb.DuckDBPyConnection, day: date, first: date | None, scorer: Scorer | None
) -> None:
    """Make the table `scores`: a row for each of `people`, nothing known where there is no purchase or no model."""
    columns = ", ".join(f"{name} DOUBLE" for name in COLUMNS)
    session.execute(f"CREATE OR REPLACE TEMP TABLE scored (customer BIGINT, {columns})")
    if scorer is not None and first is not None:
        for frame in chunks(session, day, scorer.rules, first):
            if scorer.beside:
                frame = replace(frame, beside=beside.chunk(session, frame.customer))
            _insert(session, frame, scorer.columns(frame))
    listed = ", ".join(f"s.{name}" for name in COLUMNS)
    session.execute(
        f"CREATE OR REPLACE TABLE scores AS SELECT p.customer, {listed} FROM people p "
        "LEFT JOIN scored s ON s.customer = p.customer"
    )
    session.execute("DROP TABLE scored")


def _insert(session: duckdb.DuckDBPyConnection, frame: Frame, found: dict[str, Array]) -> None:
    chunk: dict[str, Any] = {"customer": frame.customer, **found}  # noqa: F841 - read by name in the statement
    listed = ", ".join(f"CASE WHEN isfinite({name}) THEN {name} END" for name in COLUMNS)
    session.execute(f"INSERT INTO scored SELECT customer, {listed} FROM chunk")


def _level(stage: StageEvidence) -> Calibration:
    return Calibration(factor=stage.factor, curve=stage.curve)
