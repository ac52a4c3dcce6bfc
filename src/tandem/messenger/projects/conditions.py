"""What `print` and `compare` ask of a value."""

import re
from collections.abc import Callable
from decimal import Decimal

#: as written -> as stored; editors that write HTML escape the signs
OPERATORS = {
    "=": "=", "==": "=", "!=": "!=", ">": ">", "<": "<", ">=": ">=", "<=": "<=",
    "&gt;": ">", "&lt;": "<", "&gt;=": ">=", "&lt;=": "<=",
}  # fmt: skip
HAS = "has"
_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,12})?", re.ASCII)
_ORDERS: dict[str, Callable[[int], bool]] = {
    ">": lambda order: order > 0,
    "<": lambda order: order < 0,
    ">=": lambda order: order >= 0,
    "<=": lambda order: order <= 0,
}


def condition(operator: str, operand: str) -> Callable[[str], bool]:
    """A test of a value. Numeric when both sides are numbers; an order never holds between a number and words."""
    if operator == HAS:
        return bool
    wanted, number = operand.strip(), as_number(operand)
    if operator in ("=", "!="):
        return lambda value: _is_equal(value, wanted, number) == (operator == "=")
    holds = _ORDERS[operator]
    if number is not None:
        return lambda value: (found := as_number(value)) is not None and holds(_order(found, number))
    return lambda value: _is_words(value) and holds(_order(value.strip(), wanted))


def as_number(text: str) -> Decimal | None:
    """The number a text is, or None."""
    text = text.strip()
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _is_equal(value: str, wanted: str, number: Decimal | None) -> bool:
    found = as_number(value) if number is not None else None
    return found == number if found is not None else value.strip() == wanted


def _is_words(value: str) -> bool:
    return bool(value.strip()) and as_number(value) is None


def _order(left: Decimal | str, right: Decimal | str) -> int:
    return (left > right) - (left < right)  # type: ignore[operator]
