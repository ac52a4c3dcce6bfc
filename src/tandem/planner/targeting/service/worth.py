"""What a group will spend in a year and how many of it will be in Churn, with intervals; never of one person."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlglot.expressions as exp

from tandem.planner.customers.rights import described
from tandem.planner.customers.service import latest_snapshot, snapshot_catalogue
from tandem.planner.engine.domain import CUSTOMERS
from tandem.planner.engine.duckdb import open_snapshot
from tandem.planner.modelling.learning.intervals import Range, Sums, churn_range, value_range
from tandem.planner.modelling.segments.worth import spreads_of
from tandem.planner.targeting.compiling import truth
from tandem.planner.targeting.pieces import column, table
from tandem.planner.targeting.prepared import prepared
from tandem.planner.targeting.reading import read

_SCORES = ("future_value", "churn_risk", "reactivation")


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """Of a group's members on the newest snapshot's day.

    value: what they will spend in a year, together; churn: the share of the `asked` who will be in Churn in 28 days.
    Both hold 8 times of 10; None where past days do not tell how far off they may be.
    """

    members: int
    asked: int
    as_of: date
    value: Range | None
    churn: Range | None


def expectation(account_id: int, condition: dict[str, Any]) -> Expectation | None:
    """None for a group too small to be described, or without scores. Raises Refused, NoSnapshot."""
    snapshot = latest_snapshot(account_id)
    known = snapshot_catalogue(account_id, snapshot.id)
    if not {"stage", *_SCORES} <= {attribute.name for attribute in known}:
        return None
    tree = read(condition, known)
    engine = open_snapshot(snapshot.cache)
    ready = prepared(engine, tree)
    query = (
        exp.select(column("stage"), *_sums())
        .from_(table(CUSTOMERS))
        .where(truth(tree, snapshot.as_of, ready))
        .group_by("1")
    )
    rows = engine.rows(query, ready.marks)
    members = sum(row[1] for row in rows)
    if not described(members):
        return None
    sums, spreads = [_read(row) for row in rows], spreads_of(account_id)
    asked = [one for one in sums if one.members]
    return Expectation(
        members=members, asked=sum(one.members for one in sums), as_of=snapshot.as_of,
        value=value_range(spreads.value, sums), churn=churn_range(spreads.churn, spreads.back, asked),
    )  # fmt: skip


def _sums() -> list[exp.Expr]:
    """Members; those asked whether they will be in Churn; sums of each score and of its squares; asked to come back."""
    asked = exp.Coalesce(this=column("churn_risk"), expressions=[column("reactivation")])
    sums: list[exp.Expr] = []
    for name in _SCORES:
        amount = exp.cast(column(name), "double")
        sums += [exp.Sum(this=amount), exp.Sum(this=exp.Mul(this=amount.copy(), expression=amount.copy()))]
    back = exp.Count(this=column("reactivation"))
    return [exp.Count(this=exp.Star()), exp.Count(this=asked), *sums, back]


def _read(row: tuple[Any, ...]) -> Sums:
    stage, _, asked, *sums, asked_back = row
    value, value_squares, churn, churn_squares, back, back_squares = (float(one or 0) for one in sums)
    return Sums(
        stage=stage or "", members=asked, value=value, value_squares=value_squares, churn=churn,
        churn_squares=churn_squares, back=back, back_squares=back_squares, asked_back=asked_back,
    )  # fmt: skip
