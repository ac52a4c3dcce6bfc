"""Calls that are due: in order per subscription, one at a time each, so that nobody waits for another's address.

A call is `fired` in the database before it leaves. In the vendor's way that is the last word about it, unless an
answer comes: a process that dies meanwhile loses the event and never tells it twice. In the signed way it is told
again, with the same webhook-id.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.messenger.webhooks.domain import (
    BREAKS_AFTER,
    GIVES_UP_AFTER,
    OPEN_FOR,
    CallState,
    Endpoint,
    Event,
    EventType,
    Heard,
    Way,
    body,
    holds_up,
    wait_after,
)
from tandem.messenger.webhooks.models import Call, Subscription
from tandem.messenger.webhooks.models import Event as EventRow
from tandem.messenger.webhooks.service.posting import endpoint_of, post
from tandem.messenger.webhooks.service.stepping import acknowledged

TURN_SECONDS = 10.0
_LOCK_CLASS = 7261016
_DUE = """
SELECT s.account_id, s.id FROM messenger_webhooks_subscription s
WHERE s.enabled AND (s.wait_until IS NULL OR s.wait_until <= %(now)s)
  AND EXISTS (SELECT 1 FROM messenger_webhooks_call c
              WHERE c.account_id = s.account_id AND c.subscription_id = s.id AND c.state IN (0, 1)
                AND (c.state = 1 OR c.next_at <= %(now)s))
ORDER BY s.id
"""
GONE = "It answered 410: it wants no more calls."
FAILING = "No call of the last five days was acknowledged."
_OFF = "The webhook was switched off."
_CIRCUIT = "The circuit was open: the address had failed five times in a row."
_DIED = "It was called; this process ended before an answer came."


@dataclass(frozen=True, kw_only=True)
class Due:
    """A call that is marked as fired: what to post, and where."""

    call_id: int
    tries: int
    endpoint: Endpoint
    body: bytes
    message_id: str
    seconds: float
    zone: str


def due(clock: Clock) -> list[tuple[int, int]]:
    """(account, subscription) of each that has something to be called with now."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"now": clock.system()})
        return [(account_id, id_) for account_id, id_ in cursor.fetchall()]


def call_due(clock: Clock) -> int:
    """Call everyone who is due, one after another; how many calls."""
    return sum(work_off(account_id, id_, clock=clock) for account_id, id_ in due(clock))


def work_off(account_id: int, subscription_id: int, *, clock: Clock, seconds: float = TURN_SECONDS) -> int:
    """Call one subscription with what waits for it, in order; how many calls. Nothing if another process does."""
    with _alone(subscription_id) as mine:
        if not mine:
            return 0
        _settle_orphans(account_id, subscription_id, clock)
        ends_at = time.monotonic() + seconds
        calls = 0
        now_due = _advance(account_id, subscription_id, None, clock)
        while now_due is not None:
            failpoint("webhook.fired")
            heard = post(
                now_due.endpoint,
                now_due.body,
                message_id=now_due.message_id,
                seconds=now_due.seconds,
                now=clock.system(),
            )
            failpoint("webhook.answered")
            calls += 1
            more = time.monotonic() < ends_at
            step = _acknowledged if heard.good else _advance
            now_due = step(account_id, subscription_id, (now_due, heard), clock, more=more)
        return calls


@contextmanager
def _alone(subscription_id: int) -> Iterator[bool]:
    """One process and one thread at a time; the lock ends with its session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_CLASS, subscription_id % 2**31])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine and connection.connection is not None and not connection.connection.broken:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_CLASS, subscription_id % 2**31])


@transaction.atomic
def _settle_orphans(account_id: int, subscription_id: int, clock: Clock) -> None:
    """Calls that a process which died had fired: under the lock nobody else's can be among them."""
    orphans = Call.objects.filter(
        account_id=account_id, subscription_id=subscription_id, state=CallState.FIRED
    )
    way = Subscription.objects.values_list("way", flat=True).get(account_id=account_id, pk=subscription_id)
    if way == Way.VENDOR:
        orphans.update(state=CallState.UNHEARD, words=_DIED)
    else:
        orphans.update(state=CallState.WAITING, next_at=clock.system(), words=_DIED)


@transaction.atomic
def _advance(
    account_id: int,
    subscription_id: int,
    done: tuple[Due, Heard] | None,
    clock: Clock,
    *,
    more: bool = True,
) -> Due | None:
    """Keep how the last call failed, if there was one, and fire the next one, in one transaction."""
    row = Subscription.objects.select_for_update().filter(account_id=account_id, pk=subscription_id).first()
    if row is None:
        return None
    now = clock.system()
    if done is not None:
        _record(row, *done, now)
    return _next(row, now) if more and row.enabled else None


