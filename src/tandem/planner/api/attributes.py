"""Customer attributes beside the rows of an answer: an array in `current`, one joined string in `vN.N`."""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from tandem.contract.reading import ContractBroken
from tandem.planner.api.call import Call
from tandem.planner.customers import service as customers

_DELIMITERS = frozenset(":/?&#%$+=")
_MOST = 100


class Attributes:
    """What a call asks for, checked. Raises ContractBroken."""

    def __init__(self, call: Call) -> None:
        """Reads the names and the delimiter."""
        self._call = call
        asked = call.query.get("customerattributes") or call.query.get("customerattribute") or ""
        self.names = [name.strip() for name in re.split("[;,]", asked) if name.strip()]
        self._delimiter = call.query.get("customerattributesdelimiter") or ","
        if self.names and (len(self._delimiter) != 1 or self._delimiter in _DELIMITERS):
            raise ContractBroken("Invalid CustomerAttributesDelimiter")
        if len(self.names) > _MOST or "\x00" in asked:
            raise ContractBroken("Invalid CustomerAttributes")

    def add(self, rows: Sequence[dict[str, Any]], surrogates: Sequence[int]) -> None:
        """Put the values into rows of customers known by their surrogates; every row gets the key."""
        if self.names:
            values = self._reader.of(surrogates)
            self._put(rows, map(values.get, surrogates))

    def add_by_id(self, rows: Sequence[dict[str, Any]]) -> None:
        """Put the values into rows by their CustomerID; every row gets the key."""
        if self.names:
            ids = [row["CustomerID"] for row in rows]
            values = customers.attributes_for(self._call.account_id, ids, self.names)
            self._put(rows, map(values.get, ids))

    @cached_property
    def _reader(self) -> customers.AttributeReader:
        return customers.AttributeReader(self._call.account_id, self.names)

    def _put(self, rows: Sequence[dict[str, Any]], found: Iterable[Sequence[str | None] | None]) -> None:
        none = [None] * len(self.names)
        pairs = zip(rows, found, strict=True)
        if self._call.is_current:
            for row, values in pairs:
                row["CustomerAttributes"] = values or none
        else:
            for row, values in pairs:
                row["CustomerAttribute"] = self._delimiter.join(value or "" for value in values or none)


def add_attributes(call: Call, rows: list[dict[str, Any]]) -> None:
    """The values in the order asked, under a key that every row gets. Raises ContractBroken."""
    Attributes(call).add_by_id(rows)
