"""Attribute values of many customers at once, as text for others to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from django.db import connection
from sqlglot import exp, parse_one

from tandem.kit.problems import Refused
from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.customers.errors import NoSnapshot, UnknownCustomer
from tandem.planner.customers.service.snapshot import latest_snapshot, snapshot_catalogue
from tandem.planner.engine.domain import CUSTOMER, CUSTOMERS
from tandem.planner.engine.duckdb import open_snapshot

#: what names a person -> the field it is kept in
IDENTITY = {"email": "email", "mobile": "phone", "first_name": "first_name", "last_name": "last_name"}
ALSO = {
    "emailaddress": "email", "mobilephone": "mobile", "mobile_phone": "mobile", "phone": "mobile",
    "firstname": "first_name", "lastname": "last_name",
}  # fmt: skip
_TYPES = {
    "BIGINT": "Bigint", "INTEGER": "Int", "SMALLINT": "Int", "TINYINT": "Int", "BOOLEAN": "Bit", "DATE": "Date",
    "DOUBLE": "Decimal",
}  # fmt: skip
_PEOPLE = """
SELECT id, identity FROM planner_customers_customer WHERE account_id = %s AND id = ANY(%s) AND NOT forgotten
"""
_IDS = """
SELECT id, customer_id FROM planner_customers_customer
WHERE account_id = %s AND customer_id = ANY(%s) AND NOT forgotten
"""
_WITHIN = parse_one(f"{CUSTOMER} BETWEEN ? AND ?", dialect="duckdb")
_AMONG = parse_one(f"{CUSTOMER} BETWEEN ? AND ? AND {CUSTOMER} IN (SELECT unnest(?))", dialect="duckdb")


@dataclass(frozen=True, kw_only=True)
class AttributeValue:
    """One attribute of one customer; type in the wire's words, value None = none."""

    name: str
    label: str
    type: str
    value: str | None


class AttributeReader:
    """Reads the same attributes for one set of customers after the other, each set in one go."""

    def __init__(self, account_id: int, names: Sequence[str]) -> None:
        """Names are those of the catalogue or its labels, in any case, and IDENTITY. Raises Refused for another."""
        self._account_id = account_id
        self._snapshot = _snapshot(account_id)
        catalogued = _catalogued(account_id, self._snapshot)
        self._wanted = [_resolve(name, catalogued) for name in names]
        self._columns = list(dict.fromkeys(name for name in self._wanted if name not in IDENTITY))
        self._personal = any(name in IDENTITY for name in self._wanted)
        self._plain = self._wanted == self._columns

    def of(self, surrogates: Sequence[int]) -> Mapping[int, Sequence[str | None]]:
        """The values in the order of the names, None where there is none; unknown customers are left out."""
        features = self._features(surrogates)
        if self._plain:
            return features
        people = self._identities(surrogates)
        places = [self._columns.index(name) if name in self._columns else None for name in self._wanted]
        fields = [IDENTITY.get(name, "") for name in self._wanted]
        none: tuple[str | None, ...] = (None,) * len(self._columns)
        nobody: dict[str, Any] = {}
        found = {}
        for one in people if self._personal else features:
            values, identity = features.get(one, none), people.get(one, nobody)
            found[one] = [
                as_text(identity.get(field)) if place is None else values[place]
                for place, field in zip(places, fields, strict=True)
            ]
        return found

    def _identities(self, surrogates: Sequence[int]) -> dict[int, dict[str, Any]]:
        if not self._personal or not surrogates:
            return {}
        with connection.cursor() as cursor:
            cursor.execute(_PEOPLE, [self._account_id, list(surrogates)])
            return {one: orjson.loads(identity) for one, identity in cursor.fetchall()}

    def _features(self, surrogates: Sequence[int]) -> dict[int, tuple[str | None, ...]]:
        if not self._columns or not surrogates or self._snapshot is None:
            return {}
        asked = exp.select(*(exp.column(name, quoted=True) for name in (CUSTOMER, *self._columns)))
        first, last = min(surrogates), max(surrogates)
        values: list[Any] = [first, last]
        within = _WITHIN
        if last - first >= 2 * len(surrogates):
            within, values = _AMONG, [*values, list(surrogates)]
        rows = open_snapshot(self._snapshot.cache).rows(
            asked.from_(CUSTOMERS).where(within.copy()), values=values
        )
        ids, *columns = zip(*rows, strict=True) if rows else ((),)
        texts = ([as_text(value) for value in column] for column in columns)
        return dict(zip(ids, zip(*texts, strict=True), strict=True))


