"""Reads the stored form into a tree: the catalogue is the only source of names, every literal is typed."""

import math
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from tandem.planner.customers.rights import PROFILED, is_score
from tandem.planner.engine.domain import Attribute, Kind
from tandem.planner.targeting import domain
from tandem.planner.targeting.domain import (
    COMPARISONS,
    OPERATORS,
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
from tandem.planner.targeting.errors import ConditionRefused
from tandem.planner.targeting.parsing import parse

_GROUP_KEYS = {"version", "combinator", "not", "rules", "id"}
_RULE_KEYS = {"field", "operator", "value", "id"}
_HISTORY_KEYS = {"field", "agg", "of", "operator", "value", "days", "where", "id"}
_PAIR = (Operator.BETWEEN,)
_DAYS = (Operator.IN_LAST, Operator.NOT_IN_LAST)
_LISTS = (Operator.IN, Operator.NOT_IN)


def read(stored: object, catalogue: Iterable[Attribute]) -> Group:
    """The tree of a stored condition, in normal form. Raises ConditionRefused with the place of the fault."""
    reader = _Reader({attribute.name: attribute for attribute in catalogue})
    if isinstance(stored, Mapping) and stored.get("version", domain.VERSION) != domain.VERSION:
        raise ConditionRefused(
            f"Conditions of version {stored['version']!r} are not known here.", "Use version 1."
        )
    group = reader.group(stored, "", 1, under_not=False)
    if not group.members:
        raise ConditionRefused(
            "There is no condition yet.", "Add at least one; without any the group holds nobody."
        )
    return group


def read_text(text: str, catalogue: Iterable[Attribute]) -> Group:
    """The tree of a text. Raises TextRefused or ConditionRefused."""
    known = tuple(catalogue)
    return read(parse(text, {one.name for one in known if one.kind is Kind.TEXT}), known)


class _Reader:
    def __init__(self, attributes: Mapping[str, Attribute]) -> None:
        self.attributes = attributes
        self.rules = 0

    def group(self, stored: object, place: str, depth: int, *, under_not: bool) -> Group:
        if not isinstance(stored, Mapping):
            raise ConditionRefused("A group of conditions must be an object.", field=place)
        _known_keys(stored, _GROUP_KEYS, place)
        if depth > domain.MOST_DEPTH:
            raise ConditionRefused(
                f"Groups lie more than {domain.MOST_DEPTH} deep.", "Take a few levels out.", field=place
            )
        negated = stored.get("not", False)
        combinator = stored.get("combinator", "and")
        rules = stored.get("rules", [])
        if (
            combinator not in ("and", "or")
            or not isinstance(negated, bool)
            or not isinstance(rules, list | tuple)
        ):
            raise ConditionRefused(
                "A group needs combinator (and, or), not (true, false) and rules.", field=place
            )
        under_not = under_not or negated
        if not rules and under_not:
            raise ConditionRefused(
                "An empty group under *not* would mean everybody.", "Fill it or take it out.", field=place
            )
        members = tuple(
            self.node(rule, f"{place}.rules.{number}".lstrip("."), depth, under_not=under_not)
            for number, rule in enumerate(rules)
        )
        return normal(Group(every=combinator == "and", negated=negated, members=members))

    def node(self, stored: object, place: str, depth: int, *, under_not: bool) -> Node:
        if not isinstance(stored, Mapping):
            raise ConditionRefused("A condition must be an object.", field=place)
        if "rules" in stored or "combinator" in stored:
            group = self.group(stored, place, depth + 1, under_not=under_not)
            alone = not group.negated and len(group.members) == 1
            return group.members[0] if alone else group
        self.rules += 1
        if self.rules > domain.MOST_RULES:
            raise ConditionRefused(f"There are more than {domain.MOST_RULES} conditions.", "Split the group.")
        if stored.get("field") == domain.EVENTS and "agg" in stored:
            return _history(stored, place)
        return self.attribute(stored, place)

    def attribute(self, stored: Mapping[str, Any], place: str) -> AttributeRule:
        _known_keys(stored, _RULE_KEYS, place)
        name = stored.get("field")
        attribute = self.attributes.get(name) if isinstance(name, str) else None
        if attribute is None:
            raise ConditionRefused(
                f"No attribute is called {_shown(name)}.",
                f"Known are: {', '.join(sorted(self.attributes)) or 'none yet'}.",
                field=place,
            )
        operator = _operator(stored.get("operator"), attribute.kind, attribute.label, place)
        values = _values(operator, attribute.kind, stored.get("value"), attribute.label, place)
        score = PROFILED in self.attributes and is_score(attribute.name, attribute.set)
        return AttributeRule(
            field=attribute.name, kind=attribute.kind, operator=operator, values=values, score=score
        )


def normal(group: Group) -> Group:
    """The same condition without groups that only wrap another, and with *all* where there is one member."""
    members = group.members
    only = members[0] if len(members) == 1 else None
    if isinstance(only, Group) and not (group.negated and only.negated):
        return Group(every=only.every, negated=group.negated or only.negated, members=only.members)
    every = group.every if len(members) > 1 else True
    return Group(every=every, negated=group.negated, members=members)


def _operator(raw: object, kind: Kind, label: str, place: str) -> Operator:
    if kind is Kind.TEXT and raw in ("=", "!="):
        return Operator.IN if raw == "=" else Operator.NOT_IN
    allowed = OPERATORS[kind]
    if not isinstance(raw, str) or raw not in {operator.value for operator in allowed}:
        known = ", ".join(operator.value for operator in allowed)
        raise ConditionRefused(
            f"*{label}* cannot be compared by {_shown(raw)}.", f"Possible: {known}.", field=place
        )
    return Operator(raw)


def _values(operator: Operator, kind: Kind, raw: object, label: str, place: str) -> tuple[Value, ...]:
    if operator in (Operator.UNKNOWN, Operator.KNOWN):
        if raw is not None:
            raise ConditionRefused(f"*{label}* known or unknown takes no value.", field=place)
        return ()
    if operator in _DAYS:
        return (_days(raw, place),)
    if operator in _LISTS:
        return _texts(raw, label, place)
    if operator in _PAIR:
        return _pair(raw, kind, label, place)
    return (_literal(raw, kind, label, place),)


def _texts(raw: object, label: str, place: str) -> tuple[str, ...]:
    many = list(raw) if isinstance(raw, list | tuple) else [raw]
    if not many:
        raise ConditionRefused(f"Choose at least one value for *{label}*.", field=place)
    if len(many) > domain.MOST_VALUES:
        raise ConditionRefused(
            f"*{label}* has {len(many):,} values; at most {domain.MOST_VALUES:,} fit in a condition.",
            "Import longer lists as an attribute.",
            field=place,
        )
    return tuple(dict.fromkeys(_text(value, label, place) for value in many))


def _pair(raw: object, kind: Kind, label: str, place: str) -> tuple[Value, ...]:
    if not isinstance(raw, list | tuple) or len(raw) != 2:
        raise ConditionRefused(f"*{label}* between needs two values.", field=place)
    low, high = (_literal(value, kind, label, place) for value in raw)
    if low > high:  # type: ignore[operator]
        raise ConditionRefused(
            f"*{label}*: the first value is larger than the second.", "Swap them.", field=place
        )
    return (low, high)


def _literal(raw: object, kind: Kind, label: str, place: str) -> Value:
    if kind is Kind.TEXT:
        return _text(raw, label, place)
    if kind is Kind.FLAG:
        if not isinstance(raw, bool):
            raise ConditionRefused(f"*{label}* is yes or no.", field=place)
        return raw
    if kind is Kind.DATE:
        return _date(raw, label, place)
    return number(raw, label, place)


def _text(raw: object, label: str, place: str) -> str:
    if not isinstance(raw, str) or not raw:
        raise ConditionRefused(f"Give a value for *{label}* (a text).", field=place)
    if len(raw) > domain.MOST_LETTERS:
        raise ConditionRefused(
            f"A value of *{label}* is longer than {domain.MOST_LETTERS} letters.", field=place
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in raw):
        raise ConditionRefused(
            f"A value of *{label}* holds a control character.", "Take it out.", field=place
        )
    return raw


def _date(raw: object, label: str, place: str) -> date:
    if isinstance(raw, str) and len(raw) == 10:
        try:
            return date.fromisoformat(raw)
        except ValueError:
            pass
    raise ConditionRefused(f"*{label}* takes a date as 2026-01-31, not {_shown(raw)}.", field=place)


def number(raw: object, label: str, place: str) -> int | float:
    """A whole or decimal number of at most six decimals; never a bool, NaN or infinity."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise ConditionRefused(f"*{label}* takes a number, not {_shown(raw)}.", field=place)
    if abs(raw) >= domain.LARGEST:
        raise ConditionRefused(f"The number for *{label}* is too large.", field=place)
    exponent = Decimal(repr(raw)).normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -6:
        raise ConditionRefused(f"The number for *{label}* has more than six decimals.", field=place)
    return int(raw) if raw == int(raw) else raw


def _days(raw: object, place: str) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= domain.MOST_DAYS:
        raise ConditionRefused(f"Give a number of days from 1 to {domain.MOST_DAYS:,}.", field=place)
    return raw


def _history(stored: Mapping[str, Any], place: str) -> HistoryRule:
    _known_keys(stored, _HISTORY_KEYS, place)
    agg = _one_of(Aggregate, stored["agg"], "agg", place)
    kind, categories = _where(stored.get("where", {}), place)
    days = stored.get("days")
    of, operator, values = _measured(agg, stored, place)
    return HistoryRule(
        agg=agg,
        of=of,
        operator=operator,
        values=values,
        days=None if days is None else _days(days, place),
        kind=kind,
        categories=categories,
    )


def _where(where: object, place: str) -> tuple[EventKind, tuple[str, ...]]:
    if not isinstance(where, Mapping):
        raise ConditionRefused("`where` must be an object.", field=place)
    _known_keys(where, {"kind", "category"}, place)
    kind = _one_of(EventKind, where.get("kind", "sale"), "kind", place)
    return kind, _texts(where["category"], "category", place) if "category" in where else ()


_Measured = tuple[Measure | None, Operator | None, tuple[int | float, ...]]


def _measured(agg: Aggregate, stored: Mapping[str, Any], place: str) -> _Measured:
    plain = agg in (Aggregate.ANY, Aggregate.NONE)
    if plain and {"of", "operator", "value"} & stored.keys():
        raise ConditionRefused(f"`{agg.value}` takes no of, operator or value.", field=place)
    if plain:
        return None, None, ()
    if agg is Aggregate.COUNT and "of" in stored:
        raise ConditionRefused("`count` counts days with an order and takes no `of`.", field=place)
    of = None if agg is Aggregate.COUNT else _one_of(Measure, stored.get("of", "amount"), "of", place)
    operator = _one_of(Operator, stored.get("operator"), "operator", place)
    if operator not in COMPARISONS:
        raise ConditionRefused(f"Orders cannot be compared by {operator.value}.", field=place)
    raw = stored.get("value")
    if operator is Operator.BETWEEN:
        pair = _pair(raw, Kind.NUMBER, "orders", place)
        return of, operator, tuple(value for value in pair if isinstance(value, int | float))
    return of, operator, (number(raw, "orders", place),)


def _one_of(words: Any, raw: object, name: str, place: str) -> Any:
    try:
        return words(raw)
    except ValueError:
        known = ", ".join(word.value for word in words)
        raise ConditionRefused(f"`{name}` is {_shown(raw)}.", f"Possible: {known}.", field=place) from None


def _known_keys(stored: Mapping[str, Any], known: set[str], place: str) -> None:
    strange = sorted(str(key) for key in set(stored) - known)
    if strange:
        raise ConditionRefused(f"Not known here: {', '.join(strange)[:100]}.", field=place)


def _shown(raw: object) -> str:
    return "nothing" if raw is None else repr(raw)[:80]
