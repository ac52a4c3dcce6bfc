"""Reads frozen lists: which there are, and their rows page by page."""

from collections.abc import Iterator, Sequence
from datetime import date

from django.db.models import Q

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.zones import business_day, wire_time
from tandem.planner.accounts import service as accounts
from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.customers import service as customers
from tandem.planner.execution import queries
from tandem.planner.execution.domain import (
    CONTROL,
    EXECUTED,
    FrozenList,
    ListedRow,
    Who,
    cut,
)
from tandem.planner.execution.errors import NoAction, NoList
from tandem.planner.execution.models import CustomerList

CHUNK = 10_000


def frozen_list(account_id: int, occurrence_id: int) -> FrozenList:
    """The list of an occurrence, whatever became of it. Raises NoList, NoSuchOccurrence."""
    campaigns.occurrence_campaign(account_id, occurrence_id)
    found = _lists(account_id, [occurrence_id])
    if not found:
        raise NoList(f"The list of campaign {occurrence_id} is not made yet.")
    return found[0]


def executed_lists(
    account_id: int, day: date, *, group_id: int | None = None, channel_id: int | None = None
) -> tuple[FrozenList, ...]:
    """What was executed on a day, by id."""
    wanted = Q(account_id=account_id, day=day, state__in=EXECUTED)
    if group_id is not None:
        wanted &= Q(campaign__group_id=group_id)
    if channel_id:
        wanted &= Q(channel_id=channel_id)
    rows = Occurrence.objects.filter(wanted, account_id=account_id)
    return _lists(account_id, list(rows.values_list("pk", flat=True)))


def ended_lists(account_id: int, day: date) -> tuple[FrozenList, ...]:
    """Executed campaigns whose duration is over on that day."""
    return _lists(account_id, queries.over_on(account_id, day, EXECUTED))


def running_lists(account_id: int, *, clock: Clock) -> tuple[FrozenList, ...]:
    """Executed campaigns in whose duration today is."""
    today = business_day(clock.business(), accounts.get_account(account_id).zone)
    return _lists(account_id, queries.running_on(account_id, today, EXECUTED))


def last_list(account_id: int, customer_id: str) -> tuple[FrozenList, bool]:
    """The last executed campaign a customer was in, and whether as one of the control group.

    Raises UnknownCustomer, NoAction.
    """
    surrogate = customers.surrogate_of(account_id, customer_id)
    found = queries.last_of(account_id, surrogate, EXECUTED)
    if found is None:
        raise NoAction(f"Customer {customer_id} was in no campaign yet.")
    return frozen_list(account_id, found[0]), found[1] == CONTROL


def pages(
    account_id: int, lists: Sequence[FrozenList], who: Who, skip: int, top: int
) -> Iterator[tuple[FrozenList, list[ListedRow]]]:
    """The rows of these lists, one after the other, from `skip` on, at most `top`; in pieces."""
    failpoint("p8")
    for place, after, upto in cut([one.span(who) for one in lists], skip, top):
        found = lists[place]
        for start in range(after, upto, CHUNK):
            end = min(start + CHUNK, upto)
            yield found, queries.page(account_id, found.campaign.occurrence_id, start, end)


def _lists(account_id: int, occurrence_ids: Sequence[int]) -> tuple[FrozenList, ...]:
    heads = CustomerList.objects.filter(account_id=account_id, occurrence_id__in=occurrence_ids)
    sizes = {head.occurrence_id: head for head in heads}
    zone = accounts.get_account(account_id).zone
    return tuple(
        FrozenList(
            campaign=view,
            scheduled=wire_time(view.send_at, zone),
            targeted=sizes[view.occurrence_id].targeted,
            control=sizes[view.occurrence_id].control,
        )
        for view in campaigns.occurrence_campaigns(account_id, sizes)
    )
