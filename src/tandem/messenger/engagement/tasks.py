"""Wake-up calls: machines told from people, and what told them apart dropped."""

from datetime import timedelta

from procrastinate.contrib.django import app

from tandem.kit import clock as clocks

QUEUE = "messenger"
RECENT = timedelta(minutes=5)


@app.periodic(cron="* * * * * */15")
@app.task(
    queue="messenger.long",
    name="messenger.engagement.judge",
    queueing_lock="engagement-judge",
    pass_context=False,
)
def judge(timestamp: int) -> None:
    """Look at the clicks of the last minutes."""
    from tandem.messenger.engagement import service

    service.judge(clock=clocks.from_environment(), back=RECENT)


@app.periodic(cron="*/10 * * * *")
@app.task(
    queue="messenger.long",
    name="messenger.engagement.drop",
    queueing_lock="engagement-drop",
    pass_context=False,
)
def drop(timestamp: int) -> None:
    """Look at everything that can still be looked at, then drop what is old."""
    from tandem.messenger.engagement import service

    clock = clocks.from_environment()
    service.judge(clock=clock)
    service.drop_raw(clock=clock)


@app.periodic(cron="* * * * * */10")
@app.task(
    queue=QUEUE, name="messenger.engagement.watch", queueing_lock="engagement-watch", pass_context=False
)
def watch(timestamp: int) -> None:
    """Pause sendings that too much comes back of."""
    from tandem.messenger.engagement import service

    service.watch_running(clock=clocks.from_environment())


@app.periodic(cron="* * * * * */15")
@app.task(
    queue="messenger.long",
    name="messenger.engagement.count",
    queueing_lock="engagement-count",
    pass_context=False,
)
def count(timestamp: int) -> None:
    """Count who opened and clicked messages of large sendings."""
    from tandem.messenger.engagement import service

    service.count_due(clock=clocks.from_environment())
