"""Shapes of both contracts' answers, declared in a short notation, and what differs when an answer does not fit.

`[CustomerID:text TemplateID:id SendID:text? Value:text|null]` is an array of objects: `?` = the key may be missing,
`|null` = the value may be null; `{...}` is one object, `text` a JSON string, nothing at all an empty body. Inside, a
value may be `[...]` or `{...}` again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

ROWS_LOOKED_AT = 200


class Kind(StrEnum):
    """What a value is."""

    ID = "id"
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    TIME = "time"
    MS = "ms"
    FLAG = "flag"
    ANY = "any"
    LIST = "list"
    OBJECT = "object"


class Form(StrEnum):
    """What an answer is as a whole."""

    NOTHING = "an empty body"
    TEXT = "a string"
    OBJECT = "an object"
    ARRAY = "an array"


@dataclass(frozen=True, kw_only=True)
class Field:
    """A key of an answer's object."""

    name: str
    kind: Kind
    optional: bool = False
    nullable: bool = False
    inner: tuple["Field", ...] = ()


@dataclass(frozen=True, kw_only=True)
class Shape:
    """An answer."""

    form: Form
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Something that is not as the contract has it. key: the contract's name of the key, if one is meant."""

    path: str
    expected: str
    seen: str
    key: str = ""
    found_key: str = ""
    kind: Kind | None = None
    sample: Any = None

    @property
    def is_missing(self) -> bool:
        """Whether the key is not there under any name."""
        return self.seen == "missing"


_FIELD = re.compile(
    r"(?P<name>\w+):(?:\[(?P<rows>[^\]]*)\]|\{(?P<object>[^}]*)\}|(?P<kind>\w+))"
    r"(?P<null>\|null)?(?P<optional>\?)?(?:\s+|$)"
)
_WORDS = {
    Kind.ID: "a whole number",
    Kind.NUMBER: "a number",
    Kind.TEXT: "text",
    Kind.DATE: "a date as 2015-06-24",
    Kind.TIME: "a time as 2015-06-24 10:30:00",
    Kind.MS: "whole milliseconds since 1970",
    Kind.FLAG: "true or false",
    Kind.OBJECT: "an object",
    Kind.LIST: "an array",
    Kind.ANY: "any value",
}


def shape(notation: str) -> Shape:
    """Read the notation. ValueError if it is none."""
    text = notation.strip()
    if not text:
        return Shape(form=Form.NOTHING)
    if text == "text":
        return Shape(form=Form.TEXT)
    form = {"[": Form.ARRAY, "{": Form.OBJECT}[text[0]]
    return Shape(form=form, fields=tuple(_fields(text[1:-1])))


def _fields(text: str) -> Iterator[Field]:
    text, at = text.strip(), 0
    while at < len(text):
        found = _FIELD.match(text, at)
        if found is None:
            raise ValueError(f"not a field: {text[at:]}")
        rows, inside = found["rows"], found["object"]
        inner = rows if rows is not None else inside
        yield Field(
            name=found["name"],
            kind=Kind.LIST
            if rows is not None
            else Kind.OBJECT
            if inside is not None
            else Kind(found["kind"]),
            optional=bool(found["optional"]),
            nullable=bool(found["null"]),
            inner=tuple(_fields(inner)) if inner and ":" in inner else (),
        )
        at = found.end()


def differences(expected: Shape, document: Any) -> list[Difference]:
    """Where the document does not fit; each key once, at its first place. Case of keys is no difference."""
    if expected.form is Form.TEXT:
        return [] if isinstance(document, str) else [_whole(expected, document)]
    if expected.form is Form.OBJECT:
        if not isinstance(document, dict):
            return [_whole(expected, document)]
        return list(_object(expected.fields, document, "$"))
    if expected.form is Form.ARRAY:
        if not isinstance(document, list):
            return [_whole(expected, document)]
        return _array(expected.fields, document, "$")
    return []


def words_of(value: Any) -> str:
    """What a value is, without telling it."""
    if isinstance(value, dict):
        return f"an object with the keys {', '.join(map(str, value))}"[:200]
    if isinstance(value, list):
        return f"an array of {len(value)}"
    if isinstance(value, str):
        return "a whole number as text" if value.isdigit() else "text"
    return {bool: "true or false", int: "a whole number", float: "a number"}.get(type(value), "null")


def _whole(expected: Shape, document: Any) -> Difference:
    return Difference(path="$", expected=expected.form.value, seen=words_of(document), sample=document)


