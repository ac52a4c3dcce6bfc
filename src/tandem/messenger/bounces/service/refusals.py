"""Refusals of the next hop are bounces too: rejected mails of finished blocks, judged by the same table.

Set-based: relays answer in few ways, so each way of a block is judged once and its rows follow in one statement. A
finished block changes only when it is claimed again, so it is looked through once per claim.
"""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.messenger.bounces.classify import judged, numbered, text_of, without_addresses
from tandem.messenger.bounces.domain import Kind
from tandem.messenger.bounces.service.applying import Found, follow

_BLOCKS = """
SELECT b.account_id, b.sending_id, b.first_seq, b.last_seq, b.fence
FROM messenger_delivery_sending s
JOIN messenger_delivery_block b ON b.account_id = s.account_id AND b.sending_id = s.id AND b.done
WHERE s.channel = 'email' AND (s.finished_at IS NULL OR s.finished_at > %(since)s) AND s.started_at IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM messenger_bounces_refusalmark m
                  WHERE m.account_id = b.account_id AND m.sending_id = b.sending_id AND m.first_seq = b.first_seq
                    AND m.fence = b.fence)
ORDER BY b.sending_id, b.first_seq LIMIT %(most)s
"""
_WAYS = """
SELECT DISTINCT detail, reason FROM messenger_delivery_attempt
WHERE account_id = %(account)s AND sending_id = %(sending)s AND seq BETWEEN %(first)s AND %(last)s AND state = 11
"""
_KEEP = """
INSERT INTO messenger_bounces_bounce
    (account_id, sending_id, attempt_id, template_id, contact_id, customer, kind, category, status, diagnosis, mta,
     remote_mta, domain, source, at)
SELECT a.account_id, a.sending_id, a.id, a.template_id, c.id, a.customer, w.kind, w.category, w.status, w.diagnosis,
       '', '', lower(split_part(coalesce(c.email, ''), '@', 2)), 'refusal', coalesce(a.done_at, %(now)s)
FROM messenger_delivery_attempt a
JOIN unnest(%(details)s::text[], %(reasons)s::text[], %(kinds)s::text[], %(categories)s::text[], %(statuses)s::text[],
            %(diagnoses)s::text[]) AS w (detail, reason, kind, category, status, diagnosis)
  ON w.detail = a.detail AND w.reason = a.reason
LEFT JOIN messenger_contacts_contact c ON c.account_id = a.account_id AND c.id = a.contact_id
WHERE a.account_id = %(account)s AND a.sending_id = %(sending)s AND a.seq BETWEEN %(first)s AND %(last)s
  AND a.state = 11
ON CONFLICT DO NOTHING
RETURNING attempt_id, template_id, contact_id, customer, kind, category, status, diagnosis, domain, at
"""
_MARK = """
INSERT INTO messenger_bounces_refusalmark (account_id, sending_id, first_seq, fence)
VALUES (%(account)s, %(sending)s, %(first)s, %(fence)s)
ON CONFLICT (account_id, sending_id, first_seq) DO UPDATE SET fence = excluded.fence
"""
_FORGET_MARKS = """
DELETE FROM messenger_bounces_refusalmark m USING messenger_delivery_sending s
WHERE s.account_id = m.account_id AND s.id = m.sending_id AND s.finished_at < %(since)s
"""
_LOOKED_BACK_DAYS = 7
MOST_BLOCKS = 200


def take_up_refusals(*, clock: Clock) -> int:
    """Look through finished blocks that nobody has looked through; how many refusals were new."""
    since = clock.business() - timedelta(days=_LOOKED_BACK_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKS, {"since": since, "most": MOST_BLOCKS})
        blocks = cursor.fetchall()
    return sum(
        _take_up(account_id, sending_id, first, last, fence, clock)
        for account_id, sending_id, first, last, fence in blocks
    )


def clear_marks(*, clock: Clock) -> int:
    """Forget which blocks of old sendings were looked through: they are not looked at again."""
    since = clock.business() - timedelta(days=2 * _LOOKED_BACK_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_MARKS, {"since": since})
        return cursor.rowcount


@transaction.atomic
def _take_up(account_id: int, sending_id: int, first: int, last: int, fence: int, clock: Clock) -> int:
    named: dict[str, Any] = {
        "account": account_id, "sending": sending_id, "first": first, "last": last, "fence": fence,
        "now": clock.business(),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_WAYS, named)
        ways = cursor.fetchall()
        rows = []
        if ways:
            cursor.execute(_KEEP, {**named, **_judged(ways)})
            rows = cursor.fetchall()
        cursor.execute(_MARK, named)
    follow(account_id, [_found(sending_id, row) for row in rows], clock=clock)
    return len(rows)


def _judged(ways: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Each way of refusing: what was given up after days of refusals for now is soft, whatever it says."""
    verdicts = [(detail, reason, judged("", detail)) for detail, reason in ways]
    return {
        "details": [detail for detail, _, _ in verdicts],
        "reasons": [reason for _, reason, _ in verdicts],
        "kinds": [
            Kind.SOFT.value if reason == "given up" and verdict.kind is Kind.HARD else verdict.kind.value
            for _, reason, verdict in verdicts
        ],
        "categories": [verdict.category.value for _, _, verdict in verdicts],
        "statuses": [text_of(numbered("", detail)) for detail, _, _ in verdicts],
        "diagnoses": [without_addresses(detail) for detail, _, _ in verdicts],
    }


def _found(sending_id: int, row: tuple[Any, ...]) -> Found:
    attempt, template, contact, customer, kind, category, status, diagnosis, domain, at = row
    return Found(
        attempt_id=attempt, sending_id=sending_id, template_id=template, contact_id=contact, customer=customer,
        kind=Kind(kind), at=at, source="refusal", category=category, status=status, diagnosis=diagnosis, domain=domain,
    )  # fmt: skip
