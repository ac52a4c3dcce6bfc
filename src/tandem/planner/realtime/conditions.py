"""Comparisons on the properties of an event: read from text, written as text, answered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from tandem.planner.realtime.errors import RealTimeRefused

MOST = 20
LONGEST = 200
MOST_VALUES = 100
Value = str | int | float | bool
_NAME = re.compile(r"[^\W\d][\w.-]{0,99}")
_LINE = re.compile(
    r"\s*(?P<name>[^\W\d][\w.-]{0,99})\s*"
    r"(?P<how>does not exist|exists|contains|starts with|in\b|is\b|!=|<=|>=|=|<|>)\s*(?P<value>.*?)\s*",
    re.IGNORECASE | re.DOTALL,
)
_HINT = "Write it as: amount >= 100, category = shoes, category in shoes, boots, or coupon exists."


class Operator(StrEnum):
    """How a property is compared."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    CONTAINS = "contains"
    STARTS = "starts with"
    IN = "in"
    EXISTS = "exists"
    MISSING = "does not exist"


ALONE = frozenset({Operator.EXISTS, Operator.MISSING})
_ORDERED = frozenset({Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST})


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One property compared with a value; `in` has several, the existence operators none.

    name: a dot leads into an object. A missing property meets no comparison but `!=` and `does not exist`.
    """

    name: str
    operator: Operator
    values: tuple[Value, ...] = ()

    @property
    def text(self) -> str:
        """The comparison as people write it."""
        return f"{self.name} {self.operator} {', '.join(_written(value) for value in self.values)}".strip()

    def document(self) -> dict[str, Any]:
        """The stored form."""
        return {"property": self.name, "operator": str(self.operator), "values": list(self.values)}


def from_document(stored: Mapping[str, Any]) -> Comparison:
    """The comparison of a stored form. Raises RealTimeRefused."""
    try:
        operator = Operator(str(stored["operator"]).lower())
    except (ValueError, KeyError):
        raise RealTimeRefused(
            "A condition has no known operator.", f"Use one of {', '.join(Operator)}.", field="conditions"
        ) from None
    return checked(
        Comparison(
            name=str(stored.get("property", "")), operator=operator, values=tuple(stored.get("values") or ())
        )
    )


def read(text: str) -> Comparison:
    """One line as people write it. Raises RealTimeRefused."""
    found = _LINE.fullmatch(text)
    if found is None:
        raise RealTimeRefused(
            f"The condition {text.strip()[:80]!r} cannot be read.", _HINT, field="conditions"
        )
    how = found["how"].lower()
    operator = Operator.EQUAL if how == "is" else Operator(how)
    given = found["value"]
    parts = re.split(r"\s*,\s*", given) if operator is Operator.IN else [given] if given else []
    return checked(Comparison(name=found["name"], operator=operator, values=tuple(map(typed, parts))))


def read_lines(text: str) -> tuple[Comparison, ...]:
    """A comparison per line; empty lines are left out. Raises RealTimeRefused."""
    return tuple(read(line) for line in text.splitlines() if line.strip())


def checked(one: Comparison) -> Comparison:
    """The comparison, if it is one. Raises RealTimeRefused."""
    if not _NAME.fullmatch(one.name):
        raise RealTimeRefused(f"{one.name[:80]!r} is no name of a property.", _HINT, field="conditions")
    wanted = range(0, 1) if one.operator in ALONE else range(1, 2)
    if one.operator is Operator.IN:
        wanted = range(1, MOST_VALUES + 1)
    if len(one.values) not in wanted:
        raise RealTimeRefused(f"The condition on {one.name} needs a value.", _HINT, field="conditions")
    for value in one.values:
        if not isinstance(value, str | int | float) or len(str(value)) > LONGEST or "\x00" in str(value):
            raise RealTimeRefused(
                f"The condition on {one.name} has a value that cannot be compared.", _HINT, field="conditions"
            )
    return one


def meets(properties: Mapping[str, Any], comparisons: tuple[Comparison, ...]) -> bool:
    """Whether an event's properties meet all comparisons."""
    return all(_holds(_found(properties, one.name), one) for one in comparisons)


def _found(properties: Mapping[str, Any], name: str) -> Any:
    if name in properties:
        return properties[name]
    here: Any = properties
    for part in name.split("."):
        here = here.get(part) if isinstance(here, Mapping) else None
    return here


def _holds(value: Any, one: Comparison) -> bool:
    if one.operator is Operator.EXISTS:
        return value is not None
    if one.operator is Operator.MISSING:
        return value is None
    if one.operator is Operator.NOT_EQUAL:
        return not _same(value, one.values[0])
    if one.operator in (Operator.EQUAL, Operator.IN):
        return any(_same(value, wanted) for wanted in one.values)
    if one.operator in _ORDERED:
        return _ordered(value, one.operator, one.values[0])
    text, wanted = str(value), str(one.values[0])
    if isinstance(value, str) or _number(value) is not None:
        return wanted in text if one.operator is Operator.CONTAINS else text.startswith(wanted)
    return isinstance(value, list) and one.operator is Operator.CONTAINS and one.values[0] in value


def _same(value: Any, wanted: Value) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    left, right = _number(value), _number(wanted)
    if left is not None and right is not None:
        return left == right
    return isinstance(value, str) and value == str(wanted)


def _ordered(value: Any, operator: Operator, wanted: Value) -> bool:
    left: Any
    right: Any
    left, right = _number(value), _number(wanted)
    if left is None or right is None:
        if not isinstance(value, str) or not isinstance(wanted, str) or right is not None:
            return False
        left, right = value, wanted
    if operator is Operator.LESS:
        return bool(left < right)
    if operator is Operator.AT_MOST:
        return bool(left <= right)
    return bool(left > right) if operator is Operator.MORE else bool(left >= right)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or len(str(value)) > 40:
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def typed(text: str) -> Value:
    """What a written value means: a number, true or false, else text; in quotes always text."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch(r"-?(0|[1-9]\d{0,14})", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d{1,15}\.\d{1,10}", text) else text


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and (typed(value) != value or value != value.strip() or "," in value):
        return f'"{value}"'
    return str(value)
