"""Wake-ups: one when an event is written, one every two seconds that looks for what is due.

The outbox row is the truth; a job that runs twice, late or never changes nothing that a later tick cannot mend.
"""

from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tandem.kit.clock import from_environment


@app.task(queue="events")
def deliver_event(outbox_id: int) -> None:
    """Tell one listener of one event, if it is still due."""
    from tandem.planner.listeners.service import deliver

    deliver(outbox_id, clock=from_environment())


@app.periodic(cron="* * * * * */2")
@app.task(queue="events", queueing_lock="listeners tick")
def wake_due_events(timestamp: int) -> None:
    """A job for each row that is due: retries, and first attempts whose wake-up was lost."""
    from tandem.planner.listeners.service import due

    for outbox_id in due(clock=from_environment()):
        wake(outbox_id)


@app.periodic(cron="23 * * * *")
@app.task(queue="events", queueing_lock="listeners old")
def drop_old_events(timestamp: int) -> None:
    """Forget what is older than the log is kept."""
    from tandem.planner.listeners.service import drop_old

    drop_old(clock=from_environment())


def wake(outbox_id: int) -> None:
    """One waiting job per row is enough."""
    try:
        deliver_event.configure(queueing_lock=f"event {outbox_id}").defer(outbox_id=outbox_id)
    except AlreadyEnqueued:
        return
