"""The two addresses that every message asks for, its picture and its links, answered without the database.

An RSGI application, because that costs half of what ASGI does; everything else is handed to the pages.
"""

import base64
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from django.db import Error

from tandem.messenger.delivery import tokens
from tandem.messenger.projects.shortening import NUMBERS, SIGNS
from tandem.messenger.tracking import answers, handing
from tandem.messenger.tracking.buffer import Buffer, Hit
from tandem.messenger.tracking.links import Tables, as_header, is_page

LONGEST_QUERY = 8_000
#: one transparent point
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_COMMON = [
    ("cache-control", "no-store, private, max-age=0"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex"),
]
_PICTURE = [*_COMMON, ("content-type", "image/gif"), ("content-length", str(len(GIF)))]
_NOT_ALLOWED = [*_COMMON, ("allow", "GET, HEAD")]


class Counter:
    """Answers /o/<token>.gif, /c/<token>/<link> and, of SMS, /s/<token and link>."""

    def __init__(self, pages: Any, buffer: Buffer, tables: Tables, keys: Sequence[str]) -> None:
        self._pages = pages
        self._buffer = buffer
        self._tables = tables
        self._keys = tuple(keys)

    def __rsgi_init__(self, loop: Any) -> None:
        """The process begins to serve."""
        self._buffer.start()

    def __rsgi_del__(self, loop: Any) -> None:
        """It ends: what is held is written."""
        self._buffer.stop()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """One request."""
        path: str = scope.path
        begin = path[:3]
        if begin not in ("/o/", "/c/", "/s/"):
            await handing.hand_over(self._pages, scope, protocol)
        elif scope.method not in ("GET", "HEAD"):
            protocol.response_empty(405, _NOT_ALLOWED)
        elif begin == "/o/":
            self._picture(scope, path, protocol)
        elif begin == "/s/":
            await self._short(scope, path[3:], protocol)
        else:
            await self._link(scope, path, protocol)

    def _picture(self, scope: Any, path: str, protocol: Any) -> None:
        named = self._read(path[3:-4]) if path.endswith(".gif") else None
        if named is None:
            _nothing(protocol)
            return
        self._buffer.add(_hit(scope, named, None, b""))
        if scope.method == "GET":
            protocol.response_bytes(200, _PICTURE, GIF)
        else:
            protocol.response_empty(200, _PICTURE)

    async def _link(self, scope: Any, path: str, protocol: Any) -> None:
        token, what = path[3:35], path[36:]
        named = self._read(token) if path[35:36] == "/" else None
        await self._lead(scope, named, token, what, protocol)

    async def _short(self, scope: Any, said: str, protocol: Any) -> None:
        """A link of an SMS."""
        found = (tokens.find_short(key, said) for key in self._keys) if len(said) == SIGNS + 1 else ()
        version, attempt, sign = next(filter(None, found), (0, 0, ""))
        named = (version, attempt) if sign else None
        number = NUMBERS.find(sign) + 1 if sign else 0
        await self._lead(scope, named, "", str(number) if number else "", protocol)

    async def _lead(
        self, scope: Any, named: tuple[int, int] | None, token: str, what: str, protocol: Any
    ) -> None:
        query: str = scope.query_string
        if named is None or len(query) > LONGEST_QUERY:
            _nothing(protocol)
            return
        try:
            number, target = await self._target(named, token, what, query)
        except Error:
            _page(protocol, 503, "Please try again", "Please try again in a minute.")
            return
        if number is None:
            _nothing(protocol)
            return
        self._buffer.add(_hit(scope, named, number, target or b""))
        if target is None:
            protocol.response_empty(204, _COMMON)
        else:
            protocol.response_empty(302, [*_COMMON, ("location", target.decode())])

    async def _target(
        self, named: tuple[int, int], token: str, what: str, query: str
    ) -> tuple[int | None, bytes | None]:
        """The number of the link and where it leads; no number: there is no such link; no target: the hidden one."""
        if what == "d":
            return self._signed(token, query)
        if not (what.isascii() and what.isdecimal() and len(what) < 5):
            return None, None
        if not (number := int(what)):
            return 0, None
        version_id = named[0]
        table = self._tables.known(version_id) or await self._tables.get(version_id)
        target = table.target(number, query) if table else None
        return (number, target) if target else (None, None)

    def _signed(self, token: str, query: str) -> tuple[int | None, bytes | None]:
        """A link with values: its address counts for this message only, and only as it was made."""
        try:
            asked = parse_qs(query, strict_parsing=True, max_num_fields=10)
            number, address, signature = int(asked["k"][0]), asked["u"][0], asked["s"][0]
        except (ValueError, KeyError):
            return None, None
        right = any(tokens.is_signed(key, token, number, address, signature) for key in self._keys)
        return (number, as_header(address)) if right and is_page(address) else (None, None)

    def _read(self, token: str) -> tuple[int, int] | None:
        """(version, message) of a token, whichever of the keys made it."""
        for key in self._keys:
            if (named := tokens.find(key, tokens.TRACK, token)) is not None:
                return named
        return None


def _nothing(protocol: Any) -> None:
    _page(protocol, 404, "Not found", "There is nothing at this address.")


def _page(protocol: Any, status: int, title: str, words: str) -> None:
    page = answers.plain_page(status, title, words)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in page.raw_headers]
    protocol.response_bytes(status, headers, bytes(page.body))


def _hit(scope: Any, named: tuple[int, int], link: int | None, target: bytes) -> Hit:
    headers = scope.headers
    return Hit(
        *named,
        link,
        target,
        time.time(),
        scope.method,
        scope.client.rpartition(":")[0],
        headers.get("x-forwarded-for") or "",
        headers.get("user-agent") or "",
    )
