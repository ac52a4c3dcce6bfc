"""Features in bins: zero apart, oddities treated and told, and conditions that hold for exactly their customers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples

from tandem.planner.discovery.binning import cap, category, flag, number
from tandem.planner.discovery.domain import Condition, Dropped, Feature, Test


def test_zero_has_a_bin_of_its_own_and_bounds_are_readable():
    rng = np.random.default_rng(1)
    values = np.where(rng.random(30_000) < 0.4, 0, rng.lognormal(5, 1, 30_000))
    found = number("spent", values)
    assert isinstance(found, Feature)
    assert len(found.axis.bins) == 8
    assert set(values[found.codes == 0]) == {0}
    lows = [one.low for one in found.axis.bins[1:]]
    assert lows[0] == 0 and all(low == float(f"{low:.3g}") for low in lows)


def test_few_values_make_few_bins():
    found = number("orders", np.array([1.0] * 900 + [2.0] * 80 + [3.0] * 20))
    assert isinstance(found, Feature)
    assert [(one.low, one.high) for one in found.axis.bins] == [(None, 2), (2, 3), (3, None)]
    assert np.bincount(found.codes).tolist() == [900, 80, 20]


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (number("a", np.full(500, 7.0)), "It is the same for all customers."),
        (number("a", np.full(500, np.nan)), "Nothing is known of any customer."),
        (number("a", np.full(500, np.inf)), "Nothing is known of any customer."),
        (category("a", np.full(500, None)), "Nothing is known of any customer."),
        (category("a", np.full(500, "x", object)), "It is the same for all customers."),
        (flag("a", np.full(500, True)), "It is the same for all customers."),
        (
            category("a", np.array([str(n) for n in range(10_000)], object)),
            "None of its 10,000 values is common enough to make a group.",
        ),
    ],
)
def test_what_cannot_tell_customers_apart_says_so(made, reason):
    assert isinstance(made, Dropped) and made.reason == reason


def test_ten_thousand_categories_are_pooled_but_for_the_common_ones():
    rng = np.random.default_rng(2)
    values = np.array([str(n) for n in rng.integers(0, 10_000, 20_000)], object)
    values[:4000], values[4000:6000], values[6000:6100] = "SE", "NO", None
    found = category("country", values)
    assert isinstance(found, Feature)
    assert [one.values for one in found.axis.bins] == [("SE",), ("NO",), (), ()]
    assert found.axis.bins[2].others and found.axis.bins[3].missing
    assert np.bincount(found.codes).tolist() == [4000, 2000, 13_900, 100]


@settings(max_examples=examples(30), deadline=None)
@given(st.data())
def test_a_condition_holds_for_the_customers_of_its_bins(data):
    kind = data.draw(st.sampled_from(["number", "category", "flag"]))
    drawn = {
        "number": st.one_of(st.sampled_from([0.0, -3.5, 1.0, 2.0, np.nan]), st.floats(-1e6, 1e6)),
        "category": st.sampled_from(["a", "b", "c", "d", None]),
        "flag": st.sampled_from([True, False, None]),
    }[kind]
    some = data.draw(st.lists(drawn, min_size=5, max_size=20))
    raw = np.array(
        [*some * 100, *(map(str, range(30)) if kind == "category" else [])],
        np.float64 if kind == "number" else object,
    )
    made = {"number": number, "category": category, "flag": flag}[kind]("x", raw)
    rows = made.axis.options() if isinstance(made, Feature) else []
    for row in rows:
        condition = made.axis.condition(row)
        assert condition.holds(raw).tolist() == row[made.codes].tolist()
        assert Condition.from_json(condition.as_json()) == condition
    assert len(rows) == len({made.axis.condition(row) for row in rows})


def test_unknown_is_asked_for_by_itself():
    found = number("age", np.array([np.nan] * 300 + list(range(1, 701)), np.float64))
    tests = {found.axis.condition(row).test for row in found.axis.options()}
    assert tests == {Test.RANGE, Test.UNKNOWN, Test.KNOWN}


def test_sums_are_capped_where_hardly_anybody_spent_too():
    y = np.zeros(1000)
    assert cap(y) == 0
    y[:3] = (10, 20, 30)
    assert cap(y) == 30
    y[:600] = np.arange(600)
    assert cap(y) == 594
