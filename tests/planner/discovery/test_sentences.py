"""Rules in words: the same words each time, both figures, and nothing of a group that is too small."""

import numpy as np
import pytest

from tandem.planner.discovery import sentences
from tandem.planner.discovery.binning import category, flag, number
from tandem.planner.discovery.domain import (
    Condition,
    Estimate,
    Found,
    GoalKind,
    Kind,
    Method,
    Role,
    Rule,
    Test,
    Unit,
)

N = 30_000
RNG = np.random.default_rng(1)
RAW = {
    "silence": np.floor(RNG.exponential(90, N)),
    "bags": np.where(RNG.random(N) < 0.5, 0, np.round(RNG.random(N), 3)),
    "price": np.round(RNG.lognormal(1.2, 0.6, N), 2),
    "country": np.array(["SE", "NO", None], object)[RNG.integers(0, 3, N)],
    "sms": RNG.random(N) < 0.4,
}
AXES = {
    made.axis.name: made.axis
    for made in (
        number("silence", RAW["silence"], label="Days since last order", unit=Unit.DAYS, role=Role.RECENCY),
        number("bags", RAW["bags"], label="Bags", unit=Unit.SHARE, role=Role.CATEGORY),
        number("price", RAW["price"], label="Unit price", unit=Unit.MONEY, role=Role.PRICE),
        category("country", RAW["country"], label="Country"),
        flag("sms", RAW["sms"], label="May receive SMS"),
    )
}


def condition(name: str, low: int, high: int) -> Condition:
    axis = AXES[name]
    row = np.array([low <= place <= high for place in range(len(axis.bins))])
    return axis.condition(row)


def rule(*conditions: Condition, members: int = 1000) -> Rule:
    estimate = Estimate(
        members=members,
        rest=9000,
        mean=0.616,
        other=0.51,
        difference=0.106,
        low=0.07,
        high=0.14,
        p=1e-6,
        q=1e-5,
    )
    return Rule(
        conditions=conditions, direction=1, size=2 * members, share=0.07, estimate=estimate, search_z=6.0
    )


BAGS = rule(condition("silence", 5, 7), condition("bags", 2, 7), condition("price", 3, 4))


def test_a_rule_reads_like_a_sentence():
    assert sentences.title(BAGS, AXES) == "Lapsed bags buyers, mid price"
    low = int(BAGS.conditions[0].low)
    told = sentences.sentence(BAGS, GoalKind.SURPRISE, AXES, rate=True, currency="EUR")
    assert told.startswith(f"2,000 customers with days since last order {low} days or more, bags ")
    assert told.endswith("; 62 % bought, 51 % expected")
    assert " EUR to under " in told and told == sentences.sentence(
        BAGS, GoalKind.SURPRISE, AXES, rate=True, currency="EUR"
    )


@pytest.mark.parametrize(
    ("goal", "rate", "words"),
    [
        (GoalKind.ORDERS, True, "62 % bought, 51 % of the others"),
        (GoalKind.CHURNS, True, "62 % left, 51 % of the others"),
        (GoalKind.RESPONDS, True, "62 % responded, 51 % of the others"),
        (GoalKind.SPENDS, False, "0.62 EUR spent on average, 0.51 EUR the others"),
        (GoalKind.SURPRISE, False, "0.62 EUR spent on average, 0.51 EUR expected"),
        (GoalKind.UPLIFT_ORDERS, True, "62 points more bought with the campaign than without, 51 among the others"),
        (GoalKind.UPLIFT_SPENDS, False, "0.62 EUR more spent with the campaign than without, "
         "0.51 EUR among the others"),
    ],
)  # fmt: skip
def test_both_figures_are_told(goal, rate, words):
    assert sentences.outcome_words(BAGS, goal, rate=rate, currency="EUR") == words
    assert "cause" not in words and "because" not in words


def test_conditions_of_every_kind_have_words():
    country, sms = AXES["country"], AXES["sms"]
    told = {sentences.condition_words(country.condition(row), country) for row in country.options()}
    assert told == {
        "country SE", "country NO", "country not known", "country known", "country not SE (unknown included)",
        "country not NO (unknown included)",
    }  # fmt: skip
    assert {sentences.condition_words(sms.condition(row), sms) for row in sms.options()} == {
        "may receive SMS yes", "may receive SMS no",
    }  # fmt: skip
    assert (
        sentences.condition_words(condition("silence", 0, 0), AXES["silence"])
        == "days since last order 0 days"
    )
    assert sentences.condition_words(condition("bags", 1, 7), AXES["bags"]).startswith("bags over 0 %")
    for axis in AXES.values():
        words = [sentences.condition_words(axis.condition(row), axis) for row in axis.options()]
        assert len(set(words)) == len(words)


def test_fewer_than_fifty_people_are_never_described():
    small = rule(*BAGS.conditions, members=49)
    assert sentences.sentence(small, GoalKind.ORDERS, AXES, rate=True) == sentences.TOO_SMALL
    assert sentences.sentence(BAGS, GoalKind.ORDERS, AXES, rate=True, size=49) == sentences.TOO_SMALL
    inside = np.zeros(N, bool)
    inside[:49] = True
    assert sentences.traits(RAW, AXES, inside) == ()
    inside[49] = True
    assert len(sentences.traits(RAW, AXES, inside)) > 0


def test_traits_are_what_sets_a_group_apart():
    inside = (RAW["silence"] > 200) & (RAW["country"] == "NO")
    told = sentences.traits(RAW, AXES, inside)
    assert told[0].startswith("Days since last order ") and told[1].startswith("Country NO 100 %")
    assert "Country" not in " ".join(sentences.traits(RAW, AXES, inside, without=["country"]))


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("too_few", "800 are needed"),
        ("constant", "the same outcome"),
        ("nothing_stood_out", "1,234 groups were looked at"),
        ("not_confirmed", "1 groups stood out"),
        ("", ""),
    ],
)
def test_an_empty_page_says_why(note, words):
    found = Found(
        rules=(), tested=(BAGS,), candidates=1234, seed=1, customers=10, search=5, confirm=5, splits=1,
        method=Method.BH, rate=True, note=note,
    )  # fmt: skip
    assert words in sentences.why_nothing(found)


def test_whole_numbers_are_told_by_their_last_value():
    made = Condition(name="orders", kind=Kind.NUMBER, test=Test.RANGE, low=2, high=7, high_open=True)
    axis = number("orders", np.array([1.0, 2.0, 3.0, 7.0] * 300), label="Orders").axis
    assert sentences.condition_words(made, axis) == "orders 2 to 6"
