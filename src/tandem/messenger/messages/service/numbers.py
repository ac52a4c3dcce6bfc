"""Numbers from the ledger: of versions, of one contact, and its last bounce."""

import re
from collections.abc import Sequence

from django.db.models import Count

from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.service import finding
from tandem.messenger.delivery import counting
from tandem.messenger.delivery.domain import SINGLE_KINDS, AttemptState
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.messages.domain import Bounce, MessageCounts, VersionNumbers
from tandem.messenger.messages.service.reading import LEFT

#: how a refusal is numbered: the enhanced code if there is one (RFC 3463), else the reply's
_CODES = (re.compile(r"\b[45]\.\d{1,3}\.\d{1,3}\b"), re.compile(r"\b[45]\d\d\b"))


def version_numbers(account_id: int, version_ids: Sequence[int]) -> dict[int, VersionNumbers]:
    """What became of the messages of these versions; those of which nothing was sent are left out."""
    counts = counting.of_versions(account_id, version_ids)
    return {version_id: _numbers(found) for version_id, found in counts.items()}


def _numbers(found: dict[int, int]) -> VersionNumbers:
    return VersionNumbers(
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
    """The last mail to a contact that was refused. Raises UnknownList, UnknownContact."""
    customer = finding.original_id_of(account_id, list_id, contact_id)
    refused = (AttemptState.REJECTED, AttemptState.DEFERRED)
    rows = Attempt.objects.filter(
        account_id=account_id,
        customer=customer,
        contact_id=contact_id,
        state__in=refused,
        sending__channel="email",
    )
    row = rows.order_by("-id").first()
    if row is None:
        return None
    codes = filter(None, (code.search(row.detail) for code in _CODES))
    return Bounce(
        message_id=row.pk,
        hard=row.state == AttemptState.REJECTED,
        recipient=contacts.get_contact(account_id, list_id, customer).email,
        code=next((found[0] for found in codes), ""),
        words=row.detail,
        at=row.done_at or row.due_at,
    )
