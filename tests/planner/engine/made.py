"""A small snapshot made of what engines understand differently, the same one each time for a seed."""

import random
from datetime import date, timedelta

import duckdb
from hypothesis import strategies as st
from tests.planner.targeting.generated import AS_OF, CATALOGUE, CATEGORIES, COUNTRIES

from tandem.planner.customers import history, past, trees
from tandem.planner.engine.domain import Attribute, Kind
from tandem.planner.modelling.scoring.ranks import ranks_query
from tandem.planner.modelling.segments import trees as segments

TEXTS = ("", " ", "a", "A", "b", "B", "z", "Z", "ä", "Ä", "å", "é", "e\u0301", "straße", "STRASSE", "İ", "ı", "a%b",
         "a_b", "SE ", "se", "\\", "\t", "x\ny", "日本", "🙂", "null", "NaN", "-0", "1e3")  # fmt: skip
RATIOS = (
    0.0,
    -0.0,
    0.1,
    0.3,
    0.1 + 0.2,
    1 / 3,
    0.5,
    1.5,
    2.5,
    -0.5,
    1e-300,
    1e300,
    float("inf"),
    float("-inf"),
    float("nan"),
)
DAYS = tuple(
    map(
        date.fromisoformat,
        ("0001-01-01", "1899-12-31", "2024-02-29", "2026-06-30", "2026-07-01", "9999-12-31"),
    )
)
#: days of orders that are often forgotten: a leap day, clocks put forward and back, the end of a year
SPECIAL = tuple(
    map(date.fromisoformat, ("2024-02-29", "2025-03-30", "2025-10-26", "2025-12-31", "2026-06-30"))
)
WHOLE = (0, 1, -1, 2**31, 2**53 + 1, -(2**62), 2**63 - 1)

EXTRA = (
    Attribute(name="note", label="Note", kind=Kind.TEXT, set="Profile"),
    Attribute(name="ratio", label="Ratio", kind=Kind.NUMBER, set="Profile"),
    Attribute(name="whole", label="Whole", kind=Kind.NUMBER, set="Profile"),
    Attribute(name="price", label="Price", kind=Kind.MONEY, set="Profile"),
    Attribute(name="born", label="Born", kind=Kind.DATE, set="Profile"),
)
KNOWN = (*CATALOGUE, *EXTRA)

_TABLES = """CREATE TABLE customers (customer BIGINT, country VARCHAR, "Odd `name`" VARCHAR, orders BIGINT,
  ordered BIGINT, total_spent DECIMAL(18,2), last_order DATE, may_receive_email BOOLEAN, note VARCHAR, ratio DOUBLE,
  whole BIGINT, price DECIMAL(18,2), born DATE);
CREATE TABLE orders (customer BIGINT, "at" TIMESTAMP, day DATE, value DECIMAL(18,2), quantity DOUBLE, category VARCHAR,
  kind VARCHAR)"""

#: scores with many ties, stages of most, and histories from one day to many years
_MODELS = """CREATE TABLE scores AS SELECT customer, ratio AS p_alive, (customer % 7) / 7 AS churn_risk,
  CASE WHEN customer % 2 = 0 THEN (customer * 37 % 100) / 100 END AS reactivation, NULL::DOUBLE AS conversion,
  (customer % 5) * 10.505::DOUBLE AS future_value, (customer % 9) / 3 AS expected_orders_30,
  (customer % 9) / 2 AS expected_orders_90, NULL::DOUBLE AS expected_orders_365, ratio AS mean_order,
  (customer % 8) * 1.005::DOUBLE AS future_value_raw, 0.015::DOUBLE AS future_value_30,
  -2.675::DOUBLE AS future_value_90, (customer * 11 % 60) / 60 AS top_spender FROM customers;
UPDATE scores SET p_alive = CASE WHEN p_alive BETWEEN 0 AND 1 THEN p_alive END,
  mean_order = CASE WHEN abs(mean_order) < 1e6 THEN mean_order END;
CREATE TABLE stages AS SELECT customer, CASE customer % 3 WHEN 0 THEN 'Active' ELSE 'Churn' END AS stage FROM customers
  WHERE customer % 4 <> 0;
CREATE TABLE histories AS SELECT customer, (customer * 7 % 40)::INTEGER AS x,
  CASE WHEN customer * 7 % 40 = 0 THEN 0 ELSE (customer * 13 % 400) END::INTEGER AS tx,
  (400 + customer * 53 % 9000)::INTEGER AS "T" FROM customers"""

