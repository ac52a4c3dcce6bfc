"""What follows from what came back: kept once per message and kind, told, and the contact spared where it is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from tandem.kit.clock import Clock
from tandem.messenger.bounces.domain import SOFT_IN_A_ROW, Category, Kind
from tandem.messenger.bounces.models import Bounce
from tandem.messenger.contacts.service import bouncing
from tandem.messenger.delivery import events
from tandem.messenger.engagement import service as engagement
from tandem.messenger.engagement.domain import Happened
from tandem.messenger.engagement.domain import Kind as Event

#: the last messages of each contact up to the newest that came back softly; those that were blocked say nothing of it
_IN_A_ROW = """
SELECT c.id FROM messenger_contacts_contact c
CROSS JOIN LATERAL (
    SELECT count(*) AS messages, bool_and(last.soft) AS soft FROM (
        SELECT EXISTS (SELECT 1 FROM messenger_bounces_bounce b
                       WHERE b.account_id = a.account_id AND b.attempt_id = a.id AND b.kind = 'soft') AS soft
        FROM messenger_delivery_attempt a
        JOIN messenger_delivery_sending s ON s.account_id = a.account_id AND s.id = a.sending_id
        WHERE a.account_id = c.account_id AND a.customer = c.original_id AND a.contact_id = c.id
          AND a.state IN (10, 11, 12) AND s.channel = 'email'
          AND a.id <= (SELECT max(n.attempt_id) FROM messenger_bounces_bounce n
                       WHERE n.account_id = c.account_id AND n.contact_id = c.id AND n.kind = 'soft')
          AND NOT EXISTS (SELECT 1 FROM messenger_bounces_bounce k
                          WHERE k.account_id = a.account_id AND k.attempt_id = a.id AND k.kind = 'blocked')
        ORDER BY a.id DESC LIMIT %(row)s) last) r
WHERE c.account_id = %(account)s AND c.id = ANY(%(ids)s) AND r.messages = %(row)s AND r.soft
"""
_EVENTS = {
    Kind.HARD: Event.BOUNCED_HARD,
    Kind.SOFT: Event.BOUNCED_SOFT,
    Kind.BLOCKED: Event.BOUNCED_SOFT,
    Kind.DELIVERED: Event.DELIVERED,
    Kind.COMPLAINT: Event.COMPLAINED,
    Kind.AUTOMATIC: Event.REPLIED,
    Kind.REPLY: Event.REPLIED,
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came back of one message. invalidates: whether it may make its contact unusable."""

    attempt_id: int
    sending_id: int
    template_id: int
    contact_id: int | None
    customer: str
    kind: Kind
    at: datetime
    source: str
    category: str = ""
    status: str = ""
    diagnosis: str = ""
    mta: str = ""
    remote_mta: str = ""
    domain: str = ""
    invalidates: bool = True


def keep(account_id: int, found: Sequence[Found], *, clock: Clock) -> int:
    """Keep what is new of it, with all that follows, in the caller's transaction; how much was new."""
    known = set(
        Bounce.objects.filter(
            account_id=account_id, attempt_id__in=[one.attempt_id for one in found]
        ).values_list("attempt_id", "kind")
    )
    fresh = [one for one in found if (one.attempt_id, one.kind.value) not in known]
    Bounce.objects.bulk_create([_row(account_id, one) for one in fresh], ignore_conflicts=True)
    follow(account_id, fresh, clock=clock)
    return len(fresh)


def follow(account_id: int, fresh: Sequence[Found], *, clock: Clock) -> None:
    """What follows from bounces that were just kept."""
    if not fresh:
        return
    engagement.record(
        [_happened(account_id, one) for one in fresh if one.kind in _EVENTS],
        clock=clock,
    )
    hard = {one.contact_id for one in fresh if one.kind is Kind.HARD and one.invalidates and one.contact_id}
    soft = {one.contact_id for one in fresh if one.kind is Kind.SOFT and one.invalidates and one.contact_id}
    bouncing.mark_bounced(account_id, hard | in_a_row(account_id, soft - hard), clock=clock)
    told = [_fact(one) for one in fresh if one.kind is Kind.HARD]
    events.publish(account_id, events.EventType.BOUNCE, told, clock=clock)


def in_a_row(account_id: int, contact_ids: set[int]) -> set[int]:
    """Those of whose messages the last five came back softly, one after the other."""
    if not contact_ids:
        return set()
    named: dict[str, Any] = {"account": account_id, "ids": sorted(contact_ids), "row": SOFT_IN_A_ROW}
    with connection.cursor() as cursor:
        cursor.execute(_IN_A_ROW, named)
        return {row[0] for row in cursor.fetchall()}


def _row(account_id: int, one: Found) -> Bounce:
    return Bounce(
        account_id=account_id,
        sending_id=one.sending_id,
        attempt_id=one.attempt_id,
        template_id=one.template_id,
        contact_id=one.contact_id,
        customer=one.customer,
        kind=one.kind.value,
        category=one.category,
        status=one.status[:12],
        diagnosis=one.diagnosis,
        mta=one.mta[:200],
        remote_mta=one.remote_mta[:200],
        domain=one.domain[:255],
        source=one.source,
        at=one.at,
    )


def _happened(account_id: int, one: Found) -> Happened:
    return Happened(
        account_id=account_id,
        attempt_id=one.attempt_id,
        kind=_EVENTS[one.kind],
        at=one.at,
        source=one.kind.value,
        detail=f"{one.category} {one.diagnosis}".strip() if one.kind is not Kind.AUTOMATIC else "automatic",
    )


def _fact(one: Found) -> events.Fact:
    more = {
        "bounceType": "HARD",
        "bncCat": one.category or Category.OTHER.value,
        "dsnStatus": one.status,
        "dsnDiagnosis": one.diagnosis,
        "domain": one.domain,
    }
    return events.Fact(attempt_id=one.attempt_id, at=one.at, more=more)
