"""What was told, to whom, and what was answered."""

from collections import defaultdict
from collections.abc import Collection

from tandem.planner.listeners.domain import AttemptView, EventState, EventView
from tandem.planner.listeners.models import EventAttempt, EventOutbox


def events_of(account_id: int, occurrence_id: int) -> tuple[EventView, ...]:
    """All that was or will be told about an occurrence."""
    found = EventOutbox.objects.filter(account_id=account_id, event__occurrence_id=occurrence_id)
    return _views(account_id, list(found.select_related("event", "registration").order_by("pk")))


exchanges = events_of


def failed_events(account_id: int, limit: int = 200) -> tuple[EventView, ...]:
    """What could not be told, newest first; `replay` tells it again."""
    failed = (EventState.FAILED, EventState.DISABLED, EventState.EXPIRED)
    found = EventOutbox.objects.filter(account_id=account_id, state__in=failed)
    return _views(account_id, list(found.select_related("event", "registration").order_by("-pk")[:limit]))


def states_of(account_id: int, event_ids: Collection[int]) -> dict[int, EventState]:
    """Where each event stands at its listener, by the event's id; at the first one if several are told."""
    found = EventOutbox.objects.filter(account_id=account_id, event__in=event_ids).order_by("-pk")
    return {event: EventState(state) for event, state in found.values_list("event_id", "state")}


def _views(account_id: int, rows: list[EventOutbox]) -> tuple[EventView, ...]:
    attempts = defaultdict(list)
    mine = EventAttempt.objects.filter(account_id=account_id, outbox__in=[row.pk for row in rows])
    for attempt in mine.order_by("at", "pk"):
        attempts[attempt.outbox_id].append(
            AttemptView(
                at=attempt.at,
                status=attempt.status,
                problem=attempt.problem,
                seconds=attempt.seconds,
                request=attempt.request,
                answer=attempt.answer,
            )
        )
    return tuple(
        EventView(
            id=row.pk,
            occurrence_id=row.event.occurrence_id,
            event_type=row.event.event_type,
            channel_id=row.event.channel_id,
            url=row.registration.url,
            state=EventState(row.state),
            next_at=row.next_at,
            attempts=tuple(attempts[row.pk]),
        )
        for row in rows
    )
