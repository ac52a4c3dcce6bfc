"""Answers about single people and single rules: samples, why not this person, why nobody."""

from datetime import date
from decimal import Decimal
from typing import Any

import sqlglot.expressions as exp

from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.customers.service import latest_snapshot, names_of, snapshot_catalogue, surrogate_of
from tandem.planner.engine.domain import CUSTOMER, CUSTOMERS, Engine
from tandem.planner.engine.duckdb import open_snapshot
from tandem.planner.targeting.compiling import members, observed, truth
from tandem.planner.targeting.domain import (
    Aggregate,
    AttributeRule,
    Explanation,
    Group,
    HistoryRule,
    Measure,
    Node,
    Rule,
    SamplePerson,
    Step,
    WhyStep,
    rules_of,
)
from tandem.planner.targeting.pieces import column, literal, table
from tandem.planner.targeting.prepared import prepared
from tandem.planner.targeting.reading import read
from tandem.planner.targeting.wording import node_text

_SHOWN = ("stage", "country", "orders", "total_spent", "last_order")


def sample(
    account_id: int, condition: dict[str, Any], *, size: int = 5, seed: int = 0
) -> tuple[SamplePerson, ...]:
    """A few members, drawn by a hash of surrogate and seed: the same seed shows the same people."""
    snapshot, tree = _opened(account_id, condition)
    engine = open_snapshot(snapshot.cache)
    known = {attribute.name for attribute in snapshot_catalogue(account_id, snapshot.id)}
    shown = [name for name in _asked(tree) if name in known]
    drawn = exp.func("hash", column(CUSTOMER), literal(seed))
    ready = prepared(engine, tree)
    query = members(tree, snapshot.as_of, ready).select(*(column(name) for name in shown))
    rows = engine.rows(query.order_by(drawn, "1").limit(max(1, min(size, 50))), ready.marks)
    names = names_of(account_id, [row[0] for row in rows])
    return tuple(
        SamplePerson(customer_id=names[row[0]], values=dict(zip(shown, row[1:], strict=True)))
        for row in rows
        if row[0] in names
    )


def _asked(tree: Group) -> list[str]:
    asked = [rule.field for rule in rules_of(tree) if isinstance(rule, AttributeRule)]
    return list(dict.fromkeys([*asked[:4], *_SHOWN]))[:7]


def explain(account_id: int, condition: dict[str, Any], customer_id: str) -> Explanation:
    """Whether a customer is in the group, rule by rule, with the customer's own figures.

    Raises UnknownCustomer for an id this account does not know.
    """
    surrogate = surrogate_of(account_id, customer_id)
    snapshot, tree = _opened(account_id, condition)
    rules = list(rules_of(tree))
    turned = _turned(tree, negated=False)
    row = _answers(open_snapshot(snapshot.cache), rules, snapshot.as_of, surrogate, turned)
    if row is None:
        step = Step(
            text="Known on the day of the snapshot", depth=0, met=False, value="came later, or was forgotten"
        )
        return Explanation(
            customer_id=customer_id, member=False, steps=(step,), reasons=(f"{step.text}: {step.value}",)
        )
    met = {id(rule): bool(answer) for rule, answer in zip(rules, row[: len(rules)], strict=True)}
    own = {id(rule): _shown(rule, value) for rule, value in zip(rules, row[len(rules) :], strict=True)}
    steps = tuple(_steps(tree, 0, met, own))
    reasons = tuple(dict.fromkeys(_blamed(tree, met, own)))
    return Explanation(customer_id=customer_id, member=_met(tree, met), steps=steps, reasons=reasons)


def _turned(node: Node, *, negated: bool) -> set[int]:
    """The rules under an odd number of *not*."""
    if not isinstance(node, Group):
        return {id(node)} if negated else set()
    inside = (_turned(member, negated=negated != node.negated) for member in node.members)
    return set().union(*inside)


