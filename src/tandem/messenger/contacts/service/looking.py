"""What a user of the house sees of one customer: every list, every channel, what holds messages back."""

from dataclasses import dataclass
from datetime import datetime

from tandem.messenger.contacts.domain import CHANNELS, SuppressionView
from tandem.messenger.contacts.models import Contact, Suppression
from tandem.messenger.contacts.service.consent import suppression_view


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A customer in one list on one channel, and why nothing is sent; empty if messages may be."""

    list_id: int
    list_name: str
    channel: str
    address: str
    reason: str
    since: datetime | None


def standings(account_id: int, original_id: str) -> tuple[Standing, ...]:
    """The customer in every list and on every channel, by the list's name."""
    rows = Contact.objects.filter(account_id=account_id, original_id=original_id).select_related("list")
    blocks = {row.pk: _blocks(account_id, row) for row in rows}
    ordered = sorted(rows, key=lambda row: (row.list.name.casefold(), row.list_id))
    return tuple(_standing(row, channel, blocks[row.pk]) for row in ordered for channel in CHANNELS)


def suppressions_of(account_id: int, original_id: str) -> tuple[SuppressionView, ...]:
    """What holds messages to the customer, or to an address of theirs, back; oldest first."""
    rows = Contact.objects.filter(account_id=account_id, original_id=original_id)
    found = {block.pk: block for row in rows for block in _blocks(account_id, row)}
    return tuple(suppression_view(found[pk]) for pk in sorted(found))


def _blocks(account_id: int, row: Contact) -> list[Suppression]:
    keys = [key for key in (row.customer_key, row.email_key, row.mobile_key) if key]
    return list(Suppression.objects.filter(account_id=account_id, key__in=keys))


def _standing(row: Contact, channel: str, blocks: list[Suppression]) -> Standing:
    is_email = channel == "email"
    address, key = (row.email, row.email_key) if is_email else (row.mobile, row.mobile_key)
    ended, since = (
        (row.unsubscribed, row.opt_out_at) if is_email else (row.mobile_unsubscribed, row.opt_out_mobile_at)
    )
    bounced = row.bounced if is_email else row.mobile_bounced
    held = any(
        one.key in (key, row.customer_key)
        and one.channel in (channel, "all")
        and one.list_id in (None, row.list_id)
        for one in blocks
    )
    why = (
        (not row.active, "inactive"), (not address, "no address"), (ended, "unsubscribed"), (bounced, "bounced"),
        (held, "suppressed"),
    )  # fmt: skip
    return Standing(
        list_id=row.list_id,
        list_name=row.list.name,
        channel=channel,
        address=address,
        reason=next((words for holds, words in why if holds), ""),
        since=since if ended else None,
    )
