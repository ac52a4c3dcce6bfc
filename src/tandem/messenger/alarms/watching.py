"""What the messenger watches: late, uncertain and paused sendings, the ledger, webhooks, its planner. Cheap queries."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef

from tandem.kit.alarms import installed
from tandem.kit.alarms.book import Watch
from tandem.kit.alarms.domain import SEEN_FOR, Kind, Sighting
from tandem.kit.clock import Clock
from tandem.messenger.delivery.domain import SINGLE_KINDS, AttemptState, SendingState
from tandem.messenger.delivery.models import Sending
from tandem.messenger.listener.domain import InboxState
from tandem.messenger.listener.models import Inbox, PlannerConnection
from tandem.messenger.record.models import Check
from tandem.messenger.record.queries import bit
from tandem.messenger.webhooks.domain import FAILURES
from tandem.messenger.webhooks.models import Call, Subscription
from tandem.messenger.webhooks.service.subscriptions import BY_HAND

MOST = 100
_LATE = """
SELECT s.account_id, CASE WHEN s.kind = ANY(%(singles)s) THEN NULL ELSE s.id END, min(b.next_at), count(DISTINCT s.id)
FROM messenger_delivery_block b
JOIN messenger_delivery_sending s ON s.account_id = b.account_id AND s.id = b.sending_id
LEFT JOIN messenger_delivery_deliverysettings k ON k.account_id = s.account_id
WHERE NOT b.done AND b.next_at < %(until)s AND s.state IN ('scheduled', 'sending') AND NOT s.gate_held
  AND NOT coalesce(k.held, FALSE)
GROUP BY 1, 2 ORDER BY 3 LIMIT %(most)s
"""
# Ended sendings by their settled numbers; those under way by their last count and by what finished blocks hold.
_UNCERTAIN_ENDED = """
SELECT s.account_id, s.id,
       (SELECT sum((line->>'rows')::bigint) FROM jsonb_array_elements(s.totals) line WHERE line->>'state' = '12')
FROM messenger_delivery_sending s WHERE s.totals @> '[{"state": 12}]'::jsonb
ORDER BY s.account_id DESC, s.id DESC LIMIT %(most)s
"""
_UNCERTAIN_OPEN = """
SELECT s.account_id, s.id, coalesce((c.counted->>'uncertain')::bigint, 0)
FROM messenger_delivery_sending s
LEFT JOIN messenger_record_check c ON c.account_id = s.account_id AND c.sending_id = s.id
WHERE s.finished_at IS NULL AND s.started_at IS NOT NULL AND (
  coalesce((c.counted->>'uncertain')::bigint, 0) > 0
  OR EXISTS (
    SELECT 1 FROM messenger_record_blockstates k
    JOIN messenger_delivery_block b
      ON b.account_id = k.account_id AND b.sending_id = k.sending_id AND b.first_seq = k.first_seq
    JOIN messenger_delivery_attempt a
      ON a.account_id = b.account_id AND a.sending_id = b.sending_id AND a.seq BETWEEN b.first_seq AND b.last_seq
     AND a.state = 12
    WHERE k.account_id = s.account_id AND k.sending_id = s.id AND k.states & %(bit)s > 0))
