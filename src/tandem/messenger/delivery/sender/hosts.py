"""Keep ways out at work: those that wait on one event loop in a thread of its own, those that block each in a thread.

`pump` does a piece of the same work on the caller's thread: for tests, and for whoever sends once.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, cast

from django.db import DatabaseError, InterfaceError

from tandem.messenger.delivery.domain import AttemptState, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.providers.base import Feed, HandOver, Provider, WayOut
from tandem.messenger.delivery.sender.feed import ChannelFeed

log = logging.getLogger("tandem.sender")
CLOSE_SECONDS = 15.0
PUMP_SECONDS = 0.001


class Host(Protocol):
    """One way out and whoever keeps it at work."""

    #: what ended it before it was closed
    error: BaseException | None

    def start(self) -> None:
        """Begin, in another thread."""

    def pump(self) -> bool:
        """A piece of work on this thread; whether there was any."""

    def close(self) -> None:
        """Take nothing more, end what was begun."""


def host_for(way: WayOut | HandOver | Provider, feed: ChannelFeed, loop: "Loop") -> Host:
    """The host that fits the kind of way out."""
    if hasattr(way, "run"):
        return Waiting(cast("WayOut", way), feed, loop)
    if hasattr(way, "hand_over"):
        window = Window(cast("HandOver", way))
        feed.window = window.in_flight
        return Waiting(window, feed, loop)
    return Blocking(cast("Provider", way), feed)


class Loop:
    """The event loop of a sender; uvloop where there is one. It runs in its thread, or by pieces where it is pumped."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Run in a thread from now on."""
        loop = self._made()
        self._thread = threading.Thread(target=loop.run_forever, name="sender-loop", daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], object]) -> None:
        """Call it on the loop's thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._made().call_soon_threadsafe(function)

    def run(self, work: Coroutine[Any, Any, None], seconds: float | None = None) -> None:
        """Do a piece of work on the loop and wait for it."""
        if self._thread is None:
            self._made().run_until_complete(work)
        else:
            asyncio.run_coroutine_threadsafe(work, self._made()).result(seconds)

    def close(self) -> None:
        """End the thread and the loop."""
        if self._loop is None:
            return
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSE_SECONDS)
        self._loop.close()

    def _made(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            try:
                import uvloop

                self._loop = uvloop.new_event_loop()
            except ImportError:
                self._loop = asyncio.new_event_loop()
        return self._loop


class Waiting:
    """A way out on the event loop."""

    def __init__(self, way: WayOut, feed: ChannelFeed, loop: Loop) -> None:
        self._way, self._feed, self._loop = way, feed, loop
        self._task: asyncio.Task[None] | None = None
        self.error: BaseException | None = None
        feed.wake = lambda: loop.call(way.wake)

    def start(self) -> None:
        """Begin."""
        self._loop.run(self._begin())

    def pump(self) -> bool:
        """Run the loop until every row is done."""
        if self._feed.is_quiet:
            return False
        self._loop.run(self._until_quiet())
        return True

    def close(self) -> None:
        """Let answers that are owed come for a while."""
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                self._loop.run(self._end(), CLOSE_SECONDS + 1)

    async def _begin(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._way.run(self._feed))
            self._task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled():
            self.error = task.exception()

    async def _until_quiet(self) -> None:
        await self._begin()
        self._way.wake()
        while not (self._feed.is_quiet or self.error):
            await asyncio.sleep(PUMP_SECONDS)

    async def _end(self) -> None:
        assert self._task is not None  # noqa: S101
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._way.close(), CLOSE_SECONDS)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Window:
    """Makes a way out of one that carries a message per call: as many calls side by side as it allows."""

    def __init__(self, way: HandOver) -> None:
        self.in_flight = way.in_flight
        self._way = way
        self._woken = asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()
        self._closed = False
        self._error: BaseException | None = None

    async def run(self, feed: Feed) -> None:
        """Start a call for each message while there is room; an error of a call ends it."""
        while not self._closed:
            self._woken.clear()
            while len(self._calls) < self.in_flight and (message := feed.take()) is not None:
                call = asyncio.get_running_loop().create_task(self._carry(feed, message))
                self._calls.add(call)
                call.add_done_callback(self._ended)
            await self._woken.wait()
            if self._error is not None:
                raise self._error

    def wake(self) -> None:
        """Look for messages."""
        self._woken.set()

    async def close(self) -> None:
        """Wait for the calls that run, then for the way out itself."""
        self._closed = True
        self._woken.set()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._way.close()

    def _ended(self, call: "asyncio.Task[None]") -> None:
        self._calls.discard(call)
        if not call.cancelled() and call.exception() is not None:
            self._error = call.exception()
        self._woken.set()

    async def _carry(self, feed: Feed, message: Message) -> None:
        leaving = _Leaving(feed, message)
        try:
            outcome = await self._way.hand_over(message, leaving)
        except OutboundStopped as stopped:
            feed.down(stopped)
            outcome = None
        except Exception as error:  # noqa: BLE001 it is raised again where it is everybody's
            outcome = leaving.broken(error)
        if outcome is None:
            feed.release(message)
        else:
            feed.outcome(message, outcome)


class _Leaving:
    """`leave` of one message, and what becomes of it when its way out breaks: that is nobody else's misfortune."""

    def __init__(self, feed: Feed, message: Message) -> None:
        self._feed, self._message = feed, message
        self._has_left = self._is_unwritten = False

    def __call__(self) -> bool:
        try:
            self._has_left = _leave(self._feed, self._message)
        except OSError:
            self._is_unwritten = True
            raise
        return self._has_left

    def broken(self, error: Exception) -> Outcome:
        """In doubt once its content may have left; before that it is tried again later.

        A database that is gone, and a journal that cannot be written, end the sender.
        """
        if self._is_unwritten or isinstance(error, DatabaseError | InterfaceError):
            raise error
        log.error("sender.message.broken attempt=%s", self._message.attempt_id, exc_info=error)
        state = AttemptState.UNCERTAIN if self._has_left else AttemptState.DEFERRED
        return Outcome(state=state, detail=f"The way out broke: {type(error).__name__}.")


