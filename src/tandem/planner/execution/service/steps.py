"""The five steps of an occurrence's page, in words and times."""

from collections.abc import Sequence
from dataclasses import replace

from tandem.kit.zones import to_local
from tandem.planner.campaigns.domain import CANCELLED_STATES, CampaignView, OccurrenceState
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.execution.domain import (
    CANCELLED,
    NOT_CLEARED,
    ListSummary,
    Outcome,
    Reported,
    Step,
    outcome_of,
)
from tandem.planner.listeners.domain import EventView

_ENDED = (OccurrenceState.SENT, OccurrenceState.SENT_WITH_FAILURES)
_CLEARANCE_EVENT, _CANCELLED_EVENT, _SENDERS_EVENTS = 5, 4, (13, 1)
_STOPPED = (OccurrenceState.NOT_RUN, *CANCELLED_STATES)


def steps_of(
    view: CampaignView,
    row: Occurrence,
    summary: ListSummary | None,
    reported: Reported,
    events: Sequence[EventView],
) -> tuple[Step, ...]:
    """List made, cleared if it has to be, messenger told, details fetched, sending, sent; or why it was stopped."""
    steps = [_list_step(view, summary)]
    if view.clearance_at:
        steps.append(_clearance_step(view, summary, events))
    steps.append(_told_step(view, summary, _to_senders(events)))
    steps += [_fetched_step(view, row, summary), _sending_step(view, row, summary, reported)]
    if view.state in _STOPPED:
        kept = [step for step in steps if step.state == "done"]
        if view.state in CANCELLED_STATES and view.is_fetched and summary:
            return (*kept, *_cancelling_steps(view, row, outcome_of(summary, reported, view), events))
        last = Step(name=str(view.state).capitalize(), state="failed", at=row.settled_at, detail=view.cause)
        return (*kept, last)
    return (*steps, _end_step(view, row, summary, reported))


def _list_step(view: CampaignView, summary: ListSummary | None) -> Step:
    if summary:
        left_out = sum(summary.skipped.values())
        detail = f"{summary.targeted:,} customers + {summary.control:,} control; {left_out:,} left out."
        return Step(name="List made", state="done", at=summary.made_at, detail=detail)
    making = view.state == OccurrenceState.MAKING_LIST
    detail = view.cause or ("Being made." if making else "Made at the lead time.")
    return Step(name="List made", state="now" if making else "waiting", at=None, detail=detail)


def _clearance_step(view: CampaignView, summary: ListSummary | None, events: Sequence[EventView]) -> Step:
    name = "Cleared"
    if summary and summary.cleared_at:
        off = summary.skipped.get(NOT_CLEARED, 0)
        detail = f"{summary.targeted:,} customers cleared; {off:,} not."
        return Step(name=name, state="done", at=summary.cleared_at, detail=detail)
    until = f"{to_local(view.clearance_at, view.zone):%H:%M:%S}" if view.clearance_at else ""
    asked = [event for event in events if event.event_type == _CLEARANCE_EVENT]
    told = any(event.state == "done" for event in asked)
    words = (
        ""
        if told or not summary
        else " Nobody has answered the event yet."
        if asked
        else " Nobody listens to event 5."
    )
    now = view.state == OccurrenceState.CLEARANCE
    detail = f"A third party says by {until} who may get it.{words if now else ''}"
    return Step(name=name, state="now" if now else "waiting", at=None, detail=detail)


def _to_senders(events: Sequence[EventView]) -> Sequence[EventView]:
    """Event 13, where nobody asked for it event 1."""
    by_type = ([event for event in events if event.event_type == one] for one in _SENDERS_EVENTS)
    return next((found for found in by_type if found), [])


def _told_step(view: CampaignView, summary: ListSummary | None, events: Sequence[EventView]) -> Step:
    told = _posted_step("Messenger told", events)
    if told:
        return replace(told, detail=told.detail + " Nothing was sent.") if told.state == "failed" else told
    due = bool(summary) and view.state != OccurrenceState.CLEARANCE
    words = "No listener is registered for this channel." if due and not events else ""
    return Step(name="Messenger told", state="now" if due else "waiting", at=None, detail=words)


