"""From a heard campaign to a sending: read the whole list from the planner, check it, write the ledger at once.

The list is never whole in this process: its pages go into a temporary table, and from there into the ledger.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction

from tandem.clients.planner import CompleteRead
from tandem.clients.planner_problems import CustomerTwice, NotForThisChannel
from tandem.contract.planner_api import ChannelDetails, ExecutionRow
from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem
from tandem.messenger.delivery import ledger
from tandem.messenger.delivery.domain import Channel, PlannedTemplate
from tandem.messenger.delivery.errors import ListedTwice
from tandem.messenger.delivery.staging import StagedList
from tandem.messenger.engagement import service as engagement
from tandem.messenger.listener.domain import InboxState, is_stopped, retry_after, wire_to_utc
from tandem.messenger.listener.errors import CampaignStopped, InboxNotFound, ListNotUsable
from tandem.messenger.listener.models import ChannelBinding, Inbox
from tandem.messenger.listener.service import cancelled
from tandem.messenger.listener.service.alone import alone_with
from tandem.messenger.listener.service.connect import client_of, connection_row
from tandem.messenger.projects import service as projects

log = logging.getLogger("tandem.listener")
_FETCH_LOCK = 7261002


def fetch_due(clock: Clock) -> int:
    """Work on every inbox row that is due; how many became sendings."""
    # all accounts: the tick works for every account
    due = Inbox.objects.filter(state=InboxState.WAITING.value, next_try_at__lte=clock.system()).order_by(
        "next_try_at"
    )
    return sum(
        fetch(account_id, inbox_id, clock=clock)
        for account_id, inbox_id in due.values_list("account_id", "id")
    )


def fetch(account_id: int, inbox_id: int, *, clock: Clock) -> bool:
    """Fetch one campaign; True if its sending stands. Problems set the next try, or hold it with an alarm."""
    with alone_with(_FETCH_LOCK, inbox_id) as ours:
        if not ours:
            return False
        row = Inbox.objects.get(account_id=account_id, id=inbox_id)
        return row.state == InboxState.WAITING.value and _try(row, clock)


def retry(account_id: int, inbox_id: int, *, clock: Clock) -> None:
    """Fetch a held campaign again, from the start of the schedule. Raises InboxNotFound."""
    changed = Inbox.objects.filter(account_id=account_id, id=inbox_id, state=InboxState.HELD.value).update(
        state=InboxState.WAITING.value, tries=0, next_try_at=clock.system(), problem=""
    )
    if not changed:
        raise InboxNotFound("There is no held campaign of this number.", "Look at the listener page.")


def _try(row: Inbox, clock: Clock) -> bool:
    if cancelled.stopped_as_a_whole(row.account_id, row.campaign_id):
        cancelled.close_inbox(row.account_id, row.campaign_id)
        return False
    try:
        failpoint("m4")
        with StagedList() as staged:
            read = client_of(row.account_id).complete_read(
                row.campaign_id, row.channel_id, keep=lambda rows: _keep(staged, rows)
            )
            failpoint("m7")
            sending_id = _open(row, read, staged, clock)
    except CampaignStopped as problem:
        _failed(row, problem, clock)
        cancelled.hear(row.account_id, row.campaign_id, "list", clock)
        return False
    except Problem as problem:
        _failed(row, problem, clock)
        return False
    log.info(
        "listener.campaign.taken campaign=%s channel=%s sending=%s",
        row.campaign_id,
        row.channel_id,
        sending_id,
    )
    return True


def _keep(staged: StagedList, rows: Sequence[ExecutionRow]) -> None:
    try:
        staged.add((row.customer_id, row.template_id) for row in rows)
    except ListedTwice as error:
        raise CustomerTwice(
            "A customer is on the planner's list twice.",
            "Nothing was sent. The list is read again by schedule.",
        ) from error
    failpoint("m5")


@transaction.atomic
def _open(row: Inbox, read: CompleteRead, staged: StagedList, clock: Clock) -> int:
    """Sending, ledger rows and the inbox row's end, in one transaction."""
    if not staged.rows and is_stopped(read.details.status):
        raise CampaignStopped(f"Campaign {row.campaign_id} is stopped at the planner.", read.details.error)
    binding = ChannelBinding.objects.filter(account_id=row.account_id, channel_id=row.channel_id).first()
    if binding is None:
        raise ListNotUsable(
            f"Channel {row.channel_id} is not of this account.", "Bind it on the listener page."
        )
    zone = connection_row(row.account_id).zone
    templates = _templates(row.account_id, binding.kind, read.channel_rows, zone)
    _check(staged, {template.template_id for template in templates})
    engagement.engaged_first(row.account_id, staged, [one.template_id for one in templates], clock=clock)
    sending_id = ledger.open_sending(
        row.account_id,
        source_key=f"campaign:{row.campaign_id}:{row.channel_id}",
        channel=Channel(binding.kind),
        templates=templates,
        rows=staged,
        clock=clock,
        name=f"Campaign {row.campaign_id}",
        campaign_id=row.campaign_id,
        channel_id=row.channel_id,
        list_hash=staged.digest(),
    )
    Inbox.objects.filter(account_id=row.account_id, id=row.id).update(
        state=InboxState.TAKEN.value,
        sending_id=sending_id,
        fetched_at=clock.system(),
        problem="",
        tries=row.tries + 1,
    )
    return sending_id


