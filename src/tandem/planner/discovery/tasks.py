"""Wake-ups for searches: one when it is asked for, one every minute for those that were lost.

The row is the truth; a job that runs twice, late or never changes nothing that a later tick cannot mend.
"""

from django.db import close_old_connections
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tandem.kit.clock import from_environment


@app.task(queue="planner.long", name="planner.discovery.search")
def search(run_id: int) -> None:
    """Do one search, if it is still to be done."""
    from tandem.planner.discovery import service

    close_old_connections()
    service.work(run_id, clock=from_environment())


@app.periodic(cron="* * * * *")
@app.task(
    name="planner.discovery.wake_searches", queue="planner", queueing_lock="planner.discovery.wake_searches"
)
def wake_searches(timestamp: int) -> None:
    """A job for each search that waits, and for each whose worker fell silent."""
    from tandem.planner.discovery import service

    close_old_connections()
    for run_id in service.due(clock=from_environment()):
        wake(run_id)


def wake(run_id: int) -> None:
    """One waiting job per search is enough."""
    try:
        search.configure(queueing_lock=f"planner.discovery {run_id}").defer(run_id=run_id)
    except AlreadyEnqueued:
        return
