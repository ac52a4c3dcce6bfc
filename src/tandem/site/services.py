"""Which processes make up which command."""

import asyncio
import importlib
import logging
import os
import signal
import sys
import threading
import time
from typing import Any

import psycopg

from tandem.kit import clock
from tandem.kit.commands import use_half
from tandem.site.processes import Child
from tandem.site.settings.environment import home, value

log = logging.getLogger(__name__)

HALVES = ("planner", "messenger")
HEARTBEAT_SECONDS = 2.0
STALLED_SECONDS = 8.0
HELD_SECONDS = 5.0
#: jobs at once of what must not wait: ticks, events, answers
SLOTS = 4
#: and of what takes minutes, in a process of its own: a planner's day holds gigabytes
LONG_SLOTS = {"planner": 3, "messenger": 4}


def children_of(service: str) -> list[Child]:
    """The processes of `planner`, `messenger`, `tracking`, `worker-planner`, `worker-messenger` or `up`."""
    table = {
        "planner": [_pages("planner")],
        "messenger": [_pages("messenger"), tracking_child()],
        "tracking": [tracking_child()],
        "worker-planner": [*_workers("planner"), _alarms("planner")],
        "worker-messenger": [*_workers("messenger"), *_senders(), *_inbound(), _alarms("messenger")],
    }
    if service == "up":
        return [child for name, children in table.items() if name != "tracking" for child in children]
    return table[service]


def environment() -> dict[str, str]:
    """What every process of one start is given alike: the home, the clock, what may be reached."""
    own = {f"{value('TANDEM_HOST')}:{value(f'TANDEM_{name}_PORT')}" for name in ("PLANNER", "MESSENGER")}
    allowed = {pair.strip() for pair in value("TANDEM_ALLOW_PRIVATE").split(",") if pair.strip()}
    return {
        "TANDEM_HOME": str(home()),
        "TANDEM_CLOCK_OFFSET": value("TANDEM_CLOCK_OFFSET"),
        "TANDEM_ALLOW_PRIVATE": ",".join(sorted(own | allowed)),
    }


def run_worker(half: str, *, long: bool = False) -> None:
    """A Procrastinate worker of one half, in this process, until it is told to stop; long: of its long jobs alone."""
    use_half(half)
    from procrastinate.contrib.django import app

    _until_ours()
    stop = threading.Event()
    if half == "messenger" and not long:
        _ask_planners_at_once()
        _listen_to_smscs(stop)
    worker_app = app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]
    try:
        asyncio.run(work(worker_app, half, long=long))
    finally:
        stop.set()


def _until_ours() -> None:
    """What was copied or put back neither prepares nor tells anything until somebody releases it."""
    from django.db import DatabaseError, connection

    from tandem.kit import installation

    while True:
        try:
            if installation.is_ours():
                return
            log.error("worker.held: the home or the database was copied or put back; tandem doctor --release")
        except DatabaseError as error:
            log.warning("worker.start.failed %s", error)
        connection.close()
        time.sleep(HELD_SECONDS)


def _ask_planners_at_once() -> None:
    """What was announced while this messenger was down is asked for now, not at the next turn."""
    from tandem.messenger.listener import service

    service.poll_soon()


def _listen_to_smscs(stop: threading.Event) -> None:
    """Receipts and messages over SMPP come in while nothing is sent too."""
    from django.conf import settings

    from tandem.messenger.delivery.providers import choose
    from tandem.messenger.sms import listening

    if choose.gateways_allowed(settings.TANDEM_SENDING):
        threading.Thread(target=listening.run, args=(stop,), daemon=True, name="smpp-listening").start()


async def work(app: Any, half: str, *, long: bool) -> None:
    """Run the worker, and beside it what no queue can be trusted with: jobs of dead workers start again."""
    queue = f"{half}.long"
    if long:
        app.periodic_registry.periodic_tasks.clear()  # that it is time says the other one
    async with app.open_async():
        reviving = asyncio.create_task(_revive_stalled(app))
        try:
            await app.run_worker_async(
                queues=[queue] if long else sorted({task.queue for task in app.tasks.values()} - {queue}),
                name=f"{queue if long else half}-{os.getpid()}",
                concurrency=LONG_SLOTS[half] if long else SLOTS,
                fetch_job_polling_interval=1.0,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_SECONDS,
                delete_jobs="always",
            )
        finally:
            reviving.cancel()


