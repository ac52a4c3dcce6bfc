"""Wake-up calls of webhooks: every second whoever is due is called, each in a lane of its own."""

from functools import partial

from procrastinate.contrib.django import app

from tandem.kit import clock as clocks
from tandem.kit.clock import Clock
from tandem.messenger.webhooks.lanes import Lanes

QUEUE = "messenger"
lanes = Lanes(16, "webhooks")


@app.periodic(cron="* * * * * *")
@app.task(queue=QUEUE, name="messenger.webhooks.tick", queueing_lock="messenger-webhooks", pass_context=False)
def tick(timestamp: int) -> None:
    """Start a lane for everyone who is due and has none; it does not wait for them."""
    start_due(clocks.from_environment())


@app.periodic(cron="17 * * * *")
@app.task(
    queue="messenger.long",
    name="messenger.webhooks.clear",
    queueing_lock="messenger-webhooks-clear",
    pass_context=False,
)
def clear(timestamp: int) -> None:
    """Once an hour: what is kept no longer."""
    from tandem.messenger.webhooks import service

    service.clear_old(clock=clocks.from_environment())


def start_due(clock: Clock) -> None:
    """A slow address takes its own lane and nobody else's."""
    from tandem.messenger.webhooks import service

    for account_id, subscription_id in service.due(clock):
        lanes.start(subscription_id, partial(service.work_off, account_id, subscription_id, clock=clock))
