"""The tick: what is due is a query; a killed tick leaves nothing that the next one does not do."""

import logging

from django.db import close_old_connections
from procrastinate.contrib.django import app

from tandem.kit import clock as clocks

#: somebody waits for it: before what a night brings
ASKED = 10
log = logging.getLogger(__name__)


@app.periodic(cron="* * * * * */2")
@app.task(name="planner.campaign_tick", queue="planner", queueing_lock="planner.campaign_tick")
def campaign_tick(timestamp: int) -> None:
    """Prepare what is due and move on what time moves."""
    from tandem.planner.daily import service

    close_old_connections()
    service.campaign_tick(clock=clocks.from_environment())


@app.periodic(cron="* * * * * */10")
@app.task(name="planner.daily_tick", queue="planner.long", queueing_lock="planner.daily_tick")
def daily_tick(timestamp: int) -> None:
    """Refresh consent that is too old and build the snapshots of a new business day."""
    from tandem.planner.daily import service

    close_old_connections()
    service.daily_tick(clock=clocks.from_environment())


@app.periodic(cron="* * * * * */10")
@app.task(
    name="planner.consent_tick", queue="planner.long", queueing_lock="planner.consent_tick", priority=ASKED
)
def consent_tick(timestamp: int) -> None:
    """Refresh consent that is too old, also while some account's day takes its time."""
    from tandem.planner.daily import service

    close_old_connections()
    service.refresh_consent(clock=clocks.from_environment())


@app.task(queue="planner.long", name="planner.modelling.take_in", priority=ASKED)
def take_in(account_id: int, key: str) -> None:
    """Try or import one file handed in; what it is to do stands with the file."""
    from tandem.planner.daily import intake

    intake.work(account_id, key, clock=clocks.from_environment())


@app.task(queue="planner.long", name="planner.daily.run_cycle", priority=ASKED)
def run_cycle(account_id: int, actor: str, whole: bool) -> None:
    """Run an account's daily cycle that somebody asked for."""
    from tandem.planner.daily import cycle

    close_old_connections()
    cycle.run_asked(account_id, actor=actor, whole=whole, clock=clocks.from_environment())
