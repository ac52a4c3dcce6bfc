"""Compiled conditions pick the same customers as a filter that knows no SQL."""

import json
from datetime import date
from decimal import Decimal
from importlib.resources import files

import duckdb
import pytest
from benchmarks.naive import holds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples
from tests.planner.targeting.generated import AS_OF, CATALOGUE, CONDITIONS, ORDERS, PEOPLE

from tandem.planner.customers import history
from tandem.planner.engine.domain import Attribute, Kind
from tandem.planner.targeting.compiling import members
from tandem.planner.targeting.domain import document
from tandem.planner.targeting.prepared import NOTHING, Prepared
from tandem.planner.targeting.reading import read, read_text

TABLES = """CREATE TABLE customers (customer BIGINT, country VARCHAR,
  "Odd `name`" VARCHAR, orders BIGINT, ordered BIGINT,
  total_spent DECIMAL(18,2), last_order DATE, may_receive_email BOOLEAN);
CREATE TABLE orders (customer BIGINT, day DATE,
  value DECIMAL(18,2), quantity DOUBLE, category VARCHAR, kind VARCHAR);"""

ORDER = ("customer", "day", "value", "quantity", "category", "kind")


@pytest.fixture(scope="module")
def database():
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute(TABLES)
        yield connection


def picked(database, tree, people, orders):
    fill(database, people, orders)
    return answer(database, tree)


def prepare(database, *, features, bits):
    """The prepared tables of the orders as a snapshot has them, in batches so small that there are several."""
    for name in ("history", "categories"):
        database.execute(f"DROP TABLE IF EXISTS {name}")
    history.prepare(database, batch=2)
    codes = dict(database.execute("SELECT category, code FROM categories").fetchall())
    return Prepared(codes=codes, low=0, high=7 if bits else 2**27, features=features)


def fill(database, people, orders):
    database.execute("DELETE FROM customers")
    database.execute("DELETE FROM orders")
    rows = [[number, *(person[one.name] for one in CATALOGUE)] for number, person in enumerate(people)]
    insert(database, "customers", rows)
    insert(database, "orders", [[order[name] for name in ORDER] for order in orders])


def insert(database, table, rows):
    """All in one statement: one for each row takes longer than what is tested."""
    if rows:
        marks = ", ".join(f"({', '.join('?' * len(row))})" for row in rows)
        database.execute(f"INSERT INTO {table} VALUES {marks}", [one for row in rows for one in row])


def answer(database, tree, ready=NOTHING):
    query = members(tree, AS_OF, ready)
    for name, mark in ready.marks.items():
        database.execute(f"SET VARIABLE {name} = ({mark.sql(dialect='duckdb')})")
    return {row[0] for row in database.execute(query.sql(dialect="duckdb")).fetchall()}


def expected(tree, people, orders):
    return {
        number
        for number, person in enumerate(people)
        if holds(tree, person, [order for order in orders if order["customer"] == number], AS_OF)
    }


@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stored=CONDITIONS, people=PEOPLE, orders=ORDERS)
def test_equals_the_naive_filter(database, stored, people, orders):
    tree = read(stored, CATALOGUE)
    assert picked(database, tree, people, orders) == expected(tree, people, orders)


@settings(
    max_examples=examples(50), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stored=CONDITIONS, people=PEOPLE, orders=ORDERS, features=st.booleans(), bits=st.booleans())
def test_the_prepared_history_equals_the_naive_filter(database, stored, people, orders, features, bits):
    tree = read(stored, CATALOGUE)
    if features:
        people = [
            {**person, **featured([one for one in orders if one["customer"] == number])}
            for number, person in enumerate(people)
        ]
    fill(database, people, orders)
    assert answer(database, tree, prepare(database, features=features, bits=bits)) == expected(
        tree, people, orders
    )


def featured(orders):
    """What a snapshot's columns say of these orders."""
    sales = [one for one in orders if one["kind"] == "sale"]
    days = {one["day"] for one in sales}
    spent = sum((one["value"] for one in sales), Decimal(0))
    return {"orders": len(days), "total_spent": spent, "last_order": max(days, default=None)}


