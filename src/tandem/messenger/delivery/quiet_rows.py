"""Rows of SMS whose recipient is asleep: put off to their own morning, in the transaction that would intend them.

Their late cut-off runs from then on. Answers to what a person does, and messages of programs, do not wait.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from tandem.messenger.delivery.domain import AttemptState, Channel, SendingKind
from tandem.messenger.gateways import rules

_KINDS = (SendingKind.CAMPAIGN.value, SendingKind.JOB.value)
_ID, _CONTACT, _DUE, _STATE, _REASON = 0, 4, 6, 8, 9
_KIND = "SELECT kind FROM messenger_delivery_sending WHERE account_id = %s AND id = %s"
_PUT_OFF = """
UPDATE messenger_delivery_attempt a SET due_at = v.until, detail = v.words
FROM unnest(%(ids)s::bigint[], %(untils)s::timestamptz[], %(words)s::text[]) AS v(id, until, words)
WHERE a.account_id = %(account)s AND a.id = v.id AND a.state IN (0, 2)
"""
_WAITING = """
SELECT detail, due_at, count(*) FROM messenger_delivery_attempt
WHERE account_id = %s AND sending_id = %s AND state IN (0, 2) AND due_at > %s AND detail LIKE 'waits until %%'
GROUP BY 1, 2 ORDER BY 2, 1 LIMIT 40
"""


def put_off(
    cursor: Any,
    lines: Sequence[tuple],
    *,
    channel: str,
    account: int,
    sending: int,
    now: datetime,
    late: timedelta,
) -> list[tuple]:
    """The picked lines that may leave now; the others wait. late: how late a pending row may still be sent."""
    if channel != Channel.SMS:
        return list(lines)
    cursor.execute(_KIND, [account, sending])
    if cursor.fetchone()[0] not in _KINDS:
        return list(lines)
    asked = [line for line in lines if not line[_REASON] and not _is_late(line, now, late)]
    waits = rules.waits(account, [line[_CONTACT] for line in asked], now)
    asleep = [line for line in asked if line[_CONTACT] in waits]
    if asleep:
        named: dict[str, Any] = {
            "account": account,
            "ids": [line[_ID] for line in asleep],
            "untils": [waits[line[_CONTACT]].until for line in asleep],
            "words": [rules.words_of(waits[line[_CONTACT]]) for line in asleep],
        }
        cursor.execute(_PUT_OFF, named)
    gone = {line[_ID] for line in asleep}
    return [line for line in lines if line[_ID] not in gone]


def waiting(account_id: int, sending_id: int, now: datetime) -> list[tuple[str, datetime, int]]:
    """(words, until when, rows) of a sending's rows that wait for a morning, the earliest first."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [account_id, sending_id, now])
        return [(words, until, rows) for words, until, rows in cursor.fetchall()]


def _is_late(line: tuple, now: datetime, late: timedelta) -> bool:
    return line[_STATE] == AttemptState.PENDING and now - line[_DUE] > late
