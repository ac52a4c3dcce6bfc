"""Wake-up calls of what comes back."""

from procrastinate.contrib.django import app

from tandem.kit import clock


@app.periodic(cron="* * * * * */2")
@app.task(
    name="messenger.bounces.tick",
    queue="messenger",
    queueing_lock="messenger-bounces-tick",
    pass_context=False,
)
def tick(timestamp: int) -> None:
    """Take what lies in the Maildir, work off what waits."""
    from pathlib import Path

    from django.conf import settings

    from tandem.messenger.bounces import maildir, service

    now = clock.from_environment()
    if settings.TANDEM_BOUNCE_MAILDIR:
        maildir.take_all(Path(settings.TANDEM_BOUNCE_MAILDIR), clock=now)
    service.work_due(clock=now)


@app.periodic(cron="* * * * * */5")
@app.task(
    name="messenger.bounces.replies",
    queue="messenger",
    queueing_lock="messenger-bounces-replies",
    pass_context=False,
)
def pass_on(timestamp: int) -> None:
    """Replies by people to whoever reads them."""
    from tandem.messenger.bounces import service

    service.forward_due(clock=clock.from_environment())


@app.periodic(cron="* * * * * */15")
@app.task(
    name="messenger.bounces.refusals",
    queue="messenger.long",
    queueing_lock="messenger-bounces-refusals",
    pass_context=False,
)
def take_up(timestamp: int) -> None:
    """Refusals of the next hop in blocks that are finished."""
    from tandem.messenger.bounces import service

    service.take_up_refusals(clock=clock.from_environment())


@app.periodic(cron="23 * * * *")
@app.task(
    name="messenger.bounces.clear",
    queue="messenger.long",
    queueing_lock="messenger-bounces-clear",
    pass_context=False,
)
def clear(timestamp: int) -> None:
    """Delete contents after their time."""
    from tandem.messenger.bounces import service

    now = clock.from_environment()
    service.clear_old(clock=now)
    service.clear_marks(clock=now)
