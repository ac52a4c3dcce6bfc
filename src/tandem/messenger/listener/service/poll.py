"""Asking the planner, in case an event was lost; and telling it the totals."""

import logging
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from tandem.kit.clock import Clock
from tandem.kit.problems import Problem
from tandem.messenger.delivery import service as delivery
from tandem.messenger.listener.domain import Hears
from tandem.messenger.listener.models import ChannelBinding, PlannerConnection
from tandem.messenger.listener.service import cancelled
from tandem.messenger.listener.service.connect import client_of, connection_row
from tandem.messenger.listener.service.receive import hear
from tandem.messenger.reporting import delivered, responses, telling
from tandem.messenger.reporting import realtime as real_time_totals
from tandem.messenger.reporting import service as reporting

log = logging.getLogger("tandem.listener")


def planner_today(zone: str, clock: Clock) -> date:
    """The date at the planner now, by business time."""
    return clock.business().astimezone(ZoneInfo(zone)).date()


def poll_due(clock: Clock) -> int:
    """Ask every connected planner whose turn it is; how many campaigns were new."""
    now = clock.system()
    # all accounts: the tick works for every account
    due = PlannerConnection.objects.filter(Q(next_poll_at__isnull=True) | Q(next_poll_at__lte=now))
    return sum(poll_account(row.account_id, clock=clock) for row in due)


def poll_soon() -> int:
    """Ask every connected planner at the next tick; how many there are."""
    # all accounts: a worker that starts serves every account
    return PlannerConnection.objects.update(next_poll_at=None)


def poll_account(account_id: int, *, clock: Clock) -> int:
    """Ask for today's executed campaigns; how many were new.

    Of each registered channel, in case an event was lost; of every channel where asking is the only way.
    """
    row = PlannerConnection.objects.get(account_id=account_id)
    now = clock.system()
    row.next_poll_at = now + timedelta(seconds=row.poll_seconds)
    row.last_poll_at, row.last_problem = now, ""
    found = 0
    try:
        client = client_of(account_id)
        today = planner_today(row.zone, clock)
        bindings = ChannelBinding.objects.filter(account_id=account_id)
        if row.hears == Hears.POLLING:
            row.data_of = client.get_last_data_update()
        else:
            bindings = bindings.filter(registered_at__isnull=False)
        for binding in bindings:
            listed = client.executed_campaigns_by_channel(binding.channel_id, today)
            for campaign_id in listed:
                found += hear(account_id, campaign_id, binding.channel_id, "poll", clock)
            _miss(row, binding.channel_id, set(listed), today, clock)
    except Problem as problem:
        row.last_problem = f"{problem.title}: {problem.detail}"[:500]
        log.warning("listener.poll.failed account=%s %s", account_id, problem.title)
    row.save(update_fields=["next_poll_at", "last_poll_at", "last_problem", "data_of"])
    return found


def _miss(row: PlannerConnection, channel_id: int, listed: set[int], today: date, clock: Clock) -> None:
    """Event 4 may be lost too: whose list we have and who is no longer listed is asked about."""
    for campaign_id, due_at in delivery.waiting_campaigns(row.account_id, channel_id):
        if campaign_id not in listed and due_at.astimezone(ZoneInfo(row.zone)).date() == today:
            cancelled.hear_missing(row.account_id, campaign_id, clock)


def report_due(clock: Clock) -> int:
    """Post settled totals of finished sendings, and who unsubscribed since; how many totals and people went."""
    reporting.prepare_reports(clock)
    delivered.prepare(clock)
    real_time_totals.prepare(clock)
    telling.prepare(lambda account_id: connection_row(account_id).zone, clock=clock)
    responses.prepare(clock=clock)
    reporting.settle_orphans(clock)
    telling.settle_orphans(clock=clock)
    told = reporting.post_due(client_of, clock=clock) + real_time_totals.post_due(client_of, clock=clock)
    return told + telling.post_due(client_of, clock=clock)
