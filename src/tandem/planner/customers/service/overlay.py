"""Values that programs wrote, laid over those of files while a snapshot is built; and what a new file makes old."""

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from django.db import connection

from tandem.planner.customers import identities
from tandem.planner.customers.models import AttributeValue, ProfileAttribute
from tandem.planner.customers.purposes import Purpose
from tandem.planner.customers.storage import literal, name, pattern

TYPES = {"text": "VARCHAR", "number": "DOUBLE", "money": "DECIMAL(18,2)", "date": "DATE", "flag": "BOOLEAN"}


def load(session: duckdb.DuckDBPyConnection, account_id: int, work: Path) -> None:
    """Make the table `written`: a row per customer, two columns per attribute: the written value, and whether."""
    given = work / "written.csv"
    with connection.cursor() as cursor:
        identities.copy_out(
            cursor,
            "SELECT v.customer_id, a.name, v.value FROM planner_customers_attributevalue v JOIN "
            "planner_customers_profileattribute a ON a.id = v.attribute_id JOIN planner_customers_customer c ON "
            "c.id = v.customer_id WHERE v.account_id = %s AND NOT c.forgotten",
            [account_id],
            given,
        )
    picked = "".join(
        f", TRY_CAST(max(value) FILTER (name = {literal(row.name)}) AS {TYPES[row.kind]}) AS {name(row.name)}, "
        f"bool_or(name = {literal(row.name)}) AS {name('set ' + row.name)}"
        for row in ProfileAttribute.objects.filter(account_id=account_id)
    )
    columns = "{'customer': 'BIGINT', 'name': 'VARCHAR', 'value': 'VARCHAR'}"
    session.execute(
        f"CREATE TABLE written AS SELECT customer{picked} FROM read_csv({literal(given)}, auto_detect = false, "
        f"header = false, delim = ',', quote = '\"', escape = '\"', columns = {columns}) GROUP BY customer"
    )
    given.unlink()


def columns(
    session: duckdb.DuckDBPyConnection, account_id: int, profile: Path | None, *, has_homes: bool
) -> str:
    """The select list of all profile attributes: written (w), else a file's (a), else the default.

    A country that is text is also known from orders (h).
    """
    filed: set[str] = set()
    if profile:
        described = session.execute(f"DESCRIBE SELECT * FROM read_parquet({pattern(profile)})").fetchall()
        filed = {row[0] for row in described}
    rows = list(ProfileAttribute.objects.filter(account_id=account_id).order_by("id"))
    seen = (row for row in rows if row.purpose != Purpose.IDENTITY)
    chosen = "".join(f", {_column(row, filed, has_homes)} AS {name(row.name)}" for row in seen)
    alone = has_homes and not any(row.name == "country" for row in rows)
    return chosen + (", h.country AS country" if alone else "")


def _column(row: ProfileAttribute, filed: set[str], has_homes: bool) -> str:
    kind = TYPES[row.kind]
    sources = [f"a.{name(row.name)}"] if row.name in filed else []
    sources += ["h.country"] if row.name == "country" and row.kind == "text" and has_homes else []
    sources += [f"{literal(row.default)}::{kind}"] if row.default is not None else []
    other = f"coalesce({', '.join(sources)})" if sources else f"NULL::{kind}"
    return f"CASE WHEN w.{name('set ' + row.name)} THEN w.{name(row.name)} ELSE {other} END"


def supersede(
    session: duckdb.DuckDBPyConnection, account_id: int, attributes: list[str], since: datetime, work: Path
) -> int:
    """Delete values written before `since` where the staged file gives the customer another; how many went."""
    older = AttributeValue.objects.filter(
        account_id=account_id, attribute__name__in=attributes, written_at__lt=since
    )
    if not attributes or not older.exists():
        return 0
    given = work / "written.csv"
    with connection.cursor() as cursor:
        identities.copy_out(
            cursor,
            "SELECT v.id, v.customer_id, a.name FROM planner_customers_attributevalue v JOIN "
            "planner_customers_profileattribute a ON a.id = v.attribute_id WHERE v.account_id = %s AND "
            "v.written_at < %s AND a.name = ANY(%s)",
            [account_id, since, attributes],
            given,
        )
    filled = " ".join(f"WHEN {literal(one)} THEN s.{name(one)} IS NOT NULL" for one in attributes)
    rows: list[Any] = session.execute(
        f"SELECT DISTINCT v.id FROM read_csv({literal(given)}, auto_detect = false, header = false, delim = ',', "
        "columns = {'id': 'BIGINT', 'customer': 'BIGINT', 'name': 'VARCHAR'}) v JOIN map m ON m.customer = v.customer "
        f"JOIN staged s ON s.customer = m.customer_id WHERE s.reason IS NULL AND CASE v.name {filled} ELSE false END"
    ).fetchall()
    given.unlink()
    gone, _ = AttributeValue.objects.filter(
        account_id=account_id, id__in=[row[0] for row in rows], written_at__lt=since
    ).delete()
    return gone
