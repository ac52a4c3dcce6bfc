"""Wake-ups: one when an event is written, one every two seconds that looks for what is due."""

import logging

from procrastinate.contrib.django import app

from tandem.kit.clock import from_environment

log = logging.getLogger(__name__)

STALLED = 60


@app.task(queue="events", pass_context=False)
def deliver_event(outbox_id: int) -> None:
    """Tell one listener of one event, if it is still due."""
    from tandem.planner.listeners.service import deliver

    deliver(outbox_id, clock=from_environment())


@app.periodic(cron="*/2 * * * * *", periodic_id="listeners")
@app.task(queue="events", queueing_lock="listeners tick", lock="listeners tick", pass_context=False)
def tell_due_listeners(timestamp: int) -> None:
    """Re-read what is due: first attempts whose wake-up was lost, and retries."""
    from tandem.planner.listeners.service import deliver_due

    deliver_due(clock=from_environment())
