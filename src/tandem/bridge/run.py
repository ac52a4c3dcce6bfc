"""The running bridge: a door for events, and for each pair four lanes of work that never wait for each other."""

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from tandem.bridge import catalogue, fetch, hand_over, listen, operate, reconcile
from tandem.bridge.config import Config
from tandem.bridge.domain import retry_after
from tandem.bridge.joined import Joined, join, words
from tandem.bridge.state import State
from tandem.kit.clock import Clock
from tandem.kit.problems import Problem

log = logging.getLogger("tandem.bridge")
GRACE = 20.0
STUCK = 900.0
MOST_THREADS = 32


class PortTaken(Problem):
    """The bridge cannot listen where it should."""

    title = "The address cannot be listened on"


class Bridge:
    """All pairs at work on one state. `once` does what is due and ends; `turn` does so again and again."""

    def __init__(self, config: Config, state: State, clock: Clock) -> None:
        self.config, self.state = config, state
        self.pairs = {pair.name: join(config, pair, state, clock) for pair in config.pairs}
        self._lanes: dict[tuple[str, str], tuple[Future[None], float]] = {}
        self._failed: dict[tuple[str, str], tuple[int, float]] = {}
        self._threads = ThreadPoolExecutor(
            min(MOST_THREADS, len(LANES) * len(self.pairs)), thread_name_prefix="lane"
        )
        self._stopping = threading.Event()
        self._turned = time.monotonic()

    def prepare(self) -> None:
        """Settle what a dead bridge left, before anything is done."""
        for name in self.pairs:
            found = hand_over.recover(self.state, name)
            with self.state.write() as connection:
                connection.execute(
                    "INSERT INTO pairs (pair) VALUES (?) ON CONFLICT (pair) DO UPDATE SET problem = ''",
                    (name,),
                )
                reconcile.recover(connection, name)
            if found:
                log.error("bridge.recovered pair=%s uncertain=%s", name, found)

    def once(self) -> None:
        """What is due now, pair by pair."""
        for joined in self.pairs.values():
            for lane in LANES:
                self._lane(joined, lane)

    def turn(self) -> None:
        """Start every lane that is not at work."""
        self._turned = time.monotonic()
        for name, joined in self.pairs.items():
            for lane in LANES:
                running = self._lanes.get((name, lane))
                _, patience = self._failed.get((name, lane), (0, 0.0))
                if (running is None or running[0].done()) and time.monotonic() >= patience:
                    future = self._threads.submit(self._lane, joined, lane)
                    self._lanes[name, lane] = (future, time.monotonic())

    def standing(self) -> tuple[bool, dict[str, str]]:
        """Whether the work goes on, and what needs a person."""
        now = time.monotonic()
        stuck = [
            name
            for (name, _), (lane, since) in self._lanes.items()
            if not lane.done() and now - since > STUCK
        ]
        found = operate.attention(self.state, self.pairs)
        return now - self._turned < 60 and not stuck, found | dict.fromkeys(stuck, "a call does not end")

    def stop(self) -> None:
        """Let what is at work end its step; after a while leave it, as a kill would: intents are on disk."""
        self._stopping.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + GRACE
        while any(not lane.done() for lane, _ in self._lanes.values()) and time.monotonic() < deadline:
            time.sleep(0.05)

    def _lane(self, joined: Joined, lane: str) -> None:
        name = joined.pair.name
        for step in LANES[lane]:
            if self._stopping.is_set():
                return
            try:
                step(self.config, joined)
            except Problem as problem:
                self._fail(joined, lane, words(problem))
                log.warning("bridge.%s.failed pair=%s %s", step.__name__, name, problem.title)
                return
            except Exception:  # one pair's trouble is not another's
                self._fail(joined, lane, "The bridge failed; the cause is in its log.")
                log.exception("bridge.%s.failed pair=%s", step.__name__, name)
                return
        self._failed.pop((name, lane), None)

    def _fail(self, joined: Joined, lane: str, problem: str) -> None:
        """The lane waits longer after each failure, so that nobody is called again and again."""
        tries = self._failed.get((joined.pair.name, lane), (0, 0.0))[0] + 1
        self._failed[joined.pair.name, lane] = (tries, time.monotonic() + retry_after(tries))
        self.state.execute("UPDATE pairs SET problem = ? WHERE pair = ?", (problem, joined.pair.name))


Work = tuple[Callable[[Config, Joined], object], ...]


def begin(config: Config, joined: Joined) -> None:
    """Once per pair."""
    fetch.begin(joined)


def register(config: Config, joined: Joined) -> None:
    """The planner calls us."""
    listen.register_due(config, joined)


def poll(config: Config, joined: Joined) -> None:
    """In case an event was lost."""
    row = joined.state.row("SELECT next_poll FROM pairs WHERE pair = ?", (joined.pair.name,))
    now = joined.now()
    if row is None or row["next_poll"] > now:
        return
    joined.state.execute(
        "UPDATE pairs SET next_poll = ? WHERE pair = ?", (now + joined.pair.poll_seconds, joined.pair.name)
    )
    fetch.poll(joined)
    joined.state.execute(
        "UPDATE pairs SET polled_at = ?, problem = '' WHERE pair = ?", (now, joined.pair.name)
    )


def lists(config: Config, joined: Joined) -> None:
    """Lists of campaigns that were heard of."""
    fetch.fetch_due(joined)


def parts(config: Config, joined: Joined) -> None:
    """Parts to the messenger."""
    hand_over.hand_over_due(joined)


def books(config: Config, joined: Joined) -> None:
    """Templates one way, numbers the other."""
    catalogue.sync_due(joined)
    reconcile.report_due(joined)


LANES: dict[str, Work] = {
    "lists": (begin, poll, lists),
    "parts": (parts,),
    "calls": (register,),
    "books": (books,),
}


def serve(config: Config, state: State, clock: Clock) -> None:
    """Run until SIGINT or SIGTERM. Raises StateBusy, PortTaken."""
    _check_port(config)
    state.take()
    bridge = Bridge(config, state, clock)
    bridge.prepare()
    asyncio.run(_serve(bridge))
    state.close()
    os._exit(0)  # a call that did not end in its grace is left where it is


async def _serve(bridge: Bridge) -> None:
    from granian.constants import Interfaces
    from granian.server.embed import Server

    from tandem.bridge.door import Door

    config = bridge.config
    server = Server(
        Door(bridge.state, bridge.pairs, bridge.standing), config.host, config.port, interface=Interfaces.ASGINL,
        log_enabled=False, websockets=False,
    )  # fmt: skip
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    serving = asyncio.create_task(server.serve())
    log.info("bridge.started address=%s:%s pairs=%s", config.host, config.port, len(bridge.pairs))
    while not stop.is_set():
        if serving.done():
            serving.result()
            raise PortTaken(f"The door at {config.host}:{config.port} has closed.", "Look at the log.")
        bridge.turn()
        try:
            await asyncio.wait_for(stop.wait(), config.tick)
        except TimeoutError:
            continue
    server.stop()
    await asyncio.to_thread(bridge.stop)
    await asyncio.wait([serving], timeout=5)
    log.info("bridge.stopped")


def _check_port(config: Config) -> None:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((config.host, config.port))
        except OSError as error:
            raise PortTaken(
                f"{config.host}:{config.port} cannot be listened on: {error.strerror}.", "Set another listen."
            ) from error
