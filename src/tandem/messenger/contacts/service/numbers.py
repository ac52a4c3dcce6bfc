"""What a person says or proves by a mobile number: no more SMS from the account, SMS again, a number that is none."""

from collections.abc import Collection, Iterable

import phonenumbers
from django.db import transaction

from tandem.kit.clock import Clock
from tandem.messenger.contacts.domain import mobile_number
from tandem.messenger.contacts.keys import customer_key, mobile_key
from tandem.messenger.contacts.models import Contact, ContactList, Suppression
from tandem.messenger.contacts.proofs import Origin, Proof
from tandem.messenger.contacts.service import proofs, telling
from tandem.messenger.contacts.service.consent import suppress_key
from tandem.messenger.webhooks.domain import EventType

STOPPED = "stopped by SMS"
_SMS = "sms"


def full_number(said: str) -> str:
    """The number as lists store it, with its plus where a network left that out; '' for what is no number."""
    number, full = mobile_number(said)
    if full or not number.isdigit() or number.startswith("0"):
        return number
    try:
        parsed = phonenumbers.parse(f"+{number}", None)
    except phonenumbers.NumberParseException:
        return number
    return f"+{number}" if phonenumbers.is_possible_number(parsed) else number


def keys_of(account_id: int, number: str) -> tuple[str, ...]:
    """The keys under which a full number may be stored: with its plus, without, and as it is dialled at home."""
    written = [number, number.lstrip("+")]
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        pass
    else:
        home = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
        written.append(mobile_number(home)[0])
    return tuple(mobile_key(account_id, one) for one in dict.fromkeys(written) if one)


@transaction.atomic
def stop_sms(account_id: int, number: str, *, proof: Proof, clock: Clock) -> tuple[int, ...]:
    """No SMS to this number from any list or sender of the account; whose number it is. May be repeated."""
    keys = keys_of(account_id, number)
    known = Suppression.objects.filter(account_id=account_id, key__in=keys, channel=_SMS, list=None).count()
    for key in keys:
        suppress_key(account_id, key, "address", _SMS, None, STOPPED, Origin.PERSON, clock)
    people = _people(account_id, keys)
    if known < len(keys):
        _record(people, "unsubscribed", EventType.OPT_OUT, proof, clock)
    return tuple(one.pk for one in people)


@transaction.atomic
def start_sms(account_id: int, number: str, *, proof: Proof, clock: Clock) -> tuple[int, ...]:
    """End what `stop_sms` did, and nothing else that keeps SMS from the number; whose number it is."""
    keys = keys_of(account_id, number)
    gone, _ = Suppression.objects.filter(
        account_id=account_id, key__in=keys, channel=_SMS, list=None, origin=Origin.PERSON, reason=STOPPED
    ).delete()
    people = _people(account_id, keys)
    if gone:
        _record(people, "subscribed", EventType.OPTIN, proof, clock)
    return tuple(one.pk for one in people)


def mark_mobile_bounced(account_id: int, number: str, *, clock: Clock) -> int:
    """Send no SMS to contacts with this number; how many were marked."""
    rows = Contact.objects.filter(account_id=account_id, mobile_bounced=False)
    found = rows.filter(
        list__in=_lists(account_id), mobile_key__in=keys_of(account_id, full_number(number) or number)
    )
    now = clock.system()
    return found.update(mobile_bounced=True, invalidated_at=now, modified_at=now)


def numbers_of(account_id: int, contact_ids: Collection[int]) -> dict[int, str]:
    """Contact -> its number."""
    return dict(Contact.objects.filter(account_id=account_id, pk__in=contact_ids).values_list("pk", "mobile"))


def of_customer(account_id: int, original_id: str) -> tuple[str, ...]:
    """The customer's numbers in every list."""
    rows = Contact.objects.filter(account_id=account_id, customer_key=customer_key(account_id, original_id))
    return tuple(rows.exclude(mobile="").values_list("mobile", flat=True).distinct())


def contacts_with(account_id: int, number: str) -> tuple[Contact, ...]:
    """The contacts of a number in every list."""
    return tuple(_people(account_id, keys_of(account_id, number)))


def _people(account_id: int, keys: Collection[str]) -> list[Contact]:
    rows = Contact.objects.filter(account_id=account_id, list__in=_lists(account_id), mobile_key__in=keys)
    return list(rows.select_related("list").order_by("pk"))


def _lists(account_id: int) -> list[int]:
    return list(ContactList.objects.filter(account_id=account_id).values_list("pk", flat=True))


def _record(
    people: Iterable[Contact], change: str, event_type: EventType, proof: Proof, clock: Clock
) -> None:
    for one in people:
        proofs.record(
            one, _SMS, change, source="a word sent by SMS", proof=proof, scope=proofs.ACCOUNT, clock=clock
        )
        telling.tell(one.account_id, one.pk, event_type, channel=_SMS, clock=clock)
