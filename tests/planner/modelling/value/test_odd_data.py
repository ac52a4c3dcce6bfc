"""Data from which a model cannot learn, or learns nonsense: a treatment and words, never an exception."""

import math
from datetime import date, timedelta

import duckdb
import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples

from tandem.planner.modelling.value import (
    Fitted,
    GammaGamma,
    Histories,
    Kind,
    collapse,
    fit,
    fit_spend,
    future_value,
    gates,
    life_passed,
    make_histories,
    of_days,
    read_histories,
    spend_passed,
    tracking,
)

LIVING = [Kind.MBG, Kind.BG, Kind.PARETO]
EVERY_DAY = Histories(np.full(30, 999.0), np.full(30, 999.0), np.full(30, 999.0), np.full(30, 20.0))
ONE = Histories([3], [50], [90], [12.5])
NOBODY = Histories([], [], [], [])
ONCE = Histories(np.zeros(500), np.zeros(500), np.arange(500) % 300)
NEW = Histories(np.zeros(9), np.zeros(9), np.zeros(9))
ALIKE = Histories(np.full(400, 4.0), np.full(400, 80.0), np.full(400, 100.0), np.full(400, 10.0))
FREE = Histories([1, 2, 0, 3], [30, 60, 0, 80], [90, 90, 90, 90], [0, 0, np.nan, 0])
RETURNED = Histories([1, 2, 0, 3], [30, 60, 0, 80], [90, 90, 90, 90], [-5, -0.5, np.nan, -100])
ONE_GIANT = Histories([1, 2, 0, 3], [30, 60, 0, 80], [90, 90, 90, 90], [10, 12, np.nan, 1e12])


@pytest.mark.parametrize("kind", [*LIVING, Kind.NBD])
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (NOBODY, "no customers"),
        (ONCE, "on a second day"),
        (NEW, "no time after it"),
        (EVERY_DAY, ""),
        (ONE, ""),
        (ALIKE, ""),
        (FREE, ""),
        (RETURNED, ""),
        (ONE_GIANT, ""),
    ],
)
def test_every_answer_is_a_number_or_a_sentence(kind, rows, words):
    model, nbd, spend = fit(kind, rows), fit("nbd", rows), fit_spend(rows.x, rows.m)
    found = gates(model, nbd, spend, rows)
    assert all(gate.words.endswith(".") for gate in found)
    assert words in model.note
    assert bool(model.note) == bool(words)
    assert not (model.note and life_passed(found))
    answers = [model.p_alive(rows), model.expected(rows, 365), model.p_buys(rows, 30)]
    for answer in answers:
        assert answer.shape == rows.x.shape
        assert np.isnan(answer).all() if words else np.isfinite(answer).all()
    assert np.isfinite(tracking(model, rows.T, 1, [-10, 10])).all() != bool(words) or not len(rows)
    stored = Fitted.from_json(orjson.loads(orjson.dumps(model.as_json())))
    assert stored.p_alive(rows) == pytest.approx(answers[0], nan_ok=True)
    orjson.dumps([gate.as_json() for gate in found])


@pytest.mark.parametrize("kind", LIVING)
@pytest.mark.parametrize("rows", [NOBODY, ONCE, NEW, EVERY_DAY, ONE, FREE])
def test_no_degenerate_model_is_believed_silently(kind, rows):
    found = gates(fit(kind, rows), fit("nbd", rows), fit_spend(rows.x, rows.m), rows)
    assert not life_passed(found)
    assert any(not gate.passed and len(gate.words) > 40 for gate in found)


def test_one_purchase_a_day_for_ever_goes_on():
    """Nobody stops, so no chance of being a customer is shown; the rate is kept all the same."""
    nbd = fit("nbd", EVERY_DAY)
    assert nbd.expected(EVERY_DAY, 30) == pytest.approx(np.full(30, 30), rel=0.01)
    found = {gate.name: gate for gate in gates(fit("mbg", EVERY_DAY), nbd, None, EVERY_DAY)}
    assert not found["better_than_nbd"].passed
    assert set(found) == {"converged", "dropout", "better_than_nbd"}


def test_spend_where_there_is_none_to_compare():
    for rows in (NOBODY, ONCE, FREE, RETURNED):
        spend = fit_spend(rows.x, rows.m)
        assert "nothing can be learnt about spend" in spend.note
        assert np.isnan(spend.mean(rows.x, rows.m)).all()
        assert math.isnan(spend.population)
        assert not spend_passed(gates(fit("mbg", rows), fit("nbd", rows), spend, rows))
    assert "Only one customer" in fit_spend(ONE.x, ONE.m).note


def test_everybody_paying_the_same_is_an_answer():
    spend = fit_spend(ALIKE.x, ALIKE.m)
    assert (spend.constant, spend.converged, spend.note) == (10.0, True, "")
    assert list(spend.mean([0, 3], [np.nan, 10])) == [10, 10]
    assert spend.population == 10
    found = gates(fit("mbg", ALIKE), fit("nbd", ALIKE), spend, ALIKE)
    assert spend_passed(found)
    assert GammaGamma.from_json(orjson.loads(orjson.dumps(spend.as_json()))).population == 10


@pytest.mark.parametrize("seed", range(5))
def test_customers_who_each_pay_a_price_of_their_own_are_expected_to_go_on(seed):
    """Hardly anything varies within a customer, so p may run away; the search ends, means are nearly the own ones."""
    rng = np.random.default_rng(seed)
    x = 1.0 + rng.poisson(2, 1500)
    m = 20 / rng.gamma(3, 1 / 2, 1500)
    spend = fit_spend(x, m)
    assert spend.converged
    assert spend.parameters["p"] > 10
    assert np.corrcoef(spend.mean(x, m), m)[0, 1] > 0.99
    assert spend.population == pytest.approx(m.mean(), rel=0.1)


