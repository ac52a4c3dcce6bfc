"""What a sender does in the database: claim a block, commit intents and outcomes, give the block back.

Every write carries the fence; a sender that lost its block gets ClaimLost and touches nothing of it. Blocks are locked
before anything else, in the order of their ids, as whoever cancels does.

The rows of a sub-block lie apart: every k-th of the block. A page of the table then sees few changes in a commit, and
the room of what became old is used again by the next one, so a change needs no new page and touches no index.
"""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection

from tandem.kit.failpoints import failpoint
from tandem.kit.prepared import prepared
from tandem.messenger.contacts.queries import reason_sql
from tandem.messenger.delivery import quiet_rows
from tandem.messenger.delivery.domain import (
    BLOCK_ROWS,
    GIVE_UP_AFTER,
    AttemptState,
    Channel,
    Outcome,
    Policy,
    SendingState,
    next_try,
    receipt,
)
from tandem.messenger.delivery.errors import ClaimLost
from tandem.messenger.delivery.rows import Change, Row

#: the least advanced block first, of whatever sending: each turn that a block has had counts as a block's length
_CLAIM = f"""
WITH claimed AS (
    UPDATE messenger_delivery_block SET sender_id = %(sender)s, fence = fence + 1
    WHERE id = (
        SELECT b.id FROM messenger_delivery_block b
        JOIN messenger_delivery_sending s ON s.account_id = b.account_id AND s.id = b.sending_id
        LEFT JOIN messenger_delivery_deliverysettings d ON d.account_id = b.account_id
        WHERE NOT b.done AND b.sender_id IS NULL AND b.next_at <= %(now)s AND s.state = ANY(%(states)s)
          AND NOT s.gate_held AND NOT coalesce(d.held, FALSE) AND s.channel = ANY(%(channels)s)
        ORDER BY b.first_seq + b.fence * {BLOCK_ROWS}, b.next_at, b.id LIMIT 1 FOR UPDATE OF b SKIP LOCKED)
    RETURNING id, account_id, sending_id, first_seq, last_seq, fence
), started AS (
    UPDATE messenger_delivery_sending s SET state = 'sending', started_at = coalesce(s.started_at, %(now)s)
    FROM claimed c WHERE s.account_id = c.account_id AND s.id = c.sending_id AND s.state = 'scheduled'
)
SELECT id, account_id, sending_id, first_seq, last_seq, fence FROM claimed
"""  # noqa: S608 - constants of this room
_OPEN = """
SELECT seq FROM messenger_delivery_attempt
WHERE account_id = %(account)s AND sending_id = %(sending)s AND seq BETWEEN %(first)s AND %(last)s
  AND state IN (0, 2) AND due_at <= %(now)s ORDER BY seq
"""
#: all accounts: one sender holds blocks of several; each names its own
_STANDING = """
SELECT b.id, s.state, coalesce(d.held, FALSE), s.cut_off, s.campaign_id, s.policy, s.rate_per_second, s.overruled
FROM unnest(%(accounts)s::bigint[], %(blocks)s::bigint[], %(fences)s::bigint[]) AS h (account, id, fence)
JOIN messenger_delivery_block b
  ON b.account_id = h.account AND b.id = h.id AND b.fence = h.fence AND b.sender_id = %(sender)s
JOIN messenger_delivery_sending s ON s.account_id = b.account_id AND s.id = b.sending_id
LEFT JOIN messenger_delivery_deliverysettings d ON d.account_id = b.account_id
ORDER BY b.id
"""
_LOCK = "FOR UPDATE OF b"
_OTHERS_DUE = """
SELECT EXISTS (
    SELECT 1 FROM messenger_delivery_block b
    JOIN messenger_delivery_sending s ON s.account_id = b.account_id AND s.id = b.sending_id
    LEFT JOIN messenger_delivery_deliverysettings d ON d.account_id = b.account_id
    WHERE NOT b.done AND b.sender_id IS NULL AND b.next_at <= %(now)s AND s.state IN ('scheduled', 'sending')
      AND NOT s.gate_held AND NOT coalesce(d.held, FALSE) AND s.channel = %(channel)s AND s.id <> ALL(%(mine)s))
"""
#: a row that may have left and was to be sent again is not said to have got nothing: it is uncertain, with the reason
#: the contact is read with the intent: who may not be sent to gets the reason in the place of `sending`
_INTEND = """
UPDATE messenger_delivery_attempt a
SET state = CASE WHEN r.why IS NULL AND NOT {late} THEN 1 WHEN a.reason = 'doubtful' THEN 12
                 WHEN r.why = 'cancelled' THEN 24 WHEN {late} THEN 23
                 WHEN r.why = ANY(%(suppressed)s) THEN 20 ELSE 21 END,
    reason = CASE WHEN {late} AND r.why IS DISTINCT FROM 'cancelled' THEN 'missed' ELSE coalesce(r.why, a.reason) END,
    done_at = CASE WHEN r.why IS NOT NULL OR {late} THEN %(business)s END,
    tries = a.tries + CASE WHEN r.why IS NOT NULL OR {late} THEN 0 ELSE 1 END
FROM messenger_contacts_contact c
CROSS JOIN messenger_delivery_sendingtemplate t
CROSS JOIN LATERAL (
    SELECT CASE WHEN (SELECT EXISTS (
                     SELECT 1 FROM messenger_delivery_cancelledcustomer WHERE account_id = %(account)s
                       AND campaign_id = %(campaign)s::bigint)) AND EXISTS (
                     SELECT 1 FROM messenger_delivery_cancelledcustomer k WHERE k.account_id = c.account_id
                       AND k.campaign_id = %(campaign)s::bigint AND k.customer = c.original_id)
                THEN 'cancelled' ELSE ({reason}) END AS why OFFSET 0) r
WHERE a.account_id = %(account)s AND a.sending_id = %(sending)s AND a.seq = ANY(%(seqs)s::int[])
  AND a.state IN (0, 2) AND a.due_at <= %(business)s
  AND c.account_id = a.account_id AND c.id = a.contact_id
  AND t.account_id = a.account_id AND t.sending_id = a.sending_id AND t.template_id = a.template_id
RETURNING a.state, a.id, a.seq, a.tries, a.template_id, a.contact_id, a.customer, t.ignore_opt_out, {cells}
"""
_LATE = "(a.due_at < %(latest)s)"
#: rows whose contact is gone: those of the sub-block that the statement before could not join
_NO_CONTACT = """
UPDATE messenger_delivery_attempt a SET state = CASE WHEN a.reason = 'doubtful' THEN 12 ELSE 21 END,
       reason = 'no contact', done_at = %(business)s
WHERE a.account_id = %(account)s AND a.sending_id = %(sending)s AND a.seq = ANY(%(seqs)s::int[])
  AND a.state IN (0, 2) AND a.due_at <= %(business)s
  AND NOT EXISTS (SELECT 1 FROM messenger_contacts_contact c
                  WHERE c.account_id = a.account_id AND c.id = a.contact_id)
"""
_SETTLE = """
UPDATE messenger_delivery_attempt a
SET state = CASE WHEN a.reason = 'doubtful' AND (v.state >= 20 OR v.reason = 'given up') THEN 12 ELSE v.state END,
    reason = CASE WHEN v.state = 10 OR v.reason <> '' THEN v.reason ELSE a.reason END,
    detail = v.detail, done_at = CASE WHEN v.state >= 10 THEN %(at)s END,
    due_at = coalesce(v.next_at, a.due_at)
FROM unnest(%(ids)s::bigint[], %(states)s::smallint[], %(reasons)s::text[], %(details)s::text[],
            %(nexts)s::timestamptz[]) AS v (id, state, reason, detail, next_at)
WHERE a.account_id = %(account)s AND a.id = v.id AND a.state = 1
"""
_SETTLE_ALIKE = """
UPDATE messenger_delivery_attempt SET state = %(state)s, reason = '', detail = %(detail)s, done_at = %(at)s
WHERE account_id = %(account)s AND id = ANY(%(ids)s::bigint[]) AND state = 1
"""
_CANCEL_REST = """
UPDATE messenger_delivery_attempt
SET state = CASE WHEN reason = 'doubtful' THEN 12 ELSE 24 END, reason = 'cancelled', done_at = %(business)s
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
_IGNORED = "t.ignore_opt_out"
CANCELLED_WORD = "cancelled"
#: the reason of an open row under `resend` of which a copy may have left: however else it ends, it ends uncertain
DOUBTFUL_WORD = "doubtful"
_SENDING = int(AttemptState.SENDING)
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
class Standing:
    """How a held block's sending stands: read under the block's lock, it holds until the commit."""

    state: SendingState
    held: bool
    cut_off: timedelta
    campaign: int | None
    policy: Policy
    own_rate: float | None = None
    overruled: bool = False

    @property
    def sends(self) -> bool:
        """Whether its messages may leave."""
        return self.state is SendingState.SENDING and not self.held


def claim(
    sender_id: int, now: datetime, channels: Collection[Channel] = tuple(Channel), *, starts: bool = True
) -> Claim | None:
    """The next due block nobody holds, of these channels; starts: also of sendings that have not begun.

    One statement, and so one wait: on a busy sender each wait is also one for the other threads.
    """
    states = (SendingState.SENDING, SendingState.SCHEDULED) if starts else (SendingState.SENDING,)
    named: dict[str, Any] = {
        "sender": sender_id,
        "now": now,
        "channels": [channel.value for channel in channels],
        "states": [state.value for state in states],
    }
    with prepared() as cursor:
        found = cursor.execute(_CLAIM, named).fetchone()
    if found is None:
        return None
    failpoint("m8")
    block, account, sending, first, last, fence = found
    return Claim(
        block=block, account=account, sending=sending, first=first, last=last, fence=fence, sender=sender_id
    )


def open_rows(held: Claim, now: datetime) -> list[int]:
    """Numbers of the block's rows that are due and not settled."""
    with prepared() as cursor:
        cursor.execute(_OPEN, held.named(now=now))
        return [seq for (seq,) in cursor.fetchall()]


