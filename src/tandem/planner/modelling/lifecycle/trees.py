"""The stages and the return curve as expression trees that every engine runs."""

from datetime import date

import sqlglot
from sqlglot import exp

from tandem.planner.modelling.lifecycle.domain import STEP, StageRules

LONGEST = 1100
#: what `history` has as the day before the first
_NEVER = "DATE '0001-01-01'"


def curve(as_of: date, window: int) -> exp.Expr:
    """Silence in days, purchase days with that silence and `window` days after it, and the share followed by another.

    Over `daily`, by steps of a week.
    """
    steps = ", ".join(f"({days:d})" for days in range(0, LONGEST, STEP))
    return _read(
        f"""WITH gaps AS (SELECT LEAD(day) OVER (PARTITION BY customer ORDER BY day) - day AS gap,
            DATE '{as_of}' - day AS seen FROM daily),
          counted AS (SELECT gap, seen, COUNT(*) AS n FROM gaps WHERE seen >= {window:d} GROUP BY gap, seen)
        SELECT s, CAST(SUM(n) AS BIGINT) AS cases,
          COALESCE(SUM(n) FILTER (WHERE gap <= s + {window:d}), 0) / SUM(n) AS share
        FROM (VALUES {steps}) AS steps(s) JOIN counted ON seen >= s + {window:d} AND (gap IS NULL OR gap > s)
        GROUP BY s ORDER BY s"""
    )


def stages(as_of: date, rules: StageRules) -> exp.Expr:
    """The stage of each customer of `features`; first match wins, as in `domain.stage_of`."""
    return _read(
        f"""SELECT f.customer, {_case(rules)} AS stage FROM features AS f
        LEFT JOIN {_back(rules, as_of)} ON back.customer = f.customer"""
    )


def sizes(as_of: date, rules: StageRules, source: str = "customers") -> exp.Expr:
    """How many customers of a published snapshot each stage would hold."""
    return _read(
        f"""SELECT CASE WHEN f.days_since_last_order IS NULL THEN 'Registered only' ELSE {_case(rules)} END AS stage,
          COUNT(*) AS n FROM {source} AS f LEFT JOIN {_back(rules, as_of)} ON back.customer = f.customer GROUP BY 1"""
    )


def _back(rules: StageRules, as_of: date) -> str:
    """Who bought in the last N days after a gap longer than C: a row of `history` knows the purchase before it."""
    return f"""(SELECT DISTINCT customer FROM history WHERE code = 0 AND NOT returned
          AND day >= DATE '{as_of}' - {rules.new_days:d} AND "before" > {_NEVER}
          AND day - "before" > {rules.churn_days:d}) AS back"""


def _case(rules: StageRules) -> str:
    return f"""CASE WHEN f.days_since_last_order > {rules.dormant_days:d} THEN 'Dormant'
          WHEN f.days_since_last_order > {rules.churn_days:d} THEN 'Churn'
          WHEN f.days_since_last_order > {rules.at_risk_days:d} THEN 'At risk'
          WHEN NOT back.customer IS NULL THEN 'FromChurn'
          WHEN f.tenure_days <= {rules.new_days:d} THEN 'New' ELSE 'Active' END"""


def _read(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, dialect="duckdb")
