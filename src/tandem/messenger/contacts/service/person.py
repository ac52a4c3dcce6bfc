"""What a person does about what they get: look, end one list or everything, start again. Only by the person's own wish.

A person is a customer at an address: contacts of the account with the same customer id and the same address.
"""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q

from tandem.kit.clock import Clock
from tandem.messenger.contacts.domain import CHANNELS
from tandem.messenger.contacts.errors import StillSuppressed, UnknownContact
from tandem.messenger.contacts.models import Contact, ContactList, Property, Suppression
from tandem.messenger.contacts.proofs import Origin, Place, Proof
from tandem.messenger.contacts.service import proofs
from tandem.messenger.contacts.service.consent import set_flag, suppress_key
from tandem.messenger.contacts.service.numbers import STOPPED

_KEY = {"email": "email_key", "sms": "mobile_key"}
_FLAG = {"email": ("unsubscribed", "opt_out_at"), "sms": ("mobile_unsubscribed", "opt_out_mobile_at")}
ASKED = "asked by the person"


def places_of(account_id: int, contact_id: int) -> tuple[Place, ...]:
    """The lists that this person is in, per channel, by name. Empty if the contact is not kept any more."""
    contact = Contact.objects.filter(account_id=account_id, pk=contact_id).first()
    if contact is None:
        return ()
    rows = Contact.objects.filter(
        account_id=account_id, customer_key=contact.customer_key, active=True
    ).select_related("list")
    blocks = _blocks(account_id, contact)
    return tuple(
        _place(row, channel, blocks)
        for row in sorted(rows, key=lambda row: (row.list.name.casefold(), row.pk))
        for channel in CHANNELS
        if getattr(row, _KEY[channel]) and getattr(row, _KEY[channel]) == getattr(contact, _KEY[channel])
    )


def language_of(account_id: int, contact_id: int) -> tuple[str, str]:
    """What the contact's attribute `language` and its country say; empty where nothing is said."""
    row = Contact.objects.filter(account_id=account_id, pk=contact_id).first()
    if row is None:
        return "", ""
    of_account = Property.objects.filter(account_id=account_id, name__iexact="language")
    pk = of_account.values_list("pk", flat=True).first()
    return row.properties.get(str(pk)) or "", row.country


@transaction.atomic
def end_everything(account_id: int, contact_id: int, channel: str, *, proof: Proof, clock: Clock) -> None:
    """Nothing more from this account by this channel, neither to customer nor address. Raises UnknownContact."""
    contact = _locked(account_id, contact_id)
    _end_each(contact, channel, (), proof, clock)
    for key, kind in ((contact.customer_key, "customer"), (getattr(contact, _KEY[channel]), "address")):
        if key:
            suppress_key(account_id, key, kind, channel, None, ASKED, Origin.PERSON, clock)


@transaction.atomic
def subscribe_again(
    account_id: int, contact_id: int, channel: str, *, source: str, proof: Proof, clock: Clock
) -> bool:
    """Messages of this one list again. False if they had not ended. Raises UnknownContact, StillSuppressed.

    What the person had ended altogether stays ended in every other list; complaints and erasures stay.
    """
    contact = _locked(account_id, contact_id)
    mine = [row for row in _blocks(account_id, contact) if _covers(row, contact, channel)]
    if _not_theirs(mine, contact):
        raise StillSuppressed("The sender may not write to this address.", "Write to the sender instead.")
    if mine:
        _end_each(contact, channel, (contact.pk,), proof, clock)
        Suppression.objects.filter(account_id=account_id, pk__in=[row.pk for row in mine]).delete()
    changed = set_flag(account_id, contact_id, channel, False, source=source, proof=proof, clock=clock)
    if mine and not changed:
        proofs.record(contact, channel, "subscribed", source=source, proof=proof, clock=clock)
    return changed or bool(mine)


def _end_each(contact: Contact, channel: str, but: Iterable[int], proof: Proof, clock: Clock) -> None:
    """End every list that the customer or the address is in, of one channel."""
    for pk in _everywhere(contact, channel):
        if pk not in but:
            set_flag(
                contact.account_id, pk, channel, True, source="everything", proof=proof, clock=clock,
                scope=proofs.ACCOUNT,
            )  # fmt: skip


def _everywhere(contact: Contact, channel: str) -> list[int]:
    rows = Contact.objects.filter(account_id=contact.account_id)
    same = Q(customer_key=contact.customer_key)
    if key := getattr(contact, _KEY[channel]):
        lists = ContactList.objects.filter(account_id=contact.account_id).values("pk")
        same |= Q(**{"list__in": lists, _KEY[channel]: key})
    return list(rows.filter(same).order_by("pk").values_list("pk", flat=True))


def _locked(account_id: int, contact_id: int) -> Contact:
    contact = Contact.objects.select_for_update().filter(account_id=account_id, pk=contact_id).first()
    if contact is None:
        raise UnknownContact("You are not in this list any more.", "Nothing is sent to you from it.")
    return contact


def _blocks(account_id: int, contact: Contact) -> list[Suppression]:
    keys = [key for key in (contact.customer_key, contact.email_key, contact.mobile_key) if key]
    return list(Suppression.objects.filter(account_id=account_id, key__in=keys))


def _covers(row: Suppression, contact: Contact, channel: str) -> bool:
    return (
        row.key in (contact.customer_key, getattr(contact, _KEY[channel]))
        and row.channel in (channel, "all")
        and row.list_id in (None, contact.list_id)
    )


def _not_theirs(blocks: list[Suppression], contact: Contact) -> bool:
    """Whether somebody else ended it: a complaint, the sender, another customer at the same address."""
    if any(row.origin != Origin.PERSON for row in blocks):
        return True
    said_here = any(row.key == contact.customer_key or row.reason == STOPPED for row in blocks)
    return bool(blocks) and not said_here


def _place(contact: Contact, channel: str, blocks: list[Suppression]) -> Place:
    flag, since = _FLAG[channel]
    mine = [row for row in blocks if _covers(row, contact, channel)]
    ended = "paused" if _not_theirs(mine, contact) else "off"
    return Place(
        contact_id=contact.pk,
        list_id=contact.list_id,
        list_name=contact.list.name,
        channel=channel,
        state=ended if mine or getattr(contact, flag) else "on",
        since=getattr(contact, since),
    )
