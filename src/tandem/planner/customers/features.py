"""The statements that make features from `orders` and `history`, for everybody or only for some.

Same-day purchases are one order (`daily`). Sales count towards orders and sums; returns are kept apart. What stays
true from one day to the next as long as no line comes and no window moves on is kept (`*_kept`); what counts days
to the as-of is added when it is read.
"""

from datetime import date

import duckdb

from tandem.planner.customers.increment import WINDOWS

DAILY = "SELECT customer, day, amount AS value FROM history WHERE code = 0 AND NOT returned"


def _windows(as_of: date) -> str:
    return ", ".join(
        f"count(*) FILTER (day > DATE '{as_of}' - {d}) AS orders_{d}, "
        f"sum(value) FILTER (day > DATE '{as_of}' - {d}) AS spent_{d}"
        for d in WINDOWS
    )


def _kept(as_of: date, only: str) -> dict[str, tuple[str, str]]:
    """Table -> (the customers it is renewed for, its rows); `only` is a join that leaves those customers."""
    mine, touched = (only.format(table="moved"), only.format(table="touched"))
    return {
        "features_kept": (
            "moved",
            f"""SELECT customer, min(day) AS first_order, max(day) AS last_order, count(*) AS orders,
              sum(value)::DECIMAL(18,2) AS total_spent, (sum(value) / count(*))::DECIMAL(18,2) AS average_order,
              arg_min(value, day) AS first_day_value, {_windows(as_of)},
              CASE WHEN count(*) > 1 THEN (max(day) - min(day)) / (count(*) - 1) END::DOUBLE AS usual_gap
            FROM ({DAILY}) {mine} GROUP BY customer""",
        ),
        "returned_kept": (
            "touched",
            f"""SELECT customer, count(*) AS returns, sum(value) AS returned FROM orders {touched}
            WHERE kind = 'return' GROUP BY customer""",
        ),
        "favourite_kept": (
            "touched",
            f"""SELECT customer, arg_max(category, (value, category)) AS main_category FROM (
              SELECT customer, category, sum(value) AS value FROM orders {touched} WHERE kind = 'sale'
              AND category IS NOT NULL GROUP BY customer, category) GROUP BY customer""",
        ),
    }


def make(session: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Make the kept tables for everybody."""
    for table, (_, rows) in _kept(as_of, "").items():
        session.execute(f"CREATE OR REPLACE TABLE {table} AS {rows}")


def renew(session: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Make the kept rows anew of those whose lines came (`touched`) or whose windows moved on (`moved`)."""
    for table, (whose, rows) in _kept(as_of, "SEMI JOIN {table} USING (customer)").items():
        session.execute(f"DELETE FROM {table} WHERE customer IN (SELECT customer FROM {whose})")
        session.execute(f"INSERT INTO {table} {rows}")


def show(session: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Make `daily`, `features`, `returned`, `favourite`, `home` as views of the as-of, and the classes of RFM."""
    session.execute(f"CREATE OR REPLACE VIEW daily AS {DAILY}")
    session.execute(
        f"""CREATE OR REPLACE VIEW features AS SELECT * EXCLUDE (usual_gap),
          (DATE '{as_of}' - last_order)::INTEGER AS days_since_last_order,
          (DATE '{as_of}' - first_order)::INTEGER AS tenure_days, usual_gap FROM features_kept"""
    )
    for name in ("returned", "favourite"):
        session.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM {name}_kept")
    session.execute("CREATE OR REPLACE VIEW home AS SELECT customer, country FROM home_kept")
    for column, order in RFM.items():
        session.execute(
            f"CREATE OR REPLACE TABLE {column} AS SELECT v, greatest(1, ceil(5.0 * sum(n) OVER (ORDER BY v) / sum(n) "
            "OVER ()))::TINYINT "
            f"AS class FROM (SELECT {order} AS v, count(*) AS n FROM features GROUP BY 1)"
        )


#: class column -> the feature it ranks; equal values share a class, 5 is best
RFM = {"rfm_recency": "last_order", "rfm_frequency": "orders", "rfm_monetary": "total_spent"}
VIEWS = ("features", "returned", "favourite", "home", "daily")
