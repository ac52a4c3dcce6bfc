"""Rows of SMS whose recipient is asleep: put off to their own morning, in the transaction that would intend them.

Their late cut-off runs from then on. Answers to what a person does, and messages of programs, do not wait. Quiet hours
hold as soon as SMS go to a gateway: what lies in the outbox disturbs nobody.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from tandem.messenger.delivery import numbers
from tandem.messenger.delivery.domain import Channel, SendingKind
from tandem.messenger.delivery.providers import choose
from tandem.messenger.delivery.rows import Row
from tandem.messenger.gateways import rules

_KINDS = (SendingKind.CAMPAIGN.value, SendingKind.JOB.value)
_KIND = "SELECT kind FROM messenger_delivery_sending WHERE account_id = %s AND id = %s"
_PUT_OFF = """
UPDATE messenger_delivery_attempt a
SET state = CASE WHEN a.tries > 1 THEN 2 ELSE 0 END, tries = a.tries - 1, due_at = v.until, detail = v.words
FROM unnest(%(ids)s::bigint[], %(untils)s::timestamptz[], %(words)s::text[]) AS v(id, until, words)
WHERE a.account_id = %(account)s AND a.id = v.id AND a.state = 1
"""
_MOST_LINES = 40


def put_off(rows: list[Row], *, channel: Channel, account: int, sending: int, now: datetime) -> list[Row]:
    """Of rows that were just intended, in the same transaction: those that may leave now; the others wait again."""
    if channel is not Channel.SMS or not rows or not choose.goes_to_gateway(account, settings.TANDEM_SENDING):
        return rows
    with connection.cursor() as cursor:
        cursor.execute(_KIND, [account, sending])
        if cursor.fetchone()[0] not in _KINDS:
            return rows
        waits = rules.waits(account, [row.contact_id for row in rows], now)
        asleep = [row for row in rows if row.contact_id in waits]
        if asleep:
            named: dict[str, Any] = {
                "account": account,
                "ids": [row.id for row in asleep],
                "untils": [waits[row.contact_id].until for row in asleep],
                "words": [rules.words_of(waits[row.contact_id]) for row in asleep],
            }
            cursor.execute(_PUT_OFF, named)
    return [row for row in rows if row.contact_id not in waits]


def waiting(account_id: int, sending_id: int, now: datetime) -> list[tuple[str, datetime, int]]:
    """(words, until when, rows) of a sending's rows that wait for a morning, the earliest first."""
    lines = numbers.waits(account_id, sending_id)
    return [line for line in lines if line[0].startswith("waits until ") and line[1] > now][:_MOST_LINES]
