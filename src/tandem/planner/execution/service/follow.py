"""Follow an occurrence to its end: what was fetched, what the messenger reported, what the page shows."""

from collections.abc import Collection, Mapping

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.domain import CampaignView, OccurrenceState, check_move
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.execution.domain import (
    REPORT_TIME,
    ListSummary,
    Outcome,
    Reported,
    Step,
    Timeline,
    is_complete,
    outcome_of,
    settled_state,
)
from tandem.planner.execution.errors import NoList
from tandem.planner.execution.models import CustomerList
from tandem.planner.execution.service.reported import reported_totals, save_totals
from tandem.planner.execution.service.steps import steps_of
from tandem.planner.listeners import service as listeners

OPEN = (OccurrenceState.WAITING, OccurrenceState.SENDING, OccurrenceState.BEING_CANCELLED)

NOTHING_LEFT = "The messenger sent nothing."
UNSAID = "The messenger did not report what became of its list."


def stop(account_id: int, occurrence_id: int, state: OccurrenceState, cause: str, clock: Clock) -> None:
    """Move to a state in which nothing more happens; nothing more is posted."""
    with transaction.atomic():
        row = Occurrence.objects.select_for_update().get(account_id=account_id, pk=occurrence_id)
        check_move(OccurrenceState(row.state), state, "The campaign")
        row.state, row.cause, row.settled_at = state, cause, clock.business()
        row.save(update_fields=["state", "cause", "settled_at"])
        listeners.cancel_events(account_id, occurrence_id, clock=clock)


def follow_due(*, clock: Clock) -> int:
    """Move on what time alone moves: sending begins, late ones do not run, silent ones are closed."""
    now = clock.business()
    # all accounts: the tick works for every account
    moved = Occurrence.objects.filter(
        state=OccurrenceState.WAITING, fetched_at__isnull=False, send_at__lte=now
    ).update(state=OccurrenceState.SENDING, sending_at=now)
    # all accounts: the tick works for every account
    late = Occurrence.objects.filter(state=OccurrenceState.WAITING, fetched_at=None, late_at__lt=now)
    for account_id, pk in late.values_list("account_id", "pk"):
        cause = "The messenger did not fetch the list before the late cut-off. Nothing was sent."
        stop(account_id, pk, OccurrenceState.NOT_RUN, cause, clock)
        moved += 1
    # all accounts: the tick works for every account
    silent = Occurrence.objects.filter(state=OccurrenceState.SENDING, late_at__lt=now - REPORT_TIME)
    for account_id, pk in silent.values_list("account_id", "pk"):
        cause = "The messenger did not report what became of every message."
        stop(account_id, pk, OccurrenceState.SENT_WITH_FAILURES, cause, clock)
        moved += 1
    # all accounts: the tick works for every account
    unsaid = Occurrence.objects.filter(state=OccurrenceState.BEING_CANCELLED, late_at__lt=now - REPORT_TIME)
    return moved + unsaid.update(state=OccurrenceState.CANCELLED, cause=UNSAID)


def metrics_arrived(
    account_id: int,
    occurrence_id: int,
    totals: Mapping[int, int],
    *,
    stated: Collection[tuple[int, int]] = (),
    clock: Clock,
) -> None:
    """Keep the occurrence's totals by metric; settle it once they cover the test group, or are complete.

    stated: the (template, metric) pairs of the report that just came. Raises NoList.
    """
    summary = list_summary(account_id, occurrence_id)
    reported = Reported(by_metric=totals)
    with transaction.atomic():
        row = Occurrence.objects.select_for_update().get(account_id=account_id, pk=occurrence_id)
        save_totals(account_id, occurrence_id, totals)
        complete = bool(stated) and is_complete(_templates(account_id, occurrence_id), set(stated))
        state = settled_state(summary, reported, complete=complete)
        if row.state == OccurrenceState.SENT_WITH_FAILURES and row.cause:
            _heard_later(row, summary, reported)
        if row.state not in OPEN or state is None:
            return
        if row.state == OccurrenceState.BEING_CANCELLED:
            _end_cancelled(row, outcome_of(summary, reported))
            return
        row.state, row.settled_at, row.cause = state, clock.business(), _cause(outcome_of(summary, reported))
        row.sending_at = row.sending_at or row.settled_at
        row.save(update_fields=["state", "settled_at", "sending_at", "cause"])


