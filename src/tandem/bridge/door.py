"""The bridge's HTTP door: `POST /listener/<secret>` and `GET /health`. Nothing else, and no pages."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from tandem.bridge import listen
from tandem.bridge.joined import Joined
from tandem.bridge.state import State

log = logging.getLogger("tandem.bridge")
MOST_BODY = 64 * 1024
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Door:
    """An ASGI application. alive: whether the work goes on, and words for each pair that needs attention."""

    def __init__(
        self, state: State, pairs: Mapping[str, Joined], alive: Callable[[], tuple[bool, dict[str, str]]]
    ) -> None:
        self._state, self._pairs, self._alive = state, pairs, alive

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        if path == "/health" and method in ("GET", "HEAD"):
            alive, attention = await asyncio.to_thread(self._alive)
            document = {"status": "ok" if alive and not attention else "attention", "pairs": attention}
            await _answer(send, 200 if alive else 503, document)
        elif path.startswith(listen.PATH) and method == "POST":
            await self._event(path.removeprefix(listen.PATH), receive, send)
        else:
            await _answer(send, 404, {"error": "There is nothing at this address."})

    async def _event(self, secret: str, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if body is None:
            await _answer(send, 413, {"error": "The event is too large."})
            return
        try:
            status, words = await asyncio.to_thread(self._kept, secret, body)
        except Exception:  # the planner tries again; the cause is in the log
            log.exception("bridge.event.failed")
            status, words = 500, "The event could not be kept."
        await _answer(send, status, {"message": words} if status == 200 else {"error": words})

    def _kept(self, secret: str, body: bytes) -> tuple[int, str]:
        found = next(iter(self._pairs.values()))
        name = listen.pair_of(self._state, secret, found.now()) if len(secret) <= 200 else None
        joined = self._pairs.get(name or "")
        return (404, "There is nothing at this address.") if joined is None else listen.receive(joined, body)


async def _body(receive: Receive) -> bytes | None:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BODY:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


async def _answer(send: Send, status: int, document: object) -> None:
    body = orjson.dumps(document)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
