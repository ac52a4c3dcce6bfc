"""What changed between two days, and who was what on a day: read from the snapshots' Parquet, in order of surrogate.

A day without a snapshot has that of the nearest earlier one; before the first, nothing is known of anybody.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tandem.kit.secrets import new_token
from tandem.planner.customers import storage
from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.customers.service.people import names_of
from tandem.planner.customers.service.snapshot import (
    CUSTOMERS_FILE,
    latest_snapshot,
    snapshot_on,
    snapshots_around,
)
from tandem.planner.customers.storage import name, pattern

_NUMBERS = ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "DOUBLE", "DECIMAL")


@dataclass(frozen=True, kw_only=True)
class Change:
    """A customer whose value differs between two days; None = none."""

    customer_id: str
    before: Any
    after: Any


def changes(
    account_id: int, column: str, *, start: date | None, end: date | None, skip: int = 0, top: int = 10_000
) -> tuple[Change, ...]:
    """Customers whose column differs between two days. end None = the newest; start None = the day before `end`'s.

    Raises NoSnapshot for `end` None where there is none.
    """
    after = snapshot_on(account_id, end) if end else latest_snapshot(account_id)
    if after is None:
        return ()
    before = snapshot_on(account_id, start) if start else snapshots_around(account_id, after.as_of)[0]
    if before and before.id == after.id:
        return ()
    files = (_file(before) if before else None, _file(after))
    return changes_between(account_id, *files, column, skip=skip, top=top)


def changes_between(
    account_id: int, before: Path | None, after: Path | None, column: str, *, skip: int = 0, top: int = 10_000
) -> tuple[Change, ...]:
    """The same of any two Parquet files with a column `customer`; a file or a column that is not there holds None."""
    with _session(account_id) as session:
        was, old = _side(session, before, column)
        is_now, new = _side(session, after, column)
        cast = "" if old == new or None in (old, new) else "::VARCHAR"
        rows = session.execute(
            f"""SELECT coalesce(a.customer, b.customer) AS customer, b.v AS was, a.v AS is_now
            FROM (SELECT customer, v{cast} AS v FROM {is_now}) a FULL JOIN (SELECT customer, v{cast} AS v FROM {was}) b
            ON b.customer = a.customer WHERE a.v IS DISTINCT FROM b.v ORDER BY 1 LIMIT {top:d} OFFSET {skip:d}"""
        ).fetchall()
    ids = names_of(account_id, [row[0] for row in rows])
    return tuple(
        Change(customer_id=ids[row[0]], before=row[1], after=row[2]) for row in rows if row[0] in ids
    )


def _side(session: Any, file: Path | None, column: str) -> tuple[str, str | None]:
    """A relation (customer, v), and the type of v; None where there is no such value."""
    if file is None:
        return "(SELECT NULL::BIGINT AS customer, NULL AS v WHERE false)", None
    source = f"read_parquet({pattern(file)})"
    types = {row[0]: row[1] for row in session.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    value = name(column) if column in types else "NULL"
    return f"(SELECT customer, {value} AS v FROM {source})", types.get(column)


def customers_with(
    account_id: int,
    column: str,
    value: str,
    *,
    day: date | None,
    also: str = "customer",
    skip: int = 0,
    top: int = 10_000,
    profiled: bool = False,
) -> tuple[tuple[str, Any], ...]:
    """(customer id, column `also`) of those with a value, as text in any case, on a day (None = the newest).

    profiled: without who objected to profiling.
    """
    snapshot = snapshot_on(account_id, day) if day else latest_snapshot(account_id)
    if snapshot is None:
        return ()
    with _session(account_id) as session:
        source = f"read_parquet({pattern(_file(snapshot))})"
        types = {row[0]: row[1] for row in session.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        if not {column, also} <= types.keys():
            return ()
        cast = "DOUBLE" if types[column].startswith(_NUMBERS) else "VARCHAR"
        willing = "may_be_profiled IS NOT FALSE AND " if profiled and "may_be_profiled" in types else ""
        rows = session.execute(
            f"SELECT customer, {name(also)} FROM {source} WHERE {willing}lower(({name(column)}::{cast})::VARCHAR) = "
            f"lower(TRY_CAST(? AS {cast})::VARCHAR) ORDER BY customer LIMIT {top:d} OFFSET {skip:d}",
            [value],
        ).fetchall()
    ids = names_of(account_id, [row[0] for row in rows])
    return tuple((ids[row[0]], row[1]) for row in rows if row[0] in ids)


@contextmanager
def _session(account_id: int) -> Iterator[Any]:
    work = storage.folder(account_id, "work") / f"changes-{new_token(6)}"
    try:
        with storage.duck(work) as session:
            yield session
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _file(snapshot: SnapshotRef) -> Path:
    return snapshot.parquet / CUSTOMERS_FILE
