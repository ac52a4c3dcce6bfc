"""Conversion: what share of those registered without a purchase bought within 28 days, by the snapshots of past days.

Who was registered on a past day, only the snapshot of that day knows: a log of purchases does not.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import duckdb

from tandem.planner.customers.service import snapshot
from tandem.planner.customers.storage import pattern
from tandem.planner.modelling.learning.domain import Model, ModelEvidence, Rung, StageEvidence
from tandem.planner.modelling.learning.questions import SOON
from tandem.planner.modelling.lifecycle.domain import Stage

LEAST_PEOPLE = 200
MOST_BACK = 6
NEAR = 3
WAITS = (
    f"Snapshots of two days at least {SOON} days ago with {LEAST_PEOPLE} people who had not bought are needed: "
    "only they know who was registered then. Scores are empty until then."
)
SAME = (
    "Nothing is known of people before their first purchase but their attributes: all have the same chance."
)


@dataclass(frozen=True, kw_only=True)
class _Past:
    day: date
    people: int
    bought: int

    @property
    def rate(self) -> float:
        return self.bought / self.people


def add_conversion(
    session: duckdb.DuckDBPyConnection, account_id: int, day: date, allowed: str
) -> ModelEvidence:
    """Write the column `conversion` of the table `scores`, and say how it was found.

    allowed: SQL of our own text over `customer`: whose data may be used.
    """
    past = _looked_back(session, account_id, day, allowed)
    who = f"customer NOT IN (SELECT customer FROM daily) AND ({allowed})"
    waiting = _one(session, f"SELECT count(*) FROM scores WHERE {who}")[0]
    stage = StageEvidence(stage=Stage.REGISTERED.value, customers=waiting, rung=Rung.NONE, why=WAITS)
    made = ModelEvidence(model=Model.CONVERSION, horizon=SOON, population=waiting, words=(WAITS,))
    if len(past) < 2:
        return replace(made, stages=(stage,))
    rate = sum(one.rate for one in past) / len(past)
    session.execute(f"UPDATE scores SET conversion = ? WHERE {who}", [rate])
    why = f"Of those who had not bought, {rate:.2%} bought within {SOON} days, on {len(past)} days looked back at."
    figures = _judged(past)
    stage = replace(stage, rung=Rung.BASE, why=why, mean=rate, judged_rung=Rung.BASE, **figures)
    return replace(
        made, stages=(stage,), words=(SAME,), judged_on=past[0].day, backtests=tuple(one.day for one in past),
        **figures,
    )  # fmt: skip


def _judged(past: list[_Past]) -> dict[str, Any]:
    """The newest day by the rate of the days before it."""
    newest, before = past[0], past[1:]
    said = sum(one.rate for one in before) / len(before)
    brier = newest.rate * (1 - said) ** 2 + (1 - newest.rate) * said**2
    ranked = 0.5 if 0 < newest.bought < newest.people else None
    return {
        "judged": newest.people, "positives": newest.bought, "error": brier, "brier": brier, "auc": ranked,
        "ratio": newest.rate / said if said else None,
    }  # fmt: skip


def _looked_back(session: duckdb.DuckDBPyConnection, account_id: int, day: date, allowed: str) -> list[_Past]:
    found, taken = [], set()
    for n in range(1, MOST_BACK + 1):
        wanted = day - timedelta(days=n * SOON)
        ref = snapshot.snapshot_on(account_id, wanted)
        if ref is None or ref.id in taken or (wanted - ref.as_of).days > NEAR:
            continue
        taken.add(ref.id)
        file = ref.parquet / snapshot.CUSTOMERS_FILE
        if file.is_file():
            row = _one(
                session,
                f"""SELECT count(*), count(*) FILTER (customer IN (SELECT customer FROM daily WHERE day > DATE
                  '{ref.as_of}' AND day <= DATE '{ref.as_of}' + {SOON}))
                FROM read_parquet({pattern(file)}) WHERE orders = 0 AND ({allowed})""",
            )
            if row[0] >= LEAST_PEOPLE:
                found.append(_Past(day=ref.as_of, people=row[0], bought=row[1]))
    return found


def _one(session: duckdb.DuckDBPyConnection, query: str) -> Any:
    return session.execute(query).fetchone()
