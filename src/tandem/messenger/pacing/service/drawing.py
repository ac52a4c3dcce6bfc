"""Tokens drawn by senders: in their transaction, under the bucket's row lock, whichever process asks.

A sender that dies with drawn tokens has used them: too slow for a moment, never too fast.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.messenger.pacing import mailboxes
from tandem.messenger.pacing.domain import (
    KEPT_FOR_SMALL,
    LONGEST_WAIT,
    Bucket,
    Drawn,
    LimitView,
    Rate,
    effective,
    full_bucket,
    share,
    wait_for,
    warm_up_rate,
)
from tandem.messenger.pacing.models import Bucket as Row
from tandem.messenger.pacing.service import hearing
from tandem.messenger.pacing.service.limits import list_limits, today, warming

#: a changed limit counts after at most so long; between, an account without limits costs no query
PLAN_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """An account's limits, as read at `read_at` (monotonic seconds)."""

    read_at: float
    limits: tuple[LimitView, ...]
    warming: Mapping[str, tuple[str, date]]
    slowed: Mapping[int, float]
    today: date

    def rate(self, sender: str, provider: int) -> Rate:
        """What the sender may send to these mailboxes."""
        rate = effective(self.limits, sender, provider)
        if provider in self.slowed:
            return rate.and_also(Rate(per_second=self.slowed[provider]))
        if provider == mailboxes.ALL and sender in self.warming:
            return rate.and_also(warm_up_rate(*self.warming[sender], self.today))
        return rate


_plans: dict[tuple[int, str], _Plan] = {}


def draw(
    account_id: int,
    sender: str,
    wanted: Mapping[int, int],
    *,
    sending: int,
    sending_rate: float | None,
    small: bool,
    clock: Clock,
) -> Drawn:
    """How many rows for each provider's mailboxes may leave now; the tokens are taken. In the caller's transaction.

    wanted: provider -> rows; small: the sending is a small one, for which large ones leave a share.
    """
    plan = _plan(account_id, sender, clock)
    rates = {(sender, provider): plan.rate(sender, provider) for provider in {mailboxes.ALL, *wanted}}
    rates[f"sending:{sending}", mailboxes.ALL] = Rate(per_second=sending_rate)
    limited = {place: rate for place, rate in rates.items() if not rate.free}
    if not limited:
        return Drawn(granted=dict(wanted))
    with transaction.atomic():
        return _drawn(
            account_id, limited, wanted, 0.0 if small else KEPT_FOR_SMALL, clock.system(), plan.today
        )


def is_free(account_id: int, sender: str, sending_rate: float | None, clock: Clock) -> bool:
    """Whether nothing limits this sender at all: then nothing needs to be drawn."""
    plan = _plan(account_id, sender, clock)
    return (
        sending_rate is None
        and not plan.warming
        and not plan.slowed
        and not any(one.sender in {"", sender} for one in plan.limits)
    )


def forget_sending(account_id: int, sending: int) -> None:
    """The bucket of a sending that has ended."""
    Row.objects.filter(account_id=account_id, scope=f"sending:{sending}").delete()


def _plan(account_id: int, sender: str, clock: Clock) -> _Plan:
    now = time.monotonic()
    known = _plans.get((account_id, sender))
    if known is None or now - known.read_at > PLAN_SECONDS:
        known = _Plan(
            read_at=now,
            limits=list_limits(account_id),
            warming=warming(account_id, [sender]),
            slowed=hearing.slowed(account_id, sender, clock.system()),
            today=today(account_id, clock),
        )
        if len(_plans) > 10_000:
            _plans.clear()
        _plans[account_id, sender] = known
    return known


def _drawn(
    account_id: int,
    limited: Mapping[tuple[str, int], Rate],
    wanted: Mapping[int, int],
    kept: float,
    now: datetime,
    day: date,
) -> Drawn:
    rows = _locked(account_id, limited, now, day)
    buckets = {place: _of(rows[place]).filled(rate, now, day) for place, rate in limited.items()}
    allowed = {place: bucket.allows(limited[place], kept) for place, bucket in buckets.items()}
    by_provider = {provider: limit for (_, provider), limit in allowed.items() if provider != mailboxes.ALL}
    together = [
        limit for (_, provider), limit in allowed.items() if provider == mailboxes.ALL and limit is not None
    ]
    granted = share(wanted, by_provider, min(together) if together else None)
    for (scope, provider), bucket in buckets.items():
        taken = sum(granted.values()) if provider == mailboxes.ALL else granted[provider]
        _keep(rows[scope, provider], bucket.without(taken, limited[scope, provider]))
    Row.objects.bulk_update(rows.values(), ["tokens", "at", "day", "used"])
    return _answer(wanted, granted, limited, buckets)


def _answer(
    wanted: Mapping[int, int],
    granted: Mapping[int, int],
    limited: Mapping[tuple[str, int], Rate],
    buckets: Mapping[tuple[str, int], Bucket],
) -> Drawn:
    missing = {
        provider: rows - granted[provider] for provider, rows in wanted.items() if rows > granted[provider]
    }
    if not missing:
        return Drawn(granted=granted)
    waits = [
        wait_for(sum(missing.values()) if provider == mailboxes.ALL else missing[provider], rate.per_second)
        for (_, provider), rate in limited.items()
        if provider == mailboxes.ALL or provider in missing
    ]
    over = any(
        rate.per_day is not None and buckets[place].used >= rate.per_day for place, rate in limited.items()
    )
    return Drawn(granted=granted, wait=LONGEST_WAIT if over else max(waits), day_over=over)


def _locked(
    account_id: int, limited: Mapping[tuple[str, int], Rate], now: datetime, day: date
) -> dict[tuple[str, int], Row]:
    """The rows of these buckets, locked in one order for everybody; those never drawn from are made, full."""
    places = sorted(limited)
    scopes = {scope for scope, _ in places}

    def found() -> dict[tuple[str, int], Row]:
        rows = Row.objects.select_for_update().filter(account_id=account_id, scope__in=scopes)
        ordered = rows.filter(provider__in={provider for _, provider in places}).order_by("scope", "provider")
        return {(row.scope, row.provider): row for row in ordered if (row.scope, row.provider) in limited}

    rows = found()
    if len(rows) == len(places):
        return rows
    new = [_row(account_id, place, limited[place], now, day) for place in places if place not in rows]
    Row.objects.bulk_create(new, ignore_conflicts=True)
    return found()


def _row(account_id: int, place: tuple[str, int], rate: Rate, now: datetime, day: date) -> Row:
    row = Row(account_id=account_id, scope=place[0], provider=place[1])
    _keep(row, full_bucket(rate, now, day))
    return row


def _of(row: Row) -> Bucket:
    return Bucket(tokens=row.tokens, at=row.at, day=row.day, used=row.used)


def _keep(row: Row, bucket: Bucket) -> None:
    row.tokens, row.at, row.day, row.used = bucket.tokens, bucket.at, bucket.day, bucket.used
