"""Wake-up calls of generation jobs; one that was interrupted is taken up again within seconds."""

from procrastinate.contrib.django import app

from tandem.kit import clock


@app.task(name="messenger.jobs.run", queue="messenger.long", priority=10)
def run(account_id: int, job_id: int) -> None:
    """Go on with one job."""
    from tandem.messenger.jobs.service import run_job

    run_job(account_id, job_id, clock=clock.from_environment())


@app.periodic(cron="* * * * * */10")
@app.task(
    name="messenger.jobs.take_up", queue="messenger.long", queueing_lock="take_up_jobs", pass_context=False
)
def take_up(timestamp: int) -> None:
    """Go on with jobs that nobody works on."""
    from tandem.messenger.jobs.service import run_waiting

    run_waiting(clock=clock.from_environment())
