"""What holds of every model at any parameters: slopes, bounds, order; and integrals as the independent reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import beta as beta_function
from scipy.special import hyp2f1
from tests.fixtures.examples import examples

from tandem.planner.modelling.value import Fitted, Histories, Kind, bg, bgbb, fit, fit_spend, mbg, nbd, pareto
from tandem.planner.modelling.value.counting import Counted
from tandem.planner.modelling.value.gamma_gamma import _Spend
from tandem.planner.modelling.value.hypergeometric import beta_rule, integrated, purchases_until_stop

MODELS = {Kind.MBG: mbg, Kind.BG: bg, Kind.PARETO: pareto, Kind.NBD: nbd, Kind.BGBB: bgbb}
TIMED = [kind for kind in Kind if kind is not Kind.BGBB]
DAYS = (1.0, 30.0, 365.0)

some = settings(max_examples=examples(12), deadline=None)
logs = st.floats(-4, 4)


@st.composite
def histories(draw):
    number = draw(st.integers(1, 8))
    rows = []
    for _row in range(number):
        T = draw(st.integers(0, 800))
        x = draw(st.integers(0, min(T, 60)))
        rows.append((x, draw(st.integers(x, T)) if x else 0, T, draw(st.integers(1, 5))))
    x, tx, T, weight = np.array(rows, dtype=float).T
    return Histories(x, tx, T, weight=weight)


@st.composite
def fitted(draw, kinds=tuple(Kind)):
    kind = draw(st.sampled_from(kinds))
    names = MODELS[kind].NAMES
    values = {name: float(np.exp(draw(logs))) for name in names}
    return Fitted(
        kind=kind,
        parameters=values,
        log_likelihood=0,
        converged=True,
        unit_days=1.0 if kind is Kind.BGBB else 7.0,
        rows=1,
        customers=1,
    )


def opportunities(rows):
    """The same customers with at most 12 opportunities, as BG/BB counts."""
    T = np.minimum(rows.T, 12)
    tx = np.minimum(rows.tx, T)
    x = np.minimum(rows.x, tx)
    return Histories(x, np.where(x > 0, tx, 0), T, weight=rows.weight)


def fitting(model, rows):
    return opportunities(rows) if model.kind is Kind.BGBB else rows


@some
@given(fitted(), histories())
def test_the_slope_of_the_likelihood_is_its_slope(model, rows):
    data = Counted.of(fitting(model, rows), model.unit_days)
    at = np.log(list(model.parameters.values()))
    slope_and_differences(lambda p: MODELS[model.kind].likelihood(p, data), at)


@some
@given(st.lists(logs, min_size=3, max_size=3), st.lists(st.tuples(st.integers(1, 50), logs), min_size=1))
def test_the_slope_of_spend_is_its_slope(parameters, rows):
    x, m = np.array(rows, dtype=float).T
    spend = _Spend(x, np.exp(m), np.ones_like(x))
    slope_and_differences(spend.likelihood, np.array(parameters))


def slope_and_differences(likelihood, logs_at):
    value, slope = likelihood(np.exp(logs_at))
    step = 1e-4
    for place in range(len(logs_at)):
        moved = np.eye(len(logs_at))[place]
        points = [likelihood(np.exp(logs_at + n * step * moved))[0] for n in (-2, -1, 1, 2)]
        found = (points[0] - 8 * points[1] + 8 * points[2] - points[3]) / (12 * step)
        assert slope[place] == pytest.approx(found, rel=1e-5, abs=1e-6 * (1 + abs(value)))


@some
@given(fitted(), histories())
def test_chances_are_chances_and_expectations_grow(model, rows):
    rows = fitting(model, rows)
    alive = model.p_alive(rows)
    assert ((alive >= 0) & (alive <= 1)).all()
    expected = np.stack([model.expected(rows, days) for days in DAYS])
    buys = np.stack([model.p_buys(rows, days) for days in DAYS])
    assert np.isfinite(expected).all()
    assert (expected >= 0).all()
    assert (np.diff(expected, axis=0) >= -1e-9 * expected[:-1] - 1e-12).all()
    assert (np.diff(buys, axis=0) >= -1e-9).all()
    assert ((buys >= 0) & (buys <= 1)).all()
    assert (buys <= expected * (1 + 1e-6) + 1e-9).all()
    assert (buys <= alive + 1e-9).all() or model.kind is Kind.BGBB


@some
@given(fitted(TIMED), st.integers(0, 40), st.integers(1, 400), st.integers(0, 300))
def test_silence_never_makes_a_customer_more_certain(model, x, tx, silent):
    start = float(tx if x else 0)
    ends = start + np.arange(0, silent + 2, max(1, silent // 5))
    alive = model.p_alive(Histories(np.full_like(ends, x), np.full_like(ends, start), ends))
    assert (np.diff(alive) <= 1e-9).all()
    sooner = Histories(np.full(3, 5.0), [10, 50, 90], np.full(3, 100.0))
    assert (np.diff(model.p_alive(sooner)) >= -1e-9).all()


@some
@given(fitted(), histories())
def test_weights_are_repetitions_and_collapsing_changes_nothing(model, rows):
    rows = fitting(model, rows)
    repeated = Histories(*(np.repeat(part, rows.weight.astype(int)) for part in (rows.x, rows.tx, rows.T)))
    collapsed = repeated.collapsed()
    assert collapsed.customers == rows.customers
    values = tuple(model.parameters.values())
    found = [
        MODELS[model.kind].likelihood(values, Counted.of(one, model.unit_days))
        for one in (rows, repeated, collapsed)
    ]
    for value, slope in found[1:]:
        assert value == pytest.approx(found[0][0], rel=1e-9)
        assert slope == pytest.approx(found[0][1], rel=1e-7, abs=1e-7 * (1 + abs(value)))


@some
@given(fitted(), st.integers(1, 11))
def test_how_many_buy_how_often_adds_up(model, T):
    shares = model.frequencies(T, 60)[0]
    assert (shares >= -1e-9).all()
    assert shares.sum() == pytest.approx(1, abs=1e-6)
    if shares[-1] < 1e-6:
        assert shares[:-1] @ np.arange(60) == pytest.approx(float(model.unconditional(T)), rel=1e-3, abs=1e-4)


@some
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-2, 1.5), st.floats(-3, 1.5), st.integers(0, 200))
def test_the_closed_form_is_the_integral(log_a, log_b, log_r, log_tau, x):
    """The mean over Beta(a, b): the closed form where it is taken, else few points, against many points."""
    a, b, k, tau = 10**log_a, 10**log_b + x, 10**log_r + x, 10**log_tau
    found = purchases_until_stop(np.array([k]), a, np.array([b]), np.array([tau]))
    assert 0 <= found[0] <= k * tau * (1 + 1e-9)
    many = beta_rule(a, b, 300)
    assert found[0] == pytest.approx(many[1] @ inner(many[0], k, tau), rel=1e-8)


def inner(p, k, tau):
    return -np.expm1(-k * np.log1p(p * tau)) / p


@pytest.mark.parametrize("a", [0.3, 1 - 1e-9, 1.0, 1 + 1e-7, 1.00001, 2.5])
@pytest.mark.parametrize(
    ("k", "b", "tau"), [(0.24, 2.4, 8.0), (2.2, 4.4, 0.9), (30.5, 33.0, 0.01), (5.1, 0.9, 40.0)]
)
def test_near_one_and_at_it_the_expectation_is_the_integral(a, k, b, tau):
    def weighted(p):
        return inner(p, k, tau) * (1 - p) ** (b - 1)

    found = purchases_until_stop(np.array([k]), a, np.array([b]), np.array([tau]))[0]
    # p = u^(1/a) below, p = 1 - v^(1/b) above: each takes in the weight that is singular there
    area = quad(lambda u: weighted(u ** (1 / a)), 0, 0.5, epsabs=0, epsrel=1e-11)[0]
    rest = quad(
        lambda v: inner(1 - v ** (1 / b), k, tau) * (1 - v ** (1 / b)) ** (a - 1),
        0,
        (1 - 0.5 ** (1 / a)) ** b,
    )
    reference = (area / a + rest[0] / b) / beta_function(a, b)
    assert found == pytest.approx(reference, rel=1e-8)
    assert integrated(np.array([k]), a, np.array([b]), np.array([tau]))[0] == pytest.approx(
        reference, rel=1e-8
    )


@pytest.mark.parametrize(
    ("r", "alpha", "s", "beta"), [(0.55, 10.6, 0.6, 11.7), (0.55, 11.7, 0.6, 10.6), (2.0, 3.0, 1.4, 3.0)]
)
def test_pareto_is_its_closed_form(r, alpha, s, beta):
    """Fader and Hardie 2005: with 2F1, taken where the difference does not cancel."""
    x, tx, T = (
        np.array([0, 0, 2, 7, 25.0]),
        np.array([0, 0, 30.4, 20.0, 28.0]),
        np.array([5, 39.0, 38.9, 39, 31]),
    )
    q, most = r + s + x, max(alpha, beta)
    second = s + 1 if alpha >= beta else r + x

    def part(u):
        return hyp2f1(q, second, q + 1, abs(alpha - beta) / (most + u)) / (most + u) ** q

    there = (alpha + T) ** -(r + x) * (beta + T) ** -s
    gone = s / q * (part(tx) - part(T))
    assert pareto.p_alive((r, alpha, s, beta), x, tx, T) == pytest.approx(there / (there + gone), rel=1e-8)


def test_pareto_at_one_is_a_limit():
    rows = Histories([0, 3], [0, 70], [200, 100])
    at, beside = (
        Fitted(
            kind=Kind.PARETO,
            parameters={"r": 0.5, "alpha": 10, "s": s, "beta": 12},
            log_likelihood=0,
            converged=True,
            unit_days=7,
            rows=2,
            customers=2,
        ).expected(rows, 365)
        for s in (1.0, 1.0001)
    )
    assert np.isfinite(at).all()
    assert at == pytest.approx(beside, rel=1e-3)


def test_models_agree_with_a_simulation():
    """Customers drawn as MBG/NBD says: the fit finds the parameters, and the next 90 days are as expected."""
    rng = np.random.default_rng(11)
    r, alpha, a, b, customers, T, later = 0.8, 40.0, 0.9, 2.5, 15_000, 364.0, 90.0
    rate, stop = rng.gamma(r, 1 / alpha, customers), rng.beta(a, b, customers)
    x, tx, bought = (np.zeros(customers) for _part in range(3))
    time, there = np.zeros(customers), rng.random(customers) >= stop
    while there.any():
        time[there] += rng.exponential(1 / rate[there])
        there &= time <= T + later
        seen, after = there & (time <= T), there & (time > T)
        x[seen] += 1
        tx[seen] = time[seen]
        bought[after] += 1
        there &= rng.random(customers) >= stop
    rows = Histories(x, tx, np.full(customers, T))
    model = fit("mbg", rows, unit_days=1)
    assert model.converged
    assert list(model.parameters.values()) == pytest.approx([r, alpha, a, b], rel=0.2)
    truth = Fitted(**{**vars(model), "parameters": {"r": r, "alpha": alpha, "a": a, "b": b}})
    assert truth.expected(rows, later).mean() == pytest.approx(
        bought.mean(), abs=4 * bought.std() / customers**0.5
    )
    chance, share = truth.p_buys(rows, later), (bought > 0).astype(float)
    assert chance.mean() == pytest.approx(share.mean(), abs=4 * 0.5 / customers**0.5)
    spend = rng.gamma(4.0 * np.maximum(x, 1), 1) / rng.gamma(3.5, 1 / 20.0, customers) / np.maximum(x, 1)
    found = fit_spend(x, spend)
    assert list(found.parameters.values()) == pytest.approx([4.0, 3.5, 20.0], rel=0.1)