def _templates(
    account_id: int, kind: str, channel_rows: Sequence[ChannelDetails], zone: str
) -> list[PlannedTemplate]:
    """Each template with the version that is active now; it stays this one. Raises ListNotUsable."""
    planned = []
    for line in channel_rows:
        target = projects.send_target(account_id, line.template_id)
        if target.channel != kind:
            raise ListNotUsable(
                f"Template {line.template_id} is for {target.channel}, the channel for {kind}.",
                "Plan the campaign with a template of its channel.",
            )
        try:
            due_at = wire_to_utc(line.scheduled_time, zone)
        except ValueError:
            raise ListNotUsable(
                f"The send time {line.scheduled_time!r} cannot be read.", "Look at the planner."
            ) from None
        planned.append(
            PlannedTemplate(
                template_id=line.template_id,
                version_id=target.version_id,
                list_id=target.list_id,
                due_at=due_at,
                ignore_opt_out=target.ignore_opt_out,
            )
        )
    if not planned:
        raise ListNotUsable("The planner names no template for this channel.", "Look at the campaign there.")
    return planned


def _check(staged: StagedList, templates: set[int]) -> None:
    if not staged.rows:
        raise ListNotUsable(
            "The planner's list is empty.", "Nobody is sent anything; look at the campaign there."
        )
    for template_id in staged.templates() - templates:
        raise ListNotUsable(
            f"The list names template {template_id}, the campaign does not.", "Look at the campaign."
        )


def _failed(row: Inbox, problem: Problem, clock: Clock) -> None:
    tries = row.tries + 1
    refused = isinstance(problem, NotForThisChannel)  # asking again gives the same answer
    wait = None if refused else retry_after(tries)
    words = f"{problem.title}: {problem.detail} {problem.advice}".strip()[:500]
    level = logging.ERROR if wait is None else logging.WARNING
    log.log(level, "listener.fetch.failed campaign=%s try=%s %s", row.campaign_id, tries, problem.title)
    Inbox.objects.filter(account_id=row.account_id, id=row.id).update(
        tries=tries,
        problem=words,
        state=_state(refused, wait).value,
        next_try_at=clock.system() + timedelta(seconds=wait or 0),
    )


def _state(refused: bool, wait: int | None) -> InboxState:
    if refused:
        return InboxState.REFUSED
    return InboxState.HELD if wait is None else InboxState.WAITING
