"""Attribute values of many customers at once, as text for others to read."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection
from sqlglot import exp, parse_one

from tandem.kit.problems import Refused
from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.customers.errors import NoSnapshot
from tandem.planner.customers.models import Customer
from tandem.planner.customers.service.snapshot import latest_snapshot, snapshot_catalogue
from tandem.planner.engine.domain import CUSTOMER, CUSTOMERS
from tandem.planner.engine.duckdb import open_snapshot

IDENTITY = ("email", "mobile", "first_name", "last_name")
ALSO = {"mobilephone": "mobile", "mobile_phone": "mobile", "firstname": "first_name", "lastname": "last_name"}
_PEOPLE = """
SELECT id, identity FROM planner_customers_customer WHERE account_id = %s AND id = ANY(%s) AND NOT forgotten
"""
_AMONG = parse_one(f"{CUSTOMER} BETWEEN ? AND ? AND {CUSTOMER} IN (SELECT unnest(?))", dialect="duckdb")


class AttributeReader:
    """Reads the same attributes for one set of customers after the other, each set in one go."""

    def __init__(self, account_id: int, names: Sequence[str]) -> None:
        """Names are those of the catalogue, in any case, and IDENTITY. Raises Refused for another name."""
        self._account_id = account_id
        self._snapshot = _snapshot(account_id)
        catalogued = _catalogued(account_id, self._snapshot)
        self._wanted = [_resolve(name, catalogued) for name in names]
        self._columns = sorted({name for name in self._wanted if name not in IDENTITY})
        self._personal = any(name in IDENTITY for name in self._wanted)

    def of(self, surrogates: Sequence[int]) -> dict[int, list[str | None]]:
        """The values in the order of the names, None where there is none; unknown customers are left out."""
        people = self._identities(surrogates)
        features = self._features(surrogates)
        nothing: dict[str, Any] = {}
        return {
            one: [
                _text((people if name in IDENTITY else features).get(one, nothing).get(name))
                for name in self._wanted
            ]
            for one in (people if self._personal else features)
        }

    def _identities(self, surrogates: Sequence[int]) -> dict[int, dict[str, Any]]:
        if not self._personal or not surrogates:
            return {}
        with connection.cursor() as cursor:
            cursor.execute(_PEOPLE, [self._account_id, list(surrogates)])
            return dict(cursor.fetchall())

    def _features(self, surrogates: Sequence[int]) -> dict[int, dict[str, Any]]:
        if not self._columns or not surrogates or self._snapshot is None:
            return {}
        columns = (exp.column(name, quoted=True) for name in (CUSTOMER, *self._columns))
        asked = exp.select(*columns).from_(CUSTOMERS).where(_AMONG.copy())
        values = [min(surrogates), max(surrogates), list(surrogates)]
        rows = open_snapshot(self._snapshot.cache).rows(asked, values=values)
        return {row[0]: dict(zip(self._columns, row[1:], strict=True)) for row in rows}


def attributes_for(
    account_id: int, customer_ids: Sequence[str], names: Sequence[str]
) -> dict[str, list[str | None]]:
    """For each customer the values in the order of `names` (any case), None where there is none.

    Names are those of the catalogue, and email, mobile, first_name, last_name. Raises Refused for another name.
    """
    reader = AttributeReader(account_id, names)
    rows = Customer.objects.filter(account_id=account_id, forgotten=False, customer_id__in=list(customer_ids))
    people = dict(rows.values_list("id", "customer_id"))
    found = reader.of(list(people))
    return {customer: found.get(one, [None] * len(names)) for one, customer in people.items()}


def _snapshot(account_id: int) -> SnapshotRef | None:
    try:
        return latest_snapshot(account_id)
    except NoSnapshot:
        return None


def _catalogued(account_id: int, snapshot: SnapshotRef | None) -> dict[str, str]:
    if snapshot is None:
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


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, date) else str(value)
