"""Reads of what came back: of one contact, of a list of bounces, of a period's exports, in numbers."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from tandem.messenger.bounces.domain import BOUNCED, BounceView, Kind, MailState, Numbers
from tandem.messenger.bounces.models import Bounce, InboundMail

PAGE = 2000
_STATUS = """
SELECT EXISTS (
    SELECT 1 FROM messenger_bounces_bounce b
    WHERE b.account_id = %(account)s AND b.contact_id = %(contact)s AND b.kind = 'soft'
      AND b.attempt_id >= (SELECT coalesce(max(a.id), 0) FROM messenger_delivery_attempt a
                           JOIN messenger_delivery_sending s ON s.account_id = a.account_id AND s.id = a.sending_id
                           WHERE a.account_id = %(account)s AND a.customer = %(customer)s
                             AND a.contact_id = %(contact)s AND a.state IN (10, 12) AND s.channel = 'email'
                             AND NOT EXISTS (SELECT 1 FROM messenger_bounces_bounce k
                                             WHERE k.account_id = a.account_id AND k.attempt_id = a.id
                                               AND k.kind IN ('soft', 'blocked'))))
"""
_DOMAINS = """
SELECT domain, count(*) FILTER (WHERE kind = 'hard'), count(*) FILTER (WHERE kind <> 'hard')
FROM messenger_bounces_bounce
WHERE account_id = %(account)s AND at >= %(since)s AND kind IN ('hard', 'soft', 'blocked') AND domain <> ''
GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT %(limit)s
"""
_COUNTS = """
SELECT kind, category, count(*) FROM messenger_bounces_bounce
WHERE account_id = %(account)s AND at >= %(since)s AND (%(sending)s::bigint IS NULL OR sending_id = %(sending)s)
GROUP BY 1, 2
"""
#: a period's bounces with what an export tells of a message; those who were forgotten are left out
_EXPORTED = """
SELECT b.id, b.attempt_id, s.channel, t.list_id, l.name, b.contact_id, b.customer, t.version_id, g.name, p.id, p.name,
       a.done_at, b.at
FROM messenger_bounces_bounce b
JOIN messenger_delivery_attempt a ON a.account_id = b.account_id AND a.id = b.attempt_id
JOIN messenger_delivery_sending s ON s.account_id = b.account_id AND s.id = b.sending_id
JOIN messenger_delivery_sendingtemplate t
  ON t.account_id = b.account_id AND t.sending_id = b.sending_id AND t.template_id = b.template_id
JOIN messenger_contacts_contact c ON c.account_id = b.account_id AND c.id = b.contact_id
JOIN messenger_contacts_contactlist l ON l.account_id = b.account_id AND l.id = t.list_id
JOIN messenger_projects_trigger g ON g.account_id = b.account_id AND g.id = b.template_id
JOIN messenger_projects_project p ON p.account_id = b.account_id AND p.id = g.project_id
WHERE b.account_id = %(account)s AND b.id > %(after)s AND b.at >= %(since)s AND b.at < %(until)s
  AND b.kind = ANY(%(kinds)s)
ORDER BY b.id LIMIT %(page)s
"""


def last_of_contact(account_id: int, contact_id: int) -> BounceView | None:
    """The bounce of the newest message that came back from a contact."""
    rows = Bounce.objects.filter(
        account_id=account_id, contact_id=contact_id, kind__in=[kind.value for kind in BOUNCED]
    )
    row = rows.order_by("-attempt_id", "-id").first()
    return view(row) if row else None


def is_soft(account_id: int, contact_id: int, customer: str) -> bool:
    """Whether the contact's last mail came back softly and none has arrived since."""
    with connection.cursor() as cursor:
        cursor.execute(_STATUS, {"account": account_id, "contact": contact_id, "customer": customer})
        return bool(cursor.fetchone()[0])


def list_bounces(
    account_id: int,
    *,
    kinds: Sequence[Kind] = (),
    category: str = "",
    domain: str = "",
    sending_id: int | None = None,
    before: int = 0,
    limit: int = 50,
) -> list[BounceView]:
    """What came back, the newest first; before: an id to go on from."""
    rows = Bounce.objects.filter(account_id=account_id)
    chosen: dict[str, Any] = {"category": category, "domain": domain.lower(), "sending_id": sending_id}
    rows = rows.filter(**{name: value for name, value in chosen.items() if value})
    if kinds:
        rows = rows.filter(kind__in=[kind.value for kind in kinds])
    if before:
        rows = rows.filter(pk__lt=before)
    return [view(row) for row in rows.order_by("-id")[:limit]]


def numbers(account_id: int, *, since: datetime, sending_id: int | None = None, domains: int = 20) -> Numbers:
    """How many came back since a moment, of all sendings or of one."""
    named: dict[str, Any] = {"account": account_id, "since": since, "sending": sending_id, "limit": domains}
    kinds: dict[str, int] = {}
    categories: dict[str, int] = {}
    bounced = {kind.value for kind in BOUNCED}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, named)
        for kind, category, number in cursor.fetchall():
            kinds[kind] = kinds.get(kind, 0) + number
            if kind in bounced:
                categories[category] = categories.get(category, 0) + number
        cursor.execute(_DOMAINS, named)
        found = tuple(cursor.fetchall()) if sending_id is None else ()
    mails = InboundMail.objects.filter(account_id=account_id)
    return Numbers(
        kinds=dict(sorted(kinds.items())),
        categories=dict(sorted(categories.items(), key=lambda one: -one[1])),
        domains=found,
        quarantined=mails.filter(state=MailState.QUARANTINED.value).count(),
        waiting=unassigned_waiting(),
    )


def unassigned_waiting() -> int:
    """Mails that wait to be worked off, whosever they are."""
    # all accounts: it is not known yet whose they are
    return InboundMail.objects.filter(state=MailState.WAITING.value).count()


def exported(
    account_id: int, kinds: Sequence[Kind], since: datetime, until: datetime
) -> Iterator[tuple[Any, ...]]:
    """A period's bounces of these kinds, page by page, in the order in which they came."""
    named: dict[str, Any] = {
        "account": account_id, "kinds": [kind.value for kind in kinds], "since": since, "until": until, "page": PAGE,
    }  # fmt: skip
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_EXPORTED, {**named, "after": after})
            rows = cursor.fetchall()
        yield from rows
        if len(rows) < PAGE:
            return
        after = rows[-1][0]


def view(row: Bounce) -> BounceView:
    """A row as pages see it."""
    return BounceView(
        id=row.pk,
        kind=Kind(row.kind),
        category=row.category,
        status=row.status,
        diagnosis=row.diagnosis,
        mta=row.mta,
        remote_mta=row.remote_mta,
        domain=row.domain,
        source=row.source,
        sending_id=row.sending_id,
        attempt_id=row.attempt_id,
        template_id=row.template_id,
        customer=row.customer,
        at=row.at,
    )
