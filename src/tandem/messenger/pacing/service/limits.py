"""Limits, warming senders and pause rules of an account."""

import math
import re
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.accounts.models import Account
from tandem.messenger.pacing import mailboxes
from tandem.messenger.pacing.domain import (
    MOST_PER_SECOND,
    WARM_UP,
    LimitView,
    PauseRules,
    WarmUpView,
    warm_up_rate,
)
from tandem.messenger.pacing.errors import BadLimit, NoSuchLimit
from tandem.messenger.pacing.models import Bucket, Limit, PauseRule, WarmUp

_SENDER = re.compile(r"[a-z0-9+][a-z0-9.\-]{0,252}")
_MOST_PER_DAY = 1_000_000_000


def list_limits(account_id: int) -> tuple[LimitView, ...]:
    """Every limit of the account."""
    rows = Limit.objects.filter(account_id=account_id).order_by("sender", "provider")
    return tuple(_view(row) for row in rows)


@transaction.atomic
def set_limit(
    account_id: int,
    *,
    sender: str = "",
    provider: str = "",
    per_second: float | None = None,
    per_day: int | None = None,
    actor: str,
    clock: Clock,
) -> LimitView:
    """Limit a sender (empty = each of the account), everywhere or at a mailbox provider. Raises BadLimit."""
    chosen = _provider(provider)
    named = _sender(sender) if sender.strip() else ""
    _check(per_second, per_day)
    row, _ = Limit.objects.update_or_create(
        account_id=account_id,
        sender=named,
        provider=chosen,
        defaults={"per_second": per_second, "per_day": per_day},
    )
    subject = f"{named or 'every sender'} at {mailboxes.name_of(chosen) if chosen else 'everybody'}"
    _record(account_id, "pace limited", subject, actor, clock, per_second=per_second, per_day=per_day)
    return _view(row)


@transaction.atomic
def remove_limit(account_id: int, limit_id: int, *, actor: str, clock: Clock) -> None:
    """Take a limit away; its bucket goes too. Raises NoSuchLimit."""
    row = Limit.objects.select_for_update().filter(account_id=account_id, pk=limit_id).first()
    if row is None:
        raise NoSuchLimit("There is no such limit in this account.", "Look at the list of limits.")
    Bucket.objects.filter(account_id=account_id, scope=row.sender, provider=row.provider).delete()
    row.delete()
    _record(account_id, "pace limit removed", row.sender or "every sender", actor, clock)


def list_warm_ups(account_id: int, *, clock: Clock) -> tuple[WarmUpView, ...]:
    """The senders that are being made known, and where they stand today."""
    day = today(account_id, clock)
    used = dict(
        Bucket.objects.filter(account_id=account_id, provider=mailboxes.ALL, day=day).values_list(
            "scope", "used"
        )
    )
    return tuple(
        WarmUpView(
            sender=row.sender,
            schedule=row.schedule,
            started=row.started,
            day=(day - row.started).days + 1,
            days=len(WARM_UP[row.schedule]),
            today=warm_up_rate(row.schedule, row.started, day).per_day,
            used=used.get(row.sender, 0),
        )
        for row in WarmUp.objects.filter(account_id=account_id).order_by("sender")
    )


@transaction.atomic
def start_warm_up(account_id: int, sender: str, schedule: str, *, actor: str, clock: Clock) -> None:
    """Send with this sender in growing numbers from today on. Raises BadLimit."""
    if schedule not in WARM_UP:
        raise BadLimit(
            f"There is no schedule {schedule!r}.", f"Choose {' or '.join(WARM_UP)}.", field="schedule"
        )
    WarmUp.objects.update_or_create(
        account_id=account_id,
        sender=_sender(sender),
        defaults={"schedule": schedule, "started": today(account_id, clock)},
    )
    _record(account_id, "warm-up started", sender, actor, clock, schedule=schedule)


@transaction.atomic
def stop_warm_up(account_id: int, sender: str, *, actor: str, clock: Clock) -> None:
    """End a warm-up: its numbers limit the sender no more. Raises NoSuchLimit."""
    gone, _ = WarmUp.objects.filter(account_id=account_id, sender=sender.strip().lower()).delete()
    if not gone:
        raise NoSuchLimit(f"{sender} is not being warmed up.", "Look at the list of warm-ups.")
    _record(account_id, "warm-up ended", sender, actor, clock)


