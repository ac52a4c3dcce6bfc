"""What is known of people beside what they bought, as it stood on a day: attributes of their own, and contact."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from tandem.planner.customers.storage import literal, name
from tandem.planner.modelling.learning import contact
from tandem.planner.modelling.learning.estimators import LEAST_ALIKE

Array = NDArray[np.float64]
#: how columns begin that are not of purchases: a name of the account's own may be that of a feature
OWN, CONTACT = "own.", "contact."
BESIDE = (OWN, CONTACT)
#: values of an attribute that are told apart, the most frequent; attributes that are looked at
MOST_VALUES, MOST_COLUMNS = 30, 40
#: a longer text is no name of a group
LONGEST = 100
KEPT = "besides"


@dataclass(frozen=True, kw_only=True)
class Column:
    """An attribute that may be learnt from; kind: text, number, money, date or flag."""

    name: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class Stood:
    """Attributes as they stood on a day; relation: SQL of our own with `customer` and the columns."""

    relation: str = ""
    columns: tuple[Column, ...] = ()


def _unknown(day: date) -> Stood:
    return Stood()


def _silent(day: date, share: float) -> str:
    return ""


@dataclass(kw_only=True, eq=False)
class Beside:
    """Where it is to be had. stood: attributes on a day; contact: SQL of the figures of `contact.FIGURES` by customer,
    at least of the share of customers that back-tests look at; empty where there is none.

    values: attribute of text -> those of its values that are told apart, most frequent first.
    """

    stood: Callable[[date], Stood] = _unknown
    contact: Callable[[date, float], str] = _silent
    share: float = 1.0
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find_values(self, session: duckdb.DuckDBPyConnection, day: date, among: str) -> None:
        """Find what values are frequent enough to be told apart, among the customers of a table."""
        now = self.stood(day)
        self.values = {
            one.name: tuple(
                row[0]
                for row in session.execute(
                    f"SELECT {name(one.name)} AS v FROM {now.relation} o "
                    f"WHERE customer IN (SELECT customer FROM {among}) AND length(v) <= {LONGEST} "
                    f"GROUP BY v HAVING count(*) >= {LEAST_ALIKE} ORDER BY count(*) DESC, v LIMIT {MOST_VALUES}"
                ).fetchall()
            )
            for one in now.columns
            if one.kind == "text"
        }

    def at(
        self, session: duckdb.DuckDBPyConnection, day: date, customers: NDArray[np.int64]
    ) -> dict[str, Array]:
        """Column -> what was known at the end of the day of each of the customers, which ascend."""
        queries = self._queries(day)
        if not queries:
            return {}
        wanted = {"customer": customers}  # noqa: F841 - read by name in the statement
        joined = " ".join(
            f"LEFT JOIN ({query}) q{n} ON q{n}.customer = w.customer" for n, query in enumerate(queries)
        )
        listed = ", ".join(f"q{n}.* EXCLUDE (customer)" for n in range(len(queries)))
        found = session.execute(f"SELECT {listed} FROM wanted w {joined} ORDER BY w.customer").fetchnumpy()
        return _known(found)

    def keep(self, session: duckdb.DuckDBPyConnection, day: date) -> bool:
        """Make the table `besides` of everybody on a day, to be read a chunk at a time; whether there is anything."""
        queries = self._queries(day)
        if not queries:
            return False
        first, *others = (f"({query}) q{n}" for n, query in enumerate(queries))
        joined = " ".join(f"FULL JOIN {one} USING (customer)" for one in others)
        session.execute(
            f"CREATE OR REPLACE TEMP TABLE {KEPT} AS SELECT * FROM {first} {joined} ORDER BY customer"
        )
        return True

    def _queries(self, day: date) -> list[str]:
        stood, figures = self.stood(day), self.contact(day, self.share)
        found = []
        if stood.columns:
            listed = "".join(f", {self._number(one, day)} AS {name(OWN + one.name)}" for one in stood.columns)
            found.append(f"SELECT customer{listed} FROM {stood.relation}")
        if figures:
            listed = "".join(f", {one}::DOUBLE AS {name(CONTACT + one)}" for one in contact.FIGURES)
            found.append(f"SELECT customer{listed} FROM ({figures})")
        return found

    def _number(self, one: Column, day: date) -> str:
        column = name(one.name)
        if one.kind == "flag":
            return f"{column}::INTEGER::DOUBLE"
        if one.kind == "date":
            return f"(DATE '{day.isoformat()}' - {column})::DOUBLE"
        if one.kind != "text":
            return f"{column}::DOUBLE"
        listed = ", ".join(map(literal, self.values.get(one.name, ())))
        place = f"coalesce(list_position([{listed}]::VARCHAR[], {column}), 0)"
        return f"CASE WHEN {column} IS NOT NULL THEN {place} END::DOUBLE"

    @property
    def categories(self) -> frozenset[str]:
        """Columns whose numbers are names of values."""
        return frozenset(OWN + one for one in self.values)


def chunk(session: duckdb.DuckDBPyConnection, customers: NDArray[np.int64]) -> dict[str, Array]:
    """What `besides` says of customers, which ascend."""
    wanted = {"customer": customers}  # noqa: F841 - read by name in the statement
    low, high = int(customers[0]), int(customers[-1])
    found = session.execute(
        f"SELECT b.* EXCLUDE (customer) FROM wanted w LEFT JOIN (SELECT * FROM {KEPT} WHERE customer BETWEEN {low} "
        f"AND {high}) b ON b.customer = w.customer ORDER BY w.customer"
    ).fetchnumpy()
    return _known(found)


def _known(found: Mapping[str, Any]) -> dict[str, Array]:
    """As floats, unknown = NaN; who was never written to has nothing of it, not something unknown."""
    made = {}
    for column, values in found.items():
        numbers = np.asarray(np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan))
        counted = column.removeprefix(CONTACT) in contact.COUNTED and column.startswith(CONTACT)
        made[column] = np.nan_to_num(numbers) if counted else numbers
    return made