def _acknowledged(
    account_id: int, subscription_id: int, done: tuple[Due, Heard], clock: Clock, *, more: bool
) -> Due | None:
    """The same after an answer that is good, in one statement."""
    call, heard = done
    fired = acknowledged(account_id, subscription_id, call.call_id, heard, clock.system(), more=more)
    if fired is None:
        return None
    return Due(
        call_id=fired.call_id,
        tries=fired.tries,
        endpoint=fired.endpoint,
        body=body_of(fired.event, call.zone),
        message_id=message_id(fired.event.pk),
        seconds=fired.seconds,
        zone=call.zone,
    )


def _next(row: Subscription, now: datetime) -> Due | None:
    waiting = Call.objects.filter(account_id=row.account_id, subscription_id=row.pk, state=CallState.WAITING)
    if row.open_until is not None and row.open_until > now:
        waiting.update(state=CallState.NOT_CALLED, words=_CIRCUIT)
        return None
    if row.wait_until is not None and row.wait_until > now:
        return None
    found = waiting.filter(next_at__lte=now).select_related("event", "account").order_by("event_id").first()
    if found is None:
        return None
    found.state, found.tries, found.called_at = CallState.FIRED, found.tries + 1, now
    found.save(update_fields=["state", "tries", "called_at"])
    return Due(
        call_id=found.pk,
        tries=found.tries,
        endpoint=endpoint_of(_without_ended_secret(row, now)),
        body=body_of(found.event, found.account.zone),
        message_id=message_id(found.event_id),
        seconds=row.seconds,
        zone=found.account.zone,
    )


def message_id(event_id: int) -> str:
    """The webhook-id of an event: the same whenever it is told."""
    return f"event_{event_id}"


def body_of(row: EventRow, zone: str) -> bytes:
    """The bytes of an event."""
    names = Event.__dataclass_fields__
    event = Event(**{name: getattr(row, name) for name in names})
    return orjson.dumps(body(EventType(row.event_type), row.pk, event, ZoneInfo(zone)))


def _without_ended_secret(row: Subscription, now: datetime) -> Subscription:
    if row.rotated_until is not None and row.rotated_until <= now:
        row.old_secret_sealed, row.rotated_until = "", None
        row.save(update_fields=["old_secret_sealed", "rotated_until"])
    return row


def _record(row: Subscription, call: Due, heard: Heard, now: datetime) -> None:
    """Keep that a call was not acknowledged."""
    row.last_at, row.last_status, row.last_words = now, heard.status, heard.words[:300]
    kept: dict[str, Any] = {"status": heard.status, "words": heard.words[:300]}
    if row.way == Way.VENDOR:
        _vendor_failed(row, now)
        kept["state"] = CallState.FAILED
    else:
        kept |= _signed_failed(row, call, heard, now)
    row.save()
    Call.objects.filter(account_id=row.account_id, pk=call.call_id, state=CallState.FIRED).update(**kept)


def _vendor_failed(row: Subscription, now: datetime) -> None:
    row.failures += 1
    row.failing_since = row.failing_since or now
    row.open_until = now + OPEN_FOR if row.failures >= BREAKS_AFTER else None


def _signed_failed(row: Subscription, call: Due, heard: Heard, now: datetime) -> dict[str, Any]:
    """What becomes of the call; the subscription waits, or is switched off."""
    row.failures += 1
    if heard.status == 410:
        switch_off(row, GONE)
        return {"state": CallState.FAILED}
    wait = wait_after(call.tries, f"{row.pk}:{call.message_id}", heard.retry_after)
    if holds_up(heard.status):
        row.failing_since = row.failing_since or now
        row.wait_until = now + (wait or heard.retry_after or timedelta(0))
        if now - row.failing_since >= GIVES_UP_AFTER:
            switch_off(row, FAILING)
            return {"state": CallState.FAILED}
    if wait is None:
        return {"state": CallState.FAILED}
    return {"state": CallState.WAITING, "next_at": now + wait}


def switch_off(row: Subscription, problem: str) -> None:
    """No more calls; what waited is among the failures and may be told again."""
    row.enabled, row.problem = False, problem
    Call.objects.filter(account_id=row.account_id, subscription_id=row.pk, state=CallState.WAITING).update(
        state=CallState.NOT_CALLED, words=_OFF
    )