def pause_rules(account_id: int) -> PauseRules:
    """When sendings of this account pause by themselves."""
    row = PauseRule.objects.filter(account_id=account_id).first()
    if row is None:
        return PauseRules()
    return PauseRules(bounces=row.bounces, complaints=row.complaints, errors=row.errors, least=row.least)


@transaction.atomic
def set_pause_rules(account_id: int, rules: PauseRules, *, actor: str, clock: Clock) -> PauseRules:
    """Keep these rules. Raises BadLimit."""
    shares = {"bounces": rules.bounces, "complaints": rules.complaints, "errors": rules.errors}
    for name, value in shares.items():
        if not math.isfinite(value) or not 0 <= value <= 100:
            raise BadLimit(
                f"{value:g} % cannot be a limit of {name}.",
                "Write 0 to 100; 0 turns the rule off.",
                field=name,
            )
    if not 1 <= rules.least <= _MOST_PER_DAY:
        raise BadLimit("A share of no messages cannot be.", "Judge after at least 1 message.", field="least")
    PauseRule.objects.update_or_create(account_id=account_id, defaults={**shares, "least": rules.least})
    _record(account_id, "pause rules set", "all sendings", actor, clock, **shares, least=rules.least)
    return rules


def warming(account_id: int, senders: Sequence[str]) -> dict[str, tuple[str, date]]:
    """Sender -> (schedule, first day), of those that are being warmed up."""
    rows = WarmUp.objects.filter(account_id=account_id, sender__in=senders)
    return {row.sender: (row.schedule, row.started) for row in rows}


def is_warming(account_id: int, senders: Sequence[str], clock: Clock) -> bool:
    """Whether a warm-up limits one of these senders today."""
    day = today(account_id, clock)
    found = warming(account_id, senders).values()
    return any(warm_up_rate(schedule, started, day).per_day is not None for schedule, started in found)


def today(account_id: int, clock: Clock) -> date:
    """The machine's day in the account's zone: relays and providers live by the real clock."""
    zone = Account.objects.values_list("zone", flat=True).get(pk=account_id)
    return clock.system().astimezone(ZoneInfo(zone)).date()


def _view(row: Limit) -> LimitView:
    return LimitView(
        id=row.pk,
        sender=row.sender,
        provider=row.provider,
        provider_name=mailboxes.name_of(row.provider) if row.provider else "everybody",
        per_second=row.per_second,
        per_day=row.per_day,
    )


def _provider(name: str) -> int:
    if not name.strip():
        return mailboxes.ALL
    found = mailboxes.find(name)
    if found is None:
        known = ", ".join(one.name for one in mailboxes.PROVIDERS)
        raise BadLimit(
            f"No mailbox provider is known as {name[:60]!r}.", f"Known are {known}.", field="provider"
        )
    return found


def _sender(said: str) -> str:
    name = said.strip().lower().rpartition("@")[2]
    if not _SENDER.fullmatch(name):
        raise BadLimit(
            f"{said[:60]!r} is no sender.",
            "Write the domain after the @ of the sender, or a number.",
            field="sender",
        )
    return name


def _check(per_second: float | None, per_day: int | None) -> None:
    if per_second is None and per_day is None:
        raise BadLimit("The limit says nothing.", "Give messages a second, messages a day, or both.")
    if per_second is not None and not (math.isfinite(per_second) and 0 < per_second <= MOST_PER_SECOND):
        raise BadLimit(
            f"{per_second:g} messages a second cannot be.", "Write a number above 0.", field="per_second"
        )
    if per_day is not None and not 0 < per_day <= _MOST_PER_DAY:
        raise BadLimit(
            f"{per_day} messages a day cannot be.", "Write a whole number above 0.", field="per_day"
        )


def _record(account_id: int, action: str, subject: str, actor: str, clock: Clock, **detail: object) -> None:
    accounts.record(account_id, actor=actor, action=action, subject=subject[:200], detail=detail, clock=clock)