def _array(fields: tuple[Field, ...], rows: list[Any], path: str) -> list[Difference]:
    found: dict[tuple[str, str], Difference] = {}
    for number, row in enumerate(rows[:ROWS_LOOKED_AT]):
        here = f"{path}[{number}]"
        if not isinstance(row, dict):
            found.setdefault(("", ""), Difference(path=here, expected="an object", seen=words_of(row)))
            continue
        for one in _object(fields, row, here):
            found.setdefault((one.key, one.seen), one)
    return list(found.values())


def _object(fields: tuple[Field, ...], document: dict[str, Any], path: str) -> Iterator[Difference]:
    there = {str(key).lower(): (str(key), value) for key, value in document.items()}
    known = {field.name.lower() for field in fields}
    spare = {key: value for low, (key, value) in there.items() if low not in known}
    for field in fields:
        if field.name.lower() in there:
            key, value = there[field.name.lower()]
            yield from _value(field, value, f"{path}.{key}")
        elif not field.optional:
            other = _renamed(field, spare)
            spare.pop(other, None)
            yield Difference(
                path=f"{path}.{field.name}",
                expected=_WORDS[field.kind],
                seen=f"missing; perhaps it is {other}" if other else "missing",
                key=field.name,
                found_key=other,
                kind=field.kind,
            )
            if other:
                yield from _value(field, document[other], f"{path}.{other}")


def _value(field: Field, value: Any, path: str) -> Iterator[Difference]:
    if value is None and field.nullable:
        return
    if field.kind is Kind.LIST and isinstance(value, list):
        if field.inner:
            yield from _array(field.inner, value, path)
        return
    if field.kind is Kind.OBJECT and isinstance(value, dict):
        yield from _object(field.inner, value, path)
        return
    if not fits(field.kind, value):
        yield Difference(
            path=path,
            expected=_WORDS[field.kind],
            seen=_seen(field.kind, value),
            key=field.name,
            kind=field.kind,
            sample=value,
        )


def fits(kind: Kind, value: Any) -> bool:
    """Whether a value is exactly as the contract has it."""
    match kind:
        case Kind.ID | Kind.MS:
            return isinstance(value, int) and not isinstance(value, bool)
        case Kind.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Kind.TEXT:
            return isinstance(value, str)
        case Kind.DATE:
            return isinstance(value, str) and _reads(value, "%Y-%m-%d")
        case Kind.TIME:
            return isinstance(value, str) and _reads(value, "%Y-%m-%d %H:%M:%S")
        case Kind.FLAG:
            return isinstance(value, bool)
        case Kind.LIST:
            return isinstance(value, list)
        case Kind.OBJECT:
            return isinstance(value, dict)
    return True


def _seen(kind: Kind, value: Any) -> str:
    if kind in (Kind.DATE, Kind.TIME, Kind.MS) and isinstance(value, str | int | float):
        return f"another form: {mask(value)}"
    return words_of(value)


def mask(value: Any) -> str:
    """A value with its digits and letters taken out, so that only its form is told."""
    return re.sub(r"[A-SU-Ya-z]", "x", re.sub(r"\d", "9", str(value)[:40]))


def _reads(text: str, form: str) -> bool:
    try:
        return datetime.strptime(text, form) is not None  # noqa: DTZ007 - only the form is looked at
    except ValueError:
        return False


def _renamed(field: Field, spare: dict[str, Any]) -> str:
    """The unknown key that most likely is the field under another name; empty if none is likely."""
    scored = sorted(
        ((_alike(field.name, key), key) for key, value in spare.items() if _may_be(field, value)),
        reverse=True,
    )
    only = len(scored) == 1 and len(spare) == 1
    return scored[0][1] if scored and (only or scored[0][0] >= 0.34) else ""


def _may_be(field: Field, value: Any) -> bool:
    if field.kind in (Kind.LIST, Kind.OBJECT):
        return isinstance(value, list if field.kind is Kind.LIST else dict)
    if field.kind in (Kind.ID, Kind.NUMBER):
        return isinstance(value, int | float) or (isinstance(value, str) and value.isdigit())
    return not isinstance(value, dict | list)


def _alike(name: str, other: str) -> float:
    """How alike two names are, by the words in them: 0 to 1."""
    mine, theirs = _parts(name), _parts(other)
    pairs = [
        max((_same_start(one, two) for two in theirs), default=0.0) for one in mine
    ]  # a word counts as far as it begins alike
    return sum(pairs) / max(len(mine), len(theirs), 1)


def _parts(name: str) -> list[str]:
    split = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name) or [name]
    return [part.lower() for part in split]


def _same_start(one: str, two: str) -> float:
    alike = 0
    for left, right in zip(one, two, strict=False):
        if left != right:
            break
        alike += 1
    return alike / max(len(one), len(two)) if alike > 1 or one == two else 0.0
