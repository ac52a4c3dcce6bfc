"""The readable text of a condition; `parsing` reads it back to the same tree."""

import re
from datetime import date
from decimal import Decimal

from tandem.planner.engine.domain import Kind
from tandem.planner.targeting.domain import (
    Aggregate,
    AttributeRule,
    EventKind,
    Group,
    HistoryRule,
    Measure,
    Node,
    Operator,
    Value,
)

RESERVED = frozenset(
    word
    for line in (
        "and or not is any none of all known unknown contains starts with between exactly at least most more less",
        "than in the last days day on before after yes no ordered returned never times time items item spent got",
        "back smallest largest average order return category nobody",
    )
    for word in line.split()
)
WORD = re.compile(r"[^\W\d][\w-]*")

COMPARISON_WORDS = {
    Operator.AT_LEAST: "at least",
    Operator.AT_MOST: "at most",
    Operator.MORE: "more than",
    Operator.LESS: "less than",
    Operator.EQUAL: "exactly",
}
DATE_WORDS = {
    Operator.LESS: "before",
    Operator.AT_LEAST: "on or after",
    Operator.EQUAL: "on",
    Operator.MORE: "after",
    Operator.AT_MOST: "on or before",
}
VERB = {EventKind.SALE: "ordered", EventKind.RETURN: "returned"}
NOUN = {EventKind.SALE: "order", EventKind.RETURN: "return"}
EXTREME = {Aggregate.MIN: "smallest", Aggregate.MAX: "largest", Aggregate.AVG: "average"}


def to_text(group: Group) -> str:
    """The text of a whole condition."""
    return _members(group) if not group.negated else _node(group)


def node_text(node: Node) -> str:
    """The text of one member."""
    return _node(node)


def _members(group: Group) -> str:
    if not group.members:
        return "nobody"
    return (" and " if group.every else " or ").join(_node(member) for member in group.members)


def _node(node: Node) -> str:
    if isinstance(node, Group):
        inside = _members(node)
        if not node.members and not node.negated:
            return inside
        return f"not ({inside})" if node.negated else f"({inside})"
    return _attribute(node) if isinstance(node, AttributeRule) else _history(node)


def value_text(value: Value) -> str:
    """One literal: a plain word or quoted text, a number, a date, yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        # NO is Norway: where texts stand, yes and no are words like others.
        return value if _plain(value) or value.lower() in ("yes", "no") else _quoted(value, '"')
    return format(Decimal(repr(value)), "f")


def _plain(word: str) -> bool:
    return bool(WORD.fullmatch(word)) and word.lower() not in RESERVED


def _quoted(text: str, mark: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(mark, "\\" + mark)
    return f"{mark}{escaped}{mark}"


def field_text(name: str) -> str:
    """An attribute's name, in backquotes where it is not a plain word."""
    return name if _plain(name) else _quoted(name, "`")


def _list(values: tuple[Value, ...]) -> str:
    return ", ".join(value_text(value) for value in values)


def _attribute(rule: AttributeRule) -> str:
    return f"{field_text(rule.field)} {_attribute_words(rule)}"


_BEFORE_VALUES = {
    Operator.IN: "is any of ",
    Operator.NOT_IN: "is none of ",
    Operator.CONTAINS: "contains ",
    Operator.STARTS: "starts with ",
    Operator.NOT_EQUAL: "is not ",
}


def _attribute_words(rule: AttributeRule) -> str:
    if rule.operator in (Operator.KNOWN, Operator.UNKNOWN):
        return "is known" if rule.operator is Operator.KNOWN else "is unknown"
    if rule.operator in (Operator.IN_LAST, Operator.NOT_IN_LAST):
        start = "is" if rule.operator is Operator.IN_LAST else "is not"
        return f"{start} {_window(int(str(rule.values[0])))}"
    if rule.operator in _BEFORE_VALUES:
        return _BEFORE_VALUES[rule.operator] + _list(rule.values)
    if rule.kind is Kind.FLAG:
        return f"is {value_text(rule.values[0])}"
    words = DATE_WORDS if rule.kind is Kind.DATE else COMPARISON_WORDS
    return f"is {_comparison(words, rule.operator, rule.values)}"


def _comparison(words: dict[Operator, str], operator: Operator, values: tuple[Value, ...]) -> str:
    if operator is Operator.BETWEEN:
        return f"between {value_text(values[0])} and {value_text(values[1])}"
    return f"{words[operator]} {value_text(values[0])}"


def _window(days: int) -> str:
    return f"in the last {days} {'day' if days == 1 else 'days'}"


def _history(rule: HistoryRule) -> str:
    parts = [_deed(rule)]
    if rule.categories:
        parts.append(f"category {_list(rule.categories)}")
    if rule.days is not None:
        parts.append(_window(rule.days))
    return " ".join(parts)


def _deed(rule: HistoryRule) -> str:
    verb = VERB[rule.kind]
    if rule.agg is Aggregate.ANY:
        return verb
    if rule.agg is Aggregate.NONE:
        return f"never {verb}"
    compared = _comparison(COMPARISON_WORDS, rule.operator or Operator.EQUAL, rule.values)
    if rule.agg is Aggregate.COUNT:
        return f"{verb} {compared} {'time' if rule.values == (1,) else 'times'}"
    items = f" {'item' if rule.values == (1,) else 'items'}" if rule.of is Measure.QUANTITY else ""
    if rule.agg is not Aggregate.SUM:
        return f"{EXTREME[rule.agg]} {NOUN[rule.kind]} {compared}{items}"
    if rule.of is Measure.QUANTITY:
        return f"{verb} {compared}{items}"
    return f"{'spent' if rule.kind is EventKind.SALE else 'got back'} {compared}"
