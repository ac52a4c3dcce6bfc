"""Each customer as they stood at the end of a day, and what they did after it, of the orders alone.

Whatever is dated after the day is an outcome, never a feature. Columns are those of a snapshot of that day, plus what
was spent on each of the largest categories (`spent on` and the category's name).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from tandem.planner.discovery.binning import category, flag, number
from tandem.planner.discovery.domain import Dropped, Feature, Flags, Floats, Role, Unit

Raw = NDArray[Any]
#: columns of the orders: label, unit and what a title calls it
COLUMNS: dict[str, tuple[str, Unit, Role]] = {
    "days_since_last_order": ("days since last order", Unit.DAYS, Role.RECENCY),
    "orders": ("orders", Unit.COUNT, Role.FREQUENCY),
    "total_spent": ("total spent", Unit.MONEY, Role.VALUE),
    "average_order": ("average order", Unit.MONEY, Role.PRICE),
    "first_day_value": ("first order value", Unit.MONEY, Role.OTHER),
    "tenure_days": ("tenure in days", Unit.DAYS, Role.OTHER),
    "usual_gap": ("usual gap in days", Unit.DAYS, Role.OTHER),
    "orders_90": ("orders in 90 days", Unit.COUNT, Role.OTHER),
    "orders_365": ("orders in 365 days", Unit.COUNT, Role.OTHER),
    "spent_90": ("spent in 90 days", Unit.MONEY, Role.OTHER),
    "spent_365": ("spent in 365 days", Unit.MONEY, Role.OTHER),
    "returns": ("returns", Unit.COUNT, Role.OTHER),
    "returned": ("value returned", Unit.MONEY, Role.OTHER),
    "main_category": ("main category", Unit.NONE, Role.CATEGORY),
}


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What no column of a snapshot tells but a rule about history does: `agg` of `of`, of one day's order."""

    label: str
    unit: Unit
    agg: str
    of: str
    query: str


DEEDS = {
    "items": Deed(
        label="items bought", unit=Unit.COUNT, agg="sum", of="quantity", query="coalesce(sum(quantity), 0)"
    ),
    "items_per_order": Deed(
        label="items per order", unit=Unit.NONE, agg="avg", of="quantity", query="sum(quantity) / count(*)"
    ),
    "largest_order": Deed(label="largest order", unit=Unit.MONEY, agg="max", of="amount", query="max(value)"),
}
SPENT_ON = "spent on "
MOST_CATEGORIES = 5


@dataclass(frozen=True, kw_only=True)
class Own:
    """An attribute of the account's own: its label and kind (text, number, money, flag)."""

    label: str
    kind: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """Customers in the order of their numbers, shape (n,) each.

    raw: columns as the binning takes them; bought: 1 for an order after the day; spent: the sum of those orders.
    """

    day: date
    until: date
    customers: NDArray[np.int64]
    raw: Mapping[str, Raw]
    bought: Floats
    spent: Floats

    @property
    def rfm(self) -> tuple[Floats, Floats, Floats]:
        """Recency in days, number of orders, sum spent."""
        return self.raw["days_since_last_order"], self.raw["orders"], self.raw["total_spent"]

    def kept(self, wanted: Flags) -> "Frame":
        """Only the customers wanted, shape (n,)."""
        return Frame(
            day=self.day, until=self.until, customers=self.customers[wanted],
            raw={name: one[wanted] for name, one in self.raw.items()}, bought=self.bought[wanted],
            spent=self.spent[wanted],
        )  # fmt: skip


_WINDOWS = ", ".join(
    f"count(*) FILTER (day > $day::DATE - {n}) AS orders_{n}, coalesce(sum(value) FILTER (day > $day::DATE - {n}), 0) "
    f"AS spent_{n}"
    for n in (90, 365)
)
_DEEDS = ", ".join(f"{one.query} AS {name}" for name, one in DEEDS.items())
_SOLD = """CREATE OR REPLACE TEMP TABLE sold AS SELECT customer, day, sum(value)::DECIMAL(18,2) AS value,
      sum(quantity) AS quantity
    FROM {orders} WHERE kind = 'sale' AND customer IS NOT NULL AND day <= $until::DATE GROUP BY ALL"""
_STOOD = f"""CREATE OR REPLACE TEMP TABLE stood AS SELECT customer,
      ($day::DATE - max(day))::INTEGER AS days_since_last_order, count(*) AS orders, sum(value) AS total_spent,
      (sum(value) / count(*))::DECIMAL(18,2) AS average_order, arg_min(value, day) AS first_day_value,
      ($day::DATE - min(day))::INTEGER AS tenure_days,
      CASE WHEN count(*) > 1 THEN (max(day) - min(day)) / (count(*) - 1) END::DOUBLE AS usual_gap, {_WINDOWS},
      {_DEEDS}
    FROM sold WHERE day <= $day::DATE GROUP BY customer"""
_BY_CATEGORY = """CREATE OR REPLACE TEMP TABLE by_category AS SELECT customer, category, sum(value) AS value
    FROM {orders} WHERE kind = 'sale' AND category IS NOT NULL AND day <= $day::DATE GROUP BY ALL"""
_LARGEST = """SELECT category FROM by_category GROUP BY 1 HAVING sum(value) > 0
    ORDER BY sum(value) DESC, 1 LIMIT {most}"""
_ZERO_WITHOUT = frozenset(
    (
        "orders",
        "total_spent",
        "first_day_value",
        "orders_90",
        "orders_365",
        "spent_90",
        "spent_365",
        "returns",
        "items",
    )
)
_SENT_BACK = ("returns", "returned")


