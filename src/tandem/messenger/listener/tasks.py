"""Jobs of the listener. Each is a wake-up call: it reads what is due and does it."""

from typing import Any

import procrastinate
from procrastinate.contrib.django import app

from tandem.kit import clock as clocks

QUEUE = "messenger"


@app.periodic(cron="* * * * * */2")
@app.task(
    queue=QUEUE, name="messenger.listener.tick", queueing_lock="messenger-listener-tick", pass_context=False
)
def tick(timestamp: int) -> None:
    """Every two seconds: cancellations to ask about, campaigns to fetch, planners to ask, totals to tell."""
    from tandem.messenger.listener import service

    clock = clocks.from_environment()
    service.look_due(clock)
    service.poll_due(clock)
    service.fetch_due(clock)
    service.report_due(clock)


@app.task(queue=QUEUE, name="messenger.listener.look", queueing_lock="messenger-listener-look")
def look_now() -> None:
    """A campaign was just cancelled."""
    from tandem.messenger.listener import service

    service.look_due(clocks.from_environment())


@app.task(queue=QUEUE, name="messenger.listener.fetch", queueing_lock="messenger-listener-fetch")
def fetch_now() -> None:
    """A campaign was just announced."""
    from tandem.messenger.listener import service

    service.fetch_due(clocks.from_environment())


def defer_fetch() -> None:
    """Queue a fetch, once; part of the caller's transaction."""
    _defer(fetch_now)


def defer_look() -> None:
    """Queue a look at what was cancelled, likewise."""
    _defer(look_now)


def _defer(task: Any) -> None:
    from django.db import transaction

    try:
        with transaction.atomic():
            task.defer()
    except procrastinate.exceptions.AlreadyEnqueued:
        return
