"""Cancellations: event 4, or a campaign missing from the planner's list, is a hint; the planner's answer holds.

The planner is asked who was cancelled and how the campaign stands. Those customers, or all, are taken out of the
ledger, and stay out of a list that is taken later.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import F

from tandem.clients.planner import PlannerClient
from tandem.clients.planner_problems import PlannerForbidden, PlannerKnowsNot, PlannerRefused
from tandem.kit.clock import Clock
from tandem.kit.problems import Problem
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.service import Cancelled
from tandem.messenger.listener.domain import CancelSaid, InboxState, is_stopped, retry_after
from tandem.messenger.listener.errors import CancellationUnclear, InboxNotFound
from tandem.messenger.listener.models import Cancellation, Inbox
from tandem.messenger.listener.service.alone import alone_with
from tandem.messenger.listener.service.connect import client_of

log = logging.getLogger("tandem.listener")
_LOCK = 7261005
#: a campaign that is only missing from the planner's list is not asked about again sooner
_PATIENCE = timedelta(minutes=10)


def hear(account_id: int, campaign_id: int, source: str, clock: Clock) -> bool:
    """Note that a campaign may be cancelled, to be looked at now; False if it was noted before."""
    now = clock.system()
    row, created = Cancellation.objects.get_or_create(
        account_id=account_id,
        campaign_id=campaign_id,
        defaults={
            "source": source,
            "state": InboxState.WAITING.value,
            "received_at": now,
            "next_try_at": now,
        },
    )
    if not created:
        Cancellation.objects.filter(account_id=account_id, id=row.id).update(
            times_received=F("times_received") + 1,
            state=InboxState.WAITING.value,
            tries=0,
            next_try_at=now,
        )
    return created


def hear_missing(account_id: int, campaign_id: int, clock: Clock) -> None:
    """A campaign whose list we have is not on the planner's list of its day."""
    known = Cancellation.objects.filter(account_id=account_id, campaign_id=campaign_id).first()
    quiet = clock.system() - _PATIENCE
    if known is None or (known.state != InboxState.WAITING and (known.looked_at or quiet) <= quiet):
        hear(account_id, campaign_id, "poll", clock)


def look_due(clock: Clock) -> int:
    """Ask the planner about every cancellation that is due; how many are settled."""
    # all accounts: the tick works for every account
    due = Cancellation.objects.filter(state=InboxState.WAITING.value, next_try_at__lte=clock.system())
    rows = list(due.order_by("next_try_at").values_list("account_id", "id"))
    return sum(look(account_id, row_id, clock=clock) for account_id, row_id in rows)


def look(account_id: int, row_id: int, *, clock: Clock) -> bool:
    """Ask about one; True if it is settled. Problems set the next try, then hold it with an alarm."""
    with alone_with(_LOCK, row_id) as ours:
        if not ours:
            return False
        row = Cancellation.objects.get(account_id=account_id, id=row_id)
        return row.state == InboxState.WAITING.value and _try(row, clock)


def look_again(account_id: int, row_id: int, *, clock: Clock) -> None:
    """Ask about a held one again. Raises InboxNotFound."""
    held = Cancellation.objects.filter(account_id=account_id, id=row_id, state=InboxState.HELD.value)
    if not held.update(state=InboxState.WAITING.value, tries=0, next_try_at=clock.system(), problem=""):
        raise InboxNotFound("There is no held cancellation of this number.", "Look at the listener page.")


def stopped_as_a_whole(account_id: int, campaign_id: int) -> bool:
    """Whether the planner said that nobody of the campaign gets anything."""
    return Cancellation.objects.filter(account_id=account_id, campaign_id=campaign_id, whole=True).exists()


def _try(row: Cancellation, clock: Clock) -> bool:
    try:
        said = _ask(client_of(row.account_id), row.campaign_id)
        found = _obey(row, said, clock)
    except Problem as problem:
        _failed(row, problem, clock)
        return False
    log.info(
        "listener.cancelled campaign=%s customers=%s whole=%s rows=%s",
        row.campaign_id, len(said.customers), said.whole, found.rows,
    )  # fmt: skip
    return True


def _ask(client: PlannerClient, campaign_id: int) -> CancelSaid:
    """Who was cancelled, and whether all were. Some senders may only ask for the campaign itself."""
    customers: tuple[str, ...] = ()
    barred: Problem | None = None
    try:
        customers = client.canceled_campaign_customers(campaign_id)
    except (PlannerForbidden, PlannerKnowsNot, PlannerRefused) as problem:
        barred = problem
    try:
        details = client.campaign_details(campaign_id)
    except PlannerKnowsNot:
        return CancelSaid(customers=customers)
    whole = is_stopped(details.status)
    if barred is not None and not whole:
        raise CancellationUnclear(
            f"The planner announced that campaign {campaign_id} is cancelled, but does not say who: {barred.detail}",
            "Look at the campaign there, and cancel its sending here if need be.",
        ) from barred
    return CancelSaid(customers=customers, whole=whole, cause=details.error if whole else "")


@transaction.atomic
def _obey(row: Cancellation, said: CancelSaid, clock: Clock) -> Cancelled:
    """Ledger, inbox and this row, in one transaction; an event that came meanwhile is looked at again."""
    found = Cancelled()
    if said.whole:
        found = delivery.cancel_campaign(row.account_id, row.campaign_id, clock=clock)
        close_inbox(
            row.account_id, row.campaign_id, f"The planner stopped this campaign. {said.cause}".strip()
        )
    elif said.customers:
        found = delivery.cancel_customers(row.account_id, row.campaign_id, said.customers, clock=clock)
    mine = Cancellation.objects.filter(account_id=row.account_id, id=row.id)
    mine.update(
        whole=said.whole or row.whole,
        customers=max(len(said.customers), row.customers),
        rows_cancelled=F("rows_cancelled") + found.rows,
        left=found.left,
        looked_at=clock.system(),
        problem="",
        tries=row.tries + 1,
    )
    mine.filter(times_received=row.times_received).update(state=InboxState.TAKEN.value)
    return found


def close_inbox(account_id: int, campaign_id: int, words: str = "The planner stopped this campaign.") -> int:
    """Nothing is fetched any more of a campaign that is stopped; how many channels that were still to be fetched."""
    waiting = (InboxState.WAITING.value, InboxState.HELD.value)
    rows = Inbox.objects.filter(account_id=account_id, campaign_id=campaign_id, state__in=waiting)
    return rows.update(state=InboxState.CANCELLED.value, problem=words[:500])


def _failed(row: Cancellation, problem: Problem, clock: Clock) -> None:
    wait = retry_after(row.tries + 1)
    level = logging.ERROR if wait is None else logging.WARNING
    log.log(level, "listener.cancelled.failed campaign=%s %s", row.campaign_id, problem.title)
    mine = Cancellation.objects.filter(
        account_id=row.account_id, id=row.id, times_received=row.times_received
    )
    mine.update(
        tries=row.tries + 1,
        problem=f"{problem.title}: {problem.detail} {problem.advice}".strip()[:500],
        state=(InboxState.HELD if wait is None else InboxState.WAITING).value,
        next_try_at=clock.system() + timedelta(seconds=wait or 0),
    )
