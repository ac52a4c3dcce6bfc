"""Events as they come: one at a time per account, each worked off in the transaction that keeps it."""

from datetime import timedelta

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.domain import STATIC, Changes
from tandem.messenger.eventhub.domain import (
    Action,
    EventState,
    EventView,
    MappingView,
    Said,
    Unreadable,
    read_event,
)
from tandem.messenger.eventhub.errors import AlreadyDone, BadEvent, UnknownEvent
from tandem.messenger.eventhub.models import HubEvent
from tandem.messenger.eventhub.service.mapping import mapped
from tandem.messenger.messages import service as messages
from tandem.messenger.messages.domain import Wanted

SOURCE = "event hub"
KEPT = timedelta(days=30)
_LOCK_CLASS = 7261017
_COLUMNS = {name.lower(): column for name, column in STATIC.items() if column != "original_id"}


@transaction.atomic
def receive(account_id: int, body: object, *, clock: Clock) -> EventView:
    """Keep an event and do what its selector is mapped to; one with a known EventId changes nothing more.

    What cannot be done, or is mapped to nothing, is kept with words. Raises BadEvent.
    """
    try:
        said = read_event(body, _COLUMNS)
    except Unreadable as wrong:
        raise BadEvent(str(wrong), "Nothing was kept.") from wrong
    _one_at_a_time(account_id)
    if said.event_id:
        known = HubEvent.objects.filter(account_id=account_id, event_id=said.event_id).first()
        if known is not None:
            return _view(known)
    row = HubEvent(
        account_id=account_id,
        event_id=said.event_id or None,
        type=said.type,
        selector=said.selector,
        contact=said.original_id,
        body=body,
        received_at=clock.system(),
    )
    _work_off(row, said, clock)
    failpoint("hub.received")
    return _view(row)


@transaction.atomic
def take_up(account_id: int, id_: int, *, clock: Clock) -> EventView:
    """Try a kept or failed event again, as things are mapped now. Raises UnknownEvent, AlreadyDone."""
    _one_at_a_time(account_id)
    row = HubEvent.objects.filter(account_id=account_id, pk=id_).first()
    if row is None:
        raise UnknownEvent(f"There is no event {id_} in this account.", "List them to see their numbers.")
    if row.state == EventState.DONE:
        raise AlreadyDone(f"Event {id_} was worked off already.", "Nothing was done again.")
    _work_off(row, read_event(row.body, _COLUMNS), clock)
    return _view(row)


def events(account_id: int, *, state: str = "", limit: int = 100) -> list[EventView]:
    """The newest events; of one state if it is named."""
    rows = HubEvent.objects.filter(account_id=account_id)
    if state:
        rows = rows.filter(state=state)
    return [_view(row) for row in rows.order_by("-id")[:limit]]


def forget(account_id: int, contact: str, *, dry_run: bool = False) -> dict[str, int]:
    """Delete every event about a customer; place -> count."""
    rows = HubEvent.objects.filter(account_id=account_id, contact=contact)
    found = rows.count()
    if not dry_run:
        rows.delete()
    return {"event hub events": found}


def clear_old(*, clock: Clock) -> int:
    """Delete events of more than thirty days ago; how many."""
    # all accounts: one rule for every account
    deleted, _ = HubEvent.objects.filter(received_at__lt=clock.system() - KEPT).delete()
    return deleted


def _one_at_a_time(account_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK_CLASS, str(account_id)])


def _work_off(row: HubEvent, said: Said, clock: Clock) -> None:
    found = mapped(row.account_id, said.selector)
    if not found:
        row.state = EventState.KEPT
        row.words = (
            f"The selector {said.selector} is mapped to nothing. The event is kept; map it and take it up."
        )
    else:
        _do_all(row, said, found, clock)
    row.save()


def _do_all(row: HubEvent, said: Said, found: list[MappingView], clock: Clock) -> None:
    """All actions or none of them."""
    try:
        with transaction.atomic():
            done = [_do(row.account_id, one, said, clock) for one in found]
    except Problem as problem:
        row.state = EventState.FAILED
        row.words = f"{problem.detail} {problem.advice}".strip()[:500]
        return
    row.state, row.words, row.body = EventState.DONE, " ".join(done)[:500], None


def _do(account_id: int, one: MappingView, said: Said, clock: Clock) -> str:
    if not said.original_id:
        raise BadEvent("The event has no OriginalId.", "It names the contact.")
    if one.action is Action.SEND_TRIGGER:
        wanted = Wanted(original_id=said.original_id, properties=said.properties)
        return messages.send(account_id, one.target, wanted, clock=clock).words
    contacts.save_contact(
        account_id,
        one.target,
        said.original_id,
        Changes(columns=dict(said.columns), properties=dict(said.properties)),
        force=one.action is Action.CREATE_USER,
        may_subscribe=False,
        source=SOURCE,
        clock=clock,
    )
    return f"{one.action.words}: saved in list {one.target}."


def _view(row: HubEvent) -> EventView:
    return EventView(
        id=row.pk,
        event_id=row.event_id or "",
        type=row.type,
        selector=row.selector,
        contact=row.contact,
        state=EventState(row.state),
        words=row.words,
        received_at=row.received_at,
    )