ORDER BY s.id DESC LIMIT %(most)s
"""


def late(clock: Clock) -> Iterator[Sighting]:
    """Sendings with messages that should have left N minutes ago; not those that wait for a person or a gate."""
    minutes = installed.late_minutes()
    named = {
        "until": clock.business() - timedelta(minutes=minutes),
        "singles": [kind.value for kind in SINGLE_KINDS],
        "most": MOST,
    }
    for account_id, sending_id, first, number in _rows(_LATE, named):
        what = f"{number} sendings of one message" if sending_id is None else "Messages"
        yield Sighting(
            kind=Kind.LATENESS,
            account_id=account_id,
            subject="single messages" if sending_id is None else f"sending {sending_id}",
            detail=f"{what} should have left {_ago(first, clock)} minutes ago; {minutes} are the limit.",
        )


def uncertain(clock: Clock) -> Iterator[Sighting]:
    """Sendings with messages of which nobody knows whether they arrived."""
    named = {"bit": bit(AttemptState.UNCERTAIN), "most": MOST}
    for account_id, sending_id, number in [*_rows(_UNCERTAIN_OPEN, named), *_rows(_UNCERTAIN_ENDED, named)]:
        yield Sighting(
            kind=Kind.UNCERTAIN,
            account_id=account_id,
            subject=f"sending {sending_id}",
            detail=f"{number or 'Some'} messages may or may not have arrived; they are not sent again by themselves.",
        )


def identity(clock: Clock) -> Iterator[Sighting]:
    """Sendings whose numbers did not add up when they were last counted."""
    # all accounts: the watch is one for all
    rows = Check.objects.exclude(breaches=[]).order_by("-at")
    for row in rows[:MOST]:
        yield Sighting(
            kind=Kind.IDENTITY,
            account_id=row.account_id,
            subject=f"sending {row.sending_id}",
            detail=" ".join(row.breaches),
        )


def paused(clock: Clock) -> Iterator[Sighting]:
    """Sendings that paused by themselves and wait for a person."""
    # all accounts: the watch is one for all
    rows = Sending.objects.filter(
        finished_at__isnull=True, state=SendingState.PAUSED.value
    ).exclude(paused_because="")  # fmt: skip
    for row in rows.order_by("-id")[:MOST]:
        yield Sighting(
            kind=Kind.PAUSED,
            account_id=row.account_id,
            subject=f"sending {row.id}",
            detail=row.paused_because,
        )


def webhooks(clock: Clock) -> Iterator[Sighting]:
    """Webhooks that were switched off after failures, not those that a person switched off."""
    # all accounts: the watch is one for all
    off = Subscription.objects.filter(enabled=False).exclude(problem__in=["", BY_HAND])
    for row in off.order_by("id")[:MOST]:
        yield Sighting(
            kind=Kind.WEBHOOK, account_id=row.account_id, subject=f"webhook {row.id}", detail=row.problem
        )


def dead_letters(clock: Clock) -> Iterator[Sighting]:
    """Webhooks whose receiver was not told of something in the last day."""
    failed = Call.objects.filter(
        account=OuterRef("account_id"),
        subscription=OuterRef("id"),
        state__gte=min(FAILURES),
        called_at__gt=clock.system() - SEEN_FOR,
    )
    # all accounts: the watch is one for all
    for row in Subscription.objects.filter(Exists(failed)).order_by("id")[:MOST]:
        yield Sighting(
            kind=Kind.DEAD_LETTERS,
            account_id=row.account_id,
            subject=f"webhook {row.id}",
            detail="Events of the last day could not be told.",
        )


def planners(clock: Clock) -> Iterator[Sighting]:
    """Planners that could not be asked."""
    # all accounts: the watch is one for all
    for row in PlannerConnection.objects.exclude(last_problem="").order_by("account_id")[:MOST]:
        yield Sighting(
            kind=Kind.PLANNER, account_id=row.account_id, subject="planner", detail=row.last_problem
        )


def held(clock: Clock) -> Iterator[Sighting]:
    """Campaigns of the last day whose list could not be fetched, or that wait for a person."""
    stuck = [InboxState.HELD.value, InboxState.REFUSED.value]
    since = clock.system() - SEEN_FOR
    # all accounts: the watch is one for all
    for row in Inbox.objects.filter(state__in=stuck, received_at__gt=since).order_by("-id")[:MOST]:
        yield Sighting(
            kind=Kind.HELD,
            account_id=row.account_id,
            subject=f"campaign {row.campaign_id}, channel {row.channel_id}",
            detail=row.problem,
        )


def _ago(moment: datetime, clock: Clock) -> int:
    return int((clock.business() - moment).total_seconds() // 60)


def _rows(sql: str, named: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, named)
        return cursor.fetchall()


WATCHES = (
    Watch(kinds=frozenset({Kind.LATENESS}), ask=late),
    Watch(kinds=frozenset({Kind.UNCERTAIN}), ask=uncertain),
    Watch(kinds=frozenset({Kind.IDENTITY}), ask=identity),
    Watch(kinds=frozenset({Kind.PAUSED}), ask=paused),
    Watch(kinds=frozenset({Kind.WEBHOOK}), ask=webhooks),
    Watch(kinds=frozenset({Kind.DEAD_LETTERS}), ask=dead_letters),
    Watch(kinds=frozenset({Kind.PLANNER}), ask=planners),
    Watch(kinds=frozenset({Kind.HELD}), ask=held),
)
