"""Customer attributes beside the rows of an answer: an array in `current`, one joined string in `vN.N`."""

import re
from typing import Any

from tandem.contract.reading import ContractBroken
from tandem.planner.api.call import Call
from tandem.planner.customers import service as customers

_DELIMITERS = frozenset(":/?&#%$+=")
_MOST = 40


def add_attributes(call: Call, rows: list[dict[str, Any]]) -> None:
    """The values in the order asked, under a key that every row gets. Raises ContractBroken."""
    asked = call.query.get("customerattributes") or call.query.get("customerattribute") or ""
    names = [name.strip() for name in re.split("[;,]", asked) if name.strip()]
    if not names:
        return
    delimiter = call.query.get("customerattributesdelimiter") or ","
    if len(delimiter) != 1 or delimiter in _DELIMITERS:
        raise ContractBroken("Invalid CustomerAttributesDelimiter")
    if len(names) > _MOST or "\x00" in asked:
        raise ContractBroken("Invalid CustomerAttributes")
    values = customers.attributes_for(call.account_id, [row["CustomerID"] for row in rows], names)
    nothing: list[str | None] = [None] * len(names)
    for row in rows:
        found = values.get(row["CustomerID"], nothing)
        if call.is_current:
            row["CustomerAttributes"] = found
        else:
            row["CustomerAttribute"] = delimiter.join(value or "" for value in found)
