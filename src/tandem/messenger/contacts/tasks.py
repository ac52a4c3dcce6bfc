"""Imports run here; one that was interrupted is taken up again within half a minute."""

from procrastinate.contrib.django import app

from tandem.kit import clock
from tandem.messenger.contacts.service import planned
from tandem.messenger.contacts.service.batches import run_batch, run_waiting, sweep_files


@app.task(name="messenger.contacts.run_import", queue="messenger.long")
def run_import(account_id: int, batch_id: int) -> None:
    """Run one uploaded import."""
    run_batch(account_id, batch_id, clock=clock.from_environment())


@app.task(name="messenger.contacts.check_import", queue="messenger.long")
def check_import(account_id: int, batch_id: int) -> None:
    """Count what an import would do."""
    planned.check_import(account_id, batch_id, clock=clock.from_environment())


@app.periodic(cron="* * * * * */30")
@app.task(
    name="messenger.contacts.take_up_imports",
    queue="messenger.long",
    queueing_lock="take_up_imports",
    pass_context=False,
)
def take_up_imports(timestamp: int) -> None:
    """Run imports that nobody runs."""
    now = clock.from_environment()
    run_waiting(clock=now)
    sweep_files(clock=now)
