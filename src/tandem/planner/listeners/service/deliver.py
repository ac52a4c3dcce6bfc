"""Telling: claim a due row, post, write what came of it. The row is the truth, a job only wakes us."""

import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from tandem.contract.events import CampaignEvent, TriggeredEvent, build, build_triggered
from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.http import Http
from tandem.kit.problems import Problem
from tandem.kit.webhooks import signed_headers
from tandem.planner.accounts.service import get_account, record
from tandem.planner.listeners.domain import (
    DISABLE_AFTER,
    LEASE,
    TIMEOUT,
    AttemptView,
    EventState,
    next_pause,
    retry_after,
    succeeded,
)
from tandem.planner.listeners.errors import ListenerUnknown
from tandem.planner.listeners.models import EventAttempt, EventOutbox, Registration
from tandem.planner.listeners.service.registrations import secret_of


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one POST."""

    status: int | None
    problem: str
    seconds: float
    answer: str
    pause: timedelta | None = None


def due(*, clock: Clock, limit: int = 100) -> tuple[int, ...]:
    """Rows to tell now, of all accounts, longest waiting first."""
    now = clock.system()
    # all accounts: the tick works for every account
    found = EventOutbox.objects.filter(state=EventState.WAITING, next_at__lte=now)
    found = found.filter(Q(claimed_until=None) | Q(claimed_until__lte=now))
    return tuple(found.order_by("next_at").values_list("pk", flat=True)[:limit])


def deliver_due(*, clock: Clock) -> int:
    """Tell all that is due, one after the other. Returns how many were tried."""
    return sum(deliver(outbox_id, clock=clock) for outbox_id in due(clock=clock))


def deliver(outbox_id: int, *, clock: Clock) -> bool:
    """Try one row if it is due and nobody else is at it. Returns whether it was tried."""
    row = _claim(outbox_id, clock)
    if row is None:
        return False
    body = _body(row)
    failpoint("p6")
    outcome = _post(row.registration, row.message_id, body, clock=clock)
    failpoint("p7")
    _write_down(row, body, outcome, clock)
    return True


def send_test_event(account_id: int, *, listener_id: int, clock: Clock) -> AttemptView:
    """Post an event that names no campaign, so that only the way is tried. Raises ListenerUnknown."""
    registration = Registration.objects.filter(account_id=account_id, pk=listener_id).first()
    if registration is None:
        raise ListenerUnknown(f"There is no listener {listener_id}.")
    at = clock.system()
    body = build(
        CampaignEvent(
            event_type=registration.event_type,
            timestamp=_wire_time(clock.business(), get_account(account_id).zone),
            campaign_id=0,
            channel_id=registration.channel_id,
        )
    )
    outcome = _post(registration, f"test_{time.time_ns()}", body, clock=clock)
    with transaction.atomic():
        _note_answer(registration, outcome, clock)
        attempt = _log(registration, None, body, outcome, at)
    return AttemptView(
        at=attempt.at,
        status=attempt.status,
        problem=attempt.problem,
        seconds=attempt.seconds,
        request=attempt.request,
        answer=attempt.answer,
    )


@transaction.atomic
def _claim(outbox_id: int, clock: Clock) -> EventOutbox | None:
    now = clock.system()
    row = (
        EventOutbox.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("event", "registration")
        .filter(pk=outbox_id, state=EventState.WAITING, next_at__lte=now)
        .filter(Q(claimed_until=None) | Q(claimed_until__lte=now))
        .first()
    )
    if row is None:
        return None
    if row.event.deadline <= clock.business():
        row.state, row.next_at = EventState.EXPIRED, None
    elif not row.registration.is_active:
        row.state, row.next_at = EventState.DISABLED, None
    else:
        row.claimed_until = now + LEASE
    row.save(update_fields=["state", "next_at", "claimed_until"])
    return row if row.state == EventState.WAITING else None


def _body(row: EventOutbox) -> bytes:
    event = row.event
    timestamp = _wire_time(event.happened_at, get_account(row.account_id).zone)
    if event.details is not None:
        codes = tuple(event.details["promo_codes"])
        return build_triggered(TriggeredEvent(**{**event.details, "promo_codes": codes}, timestamp=timestamp))
    return build(
        CampaignEvent(
            event_type=event.event_type,
            timestamp=timestamp,
            campaign_id=event.occurrence_id,
            channel_id=event.channel_id,
        )
    )


def _wire_time(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


@lru_cache(maxsize=4)
def _http(allow_private: tuple[str, ...]) -> Http:
    return Http(allow_private=allow_private, timeout=TIMEOUT, limit=64 * 1024, user_agent="Tandem-Planner")


def _post(registration: Registration, message_id: str, body: bytes, *, clock: Clock) -> Outcome:
    headers = {"Content-Type": "application/json", "Accept": "*/*"}
    headers |= signed_headers(secret_of(registration), message_id=message_id, at=clock.system(), body=body)
    started = time.monotonic()
    try:
        answer = _http(settings.TANDEM_ALLOW_PRIVATE).request(
            "POST", registration.url, headers=headers, content=body
        )
    except Problem as problem:
        seconds = time.monotonic() - started
        return Outcome(status=None, problem=problem.detail[:300], seconds=seconds, answer="")
    return Outcome(
        status=answer.status,
        problem="" if succeeded(answer.status) else f"The listener answered {answer.status}.",
        seconds=answer.seconds,
        answer=answer.text.replace("\x00", "")[:1000],
        pause=retry_after(answer.headers.get("retry-after", "")),
    )


@transaction.atomic
def _write_down(row: EventOutbox, body: bytes, outcome: Outcome, clock: Clock) -> None:
    at = clock.system()
    row = (
        EventOutbox.objects.select_for_update(of=("self",))
        .select_related("event", "registration")
        .get(pk=row.pk)
    )
    _log(row.registration, row, body, outcome, at)
    _note_answer(row.registration, outcome, clock)
    row.claimed_until = None
    if row.state == EventState.WAITING:
        _move(row, outcome, clock)
    row.save(update_fields=["state", "attempts", "next_at", "claimed_until"])


def _move(row: EventOutbox, outcome: Outcome, clock: Clock) -> None:
    row.attempts += 1
    if succeeded(outcome.status):
        row.state, row.next_at = EventState.DONE, None
        return
    if not row.registration.is_active:
        row.state, row.next_at = EventState.DISABLED, None
        return
    pause = next_pause(row.attempts, random.random(), retry_after=outcome.pause)
    if pause is None or clock.business() + pause >= row.event.deadline:
        row.state, row.next_at = EventState.FAILED, None
        return
    row.next_at = clock.system() + pause


def _note_answer(registration: Registration, outcome: Outcome, clock: Clock) -> None:
    at = clock.system()
    registration.last_call = at
    registration.last_answer = (outcome.problem or f"Answered {outcome.status}.")[:200]
    if succeeded(outcome.status):
        registration.failing_since = None
    else:
        registration.failing_since = registration.failing_since or at
        _disable_if_gone(registration, outcome, clock)
    registration.save(
        update_fields=["last_call", "last_answer", "failing_since", "is_active", "disabled_reason"]
    )


def _disable_if_gone(registration: Registration, outcome: Outcome, clock: Clock) -> None:
    at = clock.system()
    reason = ""
    if outcome.status == 410:
        reason = "The listener answered 410: it is gone."
    elif registration.failing_since and at - registration.failing_since >= DISABLE_AFTER:
        reason = "The listener has failed for five days."
    if not reason:
        return
    registration.is_active, registration.disabled_reason = False, reason
    record(
        registration.account_id,
        actor="system",
        action="listener.disabled",
        subject=f"event {registration.event_type}, channel {registration.channel_id}",
        detail={"reason": reason},
        clock=clock,
    )


def _log(
    registration: Registration, row: EventOutbox | None, body: bytes, outcome: Outcome, at: datetime
) -> EventAttempt:
    return EventAttempt.objects.create(
        account_id=registration.account_id,
        outbox=row,
        registration=registration,
        at=at,
        status=outcome.status,
        problem=outcome.problem,
        seconds=round(outcome.seconds, 3),
        request=body.decode(),
        answer=outcome.answer,
    )
