"""Stage rules: the limits from the curve, and SQL against the rules of one customer."""

import itertools
from datetime import date, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples

from tandem.planner.customers import history
from tandem.planner.modelling.lifecycle.domain import CurvePoint, StageRules, rules_from_curve, stage_of
from tandem.planner.modelling.lifecycle.queries import make_stages, return_curve

TODAY = date(2026, 6, 30)


def points(*shares: float, cases: int = 500) -> list[CurvePoint]:
    return [CurvePoint(silence=7 * n, cases=cases, share=share) for n, share in enumerate(shares)]


def test_limits_are_the_first_silences_below_half_and_below_a_tenth():
    rules = rules_from_curve(points(0.8, 0.6, 0.39, 0.2, 0.09, 0.05))
    assert (rules.new_days, rules.at_risk_days, rules.churn_days, rules.dormant_days, rules.note) == (
        14,
        14,
        28,
        365,
        "",
    )


def test_a_curve_that_does_not_fall_far_enough_says_so():
    rules = rules_from_curve(points(0.8, 0.7, 0.6))
    assert (rules.at_risk_days, rules.churn_days) == (14, 14)
    assert "below 10 %" in rules.note and "halve" in rules.note


@pytest.mark.parametrize("curve", [[], points(0.5), points(0.5, 0.01, cases=199)])
def test_too_few_purchases_fall_back(curve):
    rules = rules_from_curve(curve)
    assert (rules.at_risk_days, rules.churn_days) == (63, 217) and "Too few" in rules.note


@given(st.lists(st.floats(0, 1), max_size=60))
def test_limits_are_in_order(shares):
    rules = rules_from_curve(points(*shares))
    assert 1 <= rules.new_days <= rules.at_risk_days <= rules.churn_days < rules.dormant_days


@settings(max_examples=examples(8), deadline=None)
@given(st.lists(st.sets(st.integers(0, 700), min_size=1, max_size=5), min_size=1, max_size=30))
def test_sql_stages_equal_the_rules(histories):
    rules = StageRules(new_days=28, at_risk_days=60, churn_days=120)
    with duckdb.connect() as session:
        rows = [(i, TODAY - timedelta(days=ago)) for i, days in enumerate(histories) for ago in days]
        session.execute(
            "CREATE TABLE orders AS SELECT unnest(?::BIGINT[]) AS customer, unnest(?::DATE[]) AS day, "
            "1.00::DECIMAL(18,2) AS value, 1.0::DOUBLE AS quantity, NULL::VARCHAR AS category, 'sale' AS kind",
            [[i for i, _ in rows], [day for _, day in rows]],
        )
        history.prepare(session)
        session.execute(
            f"CREATE TABLE features AS SELECT customer, (DATE '{TODAY}' - max(day))::INTEGER AS days_since_last_order, "
            f"(DATE '{TODAY}' - min(day))::INTEGER AS tenure_days FROM orders GROUP BY customer"
        )
        make_stages(session, TODAY, rules)
        got = dict(session.execute("FROM stages").fetchall())
    assert got == {i: str(stage(rules, days)) for i, days in enumerate(histories)}


def stage(rules, days):
    ordered = sorted(days, reverse=True)
    back = any(a - b > rules.churn_days and b <= rules.new_days for a, b in itertools.pairwise(ordered))
    return stage_of(rules, min(days), max(days), back_after_gap=back)


def test_the_curve_counts_purchase_days_with_follow_up():
    with duckdb.connect() as session:
        session.execute("CREATE TABLE daily (customer BIGINT, day DATE)")
        session.execute(
            f"INSERT INTO daily VALUES (1, DATE '{TODAY}' - 200), (1, DATE '{TODAY}' - 150), (2, DATE '{TODAY}' - 120)"
        )
        curve = {p.silence: (p.cases, p.share) for p in return_curve(session, TODAY)}
    assert curve[0] == (3, pytest.approx(1 / 3))
    assert curve[49] == (2, 0.5)
    assert curve[56] == (1, 0.0)
