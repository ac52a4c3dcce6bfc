"""Where counted links lead: the tables of versions, kept in this process once read."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from django.db import close_old_connections, connection

from tandem.messenger.projects.service.targets import targets_of

MOST_VERSIONS = 2_000
_SAFE = ":/?#[]@!$&'()*+,;=%~-._"
_PLAIN = bytes(range(0x21, 0x7F)).translate(None, b'"<>\\^`{|}')


def as_header(address: str) -> bytes:
    """An address as it can stand in a header: nothing ends the line, nothing is left out."""
    raw = address.encode(errors="replace")
    return raw if not raw.translate(None, _PLAIN) else quote(raw, safe=_SAFE).encode()


def is_page(address: str) -> bool:
    """Whether it leads to the web."""
    return address[:8].lower().startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Table:
    """The links of a version as answers need them."""

    account_id: int
    links: tuple[tuple[bytes, bool] | None, ...]

    def target(self, number: int, more: str) -> bytes | None:
        """Where link `number` leads. more: what the message knows of its address; of other links it means nothing."""
        if not 0 < number <= len(self.links):
            return None
        found = self.links[number - 1]
        if found is None:
            return None
        fixed, goes_on = found
        return fixed + as_header(more) if goes_on else fixed


class Tables:
    """Tables by version; of very many the oldest are read again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Table | None] = OrderedDict()
        self._asked: dict[int, asyncio.Task[Table | None]] = {}

    def known(self, version_id: int) -> Table | None:
        """The table, if it was read before."""
        return self._kept.get(version_id)

    async def get(self, version_id: int) -> Table | None:
        """The table; None if there is no such version. Asked for many times at once it is read once."""
        if (found := self._kept.get(version_id)) is not None:
            return found
        if version_id not in self._asked:
            self._asked[version_id] = asyncio.create_task(self._read(version_id))
        return await asyncio.shield(self._asked[version_id])

    def account_of(self, version_id: int) -> int | None:
        """Whose version it is, for the thread that writes; read there, if it was not before."""
        found = self._kept.get(version_id) or self._load(version_id)
        return found.account_id if found else None

    async def _read(self, version_id: int) -> Table | None:
        try:
            return await asyncio.to_thread(_alone, self._load, version_id)
        finally:
            self._asked.pop(version_id, None)

    def _load(self, version_id: int) -> Table | None:
        found = targets_of(version_id)
        if found is None:
            return None
        links = tuple((as_header(fixed), more) if is_page(fixed) else None for fixed, more in found.links)
        table = Table(account_id=found.account_id, links=links)
        self._kept[version_id] = table
        while len(self._kept) > MOST_VERSIONS:
            self._kept.popitem(last=False)
        return table


def _alone(load: Callable[[int], Table | None], version_id: int) -> Table | None:
    """In a thread that may have nothing else to do for long: no connection stays behind."""
    close_old_connections()
    try:
        return load(version_id)
    finally:
        connection.close()
