"""The same client for whoever waits for one answer: test messages."""

import asyncio
from collections import deque
from dataclasses import replace
from typing import Any

from tandem.messenger.delivery.domain import SUB_BLOCK_ROWS, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.providers.base import BeforeContent
from tandem.messenger.delivery.smtp.relay import Relay
from tandem.messenger.delivery.smtp.way_out import WayOut


class SmtpProvider:
    """One connection, made when it is needed, kept between messages; blocks until the relay answers."""

    idempotent = False
    rows_in_hand = SUB_BLOCK_ROWS
    holds_after_settle = False

    def __init__(self, relay: Relay) -> None:
        self._way, self._desk = WayOut(replace(relay, connections=1)), _Desk()
        self._runner = asyncio.Runner()
        self._running: asyncio.Task[None] | None = None

    def send(self, message: Message, before_content: BeforeContent) -> Outcome | None:
        """Hand one message over; see `providers.base.Provider`."""
        return self._runner.run(self._send(message, before_content))

    def settle(self) -> None:
        """The relay answers for what it accepted."""

    def arrived(self, message: Message) -> bool | None:
        """SMTP cannot tell (RFC 1047)."""
        return None

    def close(self) -> None:
        """Say QUIT, without waiting long."""
        if self._running is not None:
            self._runner.run(self._way.close())
        self._runner.close()

    async def _send(self, message: Message, before_content: BeforeContent) -> Outcome | None:
        if self._running is None:
            self._running = asyncio.create_task(self._way.run(self._desk))
            await asyncio.sleep(0)
        answer = self._desk.put(message, before_content)
        self._way.wake()
        either: set[asyncio.Future[Any]] = {answer, self._running}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            await self._running
        return await answer


class _Desk:
    """A feed of one message at a time."""

    def __init__(self) -> None:
        self._waiting: deque[Message] = deque()
        self._answer: asyncio.Future[Outcome | None] | None = None
        self._before_content: BeforeContent = lambda: True

    def put(self, message: Message, before_content: BeforeContent) -> "asyncio.Future[Outcome | None]":
        """Lay a message on the desk; its outcome comes later."""
        self._before_content = before_content
        self._waiting.append(message)
        self._answer = asyncio.get_running_loop().create_future()
        return self._answer

    def take(self) -> Message | None:
        return self._waiting.popleft() if self._waiting else None

    def may_leave(self, message: Message) -> bool:
        if self._before_content():
            return True
        self._set(None)
        return False

    def intent(self, message: Message) -> None:
        """Asked for together with `may_leave`."""

    def outcome(self, message: Message, outcome: Outcome) -> None:
        self._set(outcome)

    def release(self, message: Message) -> None:
        if self._answer is not None and not self._answer.done():
            self._waiting.append(message)

    def down(self, stopped: OutboundStopped) -> None:
        self._waiting.clear()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(stopped)

    def _set(self, outcome: Outcome | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(outcome)