async def _revive_stalled(app: Any) -> None:
    from procrastinate.exceptions import ConnectorException

    while True:
        try:
            await app.job_manager.prune_stalled_workers(STALLED_SECONDS)
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
                await _start_again(app, job)
        except (ConnectorException, psycopg.Error) as error:
            log.warning("worker.revive.failed %s", error)
        await asyncio.sleep(HEARTBEAT_SECONDS)


async def _start_again(app: Any, job: Any) -> None:
    from procrastinate.exceptions import ConnectorException
    from procrastinate.jobs import Status

    log.warning("worker.job.revived task=%s", job.task_name)
    try:
        await app.job_manager.retry_job(job, retry_at=clock.from_environment().system())
    except (ConnectorException, psycopg.Error):
        # its like is waiting already (queueing lock), and will do the same work
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)


def run_sender() -> None:
    """One sender process of the messenger, until it is told to stop."""
    use_half("messenger")
    from tandem.messenger.delivery.sender import life

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    life.run(stop)


def run_alarms(half: str) -> None:
    """The watch of one half, apart from all that it watches, until it is told to stop."""
    use_half(half)
    from tandem.kit.alarms import running

    room = importlib.import_module(f"tandem.{half}.alarms.service")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    running.run(stop, room.book, room.teller, room.outage, clock=clock.from_environment())


def run_inbound() -> None:
    """The messenger's inbound mail door, until it is told to stop."""
    use_half("messenger")
    from tandem.messenger.bounces import serving

    serving.run(
        value("TANDEM_BOUNCE_HOST") or value("TANDEM_HOST"),
        int(value("TANDEM_BOUNCE_PORT")),
        value("TANDEM_BOUNCE_PROTOCOL"),
    )


def _pages(half: str) -> Child:
    return Child(
        half,
        (
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", value("TANDEM_HOST"),
            "--port", value(f"TANDEM_{half.upper()}_PORT"), "--workers", "1", "--blocking-threads", "8",
            "--no-ws", "--respawn-failed-workers", f"tandem.site.wsgi_{half}:application",
        ),
        environment(),
    )  # fmt: skip


def tracking_child() -> Child:
    """The recipients' door."""
    return Child(
        "tracking",
        (
            sys.executable, "-m", "granian", "--interface", "rsgi", "--host", value("TANDEM_HOST"),
            "--port", value("TANDEM_TRACKING_PORT"), "--workers", value("TANDEM_TRACKING_WORKERS"), "--no-ws",
            "--runtime-mode", "st", "--respawn-failed-workers",
            "tandem.messenger.tracking.door:application",
        ),
        environment(),
    )  # fmt: skip


def _workers(half: str) -> list[Child]:
    """What must not wait, and beside it what takes long."""
    command = (sys.executable, "-m", "tandem", "run-worker", half)
    return [
        Child(f"worker-{half}", command, environment()),
        Child(f"worker-{half}-long", (*command, "--long"), environment()),
    ]


def _alarms(half: str) -> Child:
    return Child(f"alarms-{half}", (sys.executable, "-m", "tandem", "run-alarms", half), environment())


def _senders() -> list[Child]:
    command = (sys.executable, "-m", "tandem", "run-sender")
    return [Child(f"sender-{n}", command, environment()) for n in range(1, int(value("TANDEM_SENDERS")) + 1)]


def _inbound() -> list[Child]:
    """The door for bounces, where a port and a domain are set for it."""
    if value("TANDEM_BOUNCE_PORT") == "0" or not value("TANDEM_BOUNCE_DOMAIN"):
        return []
    return [Child("inbound", (sys.executable, "-m", "tandem", "run-inbound"), environment())]