def frame(
    session: duckdb.DuckDBPyConnection,
    day: date,
    until: date,
    *,
    orders: str = "orders",
    chosen: str = "SELECT customer FROM stood",
    own: Mapping[str, Own] | None = None,
    own_from: str = "",
    categories: Sequence[str] = (),
) -> Frame:
    """The customers of the query `chosen` at the end of `day`, and what they bought to the end of `until`.

    orders: the table, as a snapshot has it; own: attributes taken from `own_from`, a source with a column customer;
    categories: what was spent on these is told besides that on the largest.
    """
    dated = {"day": day, "until": until}
    session.execute(_SOLD.format(orders=orders), {"until": until})
    session.execute(_STOOD, {"day": day})
    session.execute(_BY_CATEGORY.format(orders=orders), {"day": day})
    names = [row[0] for row in session.execute(_LARGEST.format(most=MOST_CATEGORIES)).fetchall()]
    if len(names) < 2:
        names = []
    names += [name for name in categories if name not in names]
    found = session.execute(_whole(orders, chosen, names, own or {}, own_from), dated).fetchnumpy()
    wanted = (*COLUMNS, *DEEDS, *(SPENT_ON + name for name in names), *(own or {}))
    columns = zip(wanted, list(found.values())[3:], strict=True)
    return Frame(
        day=day, until=until, customers=np.asarray(found["customer"], np.int64),
        raw={name: _raw(values) for name, values in columns}, bought=_raw(found["bought"]),
        spent=_raw(found["spent"]),
    )  # fmt: skip


def _whole(orders: str, chosen: str, names: list[str], own: Mapping[str, Own], own_from: str) -> str:
    ordered = [
        f"coalesce(s.{name}, 0)::DOUBLE AS {name}" if name in _ZERO_WITHOUT else f"s.{name}::DOUBLE AS {name}"
        for name in (*COLUMNS, *DEEDS)
        if name not in (*_SENT_BACK, "main_category")
    ]
    places = {name: place for place, name in enumerate(COLUMNS)}
    for name in _SENT_BACK:
        ordered.insert(places[name], f"coalesce(r.{name}, 0)::DOUBLE AS {name}")
    ordered.insert(places["main_category"], "f.main_category")
    sums = "".join(
        f", sum(value) FILTER (category = {_text(name)})::DOUBLE AS c{n}" for n, name in enumerate(names)
    )
    spent = [f"coalesce(f.c{n}, 0) AS c{n}" for n in range(len(names))]
    mine = [
        f"a.{_name(name)}{'::DOUBLE' if one.kind in ('number', 'money') else ''} AS a{n}"
        for n, (name, one) in enumerate(own.items())
    ]
    joined = f"LEFT JOIN {own_from} a ON a.customer = k.customer" if own else ""
    return f"""WITH chosen AS ({chosen}), later AS (SELECT customer, sum(value)::DOUBLE AS spent FROM sold
          WHERE day > $day::DATE AND day <= $until::DATE GROUP BY customer),
        favourites AS (SELECT customer, arg_max(category, (value, category)) AS main_category{sums}
          FROM by_category GROUP BY customer),
        sent_back AS (SELECT customer, count(*) AS returns, sum(value) AS returned FROM {orders}
          WHERE kind = 'return' AND day <= $day::DATE GROUP BY customer)
      SELECT k.customer, (l.customer IS NOT NULL)::DOUBLE AS bought, coalesce(l.spent, 0) AS spent,
        {", ".join((*ordered, *spent, *mine))}
      FROM chosen k LEFT JOIN stood s ON s.customer = k.customer LEFT JOIN later l ON l.customer = k.customer
        LEFT JOIN favourites f ON f.customer = k.customer LEFT JOIN sent_back r ON r.customer = k.customer {joined}
      ORDER BY k.customer"""


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _raw(values: Any) -> Raw:
    """Unknown numbers as NaN, unknown words and flags as None."""
    if not isinstance(values, np.ma.MaskedArray):
        return np.asarray(values)
    if np.issubdtype(values.dtype, np.number):
        return np.asarray(np.ma.filled(values.astype(np.float64), np.nan))
    found = np.array(values.data, object)
    found[np.ma.getmaskarray(values)] = None
    return found


def features_of(
    found: Frame, own: Mapping[str, Own], allowed: frozenset[str] | None = None
) -> tuple[tuple[Feature, ...], tuple[Dropped, ...]]:
    """The columns cut into bins, and those that tell no customers apart; `allowed` None = all."""
    made = [
        _feature(name, values, found, own)
        for name, values in found.raw.items()
        if allowed is None or name in allowed or name in DEEDS or name.startswith(SPENT_ON)
    ]
    features = tuple(one for one in made if isinstance(one, Feature))
    return features, tuple(one for one in made if isinstance(one, Dropped))


def _feature(name: str, values: Raw, found: Frame, own: Mapping[str, Own]) -> Feature | Dropped:
    if name in own:
        one = own[name]
        if one.kind == "flag":
            return flag(name, values, label=one.label)
        if one.kind == "text":
            return category(name, values, label=one.label)
        unit = Unit.MONEY if one.kind == "money" else Unit.NONE
        return number(name, values, label=one.label, unit=unit)
    if name.startswith(SPENT_ON):
        return number(name, values, label=name, unit=Unit.MONEY, role=Role.CATEGORY)
    if name in DEEDS:
        return number(name, values, label=DEEDS[name].label, unit=DEEDS[name].unit)
    label, unit, role = COLUMNS[name]
    if name == "main_category":
        return category(name, values, label=label, role=role)
    return number(name, values, label=label, unit=unit, role=role)
