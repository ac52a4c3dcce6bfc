"""Customers whom a planner cancelled: kept as a fact, and taken out of the ledger before their turn.

A row is either intended or cancelled. Whoever cancels holds the locks of the sending's blocks, which a sender holds
too while it commits intents; and each intent transaction reads the fact anew, so that a row which comes back from a
dead sender or a relay that is down does not leave either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.kit.prepared import prepared
from tandem.messenger.delivery import numbers
from tandem.messenger.delivery.domain import SendingState
from tandem.messenger.delivery.models import Sending

_LOCK_CLASS = 7261004
_AT_ONCE = 10_000
_KEEP = """
INSERT INTO messenger_delivery_cancelledcustomer (account_id, campaign_id, customer)
SELECT %s, %s, customer FROM unnest(%s::text[]) AS n (customer) ON CONFLICT DO NOTHING
"""
_LOCK_BLOCKS = """
SELECT id FROM messenger_delivery_block
WHERE account_id = %(account)s AND sending_id = %(sending)s AND (%(all)s OR NOT done) ORDER BY id FOR UPDATE
"""
_NAMED = """EXISTS (
    SELECT 1 FROM messenger_delivery_cancelledcustomer k
    WHERE k.account_id = a.account_id AND k.campaign_id = %(campaign)s AND k.customer = a.customer)"""
_CANCEL_NAMED = f"""
UPDATE messenger_delivery_attempt a
SET state = CASE WHEN a.reason = 'doubtful' THEN 12 ELSE 24 END, reason = 'cancelled', done_at = %(now)s
WHERE a.account_id = %(account)s AND a.sending_id = %(sending)s AND a.state IN (0, 2) AND {_NAMED}
"""  # noqa: S608 - constants of this module
_CANCEL_OPEN = """
UPDATE messenger_delivery_attempt
SET state = CASE WHEN reason = 'doubtful' THEN 12 ELSE 24 END, reason = 'cancelled', done_at = %(now)s
WHERE account_id = %(account)s AND sending_id = %(sending)s AND state IN (0, 2)
"""
_OTHERS = f"""
SELECT EXISTS (SELECT 1 FROM messenger_delivery_attempt a
               WHERE a.account_id = %(account)s AND a.sending_id = %(sending)s AND NOT {_NAMED})
"""  # noqa: S608 - constants of this module
#: blocks nobody holds in which nothing is open any more; a sender that holds one gives it back itself
_CLOSE = """
UPDATE messenger_delivery_block b SET done = TRUE
WHERE b.account_id = %(account)s AND b.sending_id = %(sending)s AND b.sender_id IS NULL AND NOT b.done
  AND NOT EXISTS (SELECT 1 FROM messenger_delivery_attempt a
                  WHERE a.account_id = b.account_id AND a.sending_id = b.sending_id
                    AND a.seq BETWEEN b.first_seq AND b.last_seq AND a.state IN (0, 1, 2))
"""
_FREED = """
SELECT DISTINCT s.account_id, s.id FROM messenger_delivery_sending s
JOIN messenger_delivery_block b ON b.account_id = s.account_id AND b.sending_id = s.id
WHERE s.state = 'cancelled' AND s.finished_at IS NULL AND NOT b.done AND b.sender_id IS NULL
"""


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """What a cancellation came to in the ledger. sendings: how many there were; left: messages gone or in hand."""

    sendings: int = 0
    rows: int = 0
    left: int = 0


@transaction.atomic
def cancel_customers(
    account_id: int, campaign_id: int, customers: Sequence[str], *, clock: Clock
) -> Cancelled:
    """Keep that these customers of a campaign get nothing, and cancel their rows that no sender has in hand.

    A list of the campaign that is taken later is written with them cancelled. May be repeated; nothing is undone.
    """
    _lock(account_id, campaign_id)
    with connection.cursor() as cursor:
        for start in range(0, len(customers), _AT_ONCE):
            cursor.execute(_KEEP, [account_id, campaign_id, list(customers[start : start + _AT_ONCE])])
    return _apply(account_id, campaign_id, _CANCEL_NAMED, clock.business())


@transaction.atomic
def cancel_campaign(account_id: int, campaign_id: int, *, clock: Clock) -> Cancelled:
    """End every sending of a campaign that its planner stopped as a whole."""
    _lock(account_id, campaign_id)
    return _apply(account_id, campaign_id, _CANCEL_OPEN, clock.business())


def lock_blocks(account_id: int, sending_id: int, *, done_too: bool = False) -> None:
    """Hold the sending's blocks until the transaction ends: no sender commits an intent meanwhile.

    What was counted of them is forgotten: who locks is about to change rows.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_BLOCKS, {"account": account_id, "sending": sending_id, "all": done_too})
    numbers.forget(account_id, sending_id)


