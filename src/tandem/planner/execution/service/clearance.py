"""Conditional campaigns: a third party says who is cleared, then only those are scheduled."""

import logging
from collections.abc import Mapping

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem
from tandem.kit.zones import to_local
from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.domain import OccurrenceState, check_move
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.execution import queries
from tandem.planner.execution.errors import NotToClear
from tandem.planner.execution.models import CustomerList
from tandem.planner.execution.service.follow import stop
from tandem.planner.execution.service.tell import tell_executed
from tandem.planner.listeners import service as listeners

CLEARANCE_EVENT = 5
log = logging.getLogger(__name__)


def ask_for_clearance(occurrence: Occurrence, clock: Clock) -> None:
    """Event 5, in the transaction that froze the list; it is of no use once clearance is over."""
    listeners.enqueue_event(
        occurrence.account_id,
        CLEARANCE_EVENT,
        occurrence.pk,
        None,
        clock=clock,
        deadline=occurrence.clearance_at,
    )


def say_cleared(account_id: int, occurrence_id: int, statuses: Mapping[str, bool], *, clock: Clock) -> int:
    """Keep what a third party says of customers; the last word on each counts, who is never named is not cleared.

    Customers who are not to get anything are passed over. Returns how many were on the list.
    Raises NoSuchOccurrence, NotToClear.
    """
    view = campaigns.occurrence_campaign(account_id, occurrence_id)
    with transaction.atomic():
        row = Occurrence.objects.select_for_update().get(account_id=account_id, pk=occurrence_id)
        if row.state != OccurrenceState.CLEARANCE:
            raise NotToClear(f"Campaign {occurrence_id} is {row.state}: it does not wait for clearance.")
        if row.clearance_at is None or clock.business() >= row.clearance_at:
            until = f"{to_local(row.clearance_at, view.zone):%H:%M:%S}" if row.clearance_at else ""
            raise NotToClear(f"Clearance of campaign {occurrence_id} was required by {until}.")
        return queries.say_cleared(account_id, occurrence_id, statuses)


def clear_due(*, clock: Clock) -> int:
    """Schedule the cleared customers of every campaign whose clearance is over; one failure stops no other."""
    # all accounts: the tick works for every account
    due = Occurrence.objects.filter(state=OccurrenceState.CLEARANCE, clearance_at__lte=clock.business())
    done = 0
    for account_id, occurrence_id in due.order_by("clearance_at", "pk").values_list("account_id", "pk"):
        try:
            done += clear(account_id, occurrence_id, clock=clock)
        except Problem as problem:
            log.warning("occurrence %s: %s", occurrence_id, problem.title)
    return done


def clear(account_id: int, occurrence_id: int, *, clock: Clock) -> bool:
    """Take off who is not cleared, freeze what is left and tell of it, all at once; whether there was anything to do.

    May be repeated.
    """
    with transaction.atomic():
        row = Occurrence.objects.select_for_update().get(account_id=account_id, pk=occurrence_id)
        now = clock.business()
        if row.state != OccurrenceState.CLEARANCE or row.clearance_at is None or row.clearance_at > now:
            return False
        if not _freeze_cleared(row, clock):
            cause = f"Nobody was cleared by {_until(row)}, so nothing was sent."
            stop(account_id, occurrence_id, OccurrenceState.NOT_RUN, cause, clock)
        elif now > row.late_at:
            cause = "Clearance was looked at only after the late cut-off, so nothing was sent."
            stop(account_id, occurrence_id, OccurrenceState.NOT_RUN, cause, clock)
        else:
            check_move(OccurrenceState(row.state), OccurrenceState.WAITING, "The campaign")
            Occurrence.objects.filter(account_id=account_id, pk=occurrence_id).update(
                state=OccurrenceState.WAITING
            )
            failpoint("p5")
            tell_executed(row, clock)
        failpoint("p4")
    return True


def _freeze_cleared(row: Occurrence, clock: Clock) -> int:
    """The list anew, with its counts and its hash; how many are left."""
    account_id, occurrence_id = row.account_id, row.pk
    queries.take_off_uncleared(account_id, occurrence_id)
    failpoint("p3")
    found = queries.counts(account_id, occurrence_id)
    CustomerList.objects.filter(account_id=account_id, occurrence_id=occurrence_id).update(
        sha256=queries.list_hash(account_id, occurrence_id), cleared_at=clock.business(), **found
    )
    return int(found["targeted"])


def _until(row: Occurrence) -> str:
    zone = campaigns.occurrence_campaign(row.account_id, row.pk).zone
    return f"{to_local(row.clearance_at, zone):%H:%M}" if row.clearance_at else ""
