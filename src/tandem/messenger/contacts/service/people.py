"""Contacts: found, paged, saved."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Lower

from tandem.kit.clock import Clock
from tandem.messenger.contacts.domain import (
    RESERVED_IDS,
    STATIC,
    Changes,
    ContactView,
    clean,
    email_address,
    mobile_number,
)
from tandem.messenger.contacts.errors import BadContact, UnknownContact
from tandem.messenger.contacts.keys import customer_key, email_key, mobile_key
from tandem.messenger.contacts.models import Contact, Property, Suppression
from tandem.messenger.contacts.proofs import Proof
from tandem.messenger.contacts.queries import property_names, recipients
from tandem.messenger.contacts.service import telling
from tandem.messenger.contacts.service.consent import NO_PROOF, set_flag
from tandem.messenger.contacts.service.lists import define_property, require_list
from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks.domain import EventType

_COPIED = tuple(f.name for f in fields(ContactView) if f.name != "named")


def get_contact(account_id: int, list_id: int, original_id: str) -> ContactView:
    """One contact. Raises UnknownList, UnknownContact."""
    return _view(_row(account_id, list_id, original_id), property_names(account_id))


def contact_id_of(account_id: int, list_id: int, original_id: str) -> int:
    """The contact's own id. Raises UnknownContact."""
    return _row(account_id, list_id, original_id).pk


def find_contacts(account_id: int, list_id: int, text: str, limit: int = 50) -> tuple[ContactView, ...]:
    """Contacts whose id, address or number is this, or whose id begins with it; all of them for no text."""
    rows = Contact.objects.filter(account_id=account_id, list_id=list_id)
    if text := text.strip():
        number, _ = mobile_number(text)
        same = Q(original_id__startswith=text) | Q(email_key=email_key(account_id, text))
        rows = rows.filter(same | Q(mobile_key=mobile_key(account_id, number)) if number else same)
    names = property_names(account_id)
    return tuple(_view(row, names) for row in rows.order_by("id")[:limit])


def values_of(account_id: int, list_id: int, original_id: str) -> Mapping[str, str]:
    """What a template sees of a contact, keyed by lower-case attribute name. Raises UnknownContact."""
    pk = contact_id_of(account_id, list_id, original_id)
    return recipients(account_id, [pk])[pk].values


def save_contact(
    account_id: int,
    list_id: int,
    original_id: str,
    changes: Changes,
    *,
    force: bool,
    source: str,
    clock: Clock,
    may_subscribe: bool | None = None,
    proof: Proof = NO_PROOF,
) -> ContactView:
    """Change a contact. force: make it and missing attributes if needed, and let it subscribe again.

    may_subscribe: the last alone; as `force` says if left out. An opt-out newer than the caller's copy
    (`changes.modified_at`) stays. Raises UnknownContact, BadContact.
    """
    require_list(account_id, list_id)
    with transaction.atomic():
        rows = Contact.objects.select_for_update()
        row = rows.filter(account_id=account_id, list_id=list_id, original_id=original_id).first()
        if row is None:
            row = _new(account_id, list_id, original_id, force, clock)
        _set_columns(row, changes)
        before = row.properties
        row.properties = {**before, **_properties(account_id, changes, force, clock)}
        row.properties = {key: value for key, value in row.properties.items() if value is not None}
        row.modified_at = clock.system()
        row.save()
        _tell(row, before, clock)
        may = force if may_subscribe is None else may_subscribe
        _set_flags(row, changes, may, source, proof, clock)
    return get_contact(account_id, list_id, original_id)


def _tell(row: Contact, before: dict[str, str], clock: Clock) -> None:
    """Enduser updated, and one Set property for each attribute that has another value now."""
    telling.tell(row.account_id, row.pk, EventType.ENDUSER_UPDATED, clock=clock)
    keys = [key for key in {**before, **row.properties} if before.get(key) != row.properties.get(key)]
    if keys and webhooks.is_wanted(row.account_id, EventType.SET_PROPERTY):
        names = property_names(row.account_id)
        more: list[dict[str, object]] = [
            {"propertyId": int(key), "property": names.get(key, ""), "value": row.properties.get(key)}
            for key in keys
        ]
        telling.tell(row.account_id, row.pk, EventType.SET_PROPERTY, more=more, clock=clock)


