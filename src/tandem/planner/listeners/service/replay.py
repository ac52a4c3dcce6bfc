"""Telling again, one event or a range; the late cut-off of each event still holds."""

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.planner.accounts.service import record
from tandem.planner.listeners.domain import EventState, LogFilter, Replayed
from tandem.planner.listeners.errors import CannotReplay, ListenerUnknown
from tandem.planner.listeners.models import EventOutbox
from tandem.planner.listeners.service.enqueue import wake
from tandem.planner.listeners.service.look import chosen_rows

_AFRESH = {"state": EventState.WAITING, "cause": "", "attempts": 0, "claimed_until": None}


def replay(account_id: int, outbox_id: int, *, actor: str, clock: Clock) -> None:
    """Tell it once more, with a fresh schedule; the message's id stays, so the listener knows it.

    Raises ListenerUnknown, CannotReplay.
    """
    with transaction.atomic():
        rows = EventOutbox.objects.filter(account_id=account_id, pk=outbox_id)
        row = rows.select_related("event", "registration").select_for_update(of=("self",)).first()
        if row is None:
            raise ListenerUnknown(f"There is no event {outbox_id} to tell again.")
        _check(row, clock)
        rows.update(**_AFRESH, next_at=clock.system())
        record(account_id, actor=actor, action="event.replayed", subject=f"event {outbox_id}", clock=clock)
        wake(outbox_id)


def replay_range(account_id: int, chosen: LogFilter, *, actor: str, clock: Clock) -> Replayed:
    """Tell all of these once more, oldest first; what is too late or has no listener any more is only counted."""
    now = clock.system()
    with transaction.atomic():
        found = chosen_rows(account_id, chosen).exclude(event__cancelled=True)
        late = found.filter(event__deadline__lte=clock.business())
        open_rows = found.filter(event__deadline__gt=clock.business())
        counts = late.count(), open_rows.filter(registration__is_active=False).count()
        ids = open_rows.filter(registration__is_active=True).values("pk")
        mine = EventOutbox.objects.filter(account_id=account_id, pk__in=ids)
        again = mine.update(**_AFRESH, next_at=now)
        record(
            account_id, actor=actor, action="event.range_replayed", subject=f"{again} events",
            detail={"again": again, "late": counts[0], "off": counts[1]}, clock=clock,
        )  # fmt: skip
    return Replayed(again=again, late=counts[0], off=counts[1])


def _check(row: EventOutbox, clock: Clock) -> None:
    if row.event.cancelled:
        raise CannotReplay("What it told of was cancelled.")
    if row.event.deadline <= clock.business():
        raise CannotReplay(
            "Its late cut-off is over: whoever hears of it now may do nothing any more.",
            "Run the campaign again instead.",
        )
    if not row.registration.is_active:
        raise CannotReplay("Its listener is switched off.", "Let the listener register again.")
