"""Once an hour: events of more than thirty days ago are deleted."""

from procrastinate.contrib.django import app

from tandem.kit import clock as clocks


@app.periodic(cron="23 * * * *")
@app.task(
    queue="messenger.long",
    name="messenger.eventhub.clear",
    queueing_lock="messenger-eventhub",
    pass_context=False,
)
def clear(timestamp: int) -> None:
    """Delete what is kept no longer."""
    from tandem.messenger.eventhub import service

    service.clear_old(clock=clocks.from_environment())
