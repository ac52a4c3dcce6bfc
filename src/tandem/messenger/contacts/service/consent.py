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
from tandem.messenger.contacts.errors import BadContact, NotYours, UnknownContact
from tandem.messenger.contacts.keys import customer_key, email_key, mobile_key
from tandem.messenger.contacts.models import ConsentEvent, Contact, Suppression
from tandem.messenger.contacts.proofs import STRENGTH, Origin, Proof
from tandem.messenger.contacts.service import proofs, telling
from tandem.messenger.webhooks.domain import EventType

NO_PROOF = Proof()
_COLUMNS = {"email": ("unsubscribed", "opt_out_at"), "sms": ("mobile_unsubscribed", "opt_out_mobile_at")}
_WHOSE = {
    Origin.PERSON: "The person asked for this; only the person can take it back, on the page behind a message's link.",
    Origin.COMPLAINT: "The person complained about messages.",
    Origin.ERASURE: "The person was forgotten.",
}


def unsubscribe(
    account_id: int,
    contact_id: int,
    channel: str,
    *,
    source: str,
    clock: Clock,
    tell: bool = True,
    proof: Proof = NO_PROOF,
) -> bool:
    """End this contact's consent for one channel of its list. False when it had ended already.

    tell: to webhooks; a caller that knows the message behind it tells itself.
    """
    return set_flag(account_id, contact_id, channel, True, source=source, clock=clock, tell=tell, proof=proof)


def resubscribe(
    account_id: int, contact_id: int, channel: str, *, source: str, clock: Clock, proof: Proof = NO_PROOF
) -> bool:
    """Consent again, by the person's own wish. False when nothing had ended."""
    return set_flag(account_id, contact_id, channel, False, source=source, clock=clock, proof=proof)


def set_flag(
    account_id: int,
    contact_id: int,
    channel: str,
    ended: bool,
    *,
    source: str,
    clock: Clock,
    tell: bool = True,
    proof: Proof = NO_PROOF,
    scope: str = proofs.LIST,
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
        change = "unsubscribed" if ended else "subscribed"
        proofs.record(contact, channel, change, source=source, proof=proof, scope=scope, clock=clock)
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
    origin: Origin = Origin.OPERATOR,
) -> SuppressionView:
    """Send nothing more to an address or number, or to a customer; only its keyed hash is kept."""
    if channel not in (*CHANNELS, "all"):
        raise BadContact(f"There is no channel {channel!r}.", "Use email, sms or all.")
    key, kind = _key(account_id, address, original_id), "address" if address else "customer"
    return suppression_view(suppress_key(account_id, key, kind, channel, list_id, reason, origin, clock))


@transaction.atomic
def suppress_key(
    account_id: int,
    key: str,
    kind: str,
    channel: str,
    list_id: int | None,
    reason: str,
    origin: Origin,
    clock: Clock,
) -> Suppression:
    """The row of a key; where two want it, the one who is harder to overrule keeps it."""
    row, made = Suppression.objects.select_for_update().get_or_create(
        account_id=account_id,
        key=key,
        channel=channel,
        list_id=list_id,
        defaults={
            "kind": kind,
            "reason": (reason or "by hand")[:60],
            "origin": origin,
            "at": clock.system(),
        },
    )
    if not made and STRENGTH.index(origin) > STRENGTH.index(Origin(row.origin)):
        row.origin, row.reason, row.at = origin, reason[:60], clock.system()
        row.save(update_fields=["origin", "reason", "at"])
    return row


def lift_suppression(account_id: int, suppression_id: int) -> None:
    """Take a suppression away that an operator made. Raises NotFound, NotYours."""
    with transaction.atomic():
        rows = Suppression.objects.select_for_update().filter(account_id=account_id, pk=suppression_id)
        row = rows.first()
        if row is None:
            raise NotFound("There is no such suppression.", "List them to see their ids.")
        if row.origin != Origin.OPERATOR:
            raise NotYours(_WHOSE[Origin(row.origin)], "Nobody of the house can lift it.")
        row.delete()


def list_suppressions(account_id: int, after: int = 0, limit: int = 100) -> tuple[SuppressionView, ...]:
    """Suppressions by ascending id after `after`."""
    rows = Suppression.objects.filter(account_id=account_id, pk__gt=after).order_by("id")[:limit]
    return tuple(map(suppression_view, rows))


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


def suppression_view(row: Suppression) -> SuppressionView:
    """What others see of the row."""
    return SuppressionView(
        id=row.pk,
        list_id=row.list_id,
        channel=row.channel,
        kind=row.kind,
        reason=row.reason,
        at=row.at,
        origin=row.origin,
    )