def _heard_later(row: Occurrence, summary: ListSummary, reported: Reported) -> None:
    """Of messages in doubt it was heard what became of them; the rest of a settled campaign stays as it is."""
    row.cause = _cause(outcome_of(summary, reported))
    row.state = settled_state(summary, reported, complete=True) or row.state
    row.save(update_fields=["state", "cause"])


def _end_cancelled(row: Occurrence, outcome: Outcome) -> None:
    """It stays cancelled since it was; the cause says what had left in spite of it."""
    check_move(OccurrenceState(row.state), OccurrenceState.CANCELLED, "The campaign")
    left = outcome.sent + outcome.failed
    words = f"{left:,} messages had left before the messenger stopped." if left else NOTHING_LEFT
    row.state, row.cause = OccurrenceState.CANCELLED, f"{words} {_cause(outcome)}".strip()
    row.save(update_fields=["state", "cause"])


def _templates(account_id: int, occurrence_id: int) -> list[int]:
    return CustomerList.objects.values_list("templates", flat=True).get(
        account_id=account_id, occurrence_id=occurrence_id
    )


def _cause(outcome: Outcome) -> str:
    if not outcome.uncertain:
        return ""
    return f"The messenger cannot tell whether {outcome.uncertain:,} of the messages arrived. They are not sent again."


def list_summary(account_id: int, occurrence_id: int) -> ListSummary:
    """The frozen list's numbers. Raises NoList, NoSuchOccurrence."""
    campaigns.occurrence_campaign(account_id, occurrence_id)
    head = CustomerList.objects.filter(account_id=account_id, occurrence_id=occurrence_id).first()
    if head is None:
        raise NoList(f"The list of campaign {occurrence_id} is not made yet.")
    return ListSummary(
        occurrence_id=occurrence_id,
        listed=head.listed,
        targeted=head.targeted,
        control=head.control,
        skipped=head.skipped,
        sha256=head.sha256,
        made_at=head.made_at,
        as_of=str(head.as_of),
        cleared_at=head.cleared_at,
    )


def outcome(account_id: int, occurrence_id: int) -> Outcome:
    """listed = control + sent + skipped + failed + uncertain. Raises NoList."""
    view = campaigns.occurrence_campaign(account_id, occurrence_id)
    return outcome_of(
        list_summary(account_id, occurrence_id), reported_totals(account_id, occurrence_id), view
    )


def timeline(account_id: int, occurrence_id: int) -> Timeline:
    """The occurrence step by step, with the exchange behind each."""
    view = campaigns.occurrence_campaign(account_id, occurrence_id)
    summary = _summary_or_none(account_id, occurrence_id)
    reported = reported_totals(account_id, occurrence_id)
    return Timeline(
        campaign=view,
        steps=_steps(account_id, view, summary, reported),
        list=summary,
        outcome=outcome_of(summary, reported, view) if summary else None,
    )


def _steps(
    account_id: int, view: CampaignView, summary: ListSummary | None, reported: Reported
) -> tuple[Step, ...]:
    row = Occurrence.objects.get(account_id=account_id, pk=view.occurrence_id)
    events = listeners.events_of(account_id, view.occurrence_id)
    return steps_of(view, row, summary, reported, events)


def _summary_or_none(account_id: int, occurrence_id: int) -> ListSummary | None:
    try:
        return list_summary(account_id, occurrence_id)
    except NoList:
        return None
