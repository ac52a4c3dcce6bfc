"""Rows of frozen lists as an answer: JSON made piece by piece, so that memory stays flat however long the list is."""

from collections.abc import Callable, Sequence
from io import SEEK_END, BytesIO
from typing import Any

import orjson

from tandem.planner.api.attributes import Attributes
from tandem.planner.api.call import Call
from tandem.planner.execution import service as execution
from tandem.planner.execution.domain import FrozenList, ListedRow, Who

Describe = Callable[[FrozenList], Callable[[ListedRow], dict[str, Any]]]


class Page:
    """The page of an answer: its JSON, and how many rows it has."""

    def __init__(self) -> None:
        """An empty one."""
        self._array = BytesIO(b"[]")
        self.rows = 0

    def add(self, documents: list[dict[str, Any]]) -> None:
        """Add rows at its end."""
        if documents:
            self._array.seek(-1, SEEK_END)
            self._array.write(b"," if self.rows else b"")
            self._array.write(memoryview(orjson.dumps(documents))[1:])
            self.rows += len(documents)

    @property
    def json(self) -> bytes:
        """The array; no second copy of it is made."""
        return self._array.getvalue()


def listing(
    call: Call, lists: Sequence[FrozenList], who: Who, describe: Describe, *, attributes: bool = False
) -> Page:
    """The page of the call over these lists laid end to end; `describe` makes what turns a row into its document."""
    asked = Attributes(call) if attributes else None
    page = Page()
    for found, rows in execution.pages(call.account_id, lists, who, call.skip, call.top):
        document = describe(found)
        documents = [document(row) for row in rows]
        if asked:
            asked.add(documents, [row.surrogate for row in rows])
        page.add(documents)
    return page
