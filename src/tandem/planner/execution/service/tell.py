"""The events of lists: executed, and all of a day's processed."""

from datetime import date, timedelta

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.kit.zones import business_day
from tandem.planner.accounts import service as accounts
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.execution import queries
from tandem.planner.execution.models import ProcessedDay
from tandem.planner.listeners import service as listeners

PROCESSED_EVENT, DAY_EVENT, EXECUTED_EVENT = 1, 2, 13


def tell_executed(occurrence: Occurrence, clock: Clock) -> None:
    """Events 1 and 13, in the transaction that froze the list."""
    for event_type in (PROCESSED_EVENT, EXECUTED_EVENT):
        listeners.enqueue_event(
            occurrence.account_id,
            event_type,
            occurrence.pk,
            occurrence.channel_id,
            clock=clock,
            deadline=occurrence.late_at,
        )


def tell_days(*, clock: Clock) -> int:
    """Event 2 for each account whose campaigns of the day are all processed; again when more were added."""
    now, told = clock.business(), 0
    around = timedelta(days=1)
    for account_id, day, processed in queries.processed_days((now - around).date(), (now + around).date()):
        if day <= business_day(now, accounts.get_account(account_id).zone):
            told += _tell_day(account_id, day, processed, clock)
    return told


@transaction.atomic
def _tell_day(account_id: int, day: date, processed: int, clock: Clock) -> bool:
    row, _ = ProcessedDay.objects.select_for_update().get_or_create(
        account_id=account_id, day=day, defaults={"processed": 0}
    )
    if row.processed >= processed:
        return False
    row.processed = processed
    row.save(update_fields=["processed"])
    listeners.enqueue_event(account_id, DAY_EVENT, None, None, clock=clock)
    return True
