"""Keeps every account's SMSC bound while nothing is sent, so that receipts and messages come in at any time.

One per installation: a lock of the database session says whose turn it is. It runs beside the jobs, in a thread.
"""

import asyncio
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError, InterfaceError, connection

from tandem.kit import clock as clocks
from tandem.kit.smpp import Command
from tandem.messenger.gateways import inbox
from tandem.messenger.gateways import service as gateways
from tandem.messenger.gateways.domain import Incoming, Receipt, Setup
from tandem.messenger.gateways.errors import GatewayDown
from tandem.messenger.gateways.lines import SmppLine

log = logging.getLogger("tandem.smpp")
LOCK = 7261022
#: how often gateways are looked at, and sessions that ended are bound again
LOOK_SECONDS = 5.0


def run(stop: threading.Event) -> None:
    """Until `stop` is set."""
    while not stop.is_set():
        try:
            asyncio.run(Listening(stop).run())
        except (DatabaseError, InterfaceError, OSError):
            log.exception("smpp.listening.ended")
            stop.wait(LOOK_SECONDS)


class Listening:
    """One life of it: its database session holds the lock."""

    def __init__(self, stop: threading.Event, *, seconds: float = LOOK_SECONDS) -> None:
        """Nothing is bound yet."""
        self._stop, self._seconds = stop, seconds
        self._lines: dict[int, tuple[Setup, SmppLine]] = {}
        #: the one thread that speaks to the database; the lock is its session's
        self._database = ThreadPoolExecutor(1, thread_name_prefix="smpp-database")
        self._mine = False

    async def run(self) -> None:
        """Look, bind, wait; an error of the database ends this life."""
        loop = asyncio.get_running_loop()
        try:
            while not self._stop.is_set():
                wanted = await loop.run_in_executor(self._database, self._wanted)
                await self._turn(wanted)
                await asyncio.sleep(self._seconds)
        finally:
            await asyncio.gather(*(line.close() for _, line in self._lines.values()))
            await loop.run_in_executor(self._database, _close)
            self._database.shutdown()

    def _wanted(self) -> dict[int, Setup]:
        """Whom to listen to: nobody while another process does."""
        if not self._mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
                self._mine = bool(cursor.fetchone()[0])
        return gateways.listening() if self._mine else {}

    async def _turn(self, wanted: dict[int, Setup]) -> None:
        for account, (setup, line) in list(self._lines.items()):
            if wanted.get(account) != setup:
                del self._lines[account]
                await line.close()
        for account, setup in wanted.items():
            if account not in self._lines:
                self._lines[account] = setup, self._line(setup)
        await asyncio.gather(*(self._bind(account) for account in self._lines))

    def _line(self, setup: Setup) -> SmppLine:
        async def hear(told: Sequence[Receipt | Incoming]) -> None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._database, _keep, setup.account_id, told)

        return SmppLine(setup, hear, command=Command.BIND_RECEIVER)

    async def _bind(self, account: int) -> None:
        setup, line = self._lines[account]
        try:
            await line.session()
        except GatewayDown as down:
            log.warning("smpp.listening.down account=%s %s", setup.account_id, down.detail)


def _keep(account_id: int, told: Sequence[Receipt | Incoming]) -> None:
    inbox.keep(account_id, told, clocks.from_environment().system())


def _close() -> None:
    connection.close()
