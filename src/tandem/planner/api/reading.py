"""Reads the parameters and the body of a call as its function declares them; what is not declared is ignored."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from tandem.contract.planner_api import read_date
from tandem.contract.reading import ContractBroken, folded, items, plain_text, whole_number, yes_or_no
from tandem.planner.api.function import Body, Kind, Param


def read_query(params: tuple[Param, ...], query: Mapping[str, str]) -> dict[str, Any]:
    """Declared parameters by lower-case name, None where not given. Raises ContractBroken."""
    return {param.name.lower(): _read(param, _given(param, query)) for param in params}


def read_body(body: Body, document: object) -> tuple[dict[str, Any], ...]:
    """The objects of a body, keys in lower case; an object body is the only one. Raises ContractBroken."""
    if document is None:
        raise ContractBroken("Missing body")
    found = items(document, "body") if body.is_array else [document]
    if len(found) > body.most:
        raise ContractBroken(f"More than {body.most} items")
    what = "item" if body.is_array else "body"
    return tuple(_fields(body.fields, folded(one, what)) for one in found)


def _fields(params: tuple[Param, ...], fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {param.name.lower(): _read(param, _given(param, fields)) for param in params}


def _given(param: Param, found: Mapping[str, Any]) -> Any:
    names = (param.name, *param.spellings)
    return next((found[name.lower()] for name in names if found.get(name.lower()) is not None), None)


def _read(param: Param, value: Any) -> Any:
    if value is None or (isinstance(value, str) and not value.strip()):
        if param.required:
            raise ContractBroken(f"Missing {param.name}")
        return None
    if param.of is not None:
        return read_body(param.of, value)
    if param.kind is Kind.IDS:
        return _ids(value, param)
    return _READERS[param.kind](value, param.name)


def _ids(value: Any, param: Param) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ContractBroken(f"Invalid {param.name}")
    if len(value) > param.most:
        raise ContractBroken(f"More than {param.most} {param.name}")
    return tuple(_text(one, param.name) for one in value)


def _number(value: Any, name: str) -> int:
    try:
        return whole_number(value.strip() if isinstance(value, str) else value, name)
    except ContractBroken as error:
        raise ContractBroken(f"Invalid {name}") from error


def _text(value: Any, name: str) -> str:
    try:
        return plain_text(value, name)
    except ContractBroken as error:
        raise ContractBroken(f"Invalid {name}") from error


def _date(value: Any, name: str) -> date:
    try:
        return read_date(value)
    except ContractBroken as error:
        raise ContractBroken(f"Invalid {name}: write it as YYYY-MM-DD") from error


def _number_or_guid(value: Any, name: str) -> int | str:
    try:
        return str(UUID(value)) if isinstance(value, str) and len(value) >= 32 else _number(value, name)
    except ValueError as error:
        raise ContractBroken(f"Invalid {name}") from error


_READERS = {
    Kind.NUMBER_OR_GUID: _number_or_guid,
    Kind.NUMBER: _number,
    Kind.TEXT: _text,
    Kind.DATE: _date,
    Kind.FLAG: lambda value, _: yes_or_no(value),
    Kind.ANY: lambda value, _: value,
}
