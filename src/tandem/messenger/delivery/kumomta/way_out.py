"""Requests side by side that pull blocks from the sender's feed."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tandem.kit.failpoints import failpoint
from tandem.messenger.delivery.domain import Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.kumomta import wire
from tandem.messenger.delivery.kumomta.injector import Injector, Kumo
from tandem.messenger.delivery.providers.base import Feed
from tandem.messenger.delivery.smtp.envelope import Unfit, unfit

CLOSING_SECONDS = 10.0


class KumoWay:
    """See `providers.base.WayOut`. A lost answer makes a block uncertain: in flight are requests x block."""

    def __init__(self, kumo: Kumo) -> None:
        self.in_flight = kumo.requests * kumo.block
        self._kumo, self._injector = kumo, Injector(kumo)
        self._threads = ThreadPoolExecutor(kumo.requests, thread_name_prefix="kumomta")
        self._more: asyncio.Event | None = None
        self._workers: list[asyncio.Task[None]] = []
        self._is_closing = False

    async def run(self, feed: Feed) -> None:
        """Work until `close`; what the feed raises comes out here."""
        self._more = asyncio.Event()
        self._more.set()
        try:
            async with asyncio.TaskGroup() as group:
                self._workers = [group.create_task(self._work(feed)) for _ in range(self._kumo.requests)]
        except* OSError as several:
            raise several.exceptions[0] from several
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._injector.close()

    def wake(self) -> None:
        """The feed has messages again."""
        if self._more is not None:
            self._more.set()

    async def close(self) -> None:
        """Take nothing more, hear what is owed for a while, end."""
        self._is_closing = True
        self.wake()
        if self._workers:
            _, open_ = await asyncio.wait(self._workers, timeout=CLOSING_SECONDS)
            for worker in open_:
                worker.cancel()
        else:
            self._threads.shutdown(wait=False)
            self._injector.close()

    async def _work(self, feed: Feed) -> None:
        assert self._more is not None  # noqa: S101
        while not self._is_closing:
            block = self._taken(feed)
            for group in wire.grouped(block):
                await self._post(feed, group)
            if not block:
                self._more.clear()
                await self._more.wait()
        self._more.set()

    def _taken(self, feed: Feed) -> list[Message]:
        block: list[Message] = []
        while len(block) < self._kumo.block and (message := feed.take()) is not None:
            try:
                wire.check(message)
            except Unfit as error:
                feed.outcome(message, unfit(error))
                continue
            block.append(message)
        return block

    async def _post(self, feed: Feed, group: Sequence[Message]) -> None:
        leaving = []
        for message in group:
            if self._is_closing or not feed.may_leave(message):
                feed.release(message)
            else:
                leaving.append(message)
        if not leaving:
            return
        try:
            for message in leaving:
                feed.intent(message)
        except OSError:
            for message in leaving:
                feed.release(message)
            raise
        await self._answered(feed, leaving)

    async def _answered(self, feed: Feed, leaving: Sequence[Message]) -> None:
        failpoint("m13")
        loop = asyncio.get_running_loop()
        told: list[Outcome] = wire.unanswered(leaving, "this sender stopped")
        stopped: OutboundStopped | None = None
        try:
            told, is_closed = await loop.run_in_executor(self._threads, self._injector.post, leaving)
            if is_closed:
                stopped = OutboundStopped(
                    f"KumoMTA at {self._kumo.url} does not take messages: {told[0].detail}.",
                    "Check its address, user and password, and its load.",
                )
        except OutboundStopped as error:
            stopped, told = error, []
        finally:
            for message, outcome in zip(leaving, told, strict=False):
                feed.outcome(message, outcome)
            for message in leaving[len(told) :]:
                feed.release(message)
        if stopped is not None:
            feed.down(stopped)