PERSON = dict.fromkeys(attribute.name for attribute in CATALOGUE)
SWEDE, UNKNOWN, DANE = {**PERSON, "country": "SE"}, PERSON, {**PERSON, "country": "DK"}


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("country is any of SE", {0}),
        ("country is none of SE", {1, 2}),
        ("not (country is any of SE)", {1, 2}),
        ("country is known and country is none of SE", {2}),
        ("country is unknown", {1}),
        ("not (country is none of SE)", {0}),
        ("total_spent is at most 5", set()),
        ("not (total_spent is at most 5)", {0, 1, 2}),
        ("spent less than 5", {0, 1, 2}),
        ("smallest order less than 5", set()),
        ("nobody or country is any of DK", {2}),
        ("ordered", set()),
        ("never ordered", {0, 1, 2}),
    ],
)
def test_what_unknown_means(database, text, who):
    assert picked(database, read_text(text, CATALOGUE), [SWEDE, UNKNOWN, DANE], []) == who


@pytest.mark.parametrize(("day", "inside"), [(30, True), (1, True), (31, False)])
def test_the_last_days_end_with_the_run_day(database, day, inside):
    orders = [
        {
            "customer": 0,
            "day": date(2026, 6, 30) if day == 1 else date.fromordinal(AS_OF.toordinal() - day + 1),
            "value": 1,
            "quantity": 1.0,
            "category": None,
            "kind": "sale",
        }
    ]
    tree = read_text("ordered in the last 30 days", CATALOGUE)
    assert picked(database, tree, [SWEDE], orders) == ({0} if inside else set())


def test_orders_without_a_customer_do_not_empty_a_negative_list(database):
    orders = [
        {"customer": None, "day": AS_OF, "value": 1, "quantity": 1.0, "category": "Books", "kind": "sale"}
    ]
    tree = read_text("never ordered category Books", CATALOGUE)
    assert picked(database, tree, [SWEDE, DANE], orders) == {0, 1}


def test_the_schema_names_every_operator_and_aggregate():
    from tandem.planner.targeting.domain import Aggregate, Operator

    schema = json.loads(files("tandem.planner.targeting").joinpath("condition.schema.json").read_text())
    defined = schema["$defs"]
    assert set(defined["attribute"]["properties"]["operator"]["enum"]) == {one.value for one in Operator}
    assert set(defined["history"]["properties"]["agg"]["enum"]) == {one.value for one in Aggregate}
    tree = read_text("spent more than 300 in the last 90 days", CATALOGUE)
    rule = document(tree)["rules"][0]
    assert set(rule) <= set(defined["history"]["properties"])


SCORED = (
    *CATALOGUE,
    Attribute(name="ratio", label="Risk", kind=Kind.NUMBER, set="Risk of churn"),
    Attribute(name="may_be_profiled", label="May be profiled", kind=Kind.FLAG, set="Consent"),
)


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("ratio is at least 0.5", {0}),
        ("not (ratio is at least 0.5)", {1, 4}),
        ("ratio is unknown", {4}),
        ("not (ratio is known)", {4}),
        ("not (not (ratio is at least 0.5))", {0}),
        ("not (ratio is at least 0.5 and country is any of SE)", {1, 3, 4}),
        ("not (ratio is less than 0.5 or country is any of DK)", {0, 4}),
        ("ratio is at least 0.5 or country is any of SE", {0, 2}),
        ("country is any of SE", {0, 2}),
    ],
)
def test_who_objects_to_profiling_meets_no_condition_on_a_score(database, text, who):
    people = (
        "0, 'SE', 0.9, true",
        "1, 'DK', 0.1, true",
        "2, 'SE', NULL, false",
        "3, 'NO', 0.9, false",
        "4, 'NO', NULL, true",
    )
    rows = ", ".join(f"({one})" for one in people)
    database.execute(
        f"CREATE TEMP TABLE scored AS SELECT * FROM (VALUES {rows}) t(customer, country, ratio, may_be_profiled)"
    )
    query = members(read_text(text, SCORED), AS_OF).sql(dialect="duckdb").replace('"customers"', "scored")
    found = {row[0] for row in database.execute(query).fetchall()}
    database.execute("DROP TABLE scored")
    assert found == who
