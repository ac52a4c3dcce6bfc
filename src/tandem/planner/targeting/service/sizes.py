"""How many customers each target group holds, counted once a day for all groups in one reading."""

from datetime import date

import sqlglot.expressions as exp

from tandem.kit.problems import Refused
from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.customers.service import snapshot_catalogue, snapshot_on
from tandem.planner.engine.domain import CUSTOMERS
from tandem.planner.engine.duckdb import open_snapshot
from tandem.planner.targeting.compiling import truth
from tandem.planner.targeting.domain import GroupView, Sizes
from tandem.planner.targeting.models import GroupSize
from tandem.planner.targeting.pieces import table
from tandem.planner.targeting.prepared import prepared
from tandem.planner.targeting.reading import read
from tandem.planner.targeting.service.groups import list_groups

#: days of counting that a line shows
SHOWN = 28


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


def group_sizes(account_id: int, *, days: int = SHOWN) -> dict[int, Sizes]:
    """Group -> what it was counted to hold under the version in force, on the last so many days of counting."""
    versions = {group.id: group.version for group in list_groups(account_id)}
    rows = GroupSize.objects.filter(account_id=account_id).order_by("-day")
    last = rows.values_list("day", flat=True).distinct()[:days]
    counted: dict[int, list[tuple[date, int]]] = {}
    for row in rows.filter(day__in=list(last)).order_by("day"):
        if versions.get(row.group_id) == row.version:
            counted.setdefault(row.group_id, []).append((row.day, row.members))
    of_day = {day: _customers(account_id, day) for day in {found[-1][0] for found in counted.values()}}
    return {
        group: Sizes(days=tuple(found), customers=of_day[found[-1][0]]) for group, found in counted.items()
    }


def _customers(account_id: int, day: date) -> int | None:
    snapshot = snapshot_on(account_id, day)
    return snapshot.customers if snapshot and snapshot.as_of == day else None
