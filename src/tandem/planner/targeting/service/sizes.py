"""How many customers each target group holds, counted once a day for all groups in one reading."""

from datetime import date

import sqlglot.expressions as exp

from tandem.kit.problems import Refused
from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.customers.service import snapshot_catalogue
from tandem.planner.engine.domain import CUSTOMERS
from tandem.planner.engine.duckdb import open_snapshot
from tandem.planner.targeting.compiling import truth
from tandem.planner.targeting.domain import GroupView
from tandem.planner.targeting.models import GroupSize
from tandem.planner.targeting.pieces import table
from tandem.planner.targeting.prepared import prepared
from tandem.planner.targeting.reading import read
from tandem.planner.targeting.service.groups import list_groups


def keep_sizes(snapshot: SnapshotRef) -> dict[int, int]:
    """Count every group that the snapshot can answer for, and keep the sizes of its day; group -> members."""
    engine = open_snapshot(snapshot.cache)
    known = snapshot_catalogue(snapshot.account_id, snapshot.id)
    asked: list[tuple[GroupView, exp.Expr]] = []
    marks: dict[str, exp.Select] = {}
    for group in list_groups(snapshot.account_id):
        try:
            tree = read(group.condition, known)
        except Refused:  # it names an attribute this day does not have: its page says so
            continue
        ready = prepared(engine, tree)
        asked.append((group, exp.CountIf(this=truth(tree, snapshot.as_of, ready))))
        marks |= ready.marks
    if not asked:
        return {}
    counted = engine.rows(exp.select(*(count for _, count in asked)).from_(table(CUSTOMERS)), marks)[0]
    for (group, _), members in zip(asked, counted, strict=True):
        GroupSize.objects.update_or_create(
            account_id=snapshot.account_id, group_id=group.id, day=snapshot.as_of,
            defaults={"version": group.version, "members": members},
        )  # fmt: skip
    return {group.id: members for (group, _), members in zip(asked, counted, strict=True)}


def group_sizes(account_id: int) -> dict[int, tuple[date, int]]:
    """Group -> the newest day it was counted on under the version in force, and how many it held."""
    versions = {group.id: group.version for group in list_groups(account_id)}
    rows = GroupSize.objects.filter(account_id=account_id).order_by("group_id", "-day").distinct("group_id")
    return {row.group_id: (row.day, row.members) for row in rows if versions.get(row.group_id) == row.version}
