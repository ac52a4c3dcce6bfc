"""What a stored condition may hold."""

import pytest
from tests.planner.targeting.generated import CATALOGUE

from tandem.planner.targeting.domain import document
from tandem.planner.targeting.errors import ConditionRefused
from tandem.planner.targeting.reading import read

ONE = {"field": "orders", "operator": ">=", "value": 1}


def nested(levels):
    tree = {"rules": [ONE, ONE]}
    for _level in range(levels - 1):
        tree = {"rules": [ONE, tree]}
    return tree


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (None, "must be an object"),
        ([], "must be an object"),
        ({"rules": []}, "There is no condition yet"),
        ({"rules": [{"combinator": "and", "rules": []}]}, "There is no condition yet"),
        ({"version": 2, "rules": [ONE]}, "version 2"),
        ({"rules": [ONE], "combinator": "xor"}, "combinator"),
        ({"rules": [ONE], "not": "yes"}, "combinator"),
        ({"rules": [{"rules": [], "not": True}, ONE]}, "everybody"),
        ({"not": True, "rules": [{"rules": []}, ONE]}, "everybody"),
        ({"rules": [ONE], "sql": "1=1"}, "Not known here: sql"),
        ({"rules": [{**ONE, "sql": "1=1"}]}, "Not known here: sql"),
        ({"rules": [7]}, "must be an object"),
        ({"rules": [{**ONE, "field": "customer"}]}, "No attribute is called 'customer'"),
        ({"rules": [{**ONE, "field": "orders); --"}]}, "No attribute is called"),
        ({"rules": [{**ONE, "operator": "like"}]}, "cannot be compared"),
        ({"rules": [{**ONE, "value": True}]}, "takes a number"),
        ({"rules": [{**ONE, "value": "1"}]}, "takes a number"),
        ({"rules": [{**ONE, "value": float("nan")}]}, "takes a number"),
        ({"rules": [{**ONE, "value": float("inf")}]}, "takes a number"),
        ({"rules": [{**ONE, "value": 10**12}]}, "too large"),
        ({"rules": [{**ONE, "value": 0.1234567}]}, "six decimals"),
        ({"rules": [{**ONE, "operator": "between", "value": [2, 1]}]}, "larger than the second"),
        ({"rules": [{**ONE, "operator": "between", "value": [2]}]}, "needs two values"),
        ({"rules": [{**ONE, "operator": "null"}]}, "takes no value"),
        ({"rules": [{"field": "country", "operator": "in", "value": []}]}, "at least one value"),
        ({"rules": [{"field": "country", "operator": "in", "value": ["a\x00"]}]}, "control character"),
        ({"rules": [{"field": "country", "operator": "in", "value": ["\ud800"]}]}, "control character"),
        ({"rules": [{"field": "country", "operator": "in", "value": ["a" * 501]}]}, "longer than"),
        (
            {"rules": [{"field": "country", "operator": "in", "value": [str(n) for n in range(10_001)]}]},
            "10,001 values",
        ),
        ({"rules": [{"field": "last_order", "operator": "<", "value": "2026-02-30"}]}, "takes a date"),
        ({"rules": [{"field": "last_order", "operator": "inLast", "value": 0}]}, "number of days"),
        ({"rules": [{"field": "last_order", "operator": "inLast", "value": True}]}, "number of days"),
        ({"rules": [{"field": "may_receive_email", "operator": "=", "value": 1}]}, "yes or no"),
        ({"rules": [{"field": "events", "agg": "median"}]}, "`agg`"),
        ({"rules": [{"field": "events", "agg": "any", "value": 1}]}, "takes no of"),
        ({"rules": [{"field": "events", "agg": "sum", "operator": ">", "value": None}]}, "takes a number"),
        (
            {"rules": [{"field": "events", "agg": "count", "operator": "in", "value": [1]}]},
            "cannot be compared",
        ),
        ({"rules": [{"field": "events", "agg": "any", "days": 1.5}]}, "number of days"),
        ({"rules": [{"field": "events", "agg": "any", "where": {"brand": "x"}}]}, "Not known here: brand"),
        ({"rules": [ONE] * 201}, "more than 200"),
        (nested(9), "more than 8 deep"),
    ],
)
def test_what_breaks_a_rule_is_refused_in_words(stored, words):
    with pytest.raises(ConditionRefused, match=words):
        read(stored, CATALOGUE)


def test_the_limits_themselves_are_allowed():
    many = [{"field": "country", "operator": "in", "value": [str(n) for n in range(10_000)]}]
    assert read({"rules": [ONE] * 199 + many}, CATALOGUE)
    assert read(nested(8), CATALOGUE)


def test_the_normal_form_is_the_same_condition_with_less_around_it():
    wrapped = {"combinator": "or", "rules": [{"combinator": "or", "not": True, "rules": [{"rules": [ONE]}]}]}
    assert document(read(wrapped, CATALOGUE)) == {
        "version": 1,
        "combinator": "and",
        "not": True,
        "rules": [ONE],
    }
