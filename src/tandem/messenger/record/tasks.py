"""Wake-up calls of the record."""

from procrastinate.contrib.django import app

from tandem.kit import clock


@app.periodic(cron="* * * * * */15")
@app.task(
    name="messenger.record.check",
    queue="messenger.long",
    queueing_lock="messenger-record-check",
    pass_context=False,
)
def check(timestamp: int) -> None:
    """Count the sendings that are due for it; note what blocks at rest hold."""
    from tandem.messenger.delivery import numbers
    from tandem.messenger.record import service

    now = clock.from_environment()
    service.sum_up_blocks(clock=now)
    numbers.keep()
    service.check_due(clock=now)


@app.periodic(cron="41 3 * * *")
@app.task(
    name="messenger.record.drop",
    queue="messenger.long",
    queueing_lock="messenger-record-drop",
    pass_context=False,
)
def drop(timestamp: int) -> None:
    """Sum up and drop rows that are kept long enough."""
    from tandem.messenger.record import service

    service.drop_old(clock=clock.from_environment())