@transaction.atomic
def end_rows(account_id: int, sending_id: int, now: datetime) -> int:
    """Cancel every open row of a sending, under the locks of its blocks; how many there were."""
    named: dict[str, Any] = {"account": account_id, "sending": sending_id, "now": now}
    lock_blocks(account_id, sending_id)
    with connection.cursor() as cursor:
        cursor.execute(_CANCEL_OPEN, named)
        rows = int(cursor.rowcount)
        cursor.execute(_CLOSE, named)
    return rows


def end_freed(now: datetime) -> int:
    """Rows of cancelled sendings that came back from a dead sender; how many sendings had some."""
    with prepared() as cursor:
        found = cursor.execute(_FREED).fetchall()
    for account_id, sending_id in found:
        end_rows(account_id, sending_id, now)
    return len(found)


def before_list(sending: Sending) -> None:
    """Called where a list is about to be written: what is cancelled from now on waits for its rows."""
    if sending.campaign_id is not None:
        _lock(sending.account_id, sending.campaign_id)


def after_list(sending: Sending) -> None:
    """A list whose every customer was cancelled before it came is a cancelled sending."""
    named = {"account": sending.account_id, "sending": sending.id, "campaign": sending.campaign_id}
    with connection.cursor() as cursor:
        if sending.campaign_id is not None and sending.expected and not _others(cursor, named):
            sending.state = SendingState.CANCELLED.value


def waiting_campaigns(account_id: int, channel_id: int) -> list[tuple[int, datetime]]:
    """Campaigns of a channel that have a sending which is not over: (the planner's id, when it is due)."""
    over = [state.value for state in SendingState if state.over]
    mine = Sending.objects.filter(account_id=account_id, channel_id=channel_id, kind="campaign")
    found = mine.exclude(state__in=over)
    return [(number, due_at) for number, due_at in found.values_list("campaign_id", "due_at") if number]


def named_of(account_id: int, sending_id: int, customers: Sequence[str]) -> frozenset[str]:
    """Which of these customers of a sending were cancelled."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT k.customer FROM messenger_delivery_cancelledcustomer k JOIN messenger_delivery_sending s "
            "ON s.account_id = k.account_id AND s.campaign_id = k.campaign_id "
            "WHERE s.account_id = %s AND s.id = %s AND k.customer = ANY(%s)",
            [account_id, sending_id, list(customers)],
        )
        return frozenset(row[0] for row in cursor.fetchall())


def _apply(account_id: int, campaign_id: int, statement: str, now: datetime) -> Cancelled:
    rows, left = 0, 0
    mine = Sending.objects.filter(account_id=account_id, campaign_id=campaign_id, kind="campaign").order_by(
        "id"
    )
    ids = list(mine.values_list("id", flat=True))
    for sending_id in ids:
        named: dict[str, Any] = {
            "account": account_id, "sending": sending_id, "campaign": campaign_id, "now": now,
        }  # fmt: skip
        lock_blocks(account_id, sending_id)
        with connection.cursor() as cursor:
            cursor.execute(statement, named)
            rows += int(cursor.rowcount)
            cursor.execute(_CLOSE, named)
            if statement == _CANCEL_OPEN or not _others(cursor, named):
                _end(account_id, sending_id)
            left += _left(cursor, named)
    return Cancelled(sendings=len(ids), rows=rows, left=left)


def _end(account_id: int, sending_id: int) -> None:
    over = [state.value for state in SendingState if state.over]
    mine = Sending.objects.filter(account_id=account_id, id=sending_id).exclude(state__in=over)
    mine.update(state=SendingState.CANCELLED.value)


def _others(cursor: Any, named: dict[str, Any]) -> bool:
    """Whether the sending has rows of customers who were not cancelled."""
    cursor.execute(_OTHERS, named)
    return bool(cursor.fetchone()[0])


def _left(cursor: Any, named: dict[str, Any]) -> int:
    cursor.execute(
        "SELECT count(*) FROM messenger_delivery_attempt "
        "WHERE account_id = %(account)s AND sending_id = %(sending)s AND state IN (1, 10, 12)",
        named,
    )
    return int(cursor.fetchone()[0])


def _lock(account_id: int, campaign_id: int) -> None:
    """One at a time per campaign: who cancels, and who writes its list."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK_CLASS, f"{account_id}:{campaign_id}"]
        )