class Blocking:
    """A way out that blocks, in a thread of its own: groups of messages, each settled as a whole."""

    def __init__(self, provider: Provider, feed: ChannelFeed) -> None:
        self._provider, self._feed = provider, feed
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self.error: BaseException | None = None
        feed.wake = self._woken.set

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._work, name=f"sender-{self._feed.channel}", daemon=True)
        self._thread.start()

    def pump(self) -> bool:
        """One group."""
        return self._group() > 0

    def close(self) -> None:
        """The group in hand ends first."""
        self._feed.closing = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)
        self._provider.close()

    def _work(self) -> None:
        try:
            while not self._feed.closing:
                self._woken.clear()
                if not self._group():
                    self._woken.wait()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the sender's life ends
            self.error = error
            self._feed.down(OutboundStopped(f"{type(error).__name__} in the way out."))

    def _group(self) -> int:
        """One group; how many messages it had. What a group that failed had not settled is free again."""
        written: list[tuple[Message, Outcome]] = []
        count = 0
        try:
            while count < self._provider.rows_in_hand and (message := self._feed.take()) is not None:
                count += 1
                self._send(message, written)
            self._provider.settle()
        except OutboundStopped as stopped:
            self._feed.down(stopped)
            for message, _ in written:
                self._feed.release(message)
            return 0
        for message, outcome in written:
            self._feed.outcome(message, outcome)
        return count

    def _send(self, message: Message, written: list[tuple[Message, Outcome]]) -> None:
        feed = self._feed
        try:
            outcome = self._provider.send(message, lambda: _leave(feed, message))
        except OutboundStopped:
            written.append((message, Outcome(state=AttemptState.PENDING)))
            raise
        if outcome is None:
            feed.release(message)
        elif self._provider.holds_after_settle and outcome.state is AttemptState.ACCEPTED:
            written.append((message, outcome))
        else:
            feed.outcome(message, outcome)


def _leave(feed: Feed, message: Message) -> bool:
    if not feed.may_leave(message):
        return False
    feed.intent(message)
    return True
