"""Rows of what changed between two days, as every function of changers answers them."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from tandem.contract.reading import ContractBroken
from tandem.planner.api.call import Call
from tandem.planner.customers import service as customers

NONE = -1
WITH_ATTRIBUTES: dict[str, Any] = {"pages_itself": True, "attributes": True}


def days(call: Call) -> tuple[date, date]:
    """The first and the last day asked for. Raises ContractBroken if they are the wrong way round."""
    start, end = call["StartDate"], call["EndDate"]
    if start is not None and end is not None and end < start:
        raise ContractBroken("Invalid EndDate: it is before StartDate")
    return start, end


def changers(call: Call, column: str, key: str) -> list[dict[str, Any]]:
    """A page of a column's changes as ids, -1 = none."""
    start, end = days(call)
    found = customers.changes(call.account_id, column, start=start, end=end, skip=call.skip, top=call.top)
    return as_ids(found, key)


def as_ids(found: Iterable[customers.Change], key: str) -> list[dict[str, Any]]:
    """Changes of ids, -1 = none."""
    return [
        {
            "CustomerID": one.customer_id,
            f"Initial{key}": NONE if one.before is None else one.before,
            f"Final{key}": NONE if one.after is None else one.after,
        }
        for one in found
    ]
