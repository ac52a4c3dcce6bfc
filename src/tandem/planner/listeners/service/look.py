"""What was told, to whom, and what was answered."""

from collections import defaultdict
from collections.abc import Collection

from django.db.models import QuerySet

from tandem.planner.listeners.domain import DEAD, AttemptView, EventState, EventView, LogFilter
from tandem.planner.listeners.models import EventAttempt, EventOutbox

EVERYTHING = LogFilter()


def events_of(account_id: int, occurrence_id: int) -> tuple[EventView, ...]:
    """All that was or will be told about an occurrence."""
    found = EventOutbox.objects.filter(account_id=account_id, event__occurrence_id=occurrence_id)
    return _views(account_id, list(found.select_related("event", "registration").order_by("pk")))


exchanges = events_of


def event_log(
    account_id: int, chosen: LogFilter = EVERYTHING, *, before: int | None = None, limit: int = 100
) -> tuple[EventView, ...]:
    """What was or will be told, newest first; before: the last id of the page before."""
    found = chosen_rows(account_id, chosen)
    if before is not None:
        found = found.filter(pk__lt=before)
    return _views(account_id, list(found.select_related("event", "registration").order_by("-pk")[:limit]))


def failed_events(account_id: int, limit: int = 200) -> tuple[EventView, ...]:
    """Dead letters: what could not be told, newest first, each with its cause; `replay` tells it again."""
    return event_log(account_id, LogFilter(states=DEAD), limit=limit)


def trials_of(account_id: int, listener_id: int, limit: int = 20) -> tuple[AttemptView, ...]:
    """Tests of one listener, newest first."""
    found = EventAttempt.objects.filter(account_id=account_id, registration_id=listener_id, outbox=None)
    return tuple(attempt_view(one) for one in found.order_by("-pk")[:limit])


def count_of(account_id: int, chosen: LogFilter) -> int:
    """How many events of the log are meant."""
    return chosen_rows(account_id, chosen).count()


def chosen_rows(account_id: int, chosen: LogFilter) -> QuerySet[EventOutbox]:
    """The rows a filter means, within this room only."""
    found = EventOutbox.objects.filter(account_id=account_id)
    asked = {
        "event__happened_at__gte": chosen.since,
        "event__happened_at__lt": chosen.until,
        "event__event_type": chosen.event_type,
        "event__occurrence_id": chosen.occurrence_id,
        "registration_id": chosen.listener_id,
        "state__in": chosen.states or None,
    }
    return found.filter(**{name: value for name, value in asked.items() if value is not None})


def attempt_view(row: EventAttempt) -> AttemptView:
    """An attempt as others see it."""
    return AttemptView(
        at=row.at,
        status=row.status,
        problem=row.problem,
        seconds=row.seconds,
        request=row.request,
        answer=row.answer,
    )


def states_of(account_id: int, event_ids: Collection[int]) -> dict[int, EventState]:
    """Where each event stands at its listener, by the event's id; at the first one if several are told."""
    found = EventOutbox.objects.filter(account_id=account_id, event__in=event_ids).order_by("-pk")
    return {event: EventState(state) for event, state in found.values_list("event_id", "state")}


def _views(account_id: int, rows: list[EventOutbox]) -> tuple[EventView, ...]:
    attempts = defaultdict(list)
    mine = EventAttempt.objects.filter(account_id=account_id, outbox__in=[row.pk for row in rows])
    for attempt in mine.order_by("at", "pk"):
        attempts[attempt.outbox_id].append(attempt_view(attempt))
    return tuple(
        EventView(
            id=row.pk,
            listener_id=row.registration_id,
            message_id=row.message_id,
            happened_at=row.event.happened_at,
            deadline=row.event.deadline,
            cause=row.cause,
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
