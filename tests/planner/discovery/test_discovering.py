"""A whole search: nothing where there is nothing, what is there where it is, and figures of the untouched half only."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tandem.planner.discovery import simple, splitting
from tandem.planner.discovery.alone import Ends, weights, with_alone
from tandem.planner.discovery.binning import category, flag, number
from tandem.planner.discovery.confirming import estimated, needed, together, twice_median
from tandem.planner.discovery.discovering import discover
from tandem.planner.discovery.domain import Dropped, Found, GoalKind, Method, Outcome, Rule, Side
from tandem.planner.discovery.expected import cells, expected
from tandem.planner.discovery.halves import Half
from tandem.planner.discovery.pruning import jaccard, members, residual
from tandem.planner.discovery.splitting import searched

MANY, FEW = 24_000, 4_000


def customers(n: int) -> np.ndarray:
    return np.arange(1, n + 1, dtype=np.int64) * 7


def shop(n: int, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "silence": np.floor(rng.exponential(90, n)),
        "orders": 1.0 + rng.poisson(1.5, n),
        "spent": np.round(rng.lognormal(4, 1, n), 2),
        "age": np.where(rng.random(n) < 0.3, np.nan, rng.integers(18, 80, n).astype(float)),
        "country": np.array(["SE", "NO", "DK", None], object)[rng.integers(0, 4, n)],
        "sms": rng.random(n) < 0.4,
    }


def features(raw: dict[str, np.ndarray]) -> list:
    return [
        number("silence", raw["silence"]), number("orders", raw["orders"]), number("spent", raw["spent"]),
        number("age", raw["age"]), category("country", raw["country"]), flag("sms", raw["sms"]),
    ]  # fmt: skip


def sums(n: int, seed: int, rate: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < rate, rng.lognormal(3.5, 1, n), 0)


@pytest.fixture(scope="module")
def many() -> tuple[dict[str, np.ndarray], list]:
    raw = shop(MANY)
    return raw, features(raw)


@pytest.fixture(scope="module")
def planted(many) -> tuple[np.ndarray, Outcome, Found]:
    raw, made = many
    inside = (raw["silence"] >= 60) & (raw["country"] == "NO")
    y = sums(MANY, 2) * np.where(inside, 2.5, 1)
    outcome = Outcome(goal=GoalKind.SPENDS, y=y)
    return inside, outcome, discover(made, outcome, customers(MANY), seed=5)


def test_a_planted_group_is_found_with_its_conditions_only(planted, many):
    inside, _, found = planted
    best = found.rules[0]
    assert {one.name for one in best.conditions} == {"silence", "country"}
    assert jaccard(members(best.conditions, many[1]), inside) > 0.8
    assert [one.name for one in best.parent] in (["silence"], ["country"])
    assert best.estimate.difference > best.parent_estimate.difference > 0
    assert found.note == "" and found.splits == 1 and found.candidates > 10_000


def test_figures_are_of_the_half_that_was_not_searched(planted, many):
    _, outcome, found = planted
    confirm = ~searched(customers(MANY), 5)
    rule = found.rules[0]
    inside = np.logical_and.reduce([one.holds(many[0][one.name]) for one in rule.conditions])
    capped = np.minimum(outcome.y, np.quantile(outcome.y[~confirm], 0.995, method="inverted_cdf"))
    group, rest = capped[confirm & inside], capped[confirm & ~inside]
    told = rule.estimate
    assert (rule.size, told.members, told.rest) == (inside.sum(), len(group), len(rest))
    assert (told.mean, told.other) == pytest.approx((group.mean(), rest.mean()))
    welch = group.var(ddof=1) / len(group) + rest.var(ddof=1) / len(rest)
    assert told.high - told.low >= 2 * 1.959 * welch**0.5
    assert told.low > 0 and told.low < told.difference < told.high


def test_the_same_rows_and_seed_give_the_same_answer(planted, many):
    _, outcome, found = planted
    order = np.random.default_rng(3).permutation(MANY)
    mixed = [replace(one, codes=one.codes[order]) for one in many[1]]
    again = discover(mixed, Outcome(goal=outcome.goal, y=outcome.y[order]), customers(MANY)[order], seed=5)
    assert [one.conditions for one in again.tested] == [one.conditions for one in found.tested]
    assert [one.estimate.q for one in again.tested] == pytest.approx([one.estimate.q for one in found.tested])
    assert (again.candidates, again.search, again.rules[0].size) == (
        found.candidates,
        found.search,
        found.rules[0].size,
    )
    assert (searched(customers(MANY), 5) != searched(customers(MANY), 6)).mean() == pytest.approx(
        0.5, abs=0.02
    )
    assert all(Rule.from_json(one.as_json()) == one for one in found.tested)


def test_groups_shown_differ(planted, many):
    groups = [members(one.conditions, many[1]) for one in planted[2].tested]
    assert all(jaccard(a, b) < 0.45 for a, b in itertools.combinations(groups, 2))


def test_nothing_is_found_where_there_is_nothing(many):
    raw, made = many
    rfm = (raw["silence"], raw["orders"], raw["spent"])
    treated = np.random.default_rng(4).random(MANY) < 0.8
    outcomes = [
        outcome
        for seed in (10, 11)
        for outcome in (
            Outcome(goal=GoalKind.SPENDS, y=sums(MANY, seed)),
            Outcome(goal=GoalKind.SURPRISE, y=sums(MANY, seed) > 0, rfm=rfm, side=Side.BOTH),
            Outcome(goal=GoalKind.UPLIFT_SPENDS, y=sums(MANY, seed), treated=treated),
        )
    ]
    found = [discover(made, one, customers(MANY), seed=3) for one in outcomes]
    assert sum(bool(one.rules) for one in found) <= 1  # of six, each with a chance of one in twenty at most
    assert {one.note for one in found} <= {"", "nothing_stood_out", "not_confirmed"}


def test_what_recency_frequency_and_spend_explain_is_no_surprise(many):
    raw, made = many
    rfm = (raw["silence"], raw["orders"], raw["spent"])
    rng = np.random.default_rng(5)
    chance = 0.15 + 0.4 * np.exp(-raw["silence"] / 90)
    y = (rng.random(MANY) < chance).astype(float)
    goal = GoalKind.SURPRISE
    usual = discover(made, Outcome(goal=goal, y=y, rfm=rfm, side=Side.BOTH), customers(MANY), seed=3)
    assert usual.rules == ()
    odd = raw["sms"] & (raw["orders"] >= 3)
    y = (rng.random(MANY) < np.where(odd, chance + 0.2, chance)).astype(float)
    found = discover(made, Outcome(goal=goal, y=y, rfm=rfm, side=Side.BOTH), customers(MANY), seed=3)
    assert {one.name for one in found.rules[0].conditions} == {"orders", "sms"}
    told = found.rules[0].estimate
    assert told.mean - told.other == pytest.approx(told.difference) and 0.1 < told.difference < 0.25
    assert told.mean == pytest.approx(y[odd].mean(), abs=0.05)


def test_what_is_expected_is_not_learnt_from_oneself():
    raw = shop(FEW)
    rfm = cells((raw["silence"], raw["orders"], raw["spent"]))
    y = np.zeros(FEW)
    y[17] = 1e6
    usual = expected(rfm, y, customers(FEW), 1)
    assert usual[17] == 0 and usual.sum() > 0


def test_uplift_is_found_apart_from_who_buys_anyway(many):
    raw, made = many
    rng = np.random.default_rng(8)
    treated = rng.random(MANY) < 0.6
    moved = raw["sms"] & (raw["silence"] < 90)
    chance = 0.1 + 0.2 * (raw["orders"] > 2) + 0.2 * (moved & treated)
    outcome = Outcome(
        goal=GoalKind.UPLIFT_ORDERS, y=(rng.random(MANY) < chance).astype(float), treated=treated
    )
    best = discover(made, outcome, customers(MANY), seed=3).rules[0]
    assert {one.name for one in best.conditions} == {"sms", "silence"}
    assert best.estimate.mean == pytest.approx(0.2, abs=0.06)
    assert best.estimate.other == pytest.approx(0.0, abs=0.04)


def test_groups_below_the_rest_are_found_when_asked_for(planted, many):
    inside, _, high = planted
    y = sums(MANY, 9) * np.where(inside, 0.1, 1)
    low = discover(many[1], Outcome(goal=GoalKind.SPENDS, y=y, side=Side.LOW), customers(MANY), seed=3)
    assert low.rules[0].direction == -1 and low.rules[0].estimate.high < 0
    assert {one.direction for one in low.tested} == {-1} and {one.direction for one in high.tested} == {1}


def test_few_customers_are_split_twenty_times():
    raw = shop(FEW, 3)
    rng = np.random.default_rng(6)
    inside = raw["sms"] & (raw["silence"] < 90)
    y = (rng.random(FEW) < np.where(inside, 0.6, 0.3)).astype(float)
    made = [features(raw)[place] for place in (0, 1, 5)]
    found = discover(made, Outcome(goal=GoalKind.ORDERS, y=y), customers(FEW), seed=3, depth=2)
    best = found.rules[0]
    assert found.splits == 20 and best.splits > 10
    assert {one.name for one in best.conditions} == {"sms", "silence"}
    told = best.estimate
    assert 0.15 < told.difference < 0.4 and told.difference == pytest.approx(told.mean - told.other)
    null = discover(
        made, Outcome(goal=GoalKind.ORDERS, y=rng.permutation(y)), customers(FEW), seed=3, depth=2
    )
    assert null.rules == ()


@pytest.mark.parametrize(("n", "y", "note"), [(700, 0.5, "too_few"), (2_000, 1.0, "constant")])
def test_why_nothing_could_be_found(n, y, note):
    outcome = Outcome(goal=GoalKind.ORDERS, y=(np.arange(n) % 2 < 2 * y).astype(float))
    found = discover(
        features(shop(n)), outcome, customers(n), seed=1, dropped=[Dropped(name="x", reason="No.")]
    )
    assert (found.note, found.rules, found.dropped[0].name) == (note, (), "x")


def test_what_groups_explain_is_taken_off():
    rng = np.random.default_rng(7)
    one, two = rng.random(5_000) < 0.3, rng.random(5_000) < 0.2
    noise = rng.normal(size=5_000)
    left = residual(noise + 3 * one - 2 * two, [one, two])
    design = np.stack([np.ones(5_000), one, two], axis=1)
    wanted = noise - design @ np.linalg.lstsq(design, noise, rcond=None)[0]
    assert left == pytest.approx(wanted, abs=1e-9)
    treated = rng.random(5_000) < 0.5
    apart = residual(noise + 3 * one * treated, [one], treated)
    assert abs(apart[one & treated].mean()) < 1e-9 and abs(apart[one & ~treated].mean()) < 1e-9


def test_many_tests_are_answered_for_together():
    p = [0.01, 0.04, 0.03, 0.005]
    assert together(p, Method.BH) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert together(p, Method.HOLM) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert together([], Method.BH) == []
    assert twice_median([0.01] * 11 + [1.0] * 9) == 0.02
    assert twice_median([0.01] * 10 + [1.0] * 10) == 1.0


def test_a_condition_the_other_half_does_not_show_is_left_out():
    """Of spent and age only spent adds on the confirm half; the figures are of spent alone, with the greater p."""
    raw = shop(FEW, 5)
    made = [features(raw)[place] for place in (2, 3)]
    options = [one.axis.options() for one in made]
    halfway = np.median(raw["spent"])
    y = np.where(raw["spent"] >= halfway, 1.0, 0.0) * np.random.default_rng(1).random(FEW)
    wide = int(np.argmax([(one @ options[1].sum(0)) for one in options[1]]))
    top = next(
        place for place, row in enumerate(options[0]) if row.tolist() == [False] * (len(row) - 1) + [True]
    )
    half = Half(features=tuple(made), y=y, expected=None, treated=None)
    terms, estimate = needed(((0, top), (1, wide)), half, 1)
    assert terms == ((0, top),)
    both = estimated(((0, top), (1, wide)), half, 1)
    assert estimate.p == max(both.p, estimated(terms, half, 1).p) and estimate.members > both.members


def test_as_many_at_the_end_of_one_attribute():
    values = np.array([5.0, np.nan, 1, 3, 3, 3, 9])
    y = np.array([1.0, 7, 0, 2, 4, 6, 10])
    ends = Ends({"a": values}, y)
    assert ends.mean("a", True, 2) == 5.5 and ends.mean("a", False, 1) == 0
    assert ends.mean("a", True, 4) == pytest.approx((10 + 1 + 2 * 4) / 4), (
        "equal values share the last places"
    )
    assert weights(values, True, 4).tolist() == pytest.approx([1, 0, 0, 2 / 3, 2 / 3, 2 / 3, 1])
    assert ends.best(2, 1) == ("a", True) and ends.best(2, -1) == ("a", False)


def test_whether_one_attribute_alone_does_as_well(planted, many):
    """Who is quiet and in Norway spends more than as many of the quietest."""
    _, outcome, found = planted
    raw, made = many
    rule = with_alone(found, made, raw, outcome, customers(MANY)).rules[0]
    assert rule.alone is not None and rule.alone.better(1) and rule.alone.name in raw
    assert rule.alone.low < rule.alone.difference < rule.alone.high
    steep = Outcome(goal=GoalKind.SPENDS, y=raw["spent"] + 60 * (raw["orders"] > 1))
    usual = discover(made[1:3], steep, customers(MANY), seed=5, depth=1)
    told = with_alone(usual, made[1:3], raw, steep, customers(MANY))
    compared = {one.conditions[0].name: one.alone for one in told.rules}
    assert compared["orders"].name == "spent" and not compared["orders"].better(1)
    assert compared["spent"] is None, "it is that attribute"
    assert [Rule.from_json(one.as_json()) for one in told.rules] == list(told.rules)


def test_the_simple_view_cuts_each_attribute_once(planted, many):
    found = simple.splits(many[1], planted[1], customers(MANY), seed=5)
    assert [one.name for one in found[:2]] in (["silence", "country"], ["country", "silence"])
    assert all(one.confirmed for one in found[:2]) and len(found) == len({one.name for one in found})
    for one in found[:2]:
        first, second = (part.holds(many[0][one.name]) for part in (one.first, one.second))
        assert (first.sum(), second.sum()) == (one.first_size, one.second_size)
        assert not (first & second).any() and one.estimate.mean > one.estimate.other


def test_a_search_of_very_many_keeps_to_a_million(monkeypatch):
    monkeypatch.setattr(splitting, "LARGEST_SEARCH", 10_000)
    assert searched(customers(25_000), 1).mean() == pytest.approx(0.4, abs=0.02)
