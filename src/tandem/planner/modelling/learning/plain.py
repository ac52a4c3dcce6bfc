"""Plain JSON objects read back into frozen dataclasses, by their annotations."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def read(kind: type[T], stored: Any) -> T:
    """A dataclass of this kind; fields that are not stored keep their default."""
    hints = get_type_hints(kind)
    known = [one.name for one in fields(kind) if one.name in stored]  # type: ignore[arg-type]
    return kind(**{name: _value(hints[name], stored[name]) for name in known})


def _value(hint: Any, stored: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return None if stored is None else _value(inner[0], stored)
    if origin is tuple:
        parts = inner[:1] * len(stored) if inner[-1] is Ellipsis else inner
        return tuple(_value(part, one) for part, one in zip(parts, stored, strict=True))
    if origin is Mapping or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return dict(stored)
    if isinstance(hint, type):
        return _simple(hint, stored)
    return stored


def _simple(hint: type, stored: Any) -> Any:
    if is_dataclass(hint):
        return read(hint, stored)
    if issubclass(hint, date):
        return stored if isinstance(stored, date) else date.fromisoformat(stored)
    return hint(stored) if issubclass(hint, Enum) else stored
