"""Conditions as a tree: groups of rules about attributes and about history.

Every rule is either true or false of a customer, never unknown: a comparison with an unknown value is false,
and a negative form is the exact opposite of its positive one.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from tandem.planner.engine.domain import Kind

VERSION = 1
MOST_DEPTH = 8
MOST_RULES = 200
MOST_VALUES = 10_000
MOST_DAYS = 36_500
MOST_LETTERS = 500
LARGEST = 10**12
EVENTS = "events"


class Operator(StrEnum):
    """How an attribute or an aggregate is compared."""

    IN = "in"
    NOT_IN = "notIn"
    CONTAINS = "contains"
    STARTS = "beginsWith"
    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    BETWEEN = "between"
    IN_LAST = "inLast"
    NOT_IN_LAST = "notInLast"
    UNKNOWN = "null"
    KNOWN = "notNull"


class Aggregate(StrEnum):
    """What is asked of a customer's orders or returns; count is of days with one."""

    ANY = "any"
    NONE = "none"
    COUNT = "count"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    AVG = "avg"


class Measure(StrEnum):
    """What sum, min, max and avg are taken of."""

    AMOUNT = "amount"
    QUANTITY = "quantity"


class EventKind(StrEnum):
    """Which events: sales or returns."""

    SALE = "sale"
    RETURN = "return"


_KNOWING = (Operator.KNOWN, Operator.UNKNOWN)
_COMPARING = (Operator.AT_LEAST, Operator.AT_MOST, Operator.MORE, Operator.LESS, Operator.EQUAL)
COMPARISONS = (*_COMPARING, Operator.BETWEEN)
OPERATORS: dict[Kind, tuple[Operator, ...]] = {
    Kind.TEXT: (Operator.IN, Operator.NOT_IN, Operator.CONTAINS, Operator.STARTS, *_KNOWING),
    Kind.NUMBER: (*_COMPARING, Operator.NOT_EQUAL, Operator.BETWEEN, *_KNOWING),
    Kind.MONEY: (*_COMPARING, Operator.NOT_EQUAL, Operator.BETWEEN, *_KNOWING),
    Kind.DATE: (
        Operator.IN_LAST,
        Operator.NOT_IN_LAST,
        Operator.LESS,
        Operator.AT_LEAST,
        Operator.EQUAL,
        Operator.MORE,
        Operator.AT_MOST,
        Operator.BETWEEN,
        *_KNOWING,
    ),
    Kind.FLAG: (Operator.EQUAL, *_KNOWING),
}

Value = str | int | float | bool | date


@dataclass(frozen=True, kw_only=True)
class AttributeRule:
    """An attribute compared with typed values; `values` is empty for known and unknown, two for between.

    score: it asks for a score, so nobody who objects to profiling meets it, negated or not.
    """

    field: str
    kind: Kind
    operator: Operator
    values: tuple[Value, ...] = ()
    score: bool = dataclasses.field(default=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class HistoryRule:
    """A question to a customer's orders or returns, in the last `days` days (None = ever), of some categories."""

    agg: Aggregate
    of: Measure | None = None
    operator: Operator | None = None
    values: tuple[int | float, ...] = ()
    days: int | None = None
    kind: EventKind = EventKind.SALE
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Group:
    """All or any of its members; without members it holds nobody."""

    every: bool = True
    negated: bool = False
    members: "tuple[Node, ...]" = ()


Node = Group | AttributeRule | HistoryRule
Rule = AttributeRule | HistoryRule


def rules_of(node: Node) -> Iterator[Rule]:
    """Every rule below, in reading order."""
    if isinstance(node, Group):
        for member in node.members:
            yield from rules_of(member)
    else:
        yield node


def document(group: Group) -> dict[str, Any]:
    """The stored form of a whole condition."""
    return {"version": VERSION, **_group_document(group)}


def _group_document(group: Group) -> dict[str, Any]:
    return {
        "combinator": "and" if group.every else "or",
        "not": group.negated,
        "rules": [_node_document(member) for member in group.members],
    }


def _node_document(node: Node) -> dict[str, Any]:
    if isinstance(node, Group):
        return _group_document(node)
    return _attribute_document(node) if isinstance(node, AttributeRule) else _history_document(node)


def _attribute_document(rule: AttributeRule) -> dict[str, Any]:
    plain = [value.isoformat() if isinstance(value, date) else value for value in rule.values]
    stored: dict[str, Any] = {"field": rule.field, "operator": rule.operator.value}
    if rule.operator in (Operator.IN, Operator.NOT_IN, Operator.BETWEEN):
        stored["value"] = plain
    elif plain:
        stored["value"] = plain[0]
    return stored


def _history_document(rule: HistoryRule) -> dict[str, Any]:
    stored: dict[str, Any] = {"field": EVENTS, "agg": rule.agg.value}
    if rule.of is not None:
        stored["of"] = rule.of.value
    if rule.operator is not None:
        between = rule.operator is Operator.BETWEEN
        stored |= {"operator": rule.operator.value, "value": list(rule.values) if between else rule.values[0]}
    if rule.days is not None:
        stored["days"] = rule.days
    stored["where"] = {"kind": rule.kind.value}
    if rule.categories:
        stored["where"]["category"] = list(rule.categories)
    return stored


@dataclass(frozen=True, kw_only=True)
class GroupView:
    """A saved target group. priority: its place among all, 1 = highest; who is in several counts in the highest."""

    id: int
    name: str
    priority: int
    version: int
    condition: dict[str, Any]
    text: str
    changed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many customers a group held on the days it was counted on, oldest first; at least one day.

    customers: all of the account on the last day; None where that day has no snapshot any more.
    """

    days: tuple[tuple[date, int], ...]
    customers: int | None

    @property
    def day(self) -> date:
        """The last day."""
        return self.days[-1][0]

    @property
    def members(self) -> int:
        """How many on the last day."""
        return self.days[-1][1]

    @property
    def before(self) -> date | None:
        """The day counted before; None for the first."""
        return self.days[-2][0] if len(self.days) > 1 else None

    @property
    def change(self) -> int:
        """How many more than on the day counted before; 0 on the first."""
        return self.members - self.days[-2][1] if len(self.days) > 1 else 0


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many customers a condition holds on the snapshot's day, and who of them may be written to.

    stages: members by lifecycle stage; of fewer than 50 nothing is said.
    """

    members: int
    customers: int
    email: int | None
    sms: int | None
    stages: tuple[tuple[str, int], ...]
    as_of: date
    seconds: float

    @property
    def share(self) -> float:
        """Members as a share of all customers, 0 to 1."""
        return self.members / self.customers if self.customers else 0.0


@dataclass(frozen=True, kw_only=True)
class SamplePerson:
    """One member: the id and a few attributes worth showing."""

    customer_id: str
    values: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of an explanation: a rule or group in words, whether it is met, and the customer's own value."""

    text: str
    depth: int
    met: bool
    value: str = ""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Whether a customer is in the group; `reasons` are the rules that keep them out, empty for a member."""

    customer_id: str
    member: bool
    steps: tuple[Step, ...]
    reasons: tuple[str, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class WhyStep:
    """One condition of the first level: how many meet it alone, and how many are left after it."""

    text: str
    alone: int
    after: int
