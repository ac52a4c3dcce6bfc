"""One sender process from its registration to the loss of its session.

An error of the database or of a way out ends this life; the next one starts with a new fence and settles what the last
one left (`recovery`).
"""

import gc
import logging
import os
import shutil
import socket
import threading
import time
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from tandem.kit import clock as clocks
from tandem.kit import installation
from tandem.kit.clock import Clock
from tandem.messenger.delivery import finishing, journal, recovery
from tandem.messenger.delivery.domain import Channel
from tandem.messenger.delivery.models import Sender
from tandem.messenger.delivery.providers.choose import way_out_for
from tandem.messenger.delivery.sender.desk import Desk
from tandem.messenger.delivery.sender.feed import ChannelFeed
from tandem.messenger.delivery.sender.hosts import Host, Loop, host_for

log = logging.getLogger("tandem.sender")
CHORES_SECONDS = 1.0
HELD_SECONDS = 5.0
#: bytes
LEAST_FREE = 1024**3


def run(stop: threading.Event) -> None:
    """The main loop of one sender process; returns soon after `stop` is set."""
    clock = clocks.from_environment()
    while not stop.is_set():
        try:
            if not installation.is_ours():
                log.error(
                    "sender.held: the home or the database was copied or put back; tandem doctor --release"
                )
                stop.wait(HELD_SECONDS)
                continue
            life = Life(clock, stop)
        except (DatabaseError, InterfaceError, OSError):
            log.exception("sender.start.failed")
            connection.close()
            stop.wait(1.0)
            continue
        try:
            life.work()
        except (DatabaseError, InterfaceError, OSError):
            log.exception("sender.life.ended")
            stop.wait(1.0)
        finally:
            life.close()
            connection.close()


class Life:
    """A registered sender: its lease, its journal, its desk and its ways out."""

    def __init__(self, clock: Clock, stop: threading.Event | None) -> None:
        self.clock = clock
        self._stop = stop or threading.Event()
        setting = settings.TANDEM_SENDING
        self.ways = {
            channel: way_out_for(channel, Path(settings.TANDEM_HOME), setting) for channel in Channel
        }
        self._lease = timedelta(seconds=float(setting["TANDEM_SENDER_LEASE"]))
        self.id, self.journal = _register(clock, self._lease)
        feeds = [ChannelFeed(channel, self.journal, clock, self._nudge) for channel in Channel]
        turn = float(setting["TANDEM_SENDER_TURN"])
        self.desk = Desk(self.id, feeds, clock, self.journal, turn=turn)
        self._loop = Loop()
        self._hosts: list[Host] = [host_for(self.ways[feed.channel], feed, self._loop) for feed in feeds]
        self._renewed = self._chores_done = 0.0

    def work(self) -> None:
        """Until stopped: chores once a second, rows as they come due."""
        _collect_rarely()
        self._loop.start()
        for host in self._hosts:
            host.start()
        while not self._stop.is_set():
            self._chores()
            self.desk.turn()
            self._raise_errors()
            self.desk.wait()

    def turn(self) -> bool:
        """All that is due now, on this thread; whether there was anything."""
        self._chores_done = 0.0
        self._chores()
        self.desk.look_again()
        worked = False
        while any([self.desk.turn(), *[host.pump() for host in self._hosts]]):
            worked = True
            self._raise_errors()
        self._chores()
        return worked

    def close(self) -> None:
        """End in good order; where the database is gone, the next life settles what is in hand through the journal."""
        for feed in self.desk.feeds:
            feed.closing = True
        for host in self._hosts:
            host.close()
        try:
            self.desk.leave()
        except (DatabaseError, InterfaceError, OSError):
            log.warning("sender.left.rows", exc_info=True)
        self._loop.close()
        self.journal.close()

    def _nudge(self) -> None:
        self.desk.nudged.set()

    def _raise_errors(self) -> None:
        for host in self._hosts:
            if host.error is not None:
                raise host.error

    def _chores(self) -> None:
        now = time.monotonic()
        due = now - self._chores_done >= CHORES_SECONDS
        if due:
            self._renew(now)
            self._look_at_disk()
            recovery.recover_dead(self.id, self.ways, self.clock.business())
            self._chores_done = now
        if due or self.desk.gave_back:
            self.desk.gave_back = False
            finishing.finish_due(self.clock.business())

    def _look_at_disk(self) -> None:
        """Below LEAST_FREE nothing begins: what a full disk stops midway is hard to explain to anybody."""
        free = shutil.disk_usage(settings.TANDEM_HOME).free
        if self.desk.may_start != (free >= LEAST_FREE):
            self.desk.may_start = free >= LEAST_FREE
            log.warning("sender.disk free=%s starts=%s", free, self.desk.may_start)

    def _renew(self, now: float) -> None:
        if self._renewed and now - self._renewed < self._lease.total_seconds() / 6:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE messenger_delivery_sender SET lease_until = clock_timestamp() + make_interval(secs => %s) "
                "WHERE id = %s AND NOT recovered",
                [self._lease.total_seconds(), self.id],
            )
            if cursor.rowcount != 1:
                raise DatabaseError("This sender was declared dead.")
        self._renewed = now
        self.desk.lease_until = now + self._lease.total_seconds()


def _collect_rarely() -> None:
    """What a message needs is freed when it has left; the search for cycles finds next to nothing and reads it all."""
    if not gc.get_freeze_count():
        gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _register(clock: Clock, lease: timedelta) -> tuple[int, journal.Journal]:
    """A row, a session lock and a journal; in an order that leaves nothing claimable behind if it stops midway."""
    now = clock.system()
    sender = Sender.objects.create(
        host=socket.gethostname(),
        pid=os.getpid(),
        boot_id=journal.boot_id(),
        journal="",
        started_at=now,
        lease_until=now + lease,
    )
    path = Path(settings.TANDEM_HOME) / "journal" / f"{sender.id}.log"
    opened = journal.Journal(path, sender.id)
    # all accounts: senders serve every account
    Sender.objects.filter(id=sender.id).update(journal=str(path))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [recovery.ADVISORY_CLASS, sender.id % 2**31])
    return sender.id, opened
