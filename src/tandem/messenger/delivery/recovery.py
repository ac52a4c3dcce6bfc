"""Rows of dead senders: proof of death, then each orphaned row gets what its journal says.

On the same host a free lock on the journal proves death. Elsewhere the session's advisory lock must be gone and the
lease over, by the database's clock; one of the two is enough after another boot of the machine, which another machine
of the same name looks like.
"""

import logging
import socket
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from tandem.messenger.delivery import journal
from tandem.messenger.delivery.domain import AttemptState, Channel, Message, Outcome, Policy, next_try
from tandem.messenger.delivery.models import Sender

log = logging.getLogger("tandem.sender")
#: the ways out of the sender that buries
Ways = Mapping[Channel, Any]
ADVISORY_CLASS = 7261001
#: it may have left, and is to be sent again
_ONCE_MORE = Outcome(state=AttemptState.PENDING)
_LOCK = "SELECT id FROM messenger_delivery_sender WHERE id = %s AND NOT recovered FOR UPDATE SKIP LOCKED"
_ORPHANS = """
SELECT a.account_id, a.id, a.sending_id, a.tries, s.channel, s.policy, a.due_at + s.cut_off < %s
FROM messenger_delivery_block b
JOIN messenger_delivery_sending s ON s.account_id = b.account_id AND s.id = b.sending_id
JOIN messenger_delivery_attempt a ON a.account_id = b.account_id AND a.sending_id = b.sending_id
     AND a.seq BETWEEN b.first_seq AND b.last_seq AND a.state = 1
WHERE b.sender_id = %s AND NOT b.done
"""
_SETTLE = """
UPDATE messenger_delivery_attempt a SET state = v.state, detail = v.detail,
       reason = CASE WHEN v.state = 10 THEN '' WHEN v.is_doubtful THEN 'doubtful' ELSE a.reason END,
       done_at = CASE WHEN v.state >= 10 THEN %(now)s END, due_at = coalesce(v.next_at, a.due_at)
FROM unnest(%(ids)s::bigint[], %(states)s::smallint[], %(details)s::text[], %(doubts)s::bool[],
            %(nexts)s::timestamptz[]) AS v(id, state, detail, is_doubtful, next_at)
WHERE a.id = v.id AND a.state = 1
"""
_RELEASE = """
UPDATE messenger_delivery_block b SET sender_id = NULL, fence = fence + 1, done = (o.next_at IS NULL),
       next_at = coalesce(o.next_at, b.next_at)
FROM (SELECT b2.id, (SELECT min(a.due_at) FROM messenger_delivery_attempt a
        WHERE a.account_id = b2.account_id AND a.sending_id = b2.sending_id
          AND a.seq BETWEEN b2.first_seq AND b2.last_seq AND a.state IN (0, 2)) AS next_at
      FROM messenger_delivery_block b2 WHERE b2.sender_id = %s AND NOT b2.done) o
WHERE b.id = o.id
"""


def recover_dead(me: int, ways: Ways, now: datetime) -> int:
    """Settle what dead senders left behind; how many were buried."""
    # all accounts: senders serve every account
    open_senders = Sender.objects.filter(recovered=False).exclude(id=me).order_by("id")
    return sum(_bury(sender, ways, now) for sender in open_senders if is_dead(sender))


def is_dead(sender: Sender) -> bool:
    """Whether the process behind the row has proven to be gone."""
    if sender.ended_at is not None:
        return True
    if sender.host == socket.gethostname():
        if sender.boot_id != journal.boot_id():
            return _session_ended(sender) or _lease_over(sender)
        locked = journal.is_locked(Path(sender.journal)) if sender.journal else None
        if locked is not None:
            return not locked
    return _lease_over(sender) and _session_ended(sender)


def _lease_over(sender: Sender) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lease_until < clock_timestamp() FROM messenger_delivery_sender WHERE id = %s", [sender.id]
        )
        return bool(cursor.fetchone()[0])


def _session_ended(sender: Sender) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [ADVISORY_CLASS, sender.id % 2**31])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def _bury(sender: Sender, ways: Ways, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [sender.id])
        if cursor.fetchone() is None:
            return False
        cursor.execute(_ORPHANS, [now, sender.id])
        orphans = cursor.fetchall()
        truths: list[Outcome] = []
        if orphans:
            record = journal.read(Path(sender.journal), sender.id)
            truths = [_truth(record, orphan, ways) for orphan in orphans]
            cursor.execute(
                _SETTLE,
                {
                    "now": now,
                    "ids": [orphan[1] for orphan in orphans],
                    "states": [int(truth.state) for truth in truths],
                    "details": [truth.detail for truth in truths],
                    "doubts": [truth is _ONCE_MORE for truth in truths],
                    "nexts": [
                        next_try(orphan[3], now) if truth.state is AttemptState.DEFERRED else None
                        for orphan, truth in zip(orphans, truths, strict=True)
                    ],
                },
            )
        cursor.execute(_RELEASE, [sender.id])
        # all accounts: senders serve every account
        Sender.objects.filter(id=sender.id).update(recovered=True)
    transaction.on_commit(lambda: _buried(sender, truths))
    return True


def _buried(sender: Sender, truths: list[Outcome]) -> None:
    unsure = sum(truth.state is AttemptState.UNCERTAIN for truth in truths)
    level = logging.WARNING if unsure else logging.INFO
    log.log(level, "sender.buried sender=%s orphans=%s uncertain=%s", sender.id, len(truths), unsure)
    if sender.journal:
        Path(sender.journal).unlink(missing_ok=True)


def _truth(record: journal.JournalRecord, orphan: tuple, ways: Ways) -> Outcome:
    """The journal's word; where a way out knows its messages by name, what lies there settles the rest.

    Under `resend` what stays uncertain is free again, to be sent under the same Message-ID; past its cut-off it cannot
    be, and stays what it is.
    """
    account_id, attempt_id, sending_id, tries, channel, policy, is_late = orphan
    truth = record.truth(attempt_id, tries)
    way = ways[Channel(channel)]
    if truth.state is not AttemptState.UNCERTAIN:
        return truth
    if getattr(way, "idempotent", False):
        named = Message(
            attempt_id=attempt_id,
            account_id=account_id,
            sending_id=sending_id,
            channel=Channel(channel),
            sender="",
            recipient="",
            content=b"",
        )
        found = way.arrived(named)
        if found:
            return Outcome(state=AttemptState.ACCEPTED, detail="found at the destination")
        if found is not None:
            return Outcome(state=AttemptState.PENDING)
    return _ONCE_MORE if policy == Policy.RESEND and not is_late else truth
