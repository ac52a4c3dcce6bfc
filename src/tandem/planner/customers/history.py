"""The tables `history` and `categories` of a snapshot's cache, made from its `orders`.

`history` has one row for each customer, day, kind and category, and one (code 0) for each customer, day and kind with
all categories together. A row also says how much that customer has from its day on (`times`, `amount_sum`, ...) and
which such day came before it (`before`). So for any first day of a window exactly one row of a customer and category
holds the answer: the one with `before` outside the window and `day` inside it. No grouping is needed to find it.
"""

from collections.abc import Iterator

import duckdb

from tandem.planner.customers import past
from tandem.planner.customers.trees import duck

BATCH = 3_000_000
_TABLE = """CREATE TABLE history (customer BIGINT, returned BOOLEAN, code INTEGER, day DATE, "before" DATE,
    several BOOLEAN, amount DECIMAL(18,2), quantity DOUBLE, times BIGINT, amount_sum DECIMAL(18,2),
    amount_max DECIMAL(18,2), quantity_sum DOUBLE)"""


def prepare(session: duckdb.DuckDBPyConnection, batch: int = BATCH) -> None:
    """Make both tables; `history` lies by category and day, in batches that fit in memory."""
    session.execute(f"CREATE TABLE categories AS {duck(past.categories('orders'))}")
    session.execute(_TABLE)
    _fill(session, "", batch)


def renew(session: duckdb.DuckDBPyConnection, batch: int = BATCH) -> None:
    """Make the rows of the customers of `touched` anew; a new category (table `arrived`) takes the next code."""
    session.execute(f"INSERT INTO categories {duck(past.categories('arrived', known=True))}")
    session.execute("DELETE FROM history WHERE customer IN (SELECT customer FROM touched)")
    _fill(session, "touched", batch)


def _fill(session: duckdb.DuckDBPyConnection, among: str, batch: int) -> None:
    """Sums by day lie in tables that go with the session: in the file they would leave holes as large as themselves."""
    session.execute(f"CREATE TEMP TABLE lines AS {duck(past.lines(among))}")
    session.execute(f"CREATE TEMP TABLE whole AS {duck(past.whole())}")
    session.execute("SET preserve_insertion_order = true")
    for low, high in _batches(session, "customer", "whole", 4 * batch):
        for returned in (False, True):
            session.execute(f"INSERT INTO history {duck(past.of_whole(returned, low, high))}")
    for low, high in _batches(session, "code", "lines WHERE code > 0", batch):
        session.execute(f"INSERT INTO history {duck(past.of_categories(low, high))}")
    session.execute("SET preserve_insertion_order = false")
    session.execute("DROP TABLE lines")
    session.execute("DROP TABLE whole")


def _batches(
    session: duckdb.DuckDBPyConnection, column: str, source: str, most: int
) -> Iterator[tuple[int, int]]:
    """Ranges of a column's values, each of about `most` rows."""
    answer = session.execute(
        f"SELECT min(v), max(v) FROM (SELECT v, sum(n) OVER (ORDER BY v) AS so_far FROM (SELECT {column} AS v, "
        f"count(*) AS n FROM {source} GROUP BY 1)) GROUP BY (so_far - 1) // {most} ORDER BY 1"
    )
    yield from answer.fetchall()
