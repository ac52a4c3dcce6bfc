"""What both halves watch alike: the disk of the home, and whether a worker is at work."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection

from tandem.kit.alarms.book import Watch
from tandem.kit.alarms.domain import LARGEST_FREE, Kind, Sighting
from tandem.kit.clock import Clock

#: a worker's heart beats every two seconds
SILENT = timedelta(seconds=15)


def disk(clock: Clock) -> Iterator[Sighting]:
    """Less than 1 GiB free where the home lies."""
    free = shutil.disk_usage(Path(settings.TANDEM_HOME)).free
    if free < LARGEST_FREE:
        yield Sighting(
            kind=Kind.DISK,
            subject="home",
            detail=f"{free / 1024**3:.2f} GiB are free where the home lies; 1 GiB is the least.",
        )


_LAST_SIGN = """
SELECT least(max(last_heartbeat), (SELECT to_timestamp(max(defer_timestamp)) FROM procrastinate_periodic_defers))
FROM procrastinate_workers
"""


def worker(clock: Clock) -> Iterator[Sighting]:
    """No worker of this half has given a sign of life, or none that says what it is time for."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_SIGN)
        [last] = cursor.fetchone()
    if last is None or clock.system() - last > SILENT:
        yield Sighting(
            kind=Kind.WORKER, subject="worker", detail="Nothing is prepared, fetched or told until one runs."
        )


WATCHES = (
    Watch(kinds=frozenset({Kind.DISK}), ask=disk),
    Watch(kinds=frozenset({Kind.WORKER}), ask=worker),
)
