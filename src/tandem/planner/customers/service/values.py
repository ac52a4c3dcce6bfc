"""Attribute values of many customers at once, as text for others to read."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlglot import exp

from tandem.kit.problems import Refused
from tandem.planner.customers.errors import NoSnapshot
from tandem.planner.customers.models import Customer
from tandem.planner.customers.service.snapshot import latest_snapshot, snapshot_catalogue
from tandem.planner.engine.domain import CUSTOMER, CUSTOMERS
from tandem.planner.engine.duckdb import open_snapshot

IDENTITY = ("email", "mobile", "first_name", "last_name")
ALSO = {"mobilephone": "mobile", "mobile_phone": "mobile", "firstname": "first_name", "lastname": "last_name"}


def attributes_for(
    account_id: int, customer_ids: Sequence[str], names: Sequence[str]
) -> dict[str, list[str | None]]:
    """For each customer the values in the order of `names` (any case), None where there is none.

    Names are those of the catalogue, and email, mobile, first_name, last_name. Raises Refused for another name.
    """
    catalogued = _catalogued(account_id)
    wanted = [_resolve(name, catalogued) for name in names]
    rows = Customer.objects.filter(account_id=account_id, forgotten=False, customer_id__in=list(customer_ids))
    people = {row.id: row for row in rows}
    columns = sorted({name for name in wanted if name not in IDENTITY})
    features = _features(account_id, list(people), columns)
    return {
        row.customer_id: [
            _text(row.identity.get(name) if name in IDENTITY else features.get(row.id, {}).get(name))
            for name in wanted
        ]
        for row in people.values()
    }


def _catalogued(account_id: int) -> dict[str, str]:
    try:
        snapshot = latest_snapshot(account_id)
    except NoSnapshot:
        return {}
    return {found.name.lower(): found.name for found in snapshot_catalogue(account_id, snapshot.id)}


def _resolve(name: str, catalogued: dict[str, str]) -> str:
    folded = name.lower()
    folded = ALSO.get(folded, folded)
    if folded in IDENTITY:
        return folded
    if folded not in catalogued:
        raise Refused(f"Unknown attribute {name}", "See the attribute dictionary.")
    return catalogued[folded]


def _features(account_id: int, surrogates: list[int], columns: list[str]) -> dict[int, dict[str, Any]]:
    if not columns or not surrogates:
        return {}
    asked = exp.select(*(exp.column(name, quoted=True) for name in (CUSTOMER, *columns))).from_(CUSTOMERS)
    listed = [exp.Literal.number(surrogate) for surrogate in surrogates]
    snapshot = latest_snapshot(account_id)
    rows = open_snapshot(snapshot.cache).rows(asked.where(exp.column(CUSTOMER).isin(*listed)))
    return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, date) else str(value)