def attributes_for(
    account_id: int, customer_ids: Sequence[str], names: Sequence[str]
) -> dict[str, list[str | None]]:
    """For each customer the values in the order of `names` (any case), None where there is none.

    Names are those of the catalogue, their labels, and email, mobile, first_name, last_name. Raises Refused for
    another name.
    """
    reader = AttributeReader(account_id, names)
    people = _surrogates(account_id, customer_ids)
    found = reader.of(list(people))
    return {customer: list(found.get(one, [None] * len(names))) for one, customer in people.items()}


def attribute_name_of(account_id: int, name: str) -> str:
    """The column of the snapshot behind a name or label in any case. Raises Refused."""
    found = _resolve(name, _catalogued(account_id, _snapshot(account_id)))
    if found in IDENTITY:
        raise Refused(f"{name} is not kept by day", "Ask for an attribute of the snapshot.")
    return found


def attributes_of_customer(account_id: int, customer_id: str) -> tuple[AttributeValue, ...]:
    """Every attribute of one customer on the newest day. Raises UnknownCustomer, NoSnapshot."""
    surrogates = list(_surrogates(account_id, [customer_id]))
    if not surrogates:
        raise UnknownCustomer(f"There is no customer {customer_id}.", "Ids are compared letter by letter.")
    snapshot = latest_snapshot(account_id)
    known = snapshot_catalogue(account_id, snapshot.id)
    columns = [exp.column(one.name, quoted=True) for one in known]
    asked = exp.select(*columns, *(exp.func("typeof", column.copy()) for column in columns)).from_(CUSTOMERS)
    rows = open_snapshot(snapshot.cache).rows(asked.where(exp.column(CUSTOMER).eq(surrogates[0])))
    row = rows[0] if rows else (*[None] * len(known), *["VARCHAR"] * len(known))
    return tuple(
        AttributeValue(
            name=one.name, label=one.label, type=_type(row[len(known) + place]), value=as_text(row[place])
        )
        for place, one in enumerate(known)
    )


def _type(duck: Any) -> str:
    return "Decimal" if duck.startswith("DECIMAL") else _TYPES.get(duck, "Nvarchar")


def _surrogates(account_id: int, customer_ids: Sequence[str]) -> dict[int, str]:
    """Surrogate -> customer id of those who are known and not forgotten."""
    with connection.cursor() as cursor:
        cursor.execute(_IDS, [account_id, [one for one in customer_ids if "\x00" not in one]])
        return dict(cursor.fetchall())


def _snapshot(account_id: int) -> SnapshotRef | None:
    try:
        return latest_snapshot(account_id)
    except NoSnapshot:
        return None


def _catalogued(account_id: int, snapshot: SnapshotRef | None) -> dict[str, str]:
    if snapshot is None:
        return {}
    known = snapshot_catalogue(account_id, snapshot.id)
    return {one.label.lower(): one.name for one in known} | {one.name.lower(): one.name for one in known}


def _resolve(name: str, catalogued: dict[str, str]) -> str:
    folded = name.lower()
    if folded in catalogued:
        return catalogued[folded]
    folded = ALSO.get(folded, folded)
    if folded in IDENTITY:
        return folded
    raise Refused(f"Unknown attribute {name}", "See the attribute dictionary.")


def as_text(value: Any) -> str | None:
    """A value as others read it; None for none."""
    if type(value) is str:
        return value or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 2**63 else repr(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, date) else str(value)
