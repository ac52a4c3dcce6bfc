"""Stages, scores and segments as steps of a snapshot's build; what was measured is kept when it is published."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any

import duckdb

from tandem.kit.clock import Clock
from tandem.kit.problems import in_words
from tandem.planner.customers.domain import Progress
from tandem.planner.customers.service import snapshot
from tandem.planner.customers.service.building import Step
from tandem.planner.modelling import service
from tandem.planner.modelling.cycle.carrying import carry, has_scores
from tandem.planner.modelling.lifecycle.domain import StageRules
from tandem.planner.modelling.lifecycle.queries import make_stages
from tandem.planner.modelling.scoring.ranks import make_scores
from tandem.planner.modelling.segments.segmenting import Segmenting
from tandem.planner.modelling.segments.worth import Spreads

Measure = Callable[[duckdb.DuckDBPyConnection, date], StageRules]


class Staging:
    """The three steps of one snapshot."""

    def __init__(self, account_id: int, day: date, clock: Clock, measure: Measure) -> None:
        self._account_id, self._day, self._clock, self._measure = account_id, day, clock, measure
        self._segmenting: Segmenting | None = None
        self._evidence: Any = None

    def steps(self) -> tuple[Step, ...]:
        """In order."""
        return (
            Step(name="stages", makes=("stages",), run=self._stages),
            Step(
                name="scores", makes=("scores",), run=self._scores, kept=self._kept_evidence,
                restore=self._restore_evidence, instead=self._scores_of_before,
            ),
            Step(
                name="segments", makes=("segments",), run=self._segments, kept=lambda: self._ready().as_json(),
                restore=lambda stored: self._ready().restore(stored),
            ),
        )  # fmt: skip

    def keep(self, snapshot_id: int) -> None:
        """Write down what was measured, in the transaction that publishes the snapshot."""
        self._ready().keep()
        if self._evidence is not None:
            _learning().keep(self._account_id, snapshot_id, self._evidence, clock=self._clock)

    def _stages(self, session: duckdb.DuckDBPyConnection, tell: Progress) -> tuple[int, str]:
        rules = self._measure(session, self._day)
        make_stages(session, self._day, rules)
        rows = session.execute("SELECT count(*) FROM stages").fetchone()
        return (
            rows[0] if rows else 0
        ), f"At risk after {rules.at_risk_days} days, churn after {rules.churn_days}."

    def _scores(self, session: duckdb.DuckDBPyConnection, tell: Progress) -> tuple[int, str]:
        rules = service.stage_rules(self._account_id)
        self._evidence = _learning().score(
            session, self._account_id, self._day, rules, clock=self._clock, progress=tell
        )
        return _scored(session), " ".join(self._evidence.notes)[:300]

    def _scores_of_before(
        self, session: duckdb.DuckDBPyConnection, tell: Progress, error: Exception
    ) -> tuple[int, str]:
        """The models went wrong: those of the last day stay in force, else its scores, and the day goes on."""
        why = in_words(error)
        self._evidence = None
        with suppress(Exception):
            rules, words = service.stage_rules(self._account_id), f"Nothing was learnt today: {why}"
            self._evidence = _learning().score(
                session,
                self._account_id,
                self._day,
                rules,
                clock=self._clock,
                progress=tell,
                no_learning=words,
            )
        if self._evidence is not None:
            return _scored(session), f"{why} What was learnt on {self._evidence.trained_on} stays in force."
        before = snapshot.snapshot_on(self._account_id, self._day)
        rows = carry(session, before) if before and has_scores(self._account_id) else 0
        make_scores(session)
        if not rows or before is None:
            return 0, f"{why} No scores were known before."
        return rows, f"{why} The scores of {before.as_of} stay with who is in the same stage."

    def _segments(self, session: duckdb.DuckDBPyConnection, tell: Progress) -> tuple[int, str]:
        spreads = Spreads.of(self._evidence)
        self._ready().make(session, self._day, service.stage_rules(self._account_id), spreads)
        rows = session.execute("SELECT count(*), count(DISTINCT microsegment_id) FROM segments").fetchone()
        return (rows[0], f"{rows[1]} micro-segments.") if rows else (0, "")

    def _ready(self) -> Segmenting:
        if self._segmenting is None:
            before, later = snapshot.snapshots_around(self._account_id, self._day)
            parquet = before.parquet / snapshot.CUSTOMERS_FILE if before else None
            self._segmenting = Segmenting(self._account_id, parquet, is_newest=not later)
        return self._segmenting

    def _kept_evidence(self) -> Any:
        return self._evidence.as_json() if self._evidence is not None else None

    def _restore_evidence(self, stored: Any) -> None:
        if stored is not None:
            from tandem.planner.modelling.learning.domain import Evidence

            self._evidence = Evidence.from_json(stored)


def _scored(session: duckdb.DuckDBPyConnection) -> int:
    row = session.execute("SELECT count(*) FROM scores").fetchone()
    return int(row[0]) if row else 0


def _learning() -> Any:
    """The models' service, read when it is asked: the libraries behind it take a second or two."""
    from tandem.planner.modelling.learning import service as learning

    return learning
