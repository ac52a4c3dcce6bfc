"""What every engine has to pass: the same customers and the same values as DuckDB, whatever is asked.

`conftest.candidate` is the engine on trial. More is tried with TANDEM_MORE_EXAMPLES.
"""

import csv
import math
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp
from tests.fixtures.examples import examples
from tests.planner.engine.made import KNOWN, RULES
from tests.planner.targeting.generated import AS_OF, conditions

from tandem.planner.engine.dialects import NotInThisEngine
from tandem.planner.engine.domain import CUSTOMERS
from tandem.planner.targeting.compiling import members, observed, truth
from tandem.planner.targeting.domain import HistoryRule, rules_of
from tandem.planner.targeting.pieces import column, literal, table
from tandem.planner.targeting.prepared import NOTHING, prepared
from tandem.planner.targeting.reading import read

NAMES = [attribute.name for attribute in KNOWN]


def same(one, other):
    """Equal as values: NaN is NaN, 1 is Decimal(1)."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return one == other and isinstance(one, str) == isinstance(other, str)


def assert_rows(mine, theirs):
    assert len(mine) == len(theirs)
    for left, right in zip(mine, theirs, strict=True):
        assert all(map(same, left, right)), (left, right)


def both(reference, candidate, query):
    found = [sorted(engine.rows(query.copy()), key=repr) for engine in (reference, candidate)]
    assert_rows(*found)
    return found[0]


@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(stored=conditions(RULES))
def test_conditions_find_the_same_customers(reference, candidate, stored):
    tree = read(stored, KNOWN)
    found = set(reference.rows(members(tree, AS_OF)))
    assert set(candidate.rows(members(tree, AS_OF))) == found
    ready = prepared(candidate, tree)
    if ready is not NOTHING:
        ready = type(ready)(**{**vars(ready), "features": False})
    assert set(candidate.rows(members(tree, AS_OF, ready), ready.marks)) == found


@settings(max_examples=examples(8), deadline=None, suppress_health_check=list(HealthCheck))
@given(stored=conditions(RULES), customer=st.integers(0, 30).map(lambda n: 3 * n))
def test_explanations_say_the_same(reference, candidate, stored, customer):
    tree = read(stored, KNOWN)
    of = exp.EQ(this=column("customer"), expression=literal(customer))
    asked = [exp.alias_(truth(rule, AS_OF, only=customer), f"r{n}") for n, rule in enumerate(rules_of(tree))]
    both(reference, candidate, exp.select(*asked).from_(table(CUSTOMERS)).where(of))
    for rule in rules_of(tree):
        if isinstance(rule, HistoryRule):
            both(reference, candidate, observed(rule, AS_OF, customer))


def test_every_value_is_the_same(reference, candidate):
    everything = exp.select(column("customer"), *map(column, NAMES)).from_(table(CUSTOMERS))
    assert len(both(reference, candidate, everything)) == 60
    assert candidate.tables == reference.tables


def test_texts_are_in_the_order_of_their_bytes(reference, candidate):
    query = exp.select(column("note")).from_(table(CUSTOMERS)).distinct().order_by(column("note"))
    found = candidate.rows(query)
    assert_rows(reference.rows(query), found)
    known = [row[0] for row in found if row[0] is not None]
    assert known == sorted(known, key=lambda text: text.encode())


def number(text):
    return exp.Literal.number(text)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (exp.Div(this=number(7), expression=number(2), typed=False, safe=False), 3.5),
        (exp.IntDiv(this=exp.Neg(this=number(7)), expression=number(2)), -3),
        (exp.Sub(this=literal(date(2026, 3, 1)), expression=literal(date(2026, 2, 1))), 28),
        (exp.Sub(this=literal(date(2026, 3, 1)), expression=number(1)), date(2026, 2, 28)),
        (exp.Round(this=exp.cast(number("2.5"), "double")), 3),
        (exp.Round(this=exp.cast(number("-0.5"), "double")), -1),
        (exp.cast(number("2.345"), "decimal(18,2)"), Decimal("2.35")),
        (exp.cast(number("-2.345"), "decimal(18,2)"), Decimal("-2.35")),
        (exp.Contains(this=literal("a%b"), expression=literal("%")), True),
        (exp.Contains(this=literal("ab"), expression=literal("_")), False),
        (exp.StartsWith(this=literal("Äb"), expression=literal("ä")), False),
        (exp.GT(this=literal("a"), expression=literal("B")), True),
        (exp.Greatest(this=number(1), expressions=[exp.null()], ignore_nulls=True), 1),
        (exp.GT(this=exp.cast(literal("NaN"), "double"), expression=number("1")), True),
        (exp.select(exp.CountIf(this=exp.true())).from_(table(CUSTOMERS)).where(exp.false()).subquery(), None),
    ],
)  # fmt: skip
def test_what_engines_understand_differently(reference, candidate, expression, value):
    query = exp.select(exp.alias_(expression, "v"))
    assert [reference.value(query), candidate.value(query)] == [value, value]


def test_the_value_of_the_first_and_the_last(reference, candidate):
    last = exp.Tuple(expressions=[column("orders"), column("customer")])
    query = exp.select(
        column("country"),
        exp.alias_(exp.ArgMin(this=column("customer"), expression=column("customer")), "first"),
        exp.alias_(exp.ArgMax(this=column("customer"), expression=last), "last"),
    )
    rows = both(reference, candidate, query.from_(table(CUSTOMERS)).group_by(column("country")))
    assert len(rows) > 3


def test_files_hold_the_same(reference, candidate, tmp_path):
    names = ("customer", "note", "price", "born", "may_receive_email", "whole")
    query = exp.select(*map(column, names)).from_(table(CUSTOMERS)).order_by(column("customer"))
    counts = [
        engine.write_csv(query, tmp_path / name) for engine, name in ((reference, "a"), (candidate, "b"))
    ]
    assert counts[0] == counts[1] > 40
    assert read_csv(tmp_path / "a") == read_csv(tmp_path / "b")


def read_csv(file):
    with file.open(newline="") as lines:
        return list(csv.reader(lines))


def test_values_found_before(reference, candidate):
    first = {"most": exp.select(exp.Max(this=column("last_order"))).from_(table(CUSTOMERS))}
    asked = exp.EQ(this=column("last_order"), expression=exp.func("getvariable", literal("most")))
    query = exp.select(column("customer")).from_(table(CUSTOMERS)).where(asked)
    assert sorted(candidate.rows(query, first)) == sorted(reference.rows(query, first)) != []


def test_what_the_engine_cannot_do_is_refused_in_words(candidate):
    if candidate.bits:
        pytest.skip("this engine keeps sets of customers as bits")
    with pytest.raises(NotInThisEngine, match="bitstring_agg"):
        candidate.rows(exp.select(exp.func("bitstring_agg", column("customer"))).from_(table(CUSTOMERS)))


def test_an_engine_only_reads(candidate):
    with pytest.raises(Exception, match="read-only"):
        candidate.rows(exp.delete("customers"))
    assert candidate.value(exp.select(exp.Count(this=exp.Star())).from_(table(CUSTOMERS))) == 60
