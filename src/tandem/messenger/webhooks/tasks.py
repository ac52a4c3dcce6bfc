"""Wake-up calls of webhooks: every second whoever is due is called, each in a lane of its own."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from procrastinate.contrib.django import app

from tandem.kit import clock as clocks
from tandem.kit.clock import Clock

log = logging.getLogger("tandem.webhooks")
QUEUE = "messenger"
LANES = 16
_lanes = ThreadPoolExecutor(max_workers=LANES, thread_name_prefix="webhooks")
_busy: set[int] = set()
_guard = threading.Lock()


@app.periodic(cron="* * * * * *")
@app.task(queue=QUEUE, name="messenger.webhooks.tick", queueing_lock="messenger-webhooks", pass_context=False)
def tick(timestamp: int) -> None:
    """Start a lane for everyone who is due and has none; it does not wait for them."""
    start_due(clocks.from_environment())


@app.periodic(cron="17 * * * *")
@app.task(
    queue=QUEUE, name="messenger.webhooks.clear", queueing_lock="messenger-webhooks-clear", pass_context=False
)
def clear(timestamp: int) -> None:
    """Once an hour: what is kept no longer."""
    from tandem.messenger.webhooks import service

    service.clear_old(clock=clocks.from_environment())


def start_due(clock: Clock) -> None:
    """A slow address takes its own lane and nobody else's."""
    from tandem.messenger.webhooks import service

    for account_id, subscription_id in service.due(clock):
        with _guard:
            if subscription_id in _busy:
                continue
            _busy.add(subscription_id)
        _lanes.submit(_lane, account_id, subscription_id, clock)


def _lane(account_id: int, subscription_id: int, clock: Clock) -> None:
    from django.db import connection

    from tandem.messenger.webhooks import service

    try:
        service.work_off(account_id, subscription_id, clock=clock)
    except Exception:
        log.exception("webhooks.stopped subscription=%s", subscription_id)  # the next second begins anew
    finally:
        connection.close()
        with _guard:
            _busy.discard(subscription_id)