#: what a snapshot is built of: who is known, what came last, and what is made of it on the way
_BUILT = """CREATE TABLE people AS SELECT customer, may_receive_email, customer % 2 = 0 AS may_receive_sms,
  CASE customer % 5 WHEN 0 THEN NULL ELSE customer % 5 <> 1 END AS profiled FROM customers;
CREATE TABLE arrived AS SELECT * REPLACE (CASE WHEN rowid % 9 = 0 THEN 'New, "odd"' ELSE category END AS category),
  CASE rowid % 4 WHEN 0 THEN NULL WHEN 1 THEN 'SE' WHEN 2 THEN 'å' ELSE 'NO' END AS country
  FROM orders WHERE customer % 6 = 0;
CREATE TABLE touched AS SELECT DISTINCT customer FROM arrived;
CREATE TABLE segments AS SELECT customer, customer % 4 AS microsegment_id, future_value, reactivation, churn_risk
  FROM scores;
CREATE TABLE day_before AS SELECT customer, CASE customer % 4 WHEN 0 THEN 'Diamond' WHEN 1 THEN 'Silver'
  WHEN 2 THEN NULL ELSE 'Bronze' END AS value_segment FROM customers WHERE customer % 7 <> 0"""


def _rule(name, operators, values):
    return st.builds(
        lambda operator, value: {"field": name, "operator": operator, "value": value},
        st.sampled_from(operators),
        st.sampled_from(values),
    )


_COMPARED = ["=", "!=", "<", "<=", ">", ">="]
_NUMBERS = (0, 0.1, 0.3, 0.333333, 1, 2.5, -1, 2**31, 99999999999, 0.01, 99.99, 100)
RULES = st.one_of(
    *(_rule(name, _COMPARED, _NUMBERS) for name in ("ratio", "whole", "price")),
    _rule("born", ["=", "<", "<=", ">", ">="], [str(day) for day in DAYS]),
    _rule("born", ["inLast", "notInLast"], (1, 30, 1000)),
    _rule("note", ["contains", "beginsWith"], [one for one in TEXTS if one.strip() and one.isprintable()]),
    _rule("note", ["in", "notIn"], [[one, "a"] for one in TEXTS if one.strip() and one.isprintable()]),
    st.sampled_from([one.name for one in EXTRA]).map(lambda name: {"field": name, "operator": "null"}),
)


def snapshot(file, seed, people=60, lines=500):
    """A snapshot's file with its prepared history; some lines have no customer, every eighth value is unknown."""
    chance = random.Random(seed)
    with duckdb.connect(str(file)) as session:
        session.execute(_TABLES)
        _insert(session, "customers", [_person(chance, number) for number in range(people)])
        _insert(session, "orders", [_line(chance, people) for _ in range(lines)])
        history.prepare(session, batch=50)
        session.execute(_MODELS)
        session.execute(f"CREATE TABLE features_kept AS {trees.duck(trees.features(AS_OF))}")
        session.execute(f"CREATE TABLE features AS {trees.duck(trees.dated(AS_OF, 'features_kept'))}")
        session.execute(_BUILT)
        for name, tree in (
            ("lines", past.lines()), ("whole", past.whole()), ("daily", trees.daily()), ("ranks", ranks_query()),
            ("standing", segments.standing(profiled=False)),
        ):  # fmt: skip
            session.execute(f"CREATE TABLE {name} AS {trees.duck(tree)}")
    return file


def _insert(session, table, rows):
    """All in one statement: one for each row takes longer."""
    marks = ", ".join(f"({', '.join('?' * len(row))})" for row in rows)
    session.execute(f"INSERT INTO {table} VALUES {marks}", [value for row in rows for value in row])


def _maybe(chance, value):
    return None if chance.random() < 0.125 else value


def _money(chance):
    return str(chance.randint(-500, 40000) / 100)


def _person(chance, number):
    values = [
        chance.choice(COUNTRIES), chance.choice(COUNTRIES), chance.randint(0, 10), chance.randint(0, 400),
        _money(chance), AS_OF - timedelta(days=chance.randint(-10, 180)), chance.random() < 0.5, chance.choice(TEXTS),
        chance.choice(RATIOS), chance.choice(WHOLE), chance.choice(("0.01", "99.99", "100", "0.3", "-1", "1e15")),
        chance.choice(DAYS),
    ]  # fmt: skip
    return [number * 3, *(_maybe(chance, value) for value in values)]


def _line(chance, people):
    day = AS_OF - timedelta(days=chance.randint(0, 450)) if chance.random() < 0.75 else chance.choice(SPECIAL)
    return [
        None if chance.random() < 0.08 else 3 * chance.randrange(people * 3 // 4), f"{day} 02:30:00", day,
        _money(chance), chance.randint(0, 12) / 2, _maybe(chance, chance.choice(CATEGORIES)),
        chance.choice(("sale", "sale", "return")),
    ]  # fmt: skip
