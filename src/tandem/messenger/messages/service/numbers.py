"""Numbers from the ledger: of versions, of one contact, its last bounce and whether mail reaches it."""

import re
from collections.abc import Sequence

from django.db.models import Count

from tandem.messenger.bounces import queries as bounces
from tandem.messenger.bounces.classify import judged
from tandem.messenger.bounces.domain import Kind
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.service import finding
from tandem.messenger.delivery import counting
from tandem.messenger.delivery.domain import SINGLE_KINDS, AttemptState
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.engagement import service as engagement
from tandem.messenger.engagement.domain import VersionTally
from tandem.messenger.messages.domain import Bounce, MessageCounts, VersionNumbers
from tandem.messenger.messages.service.reading import LEFT

_NOTHING = VersionTally()
#: how a refusal is numbered: the enhanced code if there is one (RFC 3463), else the reply's
_CODES = (re.compile(r"\b[45]\.\d{1,3}\.\d{1,3}\b"), re.compile(r"\b[45]\d\d\b"))


def version_numbers(account_id: int, version_ids: Sequence[int]) -> dict[int, VersionNumbers]:
    """What became of the messages of these versions; those of which nothing was sent are left out."""
    counts = counting.of_versions(account_id, version_ids)
    responses = engagement.version_tallies(account_id, list(counts))
    return {
        version_id: _numbers(found, responses.get(version_id, _NOTHING))
        for version_id, found in counts.items()
    }


def _numbers(found: dict[int, int], response: VersionTally) -> VersionNumbers:
    return VersionNumbers(
        opened=response.opened,
        clicked=response.clicked,
        complaints=response.complaints,
        recipients=sum(number for what, number in found.items() if what != counting.UNSUBSCRIBED),
        accepted=found.get(AttemptState.ACCEPTED, 0),
        rejected=found.get(AttemptState.REJECTED, 0),
        deferred=found.get(AttemptState.DEFERRED, 0),
        uncertain=found.get(AttemptState.UNCERTAIN, 0),
        unsubscribed=found.get(counting.UNSUBSCRIBED, 0),
    )


def message_counts(account_id: int, list_id: int, contact_id: int, channel: str) -> MessageCounts:
    """How many messages left for a contact on a channel. Raises UnknownList, UnknownContact."""
    customer = finding.original_id_of(account_id, list_id, contact_id)
    rows = Attempt.objects.filter(
        account_id=account_id,
        customer=customer,
        contact_id=contact_id,
        state__in=LEFT,
        sending__channel=channel,
    )
    by_kind = dict(rows.values_list("sending__kind").annotate(rows=Count("id")))
    single = sum(by_kind.get(kind.value, 0) for kind in SINGLE_KINDS)
    return MessageCounts(normal=sum(by_kind.values()) - single, trigger=single)


def last_bounce(account_id: int, list_id: int, contact_id: int) -> Bounce | None:
    """The last mail to a contact that was refused or came back. Raises UnknownList, UnknownContact."""
    customer = finding.original_id_of(account_id, list_id, contact_id)
    email = contacts.get_contact(account_id, list_id, customer).email
    back = bounces.last_of_contact(account_id, contact_id)
    refused = _last_refused(account_id, customer, contact_id)
    if back is None or (refused is not None and refused.pk > back.attempt_id):
        return _refused(refused, email) if refused else None
    return Bounce(
        message_id=back.attempt_id,
        kind=back.kind.value,
        recipient=email,
        code=back.status,
        words=back.diagnosis,
        at=back.at,
        category=back.category,
        mta=back.mta,
        remote_mta=back.remote_mta,
    )


def bounce_status(account_id: int, list_id: int, original_id: str) -> str:
    """NONE, SOFT (the last mail came back, softly) or HARD (no mail is sent any more)."""
    found = contacts.get_contact(account_id, list_id, original_id)
    if found.bounced:
        return "HARD"
    return "SOFT" if bounces.is_soft(account_id, found.id, found.original_id) else "NONE"


def _last_refused(account_id: int, customer: str, contact_id: int) -> Attempt | None:
    rows = Attempt.objects.filter(
        account_id=account_id,
        customer=customer,
        contact_id=contact_id,
        state__in=(AttemptState.REJECTED, AttemptState.DEFERRED),
        sending__channel="email",
    )
    return rows.order_by("-id").first()


def _refused(row: Attempt, email: str) -> Bounce:
    """One that nobody has taken up yet, or that is still tried."""
    verdict = judged("", row.detail)
    kind = verdict.kind if row.state == AttemptState.REJECTED else Kind.SOFT
    codes = filter(None, (code.search(row.detail) for code in _CODES))
    return Bounce(
        message_id=row.pk,
        kind=kind.value,
        recipient=email,
        code=next((found[0] for found in codes), ""),
        words=row.detail,
        at=row.done_at or row.due_at,
        category=verdict.category.value,
    )