def others_due(channel: Channel, mine: Iterable[int], now: datetime) -> bool:
    """Whether a block of a sending other than these waits for a sender."""
    with prepared() as cursor:
        named: dict[str, Any] = {"channel": channel.value, "mine": list(mine), "now": now}
        [(waits,)] = cursor.execute(_OTHERS_DUE, named).fetchall()
    return bool(waits)


def standings(held: Sequence[Claim], *, lock: bool) -> dict[int, Standing]:
    """Block -> how its sending stands; none for a block that another sender has now. lock: until the commit."""
    named: dict[str, Any] = {
        "accounts": [claim.account for claim in held],
        "blocks": [claim.block for claim in held],
        "fences": [claim.fence for claim in held],
        "sender": held[0].sender if held else 0,
    }
    with prepared() as cursor:
        cursor.execute(_STANDING + (_LOCK if lock else ""), named)
        return {
            block: Standing(
                state=SendingState(state),
                held=stopped,
                cut_off=cut_off,
                campaign=campaign,
                policy=Policy(policy),
                own_rate=own_rate,
                overruled=overruled,
            )
            for block, state, stopped, cut_off, campaign, policy, own_rate, overruled in cursor.fetchall()
        }


def intend(
    held: Claim,
    seqs: Sequence[int],
    standing: Standing,
    channel: Channel,
    *,
    business: datetime,
    system: datetime,
    cells: str = "NULL",
) -> list[Row]:
    """Rows now in `sending`, of those that are due; who may not be sent to has got the reason instead.

    Suppression, consent and cancelled customers are read here, in the caller's transaction, under the block's lock.
    cells: SQL of what else is to be read of the contact `c`, for `Row.contact`.
    """
    named = held.named(
        seqs=_array(seqs),
        business=business,
        latest=business - standing.cut_off,
        now=system,
        campaign=standing.campaign,
        suppressed=list(SUPPRESSED_WORDS),
    )
    read_at = time.monotonic()
    with prepared() as cursor:
        cursor.execute(_intends(channel, cells), named)
        found = cursor.fetchall()
        if len(found) < len(seqs):
            cursor.execute(_NO_CONTACT, named)
    rows = [Row._make((*one[1:8], one[8:], read_at)) for one in found if one[0] == _SENDING]
    rows = quiet_rows.put_off(rows, channel=channel, account=held.account, sending=held.sending, now=business)
    failpoint("m10")
    rows.sort(key=_seq)
    return rows


