"""Wake-ups of the planner's day. What is due is a query; a lost job costs seconds."""

from procrastinate.contrib.django import app

from tandem.kit.clock import from_environment

QUEUE = "planner"


@app.periodic(cron="*/2 * * * * *", periodic_id="prepare")
@app.task(queue=QUEUE, name="planner.daily.prepare", queueing_lock="planner-prepare")
def prepare_due_occurrences(timestamp: int) -> None:
    """Every two seconds: make the lists that are due, mark what is too late."""
    from tandem.planner.execution import service

    service.prepare_due(clock=from_environment())


@app.periodic(cron="*/10 * * * * *", periodic_id="cycle")
@app.task(queue=QUEUE, name="planner.daily.cycle", queueing_lock="planner-cycle")
def bring_up_to_date(timestamp: int) -> None:
    """Every ten seconds: is there a new business day, is consent old?"""
    from tandem.planner.daily import service

    service.run_cycles(clock=from_environment())
