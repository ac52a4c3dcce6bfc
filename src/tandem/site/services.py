"""Which processes make up which command."""

import asyncio
import os
import signal
import sys
import threading

from tandem.kit.commands import use_half
from tandem.site.processes import Child
from tandem.site.settings.environment import home, value

HALVES = ("planner", "messenger")


def children_of(service: str) -> list[Child]:
    """The processes of `planner`, `messenger`, `worker-planner`, `worker-messenger` or `up`."""
    table = {
        "planner": [_pages("planner")],
        "messenger": [_pages("messenger"), _tracking()],
        "worker-planner": [_worker("planner")],
        "worker-messenger": [_worker("messenger"), *_senders()],
    }
    if service == "up":
        return [child for children in table.values() for child in children]
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


def run_worker(half: str) -> None:
    """A Procrastinate worker of one half, in this process, until it is told to stop."""
    use_half(half)
    from procrastinate.contrib.django import app

    worker_app = app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]
    asyncio.run(
        worker_app.run_worker_async(
            concurrency=4,
            fetch_job_polling_interval=1.0,
            delete_jobs="successful",
            name=f"{half}-{os.getpid()}",
        )
    )


def run_sender() -> None:
    """One sender process of the messenger, until it is told to stop."""
    use_half("messenger")
    from tandem.messenger.delivery import sender

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    sender.run(stop)


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


def _tracking() -> Child:
    return Child(
        "tracking",
        (
            sys.executable, "-m", "granian", "--interface", "asgi", "--host", value("TANDEM_HOST"),
            "--port", value("TANDEM_TRACKING_PORT"), "--workers", "1", "--no-ws", "--respawn-failed-workers",
            "tandem.messenger.tracking.app:application",
        ),
        environment(),
    )  # fmt: skip


def _worker(half: str) -> Child:
    return Child(f"worker-{half}", (sys.executable, "-m", "tandem", "run-worker", half), environment())


def _senders() -> list[Child]:
    command = (sys.executable, "-m", "tandem", "run-sender")
    return [Child(f"sender-{n}", command, environment()) for n in range(1, int(value("TANDEM_SENDERS")) + 1)]
