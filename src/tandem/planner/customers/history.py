"""The tables `history` and `categories` of a snapshot's cache, made from its `orders`.

`history` has one row for each customer, day, kind and category, and one (code 0) for each customer, day and kind with
all categories together. A row also says how much that customer has from its day on (`times`, `amount_sum`, ...) and
which such day came before it (`before`). So for any first day of a window exactly one row of a customer and category
holds the answer: the one with `before` outside the window and `day` inside it. No grouping is needed to find it.
"""

from collections.abc import Iterator

import duckdb

BATCH = 3_000_000
FIRST = "DATE '0001-01-01'"

_CATEGORIES = """CREATE TABLE categories AS SELECT category, row_number() OVER (ORDER BY category)::INTEGER AS code
    FROM (SELECT DISTINCT category FROM orders WHERE category IS NOT NULL)"""
_MORE_CATEGORIES = """INSERT INTO categories SELECT category, (row_number() OVER (ORDER BY category)
      + (SELECT coalesce(max(code), 0) FROM categories))::INTEGER AS code
    FROM (SELECT DISTINCT category FROM arrived WHERE category IS NOT NULL) ANTI JOIN categories USING (category)"""
_SUMS = (
    """CREATE TABLE lines AS SELECT customer, kind = 'return' AS returned, coalesce(code, -1) AS code, day,
      sum(CASE WHEN kind = 'return' THEN abs(value) ELSE value END)::DECIMAL(18,2) AS amount,
      sum(CASE WHEN kind = 'return' THEN abs(quantity) ELSE quantity END) AS quantity
    FROM {orders} LEFT JOIN categories USING (category) WHERE customer IS NOT NULL GROUP BY ALL""",
    """CREATE TABLE whole AS SELECT customer, returned, 0 AS code, day, sum(amount)::DECIMAL(18,2) AS amount,
      sum(quantity) AS quantity, count(*) > 1 AS several FROM lines GROUP BY ALL""",
)
_TABLE = """CREATE TABLE history (customer BIGINT, returned BOOLEAN, code INTEGER, day DATE, "before" DATE,
    several BOOLEAN, amount DECIMAL(18,2), quantity DOUBLE, times BIGINT, amount_sum DECIMAL(18,2),
    amount_max DECIMAL(18,2), quantity_sum DOUBLE)"""
_BATCH = f"""INSERT INTO history SELECT customer, returned, code, day, coalesce(lag(day) OVER earlier, {FIRST}),
      several, amount, quantity, count(*) OVER later, (sum(amount) OVER later)::DECIMAL(18,2), max(amount) OVER later,
      sum(quantity) OVER later
    FROM {{source}}
    WINDOW earlier AS (PARTITION BY customer, returned, code ORDER BY day), later AS (PARTITION BY customer, returned,
      code ORDER BY day ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
    ORDER BY returned, code, day"""
_WHOLE = "(SELECT * FROM whole WHERE returned = {returned} AND customer BETWEEN {low} AND {high})"
_LINES = """(SELECT *, (customer, returned, day) IN (SELECT (customer, returned, day) FROM whole WHERE several)
      AS several FROM lines WHERE code BETWEEN {low} AND {high})"""


def prepare(session: duckdb.DuckDBPyConnection, batch: int = BATCH) -> None:
    """Make both tables; `history` lies by category and day, in batches that fit in memory."""
    session.execute(_CATEGORIES)
    session.execute(_TABLE)
    _fill(session, "orders", batch)


def renew(session: duckdb.DuckDBPyConnection, batch: int = BATCH) -> None:
    """Make the rows of the customers of `touched` anew; a new category (table `arrived`) takes the next code."""
    session.execute(_MORE_CATEGORIES)
    session.execute("DELETE FROM history WHERE customer IN (SELECT customer FROM touched)")
    _fill(session, "(SELECT * FROM orders SEMI JOIN touched USING (customer))", batch)


def _fill(session: duckdb.DuckDBPyConnection, orders: str, batch: int) -> None:
    for statement in _SUMS:
        session.execute(statement.format(orders=orders))
    session.execute("SET preserve_insertion_order = true")
    for low, high in _batches(session, "customer", "whole", 4 * batch):
        for returned in ("false", "true"):
            source = _WHOLE.format(returned=returned, low=low, high=high)
            session.execute(_BATCH.format(source=source))
    for low, high in _batches(session, "code", "lines WHERE code > 0", batch):
        session.execute(_BATCH.format(source=_LINES.format(low=low, high=high)))
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
