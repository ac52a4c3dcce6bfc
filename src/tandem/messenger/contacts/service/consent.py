"""Consent per list and channel, its history, and suppressions."""

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound
from tandem.messenger.contacts.domain import (
    CHANNELS,
    ConsentEventView,
    SuppressionView,
    email_address,
    mobile_number,
)
from tandem.messenger.contacts.errors import BadContact, UnknownContact
from tandem.messenger.contacts.keys import customer_key, email_key, mobile_key
from tandem.messenger.contacts.models import ConsentEvent, Contact, Suppression
from tandem.messenger.contacts.service import telling
from tandem.messenger.webhooks.domain import EventType

_COLUMNS = {"email": ("unsubscribed", "opt_out_at"), "sms": ("mobile_unsubscribed", "opt_out_mobile_at")}


def unsubscribe(
    account_id: int, contact_id: int, channel: str, *, source: str, clock: Clock, tell: bool = True
) -> bool:
    """End this contact's consent for one channel of its list. False when it had ended already.

    tell: to webhooks; a caller that knows the message behind it tells itself.
    """
    return set_flag(account_id, contact_id, channel, True, source=source, clock=clock, tell=tell)


def resubscribe(account_id: int, contact_id: int, channel: str, *, source: str, clock: Clock) -> bool:
    """Consent again, by the person's own wish. False when nothing had ended."""
    return set_flag(account_id, contact_id, channel, False, source=source, clock=clock)


def set_flag(
    account_id: int,
    contact_id: int,
    channel: str,
    ended: bool,
    *,
    source: str,
    clock: Clock,
    tell: bool = True,
) -> bool:
    """Set the flag, write the event and tell webhooks, all or nothing."""
    if channel not in CHANNELS:
        raise BadContact(f"There is no channel {channel!r}.", "Use email or sms.")
    flag, since = _COLUMNS[channel]
    now = clock.system()
    with transaction.atomic():
        contact = Contact.objects.select_for_update().filter(account_id=account_id, pk=contact_id).first()
        if contact is None:
            raise UnknownContact("There is no such contact.", "It may have been forgotten.")
        if getattr(contact, flag) == ended:
            return False
        setattr(contact, flag, ended)
        setattr(contact, since, now if ended else None)
        contact.modified_at = now
        contact.save(update_fields=[flag, since, "modified_at"])
        ConsentEvent.objects.create(
            account_id=account_id,
            list_id=contact.list_id,
            contact=contact,
            customer_key=contact.customer_key,
            channel=channel,
            change="unsubscribed" if ended else "subscribed",
            source=source[:60],
            at=now,
        )
        if tell:
            event_type = EventType.OPT_OUT if ended else EventType.OPTIN
            telling.tell(account_id, contact.pk, event_type, channel=channel, clock=clock)
    return True


def consent_history(account_id: int, contact_id: int) -> tuple[ConsentEventView, ...]:
    """Every change of this contact's consent, newest first."""
    rows = ConsentEvent.objects.filter(account_id=account_id, contact_id=contact_id).order_by("-at", "-id")
    return tuple(ConsentEventView(at=r.at, channel=r.channel, change=r.change, source=r.source) for r in rows)


def suppress(
    account_id: int,
    *,
    address: str = "",
    original_id: str = "",
    channel: str = "all",
    list_id: int | None = None,
    reason: str,
    clock: Clock,
) -> SuppressionView:
    """Send nothing more to an address or number, or to a customer; only its keyed hash is kept."""
    if channel not in (*CHANNELS, "all"):
        raise BadContact(f"There is no channel {channel!r}.", "Use email, sms or all.")
    row, _ = Suppression.objects.get_or_create(
        account_id=account_id,
        key=_key(account_id, address, original_id),
        channel=channel,
        list_id=list_id,
        defaults={
            "kind": "address" if address else "customer",
            "reason": (reason or "by hand")[:60],
            "at": clock.system(),
        },
    )
    return _view(row)


def lift_suppression(account_id: int, suppression_id: int) -> None:
    """Take a suppression away."""
    deleted, _ = Suppression.objects.filter(account_id=account_id, pk=suppression_id).delete()
    if not deleted:
        raise NotFound("There is no such suppression.", "List them to see their ids.")


def list_suppressions(account_id: int, after: int = 0, limit: int = 100) -> tuple[SuppressionView, ...]:
    """Suppressions by ascending id after `after`."""
    rows = Suppression.objects.filter(account_id=account_id, pk__gt=after).order_by("id")[:limit]
    return tuple(map(_view, rows))


def _key(account_id: int, address: str, original_id: str) -> str:
    if original_id and not address:
        return customer_key(account_id, original_id)
    if "@" in address:
        found = email_address(address)
        if found:
            return email_key(account_id, found)
    elif address:
        number, _ = mobile_number(address)
        if number:
            return mobile_key(account_id, number)
    raise BadContact(
        "There is no usable address, number or customer id.", "Give one of them.", field="address"
    )


def _view(row: Suppression) -> SuppressionView:
    return SuppressionView(
        id=row.pk, list_id=row.list_id, channel=row.channel, kind=row.kind, reason=row.reason, at=row.at
    )
