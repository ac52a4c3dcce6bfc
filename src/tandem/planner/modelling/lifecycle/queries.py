"""The return curve and the stages in DuckDB, over the tables `daily` and `features` of a snapshot being built."""

from datetime import date

import duckdb
import sqlglot

from tandem.planner.engine.duckdb import DuckEngine
from tandem.planner.modelling.lifecycle.domain import STEP, WINDOW, CurvePoint, StageRules


def return_curve(
    session: duckdb.DuckDBPyConnection, as_of: date, window: int = WINDOW
) -> tuple[CurvePoint, ...]:
    """The curve by steps of 7 days: purchase days with silence + `window` days of follow-up and no purchase meanwhile.

    share: of those, how many are followed by a purchase within `window` days.
    """
    rows = session.execute(
        f"""WITH gaps AS (SELECT lead(day) OVER (PARTITION BY customer ORDER BY day) - day AS gap, ?::DATE - day AS seen
          FROM daily), counted AS (SELECT gap, seen, count(*) AS n FROM gaps WHERE seen >= {window:d} GROUP BY ALL)
        SELECT s, sum(n) AS cases, coalesce(sum(n) FILTER (gap <= s + {window:d}), 0) / sum(n) AS share
        FROM range(0, 1100, {STEP}) AS steps(s) JOIN counted ON seen >= s + {window:d} AND (gap IS NULL OR gap > s)
        GROUP BY s ORDER BY s""",
        [as_of],
    ).fetchall()
    return tuple(CurvePoint(silence=s, cases=int(cases), share=float(share)) for s, cases, share in rows)


def make_stages(session: duckdb.DuckDBPyConnection, as_of: date, rules: StageRules) -> None:
    """Make the table `stages(customer, stage)`; first match wins, as in `domain.stage_of`."""
    session.execute(
        f"""CREATE OR REPLACE TABLE stages AS WITH {_back(rules, as_of)}
        SELECT f.customer, {_case(rules)} AS stage FROM features f LEFT JOIN back USING (customer)"""
    )


def stage_sizes(engine: DuckEngine, as_of: date, rules: StageRules) -> dict[str, int]:
    """How many customers of a published snapshot each stage would hold under these rules."""
    query = f"""WITH daily AS (SELECT DISTINCT customer, day FROM orders WHERE kind = 'sale'), {_back(rules, as_of)}
        SELECT CASE WHEN f.days_since_last_order IS NULL THEN 'Registered only' ELSE {_case(rules)} END AS stage,
          count(*) AS n FROM customers f LEFT JOIN back ON back.customer = f.customer GROUP BY 1"""
    return dict(engine.rows(sqlglot.parse_one(query, dialect="duckdb")))


def _back(rules: StageRules, as_of: date) -> str:
    """CTEs up to `back(customer)`: bought in the last N days after a gap longer than C."""
    since = f"DATE '{as_of.isoformat()}' - {rules.new_days:d}"
    return f"""recent AS (SELECT DISTINCT customer FROM daily WHERE day >= {since}),
          gaps AS (SELECT customer, day, day - lag(day) OVER (PARTITION BY customer ORDER BY day) AS gap
            FROM daily SEMI JOIN recent USING (customer)),
          back AS (SELECT DISTINCT customer FROM gaps WHERE gap > {rules.churn_days:d} AND day >= {since})"""


def _case(rules: StageRules) -> str:
    return f"""CASE WHEN f.days_since_last_order > {rules.dormant_days:d} THEN 'Dormant'
          WHEN f.days_since_last_order > {rules.churn_days:d} THEN 'Churn'
          WHEN f.days_since_last_order > {rules.at_risk_days:d} THEN 'At risk'
          WHEN back.customer IS NOT NULL THEN 'FromChurn'
          WHEN f.tenure_days <= {rules.new_days:d} THEN 'New' ELSE 'Active' END"""