def _row(account_id: int, list_id: int, original_id: str) -> Contact:
    row = Contact.objects.filter(account_id=account_id, list_id=list_id, original_id=original_id).first()
    if row is None:
        require_list(account_id, list_id)
        raise UnknownContact("There is no such contact in this list.", "Check the id and the list.")
    return row


def _new(account_id: int, list_id: int, original_id: str, force: bool, clock: Clock) -> Contact:
    if not force:
        raise UnknownContact("There is no such contact in this list.", "Check the id and the list.")
    if not original_id or original_id in RESERVED_IDS or clean(original_id) != original_id:
        raise BadContact(
            "This originalId cannot be used.", "Use an id other than all, bounced, unsubscribed."
        )
    key = customer_key(account_id, original_id)
    if Suppression.objects.filter(account_id=account_id, key=key, reason="forgotten").exists():
        raise BadContact("This customer was forgotten and is not stored again.", "Ask the customer first.")
    now = clock.system()
    return Contact(
        account_id=account_id,
        list_id=list_id,
        original_id=original_id,
        customer_key=key,
        created_at=now,
        modified_at=now,
    )


def _set_columns(row: Contact, changes: Changes) -> None:
    for column, value in changes.columns.items():
        if column not in ("original_id", "email", "mobile"):
            setattr(row, column, clean(value))
    if "email" in changes.columns:
        address = email_address(changes.columns["email"])
        if address is None:
            raise BadContact("The e-mail address cannot be used.", "Correct it.", field="emailAddress")
        row.email, row.email_key = address, email_key(row.account_id, address)
    if "mobile" in changes.columns:
        row.mobile, row.mobile_valid = mobile_number(changes.columns["mobile"], row.country)
        row.mobile_key = mobile_key(row.account_id, row.mobile)


def _properties(account_id: int, changes: Changes, force: bool, clock: Clock) -> dict[str, str | None]:
    if not changes.properties:
        return {}
    lower = {name.lower(): value for name, value in changes.properties.items()}
    found = Property.objects.filter(account_id=account_id).annotate(lower=Lower(F("name")))
    known = {row.name.lower(): row.pk for row in found.filter(lower__in=list(lower))}
    static = {name.lower() for name in STATIC}
    for name in changes.properties:
        if name.lower() in known or name.lower() in static:
            continue
        if not force:
            raise BadContact(f"There is no attribute {name!r}.", "Create it, or call with force=true.")
        known[name.lower()] = define_property(account_id, name=name, clock=clock).id
    return {
        str(known[name]): None if value is None else clean(value)
        for name, value in lower.items()
        if name in known
    }


def _set_flags(
    row: Contact, changes: Changes, may_subscribe: bool, source: str, proof: Proof, clock: Clock
) -> None:
    if not may_subscribe and any(
        changes.flags.get(flag) is False for flag in ("unsubscribed", "mobile_unsubscribed")
    ):
        changes = Changes(flags={flag: wanted for flag, wanted in changes.flags.items() if wanted})
    for channel, flag, since in (
        ("email", "unsubscribed", row.opt_out_at),
        ("sms", "mobile_unsubscribed", row.opt_out_mobile_at),
    ):
        wanted = changes.flags.get(flag)
        newer = since is not None and changes.modified_at is not None and since > changes.modified_at
        if wanted is not None and not (wanted is False and newer):
            set_flag(row.account_id, row.pk, channel, wanted, source=source, proof=proof, clock=clock)
    if "active" in changes.flags:
        Contact.objects.filter(account_id=row.account_id, pk=row.pk).update(active=changes.flags["active"])


def _view(row: Contact, names: dict[str, str]) -> ContactView:
    values: dict[str, Any] = {name: getattr(row, name) for name in _COPIED}
    named = {names[key]: value for key, value in row.properties.items() if key in names}
    return ContactView(**values, named=named)
