"""What a sender does in the database: claim a block, commit intents and outcomes, give the block back.

Every write carries the fence; a sender that lost its block gets ClaimLost and touches nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from tandem.kit.failpoints import failpoint
from tandem.messenger.contacts.queries import reason_sql
from tandem.messenger.delivery import quiet_rows
from tandem.messenger.delivery.domain import (
    GIVE_UP_AFTER,
    AttemptState,
    Channel,
    Outcome,
    SendingState,
    next_try,
)
from tandem.messenger.delivery.errors import ClaimLost

_CLAIM = """
UPDATE messenger_delivery_block SET sender_id = %(sender)s, fence = fence + 1
WHERE id = (
    SELECT b.id FROM messenger_delivery_block b
    JOIN messenger_delivery_sending s ON s.account_id = b.account_id AND s.id = b.sending_id
    LEFT JOIN messenger_delivery_deliverysettings d ON d.account_id = b.account_id
    WHERE NOT b.done AND b.sender_id IS NULL AND b.next_at <= %(now)s AND s.state IN ('scheduled', 'sending')
      AND NOT s.gate_held AND NOT coalesce(d.held, FALSE)
    ORDER BY b.first_seq, b.next_at, b.id LIMIT 1 FOR UPDATE OF b SKIP LOCKED)
RETURNING id, account_id, sending_id, first_seq, last_seq, fence
"""
_STARTED = """
UPDATE messenger_delivery_sending SET state = 'sending', started_at = coalesce(started_at, %(now)s)
WHERE account_id = %(account)s AND id = %(sending)s AND state = 'scheduled'
"""
_STANDING = """
SELECT s.state, coalesce(d.held, FALSE), s.cut_off, s.channel, coalesce(d.rate_per_second, 0), s.campaign_id
FROM messenger_delivery_block b
JOIN messenger_delivery_sending s ON s.account_id = b.account_id AND s.id = b.sending_id
LEFT JOIN messenger_delivery_deliverysettings d ON d.account_id = b.account_id
WHERE b.account_id = %(account)s AND b.id = %(block)s AND b.sender_id = %(sender)s AND b.fence = %(fence)s
FOR UPDATE OF b
"""
_PICK = """
SELECT a.id, a.seq, a.customer, a.template_id, a.contact_id, a.tries, a.due_at,
       coalesce(t.ignore_opt_out, FALSE), a.state,
       CASE WHEN EXISTS (
                SELECT 1 FROM messenger_delivery_cancelledcustomer k
                WHERE k.account_id = a.account_id AND k.campaign_id = %(campaign)s AND k.customer = a.customer)
            THEN 'cancelled' ELSE ({reason}) END AS reason
FROM messenger_delivery_attempt a
LEFT JOIN messenger_contacts_contact c ON c.account_id = a.account_id AND c.id = a.contact_id
LEFT JOIN messenger_delivery_sendingtemplate t
  ON t.account_id = a.account_id AND t.sending_id = a.sending_id AND t.template_id = a.template_id
WHERE a.account_id = %(account)s AND a.sending_id = %(sending)s AND a.seq BETWEEN %(first)s AND %(last)s
  AND a.state IN (0, 2) AND a.due_at <= %(business)s
ORDER BY a.seq LIMIT %(limit)s
"""
_SETTLE = """
UPDATE messenger_delivery_attempt a
SET state = v.state, reason = v.reason, detail = v.detail, done_at = CASE WHEN v.state >= 10 THEN v.at END,
    due_at = coalesce(v.next_at, a.due_at), tries = a.tries + v.tried
FROM unnest(%(ids)s::bigint[], %(states)s::smallint[], %(reasons)s::text[], %(details)s::text[], %(ats)s::timestamptz[],
            %(nexts)s::timestamptz[], %(tried)s::smallint[]) AS v(id, state, reason, detail, at, next_at, tried)
