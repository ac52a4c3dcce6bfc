"""The loop of a process of its own: it looks every ten seconds, tells what is due, and outlives the database."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.db import DatabaseError, close_old_connections, connection

from tandem.kit.alarms import paths
from tandem.kit.alarms.book import Book
from tandem.kit.alarms.domain import EVERY, Kind, What
from tandem.kit.alarms.messages import Told
from tandem.kit.alarms.telling import Half, Teller
from tandem.kit.clock import Clock
from tandem.kit.problems import Problem

log = logging.getLogger("tandem.alarms")
#: a restart of the database is no alarm
DATABASE_PATIENCE = timedelta(seconds=20)
#: what was told by no path is tried again at every look, for so many looks
OUTAGE_TRIES = 30


class Outage:
    """The database itself: remembered in this process, told by the installation's paths alone."""

    def __init__(self, half: Callable[[], Half]) -> None:
        self._half = half
        self._since: datetime | None = None
        self._told = False
        self._tries = 0

    def failed(self, now: datetime) -> None:
        """It did not answer."""
        self._since = self._since or now
        if not self._told and now - self._since >= DATABASE_PATIENCE and self._tries < OUTAGE_TRIES:
            self._tries += 1
            self._told = self._tell(What.RAISED, self._since, now)

    def answered(self, now: datetime) -> None:
        """It answers."""
        if self._told and self._since is not None:
            self._tell(What.ENDED, self._since, now)
        self._since, self._told, self._tries = None, False, 0

    def _tell(self, what: What, since: datetime, now: datetime) -> bool:
        half, done = self._half(), False
        told = Told(
            id=f"alarm_{half.name}_database_{int(since.timestamp())}_{what.value}", half=half.name, what=what,
            kind=Kind.DATABASE, account="", subject="database", since=since, at=now, base_url=half.base_url,
            detail=f"The {half.name}'s database does not answer." if what is What.RAISED else "It answers again.",
        )  # fmt: skip
        for way in half.own:
            try:
                paths.tell(way, told, half.means)
                done = True
            except Problem as problem:
                log.warning("alarm.path.failed path=%s %s", way.path, problem.title)
        return done


def run(stop: threading.Event, book: Book, teller: Teller, outage: Outage, *, clock: Clock) -> None:
    """Look and tell until told to stop."""
    looks = 0
    connection.settings_dict["OPTIONS"].update(connect_timeout=5, tcp_user_timeout=15000)
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="alarms") as pool:
        while not stop.wait(EVERY.total_seconds() if looks else 2.0):
            looks += 1
            try:
                close_old_connections()
                _hurry()
                book.look(clock=clock)
                outage.answered(clock.system())
                for future in [pool.submit(_work_off, teller, way, clock) for way in teller.due(clock=clock)]:
                    future.result()
                if looks % 360 == 1:
                    book.clear_old(clock=clock)
            except DatabaseError as error:
                log.warning("alarms.look.failed %s", type(error).__name__)
                connection.close()
                outage.failed(clock.system())
            except Exception:
                log.exception("alarms.look.stopped")  # the next look begins anew


def _hurry() -> None:
    """A question that waits for a lock is given up: the others are asked meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '5s'")


def _work_off(teller: Teller, way: tuple[int | None, str], clock: Clock) -> None:
    try:
        teller.work_off(*way, clock=clock)
    finally:
        connection.close()
