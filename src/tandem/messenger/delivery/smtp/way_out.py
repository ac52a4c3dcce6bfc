"""Connections to the relay that pull messages from the sender's feed, as many as there is work for.

A connection that fails is made again with growing pauses; when there is none left, the feed hears that the way is
down, its rows are free again and nothing is asked for until it wakes this side.
"""

import asyncio
import logging
import os
import socket
from collections import Counter

from tandem.kit.failpoints import failpoint
from tandem.messenger.delivery.domain import AttemptState, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.providers.base import Feed
from tandem.messenger.delivery.smtp.connection import Connection
from tandem.messenger.delivery.smtp.greeting import Closed
from tandem.messenger.delivery.smtp.relay import Relay
from tandem.messenger.delivery.smtp.session import STOPPED

log = logging.getLogger("tandem.sender.smtp")
#: seconds until the next try to connect while other connections work
PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
#: so often may a connection end at one message's envelope until it waits its turn
MOST_DROPS = 3
DROPS_KEPT = 1000


class WayOut:
    """See `providers.base.WayOut`. In flight is at most one content per connection."""

    def __init__(self, relay: Relay) -> None:
        self.relay, self.in_flight = relay, relay.connections
        self._open: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._most = relay.messages
        self._failures, self._not_before = 0, 0.0
        #: `down` was said since the feed woke this side
        self._is_down = False
        self._is_closing = False
        self._feed: Watched | None = None
        self._over: asyncio.Future[None] | None = None

    async def run(self, feed: Feed) -> None:
        """Work until `close`; what the feed raises comes out here."""
        if self._is_closing:
            return
        self._feed, self._over = Watched(feed), asyncio.get_running_loop().create_future()
        ticking = asyncio.create_task(self._tick())
        try:
            self.wake()
            await self._over
        finally:
            self._is_closing = True
            for task in [ticking, *self._opening]:
                task.cancel()
            for connection in [*self._open]:
                connection.drop("this sender stops")

    def wake(self) -> None:
        """The feed has messages again."""
        if self._feed is None or self._is_closing:
            return
        self._is_down = self._feed.is_dry = False
        for connection in self._ready():
            connection.go()
        self._grow()

    async def close(self) -> None:
        """Take nothing more, hear for a while what is owed, end."""
        self._is_closing = True
        if self._feed is not None:
            self._feed.is_closing = True
        for connection in [*self._open]:
            connection.leave()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.relay.waits.closing
        while self._open and loop.time() < deadline:
            await asyncio.sleep(0.01)
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def ready(self, connection: Connection) -> None:
        """A connection may carry messages."""
        if self._is_closing:
            connection.leave()

    def ended(self, connection: Connection, why: Closed | None) -> None:
        """A connection is gone."""
        self._open.discard(connection)
        session = connection.session
        if session is None:
            return self._failed_to_work(why or Closed("does not answer"))
        if session.is_used_up:
            self._most = min(self._most or session.done, session.done)
            log.info("smtp.limit.learned messages=%s", self._most)
        if session.done:
            self._failures = 0
        elif session.ended not in {"QUIT", STOPPED}:
            return self._failed_to_work(Closed(f"takes no message: {session.ended}"))
        self._grow()

    def failed(self, error: Exception) -> None:
        """The feed raised: everything ends."""
        self._is_closing = True
        for connection in [*self._open]:
            connection.drop("this sender stops")
        if self._over is not None and not self._over.done():
            self._over.set_exception(error)

    def _ready(self) -> list[Connection]:
        return [one for one in self._open if one.session is not None]

    def _grow(self) -> None:
        """One connection more where all are busy and there is work: 1, 2, 4, ... at a time."""
        if self._feed is None or self._feed.is_dry or self._is_closing:
            return
        ready = self._ready()
        coming = len(self._opening) + len(self._open) - len(ready)
        if any(one.session and one.session.is_idle for one in ready) or coming >= max(1, len(ready)):
            return
        has_room = len(self._open) + len(self._opening) < self.relay.connections
        if has_room and asyncio.get_running_loop().time() >= self._not_before:
            task = asyncio.create_task(self._connect(self._feed))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _connect(self, feed: "Watched") -> None:
        relay, loop = self.relay, asyncio.get_running_loop()

        def made() -> Connection:
            one = Connection(self, relay, feed, self._most)
            self._open.add(one)
            return one

        failpoint("m11")
        try:
            async with asyncio.timeout(relay.waits.connect):
                await loop.create_connection(made, relay.host, relay.port)
        except TimeoutError:
            self._failed_to_work(Closed("does not answer", _WHERE))
        except OSError as error:
            self._failed_to_work(Closed(f"does not answer: {_words(error)}", _WHERE))

    def _failed_to_work(self, why: Closed) -> None:
        if self._feed is None or self._is_closing:
            return
        self._failures += 1
        log.info("smtp.connection.failed failures=%s The relay %s", self._failures, why.words)
        loop = asyncio.get_running_loop()
        if self._ready():
            self._not_before = loop.time() + PAUSES[min(self._failures, len(PAUSES)) - 1]
            return
        if self._is_down:
            return
        self._is_down, self._not_before, self._feed.is_dry = True, 0.0, True
        try:
            self._feed.down(
                OutboundStopped(f"The relay {self.relay.host}:{self.relay.port} {why.words}.", why.advice)
            )
        except Exception as error:  # noqa: BLE001 it comes out of `run`
            self.failed(error)

    async def _tick(self) -> None:
        waits = self.relay.waits
        each = min(1.0, min(waits.greeting, waits.command, waits.data, waits.final, waits.idle) / 4)
        while True:
            await asyncio.sleep(each)
            now = asyncio.get_running_loop().time()
            for connection in [*self._open]:
                connection.look(now)
            self._grow()


_WHERE = "Check host and port of the relay."


def _words(error: OSError) -> str:
    """Without the addresses that asyncio puts in."""
    if error.errno is None or isinstance(error, socket.gaierror):
        return error.strerror or "none of its addresses can be reached"
    return os.strerror(error.errno)


class Watched:
    """The feed as the connections see it: knows when it is dry, and which message ends connections."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.may_leave, self.intent, self.down = feed.may_leave, feed.intent, feed.down
        self.is_dry = self.is_closing = False
        #: by attempt: how often a connection ended at it
        self._drops: Counter[int] = Counter()

    def take(self) -> Message | None:
        """The feed's next message."""
        message = self._feed.take()
        self.is_dry = message is None
        return message

    def outcome(self, message: Message, outcome: Outcome) -> None:
        """Pass it on."""
        if self._drops:
            self._drops.pop(message.attempt_id, None)
        self._feed.outcome(message, outcome)

    def release(self, message: Message) -> None:
        """Pass it on; a message that keeps ending connections waits its turn, others go on."""
        if not self.is_closing:
            if len(self._drops) > DROPS_KEPT:
                self._drops.clear()
            self._drops[message.attempt_id] += 1
            if self._drops[message.attempt_id] >= MOST_DROPS:
                detail = f"The relay ended {MOST_DROPS} connections at this message."
                return self.outcome(message, Outcome(state=AttemptState.DEFERRED, detail=detail))
        self._feed.release(message)