WHERE a.account_id = %(account)s AND a.id = v.id AND a.state = ANY(%(from)s)
"""
_SETTLE_ALIKE = """
UPDATE messenger_delivery_attempt
SET state = %(state)s, reason = %(reason)s, detail = %(detail)s,
    done_at = CASE WHEN %(state)s >= 10 THEN %(at)s::timestamptz END, tries = tries + %(tried)s
WHERE account_id = %(account)s AND id = ANY(%(ids)s) AND state = ANY(%(from)s)
"""
_CANCEL_REST = """
UPDATE messenger_delivery_attempt SET state = 24, reason = 'cancelled', done_at = %(now)s
WHERE account_id = %(account)s AND sending_id = %(sending)s AND seq BETWEEN %(first)s AND %(last)s AND state IN (0, 2)
"""
_GIVE_BACK = """
UPDATE messenger_delivery_block b SET sender_id = NULL, done = (o.next_at IS NULL),
       next_at = coalesce(o.next_at, b.next_at)
FROM (SELECT min(due_at) AS next_at FROM messenger_delivery_attempt
      WHERE account_id = %(account)s AND sending_id = %(sending)s AND seq BETWEEN %(first)s AND %(last)s
        AND state IN (0, 1, 2)) o
WHERE b.account_id = %(account)s AND b.id = %(block)s AND b.sender_id = %(sender)s AND b.fence = %(fence)s
"""
_IGNORED = "coalesce(t.ignore_opt_out, FALSE)"
_CELLS = ("id", "seq", "customer", "template_id", "contact_id", "tries", "due_at", "ignore_opt_out")
CANCELLED_WORD = "cancelled"
SUPPRESSED_WORDS = frozenset({"unsubscribed", "suppressed", "bounced"})


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A block held by a sender under a fence."""

    block: int
    account: int
    sending: int
    first: int
    last: int
    fence: int
    sender: int

    def named(self, **more: Any) -> dict[str, Any]:
        """The claim as parameters."""
        return {**self.__dict__, **more}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A ledger row whose intent is committed."""

    id: int
    seq: int
    customer: str
    template_id: int
    contact_id: int
    tries: int
    due_at: datetime
    ignore_opt_out: bool = False


@dataclass(frozen=True, kw_only=True)
class Change:
    """A row and what it becomes."""

    row: Row
    outcome: Outcome
    at: datetime
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class SubBlock:
    """Rows to hand over now; `over` = the block was given back; `rate` = the account's limit, 0 = none."""

    rows: tuple[Row, ...]
    over: bool
    channel: Channel
    rate: int = 0


@transaction.atomic
def claim(sender_id: int, now: datetime) -> Claim | None:
    """The next due block nobody holds."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"sender": sender_id, "now": now})
        found = cursor.fetchone()
        if found is None:
            return None
        failpoint("m8")
        block, account, sending, first, last, fence = found
        cursor.execute(_STARTED, {"account": account, "sending": sending, "now": now})
    return Claim(
        block=block, account=account, sending=sending, first=first, last=last, fence=fence, sender=sender_id
    )


@transaction.atomic
def advance(
    held: Claim, done: Sequence[Change], *, limit: int, business: datetime, system: datetime
) -> SubBlock:
    """Commit outcomes, then the intents of the next rows, in one transaction; limit 0 = give the block back.

    Suppression, consent, cancelled customers, kill switch and the sending's state are read here. Raises ClaimLost.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, held.named())
        standing = cursor.fetchone()
        if standing is None:
            raise ClaimLost(f"Block {held.block} belongs to another sender now.")
        state, stopped, cut_off, channel, rate, campaign = standing
        _settle(cursor, held, done, [AttemptState.SENDING])
        if done:
            failpoint("m15")
        rows: tuple[Row, ...] = ()
        if state == SendingState.SENDING.value and not stopped and limit:
            named = held.named(limit=limit, business=business, now=system, campaign=campaign, channel=channel)
            rows = _intend(cursor, held, _PICK.format(reason=reason_sql(channel, _IGNORED)), named, cut_off)
        elif state == SendingState.CANCELLED.value:
            cursor.execute(_CANCEL_REST, held.named(now=business))
        if not rows:
            cursor.execute(_GIVE_BACK, held.named())
    return SubBlock(rows=rows, over=not rows, channel=Channel(channel), rate=rate)