def _posted_step(name: str, events: Sequence[EventView]) -> Step | None:
    """What came of posting these events; None while none was posted."""
    attempts = [(event, attempt) for event in events for attempt in event.attempts]
    if not attempts:
        return None
    event, last = attempts[-1]
    exchange = "\n\n".join(f"{one.request}\n\n{one.answer or one.problem}".strip() for _, one in attempts)
    if any(event.state == "done" for event in events):
        detail = f"Event {event.event_type}, number {event.id}; answer {last.status}."
        return Step(name=name, state="done", at=last.at, detail=detail, exchange=exchange)
    again = f" We try again at {event.next_at:%H:%M:%S} UTC." if event.next_at else ""
    said = last.problem or f"The listener answered {last.status}."
    return Step(name=name, state="failed", at=last.at, detail=f"{said}{again}", exchange=exchange)


def _cancelling_steps(
    view: CampaignView, row: Occurrence, outcome: Outcome, events: Sequence[EventView]
) -> tuple[Step, ...]:
    """Cancelled here, told to the messenger, and what the messenger says of it."""
    asked = Step(name="Cancelled here", state="done", at=row.settled_at, detail="")
    mine = [event for event in events if event.event_type == _CANCELLED_EVENT]
    words = (
        "" if mine else "Nobody listens to event 4. The messenger finds it out when it asks for campaigns."
    )
    told = _posted_step("Messenger told to stop", mine) or Step(
        name="Messenger told to stop", state="now" if mine else "waiting", at=None, detail=words
    )
    said = outcome.sent + outcome.failed + outcome.skipped.get(CANCELLED, 0)
    numbers = (
        f"{outcome.skipped.get(CANCELLED, 0):,} not sent, {outcome.sent:,} sent, {outcome.failed:,} failed."
    )
    waits = "What it reports is shown here."
    over = view.state == OccurrenceState.CANCELLED
    end = Step(
        name="Messenger stopped", state="done" if over and said else "failed" if over else "now", at=None,
        detail=f"{numbers if said else '' if over else waits} {view.cause if over else ''}".strip(),
    )  # fmt: skip
    return asked, told, end


def _fetched_step(view: CampaignView, row: Occurrence, summary: ListSummary | None) -> Step:
    name = "Messenger fetched details"
    if row.fetched_at is None:
        return Step(name=name, state="waiting", at=None, detail="")
    total = summary.targeted if summary else 0
    detail = f"{min(row.rows_fetched, total):,} of {total:,} customers."
    done = row.rows_fetched >= total or view.state != OccurrenceState.WAITING
    return Step(name=name, state="done" if done else "now", at=row.fetched_at, detail=detail)


def _sending_step(
    view: CampaignView, row: Occurrence, summary: ListSummary | None, reported: Reported
) -> Step:
    if view.state in _ENDED:
        return Step(name="Sending", state="done", at=row.sending_at, detail="")
    if view.state != OccurrenceState.SENDING or summary is None:
        return Step(name="Sending", state="waiting", at=None, detail="")
    known = reported.sent + reported.dropped + reported.bounced
    share = min(1.0, known / summary.targeted) if summary.targeted else 0.0
    return Step(name="Sending", state="now", at=row.sending_at, detail=f"{share:.0%} reported.", share=share)


def _end_step(view: CampaignView, row: Occurrence, summary: ListSummary | None, reported: Reported) -> Step:
    if view.state not in _ENDED or summary is None:
        return Step(name="Sent", state="waiting", at=None, detail="")
    outcome = outcome_of(summary, reported)
    detail = f"{outcome.sent:,} sent, {outcome.failed:,} failed, {outcome.uncertain:,} uncertain. {view.cause}".strip()
    state = "done" if view.state == OccurrenceState.SENT else "failed"
    return Step(name=str(view.state).capitalize(), state=state, at=row.settled_at, detail=detail)
