"""How long a marketer waits for a count: n customers with ten orders each, 200 different conditions of five rules."""

import os
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import data, measure
from benchmarks.naive import holds

CONDITIONS = 200
CHECKED = 40
PEOPLE = 500


def run(n: int) -> dict[str, Any]:
    """Count each condition once through the service; then compare members with a naive filter."""
    from tandem.planner.targeting import service

    account_id = data.account_with_orders(10 * n)
    conditions = different(account_id, CONDITIONS, random.Random(7))
    seconds, cpu, counts = [], [], []
    with measure.part():
        for condition in conditions:
            started, worked = time.perf_counter(), time.process_time()
            counts.append(service.count(account_id, condition).members)
            seconds.append(time.perf_counter() - started)
            cpu.append(time.process_time() - worked)
    spread, work = (statistics.quantiles(figures, n=100) for figures in (seconds, cpu))
    return {
        "customers": n,
        "orders": 10 * n,
        "conditions": len(conditions),
        "p50_ms": round(spread[49] * 1000, 1),
        "p95_ms": round(spread[94] * 1000, 1),
        "cpu_p50_ms": round(work[49] * 1000, 1),
        "cpu_p95_ms": round(work[94] * 1000, 1),
        "load": round(os.getloadavg()[0], 1),
        "checked": check(account_id, conditions, counts),
    }


def different(account_id: int, number: int, chance: random.Random) -> list[dict[str, Any]]:
    """Conditions of three rules about attributes and two about history, all different."""
    from tandem.planner.targeting import service

    found: dict[str, dict[str, Any]] = {}
    attributes = [
        one for one in service.attributes_of(account_id) if one.kind.value in ("number", "money", "date")
    ]
    while len(found) < number:
        rules = [_attribute(one, chance) for one in chance.sample(attributes, 3)]
        rules += [_history(chance) for _rule in range(2)]
        chance.shuffle(rules)
        inner = {"combinator": "or", "not": chance.random() < 0.3, "rules": rules[:2]}
        condition = {"version": 1, "combinator": "and", "not": False, "rules": [inner, *rules[2:]]}
        condition = service.checked(account_id, condition)
        found[repr(condition)] = condition
    return list(found.values())


def _attribute(one: Any, chance: random.Random) -> dict[str, Any]:
    if one.kind.value == "date":
        return {
            "field": one.name,
            "operator": chance.choice(["inLast", "notInLast"]),
            "value": chance.randint(5, 700),
        }
    cut = (one.low or 0) + ((one.high or 1) - (one.low or 0)) * chance.random()
    return {"field": one.name, "operator": chance.choice(["<=", ">="]), "value": round(cut, 2)}


def _history(chance: random.Random) -> dict[str, Any]:
    where: dict[str, Any] = {"kind": "sale"}
    if chance.random() < 0.5:
        where["category"] = chance.sample(
            ["Clothing", "Shoes", "Running", "Cycling", "Food"], chance.randint(1, 2)
        )
    rule: dict[str, Any] = {"field": "events", "where": where, "days": chance.randint(30, 700)}
    kind = chance.choice(["any", "none", "count", "sum", "sum", "max", "avg"])
    if kind in ("any", "none"):
        return {**rule, "agg": kind}
    compared = {"operator": chance.choice([">=", "<"]), "value": chance.randint(1, 5)}
    if kind == "count":
        return {**rule, "agg": kind, **compared}
    return {**rule, "agg": kind, "of": "amount", **compared, "value": chance.randint(20, 600)}


def check(account_id: int, conditions: list[dict[str, Any]], counts: list[int]) -> str:
    """Members of every fifth condition: as many as counted, and on a sample of people as the naive filter says."""
    from tandem.planner.customers.service import latest_snapshot
    from tandem.planner.targeting import service
    from tandem.planner.targeting.reading import read

    snapshot = latest_snapshot(account_id)
    catalogue = service.attributes_of(account_id)
    people, orders = _sample(snapshot.cache)
    step = max(1, len(conditions) // CHECKED)
    for number in range(0, len(conditions), step):
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "members.csv"
            service.write_members(snapshot, conditions[number], target)
            members = {int(line) for line in target.read_text().split()}
        tree = read(conditions[number], catalogue)
        if len(members) != counts[number]:
            raise SystemExit(f"{len(members)} members, {counts[number]} counted: {conditions[number]}")
        for one, row in people.items():
            if holds(tree, row, orders.get(one, []), snapshot.as_of) != (one in members):
                raise SystemExit(f"Customer {one} differs from the naive filter: {conditions[number]}")
    checked = len(range(0, len(conditions), step))
    return f"{checked} lists as long as counted; {len(people)} customers x {checked} conditions equal a naive filter"


def _sample(cache: Path) -> tuple[dict[int, dict[str, Any]], dict[int, list[dict[str, Any]]]]:
    with duckdb.connect(str(cache), read_only=True) as session:
        people = _rows(session, f"SELECT * FROM customers ORDER BY hash(customer) LIMIT {PEOPLE}")
        session.execute(
            "CREATE TEMP TABLE drawn AS SELECT unnest(?::BIGINT[]) AS customer",
            [[p["customer"] for p in people]],
        )
        orders: dict[int, list[dict[str, Any]]] = {}
        for order in _rows(session, "SELECT * FROM orders SEMI JOIN drawn USING (customer)"):
            orders.setdefault(order["customer"], []).append(order)
    return {person["customer"]: person for person in people}, orders


def _rows(session: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    answer = session.execute(query)
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
