"""The rows of `history` and `categories`, and who is touched by a new day, as expression trees every engine runs.

What a row of `history` says is told where the table is made, in `history`.
"""

from datetime import date

import sqlglot
from sqlglot import exp

from tandem.planner.customers.trees import table
from tandem.planner.engine.domain import CUSTOMER

FIRST = "DATE '0001-01-01'"
_KEPT = f"""SELECT customer, returned, code, day, COALESCE(LAG(day) OVER earlier, {FIRST}) AS "before", several, amount,
      quantity, COUNT(*) OVER later AS times, CAST(SUM(amount) OVER later AS DECIMAL(18,2)) AS amount_sum,
      MAX(amount) OVER later AS amount_max, SUM(quantity) OVER later AS quantity_sum
    FROM {{source}}
    WINDOW earlier AS (PARTITION BY customer, returned, code ORDER BY day), later AS (PARTITION BY customer, returned,
      code ORDER BY day ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
    ORDER BY returned, code, day"""


def _read(text: str) -> exp.Select:
    made = sqlglot.parse_one(text, dialect="duckdb")
    assert isinstance(made, exp.Select)  # noqa: S101 - the texts here are all queries
    return made


def categories(source: str, *, known: bool = False) -> exp.Select:
    """The categories of `source` with codes from 1 on; known: those that `categories` lacks, with the next codes."""
    start = "(SELECT COALESCE(MAX(code), 0) FROM categories)" if known else "0"
    new = "AND NOT category IN (SELECT category FROM categories)" if known else ""
    return _read(
        f"""SELECT category, CAST(ROW_NUMBER() OVER (ORDER BY category) + {start} AS INTEGER) AS code
        FROM (SELECT DISTINCT category FROM {source} WHERE category IS NOT NULL {new}) AS named"""
    )


def lines(among: str = "") -> exp.Select:
    """A row for each customer, kind, category and day of `orders`; of the customers in the table `among` alone."""
    whose = f"AND customer IN (SELECT customer FROM {among})" if among else ""
    return _read(
        f"""SELECT customer, kind = 'return' AS returned, COALESCE(code, -1) AS code, day,
          CAST(SUM(CASE WHEN kind = 'return' THEN ABS(value) ELSE value END) AS DECIMAL(18,2)) AS amount,
          SUM(CASE WHEN kind = 'return' THEN ABS(quantity) ELSE quantity END) AS quantity
        FROM orders LEFT JOIN categories ON categories.category = orders.category
        WHERE customer IS NOT NULL {whose} GROUP BY 1, 2, 3, 4"""
    )


def whole() -> exp.Select:
    """A row for each customer, kind and day of `lines`, all categories together; several: whether there are more."""
    return _read(
        """SELECT customer, returned, 0 AS code, day, CAST(SUM(amount) AS DECIMAL(18,2)) AS amount,
          SUM(quantity) AS quantity, COUNT(*) > 1 AS several FROM lines GROUP BY 1, 2, 4"""
    )


def of_whole(returned: bool, low: int, high: int) -> exp.Select:
    """The rows of `history` with all categories together, of the customers from low to high."""
    chosen = f"{'' if returned else 'NOT'} returned AND customer BETWEEN {low:d} AND {high:d}"
    return _read(_KEPT.format(source=f"(SELECT * FROM whole WHERE {chosen}) AS days"))


def of_categories(low: int, high: int) -> exp.Select:
    """The rows of `history` of the codes from low to high."""
    several = "(SELECT customer, returned, day FROM whole WHERE several)"
    return _read(
        _KEPT.format(
            source=f"""(SELECT customer, returned, code, day, amount, quantity,
              (customer, returned, day) IN {several} AS several FROM lines WHERE code BETWEEN {low:d} AND {high:d})
              AS days"""
        )
    )


def moved(before: date, as_of: date, windows: tuple[int, ...]) -> exp.Expr:
    """Customers of `touched`, and those with a purchase that left one of the windows between the two days."""
    leaving = " OR ".join(
        f"(day > DATE '{before}' - {days:d} AND day <= DATE '{as_of}' - {days:d})" for days in windows
    )
    bought = f"SELECT customer FROM history WHERE code = 0 AND NOT returned AND ({leaving})"
    return sqlglot.parse_one(f"SELECT customer FROM touched UNION {bought}", dialect="duckdb")


def homes(source: str) -> exp.Select:
    """The country of each one's last line in `source` that names one, and when that was; of equals the last by name."""
    known = exp.not_(exp.Is(this=exp.column("country"), expression=exp.null()))
    last = sqlglot.parse_one('ARG_MAX(country, ("at", country))', dialect="duckdb")
    at = exp.Max(this=exp.column("at", quoted=True))
    asked = exp.select(CUSTOMER, exp.alias_(last, "country"), exp.alias_(at, "at", quoted=True))
    return asked.from_(table(source)).where(known).group_by(CUSTOMER)
