"""What is to be told, written in the transaction of the one to whom it happened."""

import uuid
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from tandem.contract.events import TriggeredEvent
from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.planner.listeners.domain import EventState, cut_off
from tandem.planner.listeners.models import Event, EventOutbox, Registration


def enqueue_event(
    account_id: int,
    event_type: int,
    occurrence_id: int | None,
    channel_id: int | None,
    *,
    clock: Clock,
    deadline: datetime | None = None,
) -> int:
    """Write the event and a row for each listener of it, in the caller's transaction; again = nothing new.

    deadline: business time after which nobody is told any more, by default an hour from now, a day for 2 and 3.
    Returns how many listeners will be told; one who registers before the deadline is told too.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("enqueue_event belongs into the transaction that makes the event true.")
    now = clock.business()
    failpoint("p5")
    key = {"account_id": account_id, "event_type": event_type, "occurrence_id": occurrence_id}
    values = {"happened_at": now, "deadline": deadline or now + cut_off(event_type)}
    if occurrence_id is None:
        event = Event.objects.create(**key, channel_id=channel_id, **values)
    else:
        event, _ = Event.objects.get_or_create(**key, channel_id=channel_id, defaults=values)
    told = Registration.objects.filter(account_id=account_id, event_type=event_type, is_active=True)
    return _write(event, told.filter(Q(channel_id=channel_id) | Q(channel_id=None)), clock=clock)


def enqueue_triggered(
    account_id: int, details: TriggeredEvent, *, clock: Clock, deadline: datetime
) -> tuple[int, int]:
    """Event 11, in the caller's transaction, which sees to it that one trigger is written once.

    Returns the event's id and how many listeners will be told; one who registers later is not told of it.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("enqueue_triggered belongs into the transaction that makes the event true.")
    failpoint("p5")
    named = asdict(details)
    del named["timestamp"], named["event_type"]
    event = Event.objects.create(
        account_id=account_id,
        event_type=details.event_type,
        channel_id=details.channel_id,
        happened_at=clock.business(),
        deadline=deadline,
        details=named,
    )
    told = Registration.objects.filter(account_id=account_id, event_type=details.event_type, is_active=True)
    chosen = told.filter(Q(channel_id=details.channel_id) | Q(channel_id=None))
    return event.pk, _write(event, chosen, clock=clock)


def tell_newcomer(registration: Registration, *, clock: Clock) -> int:
    """Rows for what happened before and may still be told; rows it failed at get another chance."""
    account_id = registration.account_id
    open_events = Event.objects.filter(
        account_id=account_id,
        event_type=registration.event_type,
        cancelled=False,
        deadline__gt=clock.business(),
    ).exclude(occurrence_id=None)
    if registration.channel_id is not None:
        open_events = open_events.filter(channel_id=registration.channel_id)
    EventOutbox.objects.filter(
        account_id=account_id,
        registration=registration,
        event__in=open_events,
        state__in=(EventState.FAILED, EventState.DISABLED, EventState.WAITING),
    ).update(state=EventState.WAITING, cause="", attempts=0, next_at=clock.system())
    return sum(_write(event, [registration], clock=clock) for event in open_events)


def cancel_events(account_id: int, occurrence_id: int, *, clock: Clock) -> int:
    """Nothing more is posted about the occurrence. Returns how many rows were still waiting."""
    with transaction.atomic():
        Event.objects.filter(account_id=account_id, occurrence_id=occurrence_id).update(cancelled=True)
        waiting = EventOutbox.objects.filter(
            account_id=account_id, event__occurrence_id=occurrence_id, state=EventState.WAITING
        )
        return waiting.update(state=EventState.CANCELLED, cause="It was cancelled.", next_at=None)


def _write(event: Event, told: Iterable[Registration], *, clock: Clock) -> int:
    rows = [
        EventOutbox(
            account_id=event.account_id,
            event=event,
            registration=registration,
            message_id=f"msg_{uuid.uuid4().hex}",
            next_at=clock.system(),
        )
        for registration in told
    ]
    EventOutbox.objects.bulk_create(rows, ignore_conflicts=True)
    written = EventOutbox.objects.filter(
        account_id=event.account_id, event=event, state=EventState.WAITING, attempts=0
    )
    for outbox_id in written.values_list("pk", flat=True):
        wake(outbox_id)
    return len(rows)


def wake(outbox_id: int) -> None:
    """A job that looks at the row at once, within this room only."""
    from tandem.planner.listeners.tasks import deliver_event  # tasks call the services, so not at the top

    deliver_event.defer(outbox_id=outbox_id)
