"""Histories from a snapshot being built (DuckDB, table `daily`) or from NumPy arrays."""

from datetime import date

import duckdb
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem.planner.modelling.value.domain import MOST, Histories

Customers = NDArray[np.int64]


def make_histories(
    session: duckdb.DuckDBPyConnection,
    as_of: date,
    *,
    source: str = "daily",
    target: str = "histories",
    only: str = "TRUE",
) -> None:
    """Make the table `target`(customer BIGINT, x, tx, T INTEGER, m DOUBLE) of `source`(customer, day, value).

    source: one row per customer and purchase day; days after `as_of` do not count. only: SQL of our own text that a
    row of it must meet, such as being of a customer who may be profiled.
    """
    session.execute(
        f"""CREATE OR REPLACE TABLE {target} AS SELECT customer::BIGINT AS customer, (count(*) - 1)::INTEGER AS x,
          (max(day) - min(day))::INTEGER AS tx, (?::DATE - min(day))::INTEGER AS T,
          CASE WHEN count(*) > 1
            THEN (sum(value) - arg_min(coalesce(value, 0), day))::DOUBLE / (count(*) - 1) END AS m
        FROM {source} WHERE day <= ?::DATE AND ({only}) GROUP BY customer""",
        [as_of, as_of],
    )


def read_histories(
    session: duckdb.DuckDBPyConnection, source: str = "histories"
) -> tuple[Customers, Histories]:
    """All rows of a table made by `make_histories`: customers ascending, and their histories in that order."""
    found = session.execute(
        f"SELECT customer, x, tx, T, coalesce(m, 'nan'::DOUBLE) AS m FROM {source} ORDER BY customer"
    ).fetchnumpy()
    return found["customer"].astype(np.int64), Histories(found["x"], found["tx"], found["T"], found["m"])


def collapse(session: duckdb.DuckDBPyConnection, source: str = "histories", *, most: int = MOST) -> Histories:
    """Equal (x, tx, T) as one row with the number of customers; more than `most` such rows: in whole weeks."""
    exact = _grouped(session, source, "tx", "T")
    if len(exact) <= most:
        return exact
    return _grouped(session, source, "7 * round(tx / 7)", "7 * round(T / 7)")


def of_days(
    customer: ArrayLike, day: ArrayLike, value: ArrayLike, as_of: int
) -> tuple[NDArray[np.generic], Histories]:
    """The same from arrays of one length: customer (any sortable), day (whole days of any epoch), value (money).

    Several rows of a customer on a day are one purchase day; days after `as_of` do not count.
    """
    customers, days, values = np.asarray(customer), np.asarray(day), np.asarray(value, dtype=np.float64)
    known = days <= as_of
    who, rows = np.unique(customers[known], return_inverse=True)
    days, values = days[known].astype(np.int64), values[known]
    order = np.lexsort((days, rows))
    rows, days, values = rows[order], days[order], values[order]
    new = np.concatenate(([True], (rows[1:] != rows[:-1]) | (days[1:] != days[:-1])))[: len(rows)]
    sums = np.add.reduceat(values, np.flatnonzero(new)) if len(rows) else values
    rows, days = rows[new], days[new]
    starts = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1]))[: len(rows)])
    ends = np.append(starts[1:], len(rows)) - 1
    x = (ends - starts).astype(np.float64)[: len(who)]
    first = days[starts]
    later = np.bincount(rows, sums, len(who)) - sums[starts] if len(who) else sums
    with np.errstate(divide="ignore", invalid="ignore"):
        m = np.where(x > 0, later / x, np.nan)
    return who, Histories(x, days[ends[: len(who)]] - first, as_of - first, m)


def _grouped(session: duckdb.DuckDBPyConnection, source: str, tx: str, T: str) -> Histories:
    found = session.execute(
        f"SELECT x, {tx} AS tx, {T} AS T, count(*) AS weight FROM {source} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ).fetchnumpy()
    return Histories(found["x"], found["tx"], found["T"], weight=found["weight"])
