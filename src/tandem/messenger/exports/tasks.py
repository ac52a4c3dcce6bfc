"""Wake-up calls of exports."""

from procrastinate.contrib.django import app

from tandem.kit import clock


@app.task(name="messenger.exports.run", queue="messenger.long")
def run(account_id: int, export_id: int) -> None:
    """Finish one export."""
    from tandem.messenger.exports.service import run_export

    run_export(account_id, export_id, clock=clock.from_environment())


@app.periodic(cron="* * * * * */15")
@app.task(
    name="messenger.exports.take_up",
    queue="messenger.long",
    queueing_lock="take_up_exports",
    pass_context=False,
)
def take_up(timestamp: int) -> None:
    """Finish exports that nobody has finished."""
    from tandem.messenger.exports.service import run_waiting

    run_waiting(clock=clock.from_environment())
