"""The five steps of an occurrence's page, in words and times."""

from collections.abc import Sequence

from tandem.kit.zones import to_local
from tandem.planner.campaigns.domain import CampaignView, OccurrenceState
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.execution.domain import NOT_CLEARED, ListSummary, Reported, Step, outcome_of
from tandem.planner.listeners.domain import EventView

_ENDED = (OccurrenceState.SENT, OccurrenceState.SENT_WITH_FAILURES)
_CLEARANCE_EVENT, _SENDERS_EVENTS = 5, (13, 1)
_STOPPED = (OccurrenceState.NOT_RUN, OccurrenceState.CANCELLED)


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
    attempts = [(event, attempt) for event in events for attempt in event.attempts]
    if not attempts:
        due = bool(summary) and view.state != OccurrenceState.CLEARANCE
        words = "No listener is registered for this channel." if due and not events else ""
        return Step(name="Messenger told", state="now" if due else "waiting", at=None, detail=words)
    event, last = attempts[-1]
    exchange = "\n\n".join(f"{one.request}\n\n{one.answer or one.problem}".strip() for _, one in attempts)
    if any(event.state == "done" for event in events):
        detail = f"Event {event.event_type}, number {event.id}; answer {last.status}."
        return Step(name="Messenger told", state="done", at=last.at, detail=detail, exchange=exchange)
    again = f" We try again at {event.next_at:%H:%M:%S} UTC." if event.next_at else ""
    said = last.problem or f"The listener answered {last.status}."
    return Step(
        name="Messenger told",
        state="failed",
        at=last.at,
        detail=f"{said} Nothing was sent.{again}",
        exchange=exchange,
    )


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