def _answers(
    engine: Engine, rules: list[Rule], as_of: date, surrogate: int, turned: set[int]
) -> tuple[Any, ...] | None:
    asked = [truth(rule, as_of, only=surrogate, negated=id(rule) in turned) for rule in rules]
    own = [
        observed(rule, as_of, surrogate).subquery() if isinstance(rule, HistoryRule) else column(rule.field)
        for rule in rules
    ]
    named = [exp.alias_(one, f"c{number}") for number, one in enumerate([*asked, *own])]
    query = exp.select(*named).from_(table(CUSTOMERS))
    rows = engine.rows(query.where(exp.EQ(this=column(CUSTOMER), expression=literal(surrogate))))
    return rows[0] if rows else None


def _met(node: Node, met: dict[int, bool]) -> bool:
    if not isinstance(node, Group):
        return met[id(node)]
    if not node.members:
        return False
    inside = [_met(member, met) for member in node.members]
    return (all(inside) if node.every else any(inside)) != node.negated


def _steps(node: Node, depth: int, met: dict[int, bool], own: dict[int, str]) -> list[Step]:
    if not isinstance(node, Group):
        return [Step(text=node_text(node), depth=depth, met=met[id(node)], value=own[id(node)])]
    title = {
        (True, False): "All of these",
        (False, False): "Any of these",
        (True, True): "Not all of these",
        (False, True): "None of these",
    }
    steps = [Step(text=title[node.every, node.negated], depth=depth, met=_met(node, met))]
    for member in node.members:
        steps += _steps(member, depth + 1, met, own)
    return steps


def _blamed(node: Node, met: dict[int, bool], own: dict[int, str]) -> list[str]:
    if _met(node, met):
        return []
    if isinstance(node, Group) and not node.negated and node.members:
        return [reason for member in node.members for reason in _blamed(member, met, own)]
    if isinstance(node, Group):
        return [node_text(node)]
    return [f"{node_text(node)}: {own[id(node)]}"]


def _shown(rule: Rule, value: Any) -> str:
    if value is None:
        return "unknown" if isinstance(rule, AttributeRule) else "no such order"
    if isinstance(rule, AttributeRule):
        return _plain(value)
    if rule.agg in (Aggregate.ANY, Aggregate.NONE, Aggregate.COUNT):
        return f"{value} time{'' if value == 1 else 's'}"
    return f"{_plain(value)}{' items' if rule.of is Measure.QUANTITY else ''}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def why_nobody(account_id: int, condition: dict[str, Any]) -> tuple[WhyStep, ...]:
    """For each condition of the first level: how many meet it alone, and how many are left after it.

    Under *any* the second figure grows; a negated condition is one step.
    """
    snapshot, tree = _opened(account_id, condition)
    engine = open_snapshot(snapshot.cache)
    ready = prepared(engine, tree)
    parts = (tree,) if tree.negated else tree.members
    marks = exp.select(
        *(exp.alias_(truth(part, snapshot.as_of, ready), f"m{number}") for number, part in enumerate(parts))
    ).from_(table(CUSTOMERS))
    join = exp.and_ if tree.every else exp.or_
    figures: list[exp.Expr] = []
    for number in range(len(parts)):
        so_far = [column(f"m{earlier}") for earlier in range(number + 1)]
        figures += [exp.CountIf(this=so_far[-1].copy()), exp.CountIf(this=join(*so_far))]
    named = [exp.alias_(figure, f"f{number}") for number, figure in enumerate(figures)]
    row = engine.rows(exp.select(*named).from_(marks.subquery("marks")), ready.marks)[0]
    return tuple(
        WhyStep(text=node_text(part), alone=row[2 * number], after=row[2 * number + 1])
        for number, part in enumerate(parts)
    )


def _opened(account_id: int, condition: dict[str, Any]) -> tuple[SnapshotRef, Group]:
    snapshot = latest_snapshot(account_id)
    return snapshot, read(condition, snapshot_catalogue(account_id, snapshot.id))
