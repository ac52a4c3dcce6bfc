"""A rule as the condition of a target group: the same customers, in the form that the builder edits."""

from collections.abc import Sequence
from typing import Any

from tandem.planner.discovery.domain import Condition, Kind, Test
from tandem.planner.discovery.frames import DEEDS, SPENT_ON

Document = dict[str, Any]
#: only those who have ordered have them
_OF_BUYERS = frozenset(
    ("days_since_last_order", "tenure_days", "average_order", "usual_gap", "items_per_order", "largest_order")
)
_COUNTED = frozenset(
    ("orders", "total_spent", "first_day_value", "orders_90", "orders_365", "spent_90", "spent_365", "items")
)
BOUGHT: Document = {"field": "orders", "operator": ">=", "value": 1}


def condition_of(
    conditions: Sequence[Condition], *, buyers: bool, besides: Sequence[Document] = ()
) -> Document:
    """The stored form of a rule. buyers: it was found among those who have ordered; besides: what held of all."""
    rules = [one for condition in conditions for one in _rules(condition)]
    rules += [one for one in besides if one not in rules]
    if buyers and not any(_implies_an_order(one) for one in conditions) and not besides:
        rules.append(BOUGHT)
    return {"version": 1, "combinator": "and", "not": False, "rules": rules}


def _implies_an_order(condition: Condition) -> bool:
    if condition.test is Test.KNOWN:
        return condition.name in _OF_BUYERS
    if condition.test is not Test.RANGE or condition.unknown_too:
        return condition.test is Test.ONE_OF and condition.name == "main_category"
    if condition.name in _OF_BUYERS:
        return True
    above = condition.low is not None and (condition.low > 0 or (condition.low == 0 and condition.low_open))
    return above and (condition.name in _COUNTED or condition.name.startswith(SPENT_ON))


def _rules(condition: Condition) -> list[Document]:
    if condition.test in (Test.UNKNOWN, Test.KNOWN):
        return [_known(condition.name, condition.test is Test.KNOWN)]
    if condition.kind is Kind.NUMBER:
        found = _range(condition)
    elif condition.kind is Kind.FLAG:
        found = _flag(condition)
    else:
        found = _values(condition)
    unknown = _known(condition.name, False)
    if not condition.unknown_too or condition.test is Test.NOT_ONE_OF:
        return found
    whole = found[0] if len(found) == 1 else {"combinator": "and", "not": False, "rules": found}
    return [{"combinator": "or", "not": False, "rules": [whole, unknown]}]


def _known(name: str, known: bool) -> Document:
    """Whether there is a value. Sums of sales are never below zero, so at least zero is any sum there is."""
    if name not in DEEDS:
        return {"field": name, "operator": "notNull" if known else "null"}
    some = _asked(name, ">=", 0)
    return some if known else {"combinator": "and", "not": True, "rules": [some]}


def _range(condition: Condition) -> list[Document]:
    low, high = condition.low, condition.high
    if low is not None and low == high:
        return [_asked(condition.name, "=", low)]
    found = []
    if low is not None:
        found.append(_asked(condition.name, ">" if condition.low_open else ">=", low))
    if high is not None:
        found.append(_asked(condition.name, "<" if condition.high_open else "<=", high))
    return found


def _asked(name: str, operator: str, value: float) -> Document:
    plain = int(value) if value == int(value) else value
    where: Document = {"kind": "sale"}
    if name in DEEDS:
        agg, of = DEEDS[name].agg, DEEDS[name].of
    elif name.startswith(SPENT_ON):
        agg, of = "sum", "amount"
        where["category"] = [name.removeprefix(SPENT_ON)]
    else:
        return {"field": name, "operator": operator, "value": plain}
    return {"field": "events", "agg": agg, "of": of, "operator": operator, "value": plain, "where": where}


def _flag(condition: Condition) -> list[Document]:
    """Not one of the values = the other one; of two values a flag has no third but unknown."""
    true = ("true" in condition.values) != (condition.test is Test.NOT_ONE_OF)
    one: Document = {"field": condition.name, "operator": "=", "value": true}
    if condition.test is Test.NOT_ONE_OF and condition.unknown_too:
        return [
            {"combinator": "or", "not": False, "rules": [one, {"field": condition.name, "operator": "null"}]}
        ]
    return [one]


def _values(condition: Condition) -> list[Document]:
    """A negated rule of a target group holds of the unknown too."""
    negated = condition.test is Test.NOT_ONE_OF
    found: list[Document] = [
        {"field": condition.name, "operator": "notIn" if negated else "in", "value": list(condition.values)}
    ]
    if negated and not condition.unknown_too:
        found.append({"field": condition.name, "operator": "notNull"})
    return found