def settle(held: Claim, changes: Sequence[Change], at: datetime) -> None:
    """Rows in `sending` become what they came to, in the caller's transaction, under the block's lock."""
    if not changes:
        return
    alike: dict[str, list[int]] = {}
    others: list[Change] = []
    for change in changes:
        if change.outcome.state is AttemptState.ACCEPTED:
            alike.setdefault(receipt(change.outcome.detail), []).append(change.row.id)
        else:
            others.append(change)
    if len(alike) > 1:
        others += [change for change in changes if change.outcome.state is AttemptState.ACCEPTED]
        alike.clear()
    with prepared() as cursor:
        for detail, ids in alike.items():
            named = {"account": held.account, "ids": _array(ids), "state": 10, "detail": detail, "at": at}
            cursor.execute(_SETTLE_ALIKE, named)
        if others:
            cursor.execute(_SETTLE, _columns(held.account, others, at))
    failpoint("m15")


def _columns(account: int, changes: Sequence[Change], at: datetime) -> dict[str, Any]:
    return {
        "account": account,
        "at": at,
        "ids": [change.row.id for change in changes],
        "states": [int(change.outcome.state) for change in changes],
        "reasons": [change.reason for change in changes],
        "details": [
            receipt(one.outcome.detail) if one.outcome.state is AttemptState.ACCEPTED else one.outcome.detail
            for one in changes
        ],
        "nexts": [_next_at(change, at) for change in changes],
    }


