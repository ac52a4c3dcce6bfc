"""Once a day: events that are kept no longer."""

from procrastinate.contrib.django import app

from tandem.kit.clock import from_environment


@app.periodic(cron="17 3 * * *")
@app.task(name="planner.realtime.drop_old_events", queue="planner", queueing_lock="real-time events")
def drop_old_events(timestamp: int) -> None:
    """Delete what is older than 90 days."""
    from tandem.planner.realtime import service

    service.drop_old_events(clock=from_environment())
