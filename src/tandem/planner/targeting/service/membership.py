"""Which target group each customer was in on a day: the one of highest priority, kept beside the day's snapshot.

The day's file says what groups and priorities were then. The newest day's is made again when a group has changed.
"""

import hashlib
from datetime import date
from pathlib import Path

import orjson
import sqlglot.expressions as exp

from tandem.kit.problems import Refused
from tandem.kit.secrets import new_token
from tandem.planner.customers import storage
from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.customers.errors import NoSnapshot
from tandem.planner.customers.service import (
    Change,
    changes_between,
    get_snapshot,
    latest_snapshot,
    snapshot_catalogue,
    snapshot_on,
)
from tandem.planner.engine.domain import CUSTOMER, CUSTOMERS
from tandem.planner.engine.duckdb import open_snapshot
from tandem.planner.targeting.compiling import truth
from tandem.planner.targeting.domain import GroupView
from tandem.planner.targeting.pieces import column, literal, table
from tandem.planner.targeting.prepared import prepared
from tandem.planner.targeting.reading import read
from tandem.planner.targeting.service.groups import list_groups

FILE, STAMP = "groups.parquet", "groups.json"
COLUMN = "target_group"


def group_changes(
    account_id: int, *, start: date, end: date, skip: int = 0, top: int = 10_000
) -> tuple[Change, ...]:
    """Customers whose target group differs between two days, as ids, None = none, in order of surrogate.

    A day without a snapshot has that of the nearest earlier one; before the first nobody is in a group.
    """
    before, after = snapshot_on(account_id, start), snapshot_on(account_id, end)
    if after is None or (before and before.id == after.id):
        return ()
    files = (keep_membership(before) if before else None, keep_membership(after))
    return changes_between(account_id, *files, COLUMN, skip=skip, top=top)


def keep_membership(snapshot: SnapshotRef) -> Path:
    """The file of a snapshot's memberships (customer, target_group), made where it is missing or out of date."""
    groups = list_groups(snapshot.account_id)
    target, stamp = snapshot.parquet / FILE, _stamp(groups)
    if target.exists() and (_stamped(snapshot) == stamp or not _is_latest(snapshot)):
        return target
    with storage.one_at_a_time(snapshot.account_id):
        _make(get_snapshot(snapshot.account_id, snapshot.id), groups, target)
        written = snapshot.parquet / f".{STAMP}"
        written.write_bytes(orjson.dumps({"groups": stamp}))
        storage.put(written, snapshot.parquet / STAMP)
    return target


def _make(snapshot: SnapshotRef, groups: tuple[GroupView, ...], target: Path) -> None:
    engine = open_snapshot(snapshot.cache)
    known = snapshot_catalogue(snapshot.account_id, snapshot.id)
    places: list[exp.If] = []
    marks: dict[str, exp.Select] = {}
    for group in groups:
        try:
            tree = read(group.condition, known)
        except Refused:  # it names an attribute this day did not have: nobody was in it
            continue
        ready = prepared(engine, tree)
        inside = truth(tree, snapshot.as_of, ready)
        marks |= ready.marks
        places.append(exp.If(this=inside, true=literal(group.id)))
    found = exp.Case(ifs=places) if places else exp.null()
    query = exp.select(column(CUSTOMER), exp.alias_(found, COLUMN, quoted=True)).from_(table(CUSTOMERS))
    work = storage.folder(snapshot.account_id, "work") / f"groups-{new_token(6)}"
    work.mkdir()
    rows, made = work / "groups.csv", work / FILE
    with storage.duck(work) as session:
        engine.write_csv(query, rows, marks)
        session.execute(
            f"COPY (SELECT * FROM read_csv({storage.literal(rows)}, auto_detect = false, header = false, delim = ',', "
            f"columns = {{'customer': 'BIGINT', '{COLUMN}': 'BIGINT'}}) WHERE {COLUMN} IS NOT NULL ORDER BY customer) "
            f"TO {storage.literal(made)} (FORMAT parquet, COMPRESSION zstd)"
        )
    storage.put(made, target)
    rows.unlink()
    work.rmdir()


def _stamp(groups: tuple[GroupView, ...]) -> str:
    told = [[group.id, group.version, group.priority] for group in groups]
    return hashlib.sha256(orjson.dumps(told)).hexdigest()


def _stamped(snapshot: SnapshotRef) -> str:
    try:
        return str(orjson.loads((snapshot.parquet / STAMP).read_bytes())["groups"])
    except (OSError, ValueError, KeyError):
        return ""


def _is_latest(snapshot: SnapshotRef) -> bool:
    try:
        return latest_snapshot(snapshot.account_id).id == snapshot.id
    except NoSnapshot:
        return False