def _intend(
    cursor: Any, held: Claim, pick: str, named: dict[str, Any], cut_off: timedelta
) -> tuple[Row, ...]:
    """Rows now in `sending`; rows that may not be sent get their reason and the next ones are looked at."""
    while True:
        cursor.execute(pick, named)
        found = cursor.fetchall()
        if not found:
            return ()
        awake = quiet_rows.put_off(
            cursor, found, channel=named["channel"], account=held.account, sending=held.sending,
            now=named["business"], late=cut_off,
        )  # fmt: skip
        changes = [_decide(line, cut_off, named["business"]) for line in awake]
        _settle(cursor, held, changes, [AttemptState.PENDING, AttemptState.DEFERRED])
        failpoint("m10")
        rows = tuple(change.row for change in changes if change.outcome.state is AttemptState.SENDING)
        if rows:
            return rows


def _decide(line: tuple, cut_off: timedelta, business: datetime) -> Change:
    *cells, state, reason = line
    row = Row(**dict(zip(_CELLS, cells, strict=True)))
    if reason == CANCELLED_WORD:
        return _ended(row, AttemptState.CANCELLED, reason, business)
    if state == AttemptState.PENDING and business - row.due_at > cut_off:
        return _ended(row, AttemptState.MISSED, "missed", business)
    if reason in SUPPRESSED_WORDS:
        return _ended(row, AttemptState.SUPPRESSED, reason, business)
    if reason:
        return _ended(row, AttemptState.SKIPPED, reason, business)
    tried = Row(**{**row.__dict__, "tries": row.tries + 1})
    return Change(row=tried, outcome=Outcome(state=AttemptState.SENDING), at=business)


def _ended(row: Row, state: AttemptState, reason: str, at: datetime) -> Change:
    return Change(row=row, outcome=Outcome(state=state), at=at, reason=reason)


def _settle(cursor: Any, held: Claim, changes: Sequence[Change], before: list[AttemptState]) -> None:
    if not changes:
        return
    named = {"account": held.account, "from": [int(state) for state in before]}
    first = changes[0]
    alike = all((c.outcome, c.reason, c.at) == (first.outcome, first.reason, first.at) for c in changes)
    if alike and first.outcome.state is not AttemptState.DEFERRED:
        named |= {
            "ids": [change.row.id for change in changes],
            "state": int(first.outcome.state),
            "reason": first.reason,
            "detail": first.outcome.detail,
            "at": first.at,
            "tried": int(first.outcome.state is AttemptState.SENDING),
        }
        cursor.execute(_SETTLE_ALIKE, named)
        return
    named |= {
        "ids": [change.row.id for change in changes],
        "states": [int(change.outcome.state) for change in changes],
        "reasons": [change.reason for change in changes],
        "details": [change.outcome.detail for change in changes],
        "ats": [change.at for change in changes],
        "nexts": [_next_at(change) for change in changes],
        "tried": [int(change.outcome.state is AttemptState.SENDING) for change in changes],
    }
    cursor.execute(_SETTLE, named)


def _next_at(change: Change) -> datetime | None:
    if change.outcome.state is not AttemptState.DEFERRED:
        return None
    return next_try(change.row.tries, change.at)


def deferred_or_given_up(change: Change, first_due: datetime) -> Change:
    """A refusal for now becomes final after GIVE_UP_AFTER."""
    if change.outcome.state is AttemptState.DEFERRED and change.at - first_due > GIVE_UP_AFTER:
        final = Outcome(state=AttemptState.REJECTED, detail=change.outcome.detail)
        return Change(row=change.row, outcome=final, at=change.at, reason="given up")
    return change


def is_stopped(held: Claim) -> bool:
    """Whether the sending or its account was stopped, or the claim is gone."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING.replace("FOR UPDATE OF b", ""), held.named())
        standing = cursor.fetchone()
    return standing is None or standing[0] != SendingState.SENDING.value or standing[1]