def cancel_rest(held: Claim, business: datetime) -> None:
    """End the open rows of a block whose sending was cancelled."""
    with connection.cursor() as cursor:
        cursor.execute(_CANCEL_REST, held.named(business=business))


def give_back(held: Claim) -> None:
    """Let the block go: done if nothing of it is open, else due when its next row is. Nothing if it was lost."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, held.named())


def final(change: Change, policy: Policy, first_due: datetime, at: datetime) -> Change:
    """The change as the ledger takes it.

    A refusal for now becomes a final one after GIVE_UP_AFTER. Under `resend`, what nobody answered is tried again.
    """
    state = change.outcome.state
    if state is AttemptState.ACCEPTED:
        return change
    if state is AttemptState.UNCERTAIN and policy is Policy.RESEND:
        change = change._replace(
            outcome=Outcome(state=AttemptState.DEFERRED, detail=change.outcome.detail), reason=DOUBTFUL_WORD
        )
    if change.outcome.state is AttemptState.DEFERRED and at - first_due > GIVE_UP_AFTER:
        given_up = AttemptState.REJECTED if state is AttemptState.DEFERRED else AttemptState.UNCERTAIN
        return change._replace(
            outcome=Outcome(state=given_up, detail=change.outcome.detail), reason="given up"
        )
    return change


def lost(held: Claim) -> ClaimLost:
    """What a sender is told that does not hold the block any more."""
    return ClaimLost(f"Block {held.block} belongs to another sender now.")


def _next_at(change: Change, at: datetime) -> datetime | None:
    return next_try(change.row.tries, at) if change.outcome.state is AttemptState.DEFERRED else None


def _seq(row: Row) -> int:
    return row.seq


def _array(numbers: Iterable[int]) -> str:
    """An array as the server reads it; the driver would look at each number by itself."""
    return "{" + ",".join(map(str, numbers)) + "}"


@lru_cache(maxsize=64)
def _intends(channel: Channel, cells: str) -> str:
    return _INTEND.format(late=_LATE, reason=reason_sql(channel.value, _IGNORED), cells=cells)
