"""Openings and clicks on their way to the database: kept in memory for a moment, written many at once.

A process that is killed loses what it held, a tenth of a second's worth; one that is told to stop writes it first.
While the database is away they wait, up to MOST; what comes then is dropped and counted.
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from tandem.kit.clock import Clock
from tandem.kit.web import address_behind
from tandem.messenger.engagement import service as engagement
from tandem.messenger.engagement.agents import actor_of, by_network
from tandem.messenger.engagement.domain import LONGEST_AGENT, SAME_SECONDS, Happened, Kind, Recorded
from tandem.messenger.engagement.networks import Networks
from tandem.messenger.tracking.links import Tables

log = logging.getLogger("tandem.tracking")
MOST = 100_000
AT_ONCE = 5_000
EVERY_SECONDS = 0.1
AWAY_SECONDS = (0.5, 1.0, 2.0, 5.0)


class Hit(NamedTuple):
    """One request. link None: the picture; target: where the link led."""

    version_id: int
    attempt_id: int
    link: int | None
    target: bytes
    at: float
    method: str
    peer: str
    forwarded: str
    agent: str


class Buffer:
    """Takes hits from the event loop; a thread of its own writes them."""

    def __init__(self, tables: Tables, clock: Clock, networks: Networks) -> None:
        self._networks = networks
        self._tables = tables
        self._clock = clock
        self._ahead = clock.business() - clock.system()
        self._hits: deque[Hit] = deque()
        self._taken: list[Hit] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.dropped = self.written = 0

    def add(self, hit: Hit) -> None:
        """Keep a hit until it is written; never waits."""
        if len(self._hits) >= MOST:
            self.dropped += 1
        else:
            self._hits.append(hit)

    def start(self) -> None:
        """Begin to write."""
        self._thread = threading.Thread(target=self._run, name="tracking-writer", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Write what is left, and end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def flush(self) -> int:
        """Write what is there now; how many hits. Raises what the database raises; then they are tried again."""
        if not self._taken:
            self._taken = [self._hits.popleft() for _ in range(min(len(self._hits), AT_ONCE))]
        pairs = [(event, hit) for hit in self._taken if (event := self._event(hit)) is not None]
        events = [event for event, _ in pairs]
        engagement.record_reactions(events, target=_Targets(pairs), clock=self._clock)
        count, self._taken = len(self._taken), []
        self.written += len(events)
        return count

    def _run(self) -> None:
        failures = 0
        while True:
            wait = AWAY_SECONDS[min(failures, len(AWAY_SECONDS)) - 1] if failures else EVERY_SECONDS
            is_last = self._stop.wait(wait)
            failures = 0 if self._write_all() else failures + 1
            if is_last:
                break
        connection.close()

    def _write_all(self) -> bool:
        """Whether the database took it, or will never take it."""
        dropped = self.dropped
        try:
            while self._hits or self._taken:
                self.flush()
        except (OperationalError, InterfaceError, OSError):
            log.exception("tracking.write.failed waiting=%s", len(self._hits) + len(self._taken))
            connection.close()
            return False
        except DatabaseError:
            log.exception("tracking.write.refused")
            self.dropped += len(self._taken)
            self._taken = []
        if self.dropped > dropped:
            log.error("tracking.hits.dropped number=%s", self.dropped)
        return True

    def _event(self, hit: Hit) -> Happened | None:
        """What a hit says; None if its version is not kept any more. The same within a minute is one event."""
        account_id = self._tables.account_of(hit.version_id)
        if account_id is None:
            return None
        agent = hit.agent[:LONGEST_AGENT]
        ip = address_behind(hit.peer, hit.forwarded)
        actor = actor_of(hit.method, agent, hit.link)
        actor = by_network(actor, agent, hit.link, self._networks.kind_of(ip))
        link = hit.link or 0
        return Happened(
            account_id=account_id,
            attempt_id=hit.attempt_id,
            kind=Kind.OPENED if hit.link is None else Kind.CLICKED,
            at=datetime.fromtimestamp(hit.at, UTC) + self._ahead,
            source=f"{int(hit.at) // SAME_SECONDS:x}.{link:x}.{int(actor)}",
            actor=actor,
            link=link,
            ip=ip,
            agent=agent,
        )


class _Targets:
    """Where each click of a batch led, found when somebody wants to know."""

    def __init__(self, pairs: Sequence[tuple[Happened, Hit]]) -> None:
        self._pairs = pairs
        self._known: dict[tuple[int, str], bytes] = {}

    def __call__(self, one: Recorded) -> str:
        """The address of a click."""
        if not self._known:
            self._known = {(event.attempt_id, event.source): hit.target for event, hit in self._pairs}
        return self._known.get((one.attempt_id, one.source), b"").decode()
