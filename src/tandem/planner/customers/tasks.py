"""Wake-ups for call-backs: one when it is written, one every five seconds that looks for what is due.

The row is the truth; a job that runs twice, late or never changes nothing that a later tick cannot mend.
"""

from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tandem.kit.clock import from_environment


@app.task(queue="planner", name="planner.customers.call_back")
def call_back(call_back_id: int) -> None:
    """Post one call-back, if it is still due."""
    from tandem.planner.customers.service import callbacks

    callbacks.deliver(call_back_id, clock=from_environment())


@app.periodic(cron="* * * * * */5")
@app.task(queue="planner", name="planner.customers.wake_call_backs", queueing_lock="planner call-backs")
def wake_call_backs(timestamp: int) -> None:
    """A job for each call-back that is due: retries, and first attempts whose wake-up was lost."""
    from tandem.planner.customers.service import callbacks

    for call_back_id in callbacks.due(clock=from_environment()):
        wake(call_back_id)


def wake(call_back_id: int) -> None:
    """One waiting job per row is enough."""
    try:
        call_back.configure(queueing_lock=f"call-back {call_back_id}").defer(call_back_id=call_back_id)
    except AlreadyEnqueued:
        return
