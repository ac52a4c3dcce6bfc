"""A filter over customers that knows no SQL, after docs/reference/conditions.md; compiled conditions must equal it."""

from datetime import date
from decimal import Decimal
from typing import Any

from tandem.planner.targeting.domain import (
    Aggregate,
    AttributeRule,
    EventKind,
    Group,
    HistoryRule,
    Measure,
    Node,
    Operator,
)

Customer = dict[str, Any]
Order = dict[str, Any]


def holds(node: Node, person: Customer, orders: list[Order], as_of: date) -> bool:
    """Whether a customer meets a condition, in plain words of Python."""
    if isinstance(node, Group):
        inside = [holds(member, person, orders, as_of) for member in node.members]
        met = bool(inside) and (all(inside) if node.every else any(inside))
        return met != node.negated
    return (
        _attribute_holds(node, person, as_of)
        if isinstance(node, AttributeRule)
        else _history_holds(node, orders, as_of)
    )


def _compare(value: Any, operator: Operator, given: list[Any]) -> bool:
    tests = {
        Operator.EQUAL: lambda: value == given[0],
        Operator.LESS: lambda: value < given[0],
        Operator.AT_MOST: lambda: value <= given[0],
        Operator.MORE: lambda: value > given[0],
        Operator.AT_LEAST: lambda: value >= given[0],
        Operator.BETWEEN: lambda: given[0] <= value <= given[1],
    }
    return bool(tests[operator]())


def _exact(value: Any) -> Any:
    return Decimal(repr(value)) if isinstance(value, float) else value


_NEGATIVE = {
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_EQUAL: Operator.EQUAL,
    Operator.NOT_IN_LAST: Operator.IN_LAST,
}


def _attribute_holds(rule: AttributeRule, person: Customer, as_of: date) -> bool:
    value = _exact(person[rule.field])
    given = [_exact(one) for one in rule.values]
    if rule.operator in (Operator.KNOWN, Operator.UNKNOWN):
        return (value is None) == (rule.operator is Operator.UNKNOWN)
    if rule.operator in _NEGATIVE:
        return not _positive(value, _NEGATIVE[rule.operator], given, as_of)
    return _positive(value, rule.operator, given, as_of)


def _positive(value: Any, operator: Operator, given: list[Any], as_of: date) -> bool:
    if value is None:
        return False
    tests = {
        Operator.IN: lambda: value in given,
        Operator.CONTAINS: lambda: given[0] in value,
        Operator.STARTS: lambda: value.startswith(given[0]),
        Operator.IN_LAST: lambda: 0 <= (as_of - value).days < given[0],
    }
    return bool(tests[operator]()) if operator in tests else _compare(value, operator, given)


def _history_holds(rule: HistoryRule, orders: list[Order], as_of: date) -> bool:
    mine = [order for order in orders if _asked(rule, order, as_of)]
    if rule.agg in (Aggregate.ANY, Aggregate.NONE):
        return bool(mine) == (rule.agg is Aggregate.ANY)
    column = "quantity" if rule.of is Measure.QUANTITY else "value"
    days: dict[date, Decimal] = {}
    for order in mine:
        days[order["day"]] = days.get(order["day"], Decimal(0)) + Decimal(order[column])
    figure = _figure(rule.agg, list(days.values()))
    if figure is None:
        return False
    times = len(days) if rule.agg is Aggregate.AVG else 1
    return _compare(figure, rule.operator or Operator.EQUAL, [_exact(value) * times for value in rule.values])


def _figure(agg: Aggregate, totals: list[Decimal]) -> Any:
    if agg is Aggregate.COUNT:
        return len(totals)
    if agg is Aggregate.SUM:
        return sum(totals, Decimal(0))
    if not totals:
        return None
    return {Aggregate.MIN: min, Aggregate.MAX: max, Aggregate.AVG: sum}[agg](totals)


def _asked(rule: HistoryRule, order: Order, as_of: date) -> bool:
    return (
        order["kind"] == ("sale" if rule.kind is EventKind.SALE else "return")
        and (rule.days is None or (as_of - order["day"]).days < rule.days)
        and (not rule.categories or order["category"] in rule.categories)
    )
