"""Count the members of a condition, write them down, turn it into words and back."""

from collections.abc import Iterable
from pathlib import Path
from time import perf_counter
from typing import Any

import sqlglot.expressions as exp

from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.customers.rights import described
from tandem.planner.customers.service import catalogue, latest_snapshot, snapshot_catalogue
from tandem.planner.engine.domain import CUSTOMERS, Attribute
from tandem.planner.engine.duckdb import open_snapshot
from tandem.planner.targeting.compiling import members, truth
from tandem.planner.targeting.domain import Count, document
from tandem.planner.targeting.pieces import column, table
from tandem.planner.targeting.prepared import prepared
from tandem.planner.targeting.reading import read, read_text
from tandem.planner.targeting.wording import to_text as words

STAGE, EMAIL, SMS = "stage", "may_receive_email", "may_receive_sms"


def count(account_id: int, condition: dict[str, Any]) -> Count:
    """Members on the latest snapshot's day, who of them may be written to, and members by lifecycle stage."""
    started = perf_counter()
    snapshot = latest_snapshot(account_id)
    known = snapshot_catalogue(account_id, snapshot.id)
    tree = read(condition, known)
    names = {attribute.name for attribute in known}
    picked = [_stage(names), exp.Count(this=exp.Star()), _allowed(EMAIL, names), _allowed(SMS, names)]
    engine = open_snapshot(snapshot.cache)
    ready = prepared(engine, tree)
    query = (
        exp.select(*picked).from_(table(CUSTOMERS)).where(truth(tree, snapshot.as_of, ready)).group_by("1")
    )
    rows = engine.rows(query, ready.marks)
    inside = sum(row[1] for row in rows)
    stages = sorted(
        ((row[0], row[1]) for row in rows if row[0] is not None and described(inside)),
        key=lambda pair: (-pair[1], pair[0]),
    )
    return Count(
        members=inside,
        customers=snapshot.customers,
        email=sum(row[2] for row in rows) if EMAIL in names else None,
        sms=sum(row[3] for row in rows) if SMS in names else None,
        stages=tuple(stages),
        as_of=snapshot.as_of,
        seconds=perf_counter() - started,
    )


def _stage(names: Iterable[str]) -> exp.Expr:
    return exp.alias_(column(STAGE) if STAGE in names else exp.null(), "stage")


def _allowed(name: str, names: Iterable[str]) -> exp.Expr:
    return exp.CountIf(this=column(name)) if name in names else exp.Literal.number(0)


def members_count(account_id: int, condition: dict[str, Any]) -> int:
    """The number of members on the latest snapshot's day."""
    snapshot = latest_snapshot(account_id)
    tree = read(condition, snapshot_catalogue(account_id, snapshot.id))
    engine = open_snapshot(snapshot.cache)
    ready = prepared(engine, tree)
    asked = truth(tree, snapshot.as_of, ready)
    query = exp.select(exp.Count(this=exp.Star())).from_(table(CUSTOMERS)).where(asked)
    return int(engine.value(query, ready.marks))


def write_members(snapshot: SnapshotRef, condition: dict[str, Any], target: Path) -> int:
    """Write the members' surrogates, ascending, one per line without header; how many.

    Raises ConditionRefused for an empty condition or an attribute the snapshot lacks. On failure no file is left.
    """
    tree = read(condition, snapshot_catalogue(snapshot.account_id, snapshot.id))
    engine = open_snapshot(snapshot.cache)
    ready = prepared(engine, tree)
    query = members(tree, snapshot.as_of, ready).order_by("1")
    try:
        return engine.write_csv(query, target, ready.marks)
    except Exception:
        target.unlink(missing_ok=True)
        raise


def to_text(account_id: int, condition: dict[str, Any]) -> str:
    """The readable text of a condition."""
    return words(read(condition, catalogue(account_id)))


def to_condition(account_id: int, text: str) -> dict[str, Any]:
    """The stored form of a text, in normal form. Raises TextRefused (grammar) or ConditionRefused (names, types)."""
    return document(read_text(text, catalogue(account_id)))


def checked(account_id: int, condition: object) -> dict[str, Any]:
    """A condition from outside, in normal form. Raises ConditionRefused."""
    return document(read(condition, catalogue(account_id)))


def attributes_of(account_id: int) -> tuple[Attribute, ...]:
    """What conditions may name."""
    return catalogue(account_id)
