"""Wake-up call of Send Gates: every two seconds what is held is looked at, and gates are asked."""

from functools import partial

from procrastinate.contrib.django import app

from tandem.kit import clock as clocks
from tandem.kit.clock import Clock
from tandem.messenger.webhooks.lanes import Lanes

lanes = Lanes(4, "gates")


@app.periodic(cron="* * * * * */2")
@app.task(
    queue="messenger", name="messenger.sendgate.tick", queueing_lock="messenger-sendgate", pass_context=False
)
def tick(timestamp: int) -> None:
    """Time-outs and cut-offs here; the calls in lanes of their own."""
    start_due(clocks.from_environment())


def start_due(clock: Clock) -> None:
    """One look, and a lane for each gate that is to be asked."""
    from tandem.messenger.sendgate import service

    service.look(clock)
    for account_id, hold_id in service.to_ask(clock):
        lanes.start(hold_id, partial(service.ask, account_id, hold_id, clock=clock))
