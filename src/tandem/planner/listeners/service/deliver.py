"""Telling: claim a due row, post, write what came of it. The row is the truth, a job only wakes us."""

import random
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.http import Http
from tandem.kit.problems import Problem
from tandem.kit.webhooks import signed_headers
from tandem.planner.accounts.service import get_account, record
from tandem.planner.listeners.domain import (
    DISABLE_AFTER,
    LEASE,
    THROTTLED,
    TIMEOUT,
    AttemptView,
    EventState,
    next_pause,
    retry_after,
    succeeded,
)
from tandem.planner.listeners.models import EventAttempt, EventOutbox, Registration
from tandem.planner.listeners.service.bodies import body_of, trial_body
from tandem.planner.listeners.service.look import attempt_view
from tandem.planner.listeners.service.registrations import registration_of, secrets_of


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
    found = found.filter(_free(now))
    return tuple(found.order_by("next_at").values_list("pk", flat=True)[:limit])


def deliver_due(*, clock: Clock) -> int:
    """Tell all that is due, one after the other. Returns how many were tried."""
    return sum(deliver(outbox_id, clock=clock) for outbox_id in due(clock=clock))


def deliver(outbox_id: int, *, clock: Clock) -> bool:
    """Try one row if it is due and nobody else is at it. Returns whether it was tried."""
    row = _claim(outbox_id, clock)
    if row is None:
        return False
    body = body_of(row.event, get_account(row.account_id).zone)
    failpoint("p6")
    outcome = _post(row.registration, row.message_id, body, clock=clock)
    failpoint("p7")
    _write_down(row, body, outcome, clock)
    return True


def send_test_event(account_id: int, *, listener_id: int, clock: Clock) -> AttemptView:
    """Post an event that names no campaign, so that only the way is tried. Raises ListenerUnknown."""
    registration = registration_of(account_id, listener_id)
    at = clock.system()
    message_id = f"test_{uuid.uuid4().hex}"
    body = trial_body(registration, message_id, clock.business(), get_account(account_id).zone)
    outcome = _post(registration, message_id, body, clock=clock)
    with transaction.atomic():
        registration = registration_of(account_id, listener_id, lock=True)
        _note_answer(registration, outcome, clock)
        attempt = _log(registration, None, body, outcome, at)
    return attempt_view(attempt)


@transaction.atomic
def _claim(outbox_id: int, clock: Clock) -> EventOutbox | None:
    now = clock.system()
    row = (
        EventOutbox.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("event", "registration")
        .filter(pk=outbox_id, state=EventState.WAITING, next_at__lte=now)
        .filter(_free(now))
        .first()
    )
    if row is None:
        return None
    if row.event.deadline <= clock.business():
        _end(row, EventState.EXPIRED, "It could not be told before its late cut-off.")
    elif not row.registration.is_active:
        _end(row, EventState.DISABLED, f"The listener is switched off. {row.registration.disabled_reason}")
    else:
        row.claimed_until = now + LEASE
    row.save(update_fields=["state", "cause", "next_at", "claimed_until"])
    return row if row.state == EventState.WAITING else None


def _free(now: datetime) -> Q:
    """Nobody is at it, and its listener has not asked for quiet."""
    unclaimed = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return unclaimed & (Q(registration__quiet_until=None) | Q(registration__quiet_until__lte=now))


def _end(row: EventOutbox, state: EventState, cause: str) -> None:
    row.state, row.cause, row.next_at = state, cause.strip()[:300], None


@lru_cache(maxsize=4)
def _http(allow_private: tuple[str, ...]) -> Http:
    return Http(allow_private=allow_private, timeout=TIMEOUT, limit=64 * 1024, user_agent="Tandem-Planner")


def _post(registration: Registration, message_id: str, body: bytes, *, clock: Clock) -> Outcome:
    headers = {"Content-Type": "application/json", "Accept": "*/*"}
    at = clock.system()
    headers |= signed_headers(*secrets_of(registration, at), message_id=message_id, at=at, body=body)
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
def _write_down(posted: EventOutbox, body: bytes, outcome: Outcome, clock: Clock) -> None:
    at = clock.system()
    row = (
        EventOutbox.objects.select_for_update(of=("self", "registration"))
        .select_related("event", "registration")
        .filter(account_id=posted.account_id, pk=posted.pk)
        .first()
    )
    if row is None:
        return  # unregistered meanwhile
    _log(row.registration, row, body, outcome, at)
    if row.registration.url == posted.registration.url:
        _note_answer(row.registration, outcome, clock)
    row.claimed_until = None
    if row.state == EventState.WAITING:
        _move(row, outcome, clock)
    row.save(update_fields=["state", "cause", "attempts", "next_at", "claimed_until"])


def _move(row: EventOutbox, outcome: Outcome, clock: Clock) -> None:
    row.attempts += 1
    if succeeded(outcome.status):
        _end(row, EventState.DONE, "")
        return
    if not row.registration.is_active:
        _end(row, EventState.DISABLED, row.registration.disabled_reason)
        return
    pause = next_pause(row.attempts, random.random(), retry_after=outcome.pause)
    if pause is None:
        _end(row, EventState.FAILED, f"All {row.attempts} attempts failed. {outcome.problem}")
    elif clock.business() + pause >= row.event.deadline:
        _end(row, EventState.FAILED, f"The next attempt would come after its late cut-off. {outcome.problem}")
    else:
        row.next_at = clock.system() + pause
        if outcome.status in THROTTLED:
            _keep_quiet(row.registration, row.next_at)


def _keep_quiet(registration: Registration, until: datetime) -> None:
    """One that is busy is spared its other events too."""
    registration.quiet_until = until
    registration.save(update_fields=["quiet_until"])


def _note_answer(registration: Registration, outcome: Outcome, clock: Clock) -> None:
    at = clock.system()
    registration.last_call = at
    registration.last_answer = (outcome.problem or f"Answered {outcome.status}.")[:200]
    if succeeded(outcome.status):
        registration.failing_since = registration.quiet_until = None
    else:
        registration.failing_since = registration.failing_since or at
        _disable_if_gone(registration, outcome, clock)
    registration.save(
        update_fields=[
            "last_call", "last_answer", "failing_since", "is_active", "disabled_reason", "quiet_until",
        ]
    )  # fmt: skip


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
