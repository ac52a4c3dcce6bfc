"""The two addresses that every message asks for, its picture and its links, answered without the database."""

import base64
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from django.db import Error

from tandem.messenger.delivery import tokens
from tandem.messenger.tracking import answers
from tandem.messenger.tracking.buffer import Buffer, Hit
from tandem.messenger.tracking.links import Tables, as_header, is_page

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LONGEST_QUERY = 8_000
#: one transparent point
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_COMMON = [
    (b"cache-control", b"no-store, private, max-age=0"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-robots-tag", b"noindex"),
]
_PICTURE = {
    "type": "http.response.start",
    "status": 200,
    "headers": [*_COMMON, (b"content-type", b"image/gif"), (b"content-length", str(len(GIF)).encode())],
}
_GIF_BODY = {"type": "http.response.body", "body": GIF}
_NO_BODY = {"type": "http.response.body", "body": b""}
_EMPTY = [*_COMMON, (b"content-length", b"0")]
_HIDDEN = {"type": "http.response.start", "status": 204, "headers": _COMMON}


class Counter:
    """Answers /o/<token>.gif and /c/<token>/<link>; everything else is the pages'."""

    def __init__(self, pages: Any, buffer: Buffer, tables: Tables, keys: Sequence[str]) -> None:
        self._pages = pages
        self._buffer = buffer
        self._tables = tables
        self._keys = tuple(keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the process."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope.get("path", "")
        begin = path[:3]
        if begin not in ("/o/", "/c/") or scope["type"] != "http":
            await self._pages(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            await send(
                {"type": "http.response.start", "status": 405, "headers": [*_EMPTY, (b"allow", b"GET, HEAD")]}
            )
            await send(_NO_BODY)
        elif begin == "/o/":
            await self._picture(scope, path, send)
        else:
            await self._link(scope, path, receive, send)

    async def _picture(self, scope: Scope, path: str, send: Send) -> None:
        named = self._read(path[3:-4]) if path.endswith(".gif") else None
        if named is None:
            await self._nothing(scope, send)
            return
        self._buffer.add(_hit(scope, named, None, b""))
        await send(_PICTURE)
        await send(_GIF_BODY if scope["method"] == "GET" else _NO_BODY)

    async def _link(self, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        token, what = path[3:35], path[36:]
        named = self._read(token) if path[35:36] == "/" else None
        if named is None or len(scope["query_string"]) > LONGEST_QUERY:
            await self._nothing(scope, send)
            return
        try:
            number, target = await self._target(named, token, what, scope["query_string"])
        except Error:
            await answers.plain_page(503, "Please try again", "Please try again in a minute.")(
                scope, receive, send
            )
            return
        if number is None:
            await self._nothing(scope, send)
            return
        self._buffer.add(_hit(scope, named, number, target or b""))
        if target is None:
            await send(_HIDDEN)
        else:
            headers = [*_EMPTY, (b"location", target)]
            await send({"type": "http.response.start", "status": 302, "headers": headers})
        await send(_NO_BODY)

    async def _target(
        self, named: tuple[int, int], token: str, what: str, query: bytes
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

    def _signed(self, token: str, query: bytes) -> tuple[int | None, bytes | None]:
        """A link with values: its address counts for this message only, and only as it was made."""
        try:
            asked = parse_qs(query.decode("ascii"), strict_parsing=True, max_num_fields=10)
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

    async def _nothing(self, scope: Scope, send: Send) -> None:
        page = answers.plain_page(404, "Not found", "There is nothing at this address.")
        await page(scope, _never, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._buffer.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                self._buffer.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _never() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}


def _hit(scope: Scope, named: tuple[int, int], link: int | None, target: bytes) -> Hit:
    agent = forwarded = b""
    for name, value in scope["headers"]:
        if name == b"user-agent":
            agent = value
        elif name == b"x-forwarded-for":
            forwarded = value
    client = scope.get("client")
    return Hit(
        *named, link, target, time.time(), scope["method"], client[0] if client else "", forwarded, agent
    )