def test_zero_and_negative_means_are_left_out_of_the_fit_and_valued_by_it():
    rng = np.random.default_rng(2)
    x = rng.integers(1, 9, 900).astype(float)
    m = rng.gamma(6 * x) / rng.gamma(4, 1 / 15, 900) / x
    clean = fit_spend(x, m)
    mixed = fit_spend(np.append(x, [2, 5, 0]), np.append(m, [0, -40, np.nan]))
    assert mixed.repeaters == 900
    assert list(mixed.parameters.values()) == pytest.approx(list(clean.parameters.values()), rel=1e-6)
    nothing, negative, unknown = mixed.mean([2, 2, 0], [0, -40, np.nan])
    assert 0 < nothing == negative < unknown == mixed.population


def test_heavy_orders_have_no_stable_mean():
    """Values so uneven that q falls to 1 or below: the gate says why no order value is shown."""
    rng = np.random.default_rng(4)
    x = np.ones(3000)
    spend = fit_spend(x, rng.gamma(3.0, size=3000) / rng.gamma(0.6, 1 / 5, 3000))
    rows = Histories(x, x, x + 30)
    gate = {one.name: one for one in gates(fit("mbg", rows), fit("nbd", rows), spend, rows)}["spend_mean"]
    assert (gate.passed, gate.value < 1) == (False, True)
    assert "unstable" in gate.words
    assert np.isnan(spend.population)


def test_spend_that_grows_with_visits_is_not_believed():
    x = np.tile(np.arange(1.0, 21.0), 50)
    spend = fit_spend(x, 5 * x + np.arange(1000) % 7)
    rows = Histories(x, x, x + 30)
    gate = gates(fit("mbg", rows), fit("nbd", rows), spend, rows)[-1]
    assert not gate.passed
    assert "Frequent buyers spend clearly more" in gate.words


@settings(max_examples=examples(8), deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(-20, 400), st.sampled_from([-9.5, 0, 1, 19.99, 1e9])),
        max_size=40,
    )
)
def test_any_log_is_answered(session, events):
    """Arrays and SQL give the same histories; whatever they are, the whole line ends in numbers or words."""
    customer, day, value = (np.array(part) for part in zip(*events, strict=True)) if events else ([], [], [])
    who, rows = of_days(customer, day, value, 365)
    plain = {}
    for c, d, v in events:
        if d <= 365:
            plain.setdefault(c, {})[d] = plain.get(c, {}).get(d, 0) + v
    assert list(who) == sorted(plain)
    for place, days in enumerate(plain[one] for one in sorted(plain)):
        first, last = min(days), max(days)
        later = [v for d, v in days.items() if d > first]
        assert (rows.x[place], rows.tx[place], rows.T[place]) == (len(later), last - first, 365 - first)
        assert rows.m[place] == pytest.approx(sum(later) / len(later) if later else math.nan, nan_ok=True)
    assert_same_in_sql(session, plain, who, rows)
    model, nbd, spend = fit("mbg", rows), fit("nbd", rows), fit_spend(rows.x, rows.m)
    shown = gates(model, nbd, spend, rows)
    if life_passed(shown) and spend_passed(shown):
        assert all(np.isfinite(values).all() for values in future_value(model, spend, rows).values())


@pytest.fixture(scope="module")
def session():
    with duckdb.connect(config={"threads": 1}) as session:
        yield session


def assert_same_in_sql(session, plain, who, rows):
    start = date(2026, 1, 1)
    session.execute("CREATE OR REPLACE TABLE daily (customer BIGINT, day DATE, value DOUBLE)")
    lines = [
        [int(c), start + timedelta(days=int(d)), float(v)]
        for c, days in plain.items()
        for d, v in days.items()
    ]
    lines.append([99, start + timedelta(days=366), 1.0])
    lines.append([98, start, 1.0])
    session.executemany("INSERT INTO daily VALUES (?, ?, ?)", lines)
    make_histories(session, start + timedelta(days=365), only="customer <> 98")
    customers, found = read_histories(session)
    collapsed, ours = collapse(session), rows.collapsed()
    assert list(customers) == list(who)
    for name in ("x", "tx", "T"):
        assert (getattr(found, name) == getattr(rows, name)).all()
        assert (getattr(collapsed, name) == getattr(ours, name)).all()
    assert found.m == pytest.approx(rows.m, nan_ok=True, rel=1e-9, abs=1e-6)
    assert (collapsed.weight == ours.weight).all()


def test_beyond_the_limit_histories_are_in_whole_weeks(sample):
    exact, weeks = sample.histories.collapsed(), sample.histories.collapsed(most=500)
    assert (len(weeks) < len(exact), weeks.customers) == (True, exact.customers)
    assert set(weeks.T % 7) == set(weeks.tx % 7) == {0}
    assert weeks.T @ weeks.weight == pytest.approx(exact.T @ exact.weight, rel=0.01)
    fine, coarse = fit("mbg", sample.histories), fit("mbg", sample.histories, most=500)
    total = [model.expected(sample.histories, 90).sum() for model in (fine, coarse)]
    assert total[1] == pytest.approx(total[0], rel=5e-3)


@pytest.mark.parametrize(
    "wrong", [([1], [5], [3]), ([-1], [0], [3]), ([1, 2], [1], [3]), ([1], [1], [3], None, [-1])]
)
def test_impossible_histories_are_refused_at_once(wrong):
    with pytest.raises(ValueError, match=r"needs|as long"):
        Histories(*wrong)
