"""Tolerant reading of what the other side sent: case of keys ignored, numbers as text accepted."""

from typing import Any

LARGEST_ID = 2**63 - 1


class ContractBroken(ValueError):
    """What was sent does not have the shape of the contract; the text says where."""


def folded(document: object, what: str) -> dict[str, Any]:
    """The object with lower-case keys. Raises ContractBroken if it is no object or a key stands twice."""
    if not isinstance(document, dict):
        raise ContractBroken(f"The {what} is not an object.")
    fields = {str(key).lower(): value for key, value in document.items()}
    if len(fields) != len(document):
        raise ContractBroken(f"The {what} has a key twice.")
    return fields


def items(document: object, what: str) -> list[Any]:
    """The array. Raises ContractBroken if it is none."""
    if not isinstance(document, list):
        raise ContractBroken(f"The {what} is not an array.")
    return document


def whole_number(value: object, what: str) -> int:
    """An integer >= 0 that came as number or text. Raises ContractBroken."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_ID:
        raise ContractBroken(f"{what} is not a whole number.")
    return value


def optional_number(value: object, what: str) -> int | None:
    """The same, or None for null and empty text."""
    return None if value is None or value == "" else whole_number(value, what)


def plain_text(value: object, what: str) -> str:
    """Text without NUL; a number becomes text. Raises ContractBroken."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or "\x00" in value:
        raise ContractBroken(f"{what} is not text.")
    return value


def yes_or_no(value: object) -> bool:
    """A boolean that came as one or as text."""
    return value if isinstance(value, bool) else str(value).strip().lower() in ("true", "1", "yes")
