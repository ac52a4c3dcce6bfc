"""Jobs of SMS that come back. Each is a wake-up call: it reads what is due and does it."""

from procrastinate.contrib.django import app

from tandem.kit import clock as clocks

QUEUE = "messenger"


@app.periodic(cron="* * * * * */2")
@app.task(queue=QUEUE, name="messenger.sms.tick", queueing_lock="messenger-sms-tick", pass_context=False)
def tick(timestamp: int) -> None:
    """Every two seconds: what gateways told us, and the answers to it."""
    from tandem.messenger.sms import service

    service.work_due(clocks.from_environment())


@app.periodic(cron="17 3 * * *")
@app.task(
    queue="messenger.long",
    name="messenger.sms.clean",
    queueing_lock="messenger-sms-clean",
    pass_context=False,
)
def clean(timestamp: int) -> None:
    """Once a night: what is too old to be told again."""
    from tandem.messenger.gateways import inbox
    from tandem.messenger.sms import service

    clock = clocks.from_environment()
    inbox.clean(clock.system())
    service.clear_old(clock)
