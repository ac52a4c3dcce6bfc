"""A person's messages and answers, exported and forgotten."""

from tandem.messenger.contacts.service import numbers
from tandem.messenger.sms.models import IncomingSms, SmsAnswer


def forget(account_id: int, original_id: str, *, dry_run: bool = False) -> dict[str, int]:
    """Delete what the customer wrote and was answered; before the contacts themselves go. place -> count."""
    keys = _keys(account_id, original_id)
    came = IncomingSms.objects.filter(account_id=account_id, number_key__in=keys)
    sent = SmsAnswer.objects.filter(account_id=account_id, number_key__in=keys)
    found = {"incoming SMS": came.count(), "answers to SMS": sent.count()}
    if not dry_run:
        came.delete()
        sent.delete()
    return found


def export(account_id: int, original_id: str) -> list[dict[str, object]]:
    """What the customer wrote."""
    rows = IncomingSms.objects.filter(account_id=account_id, number_key__in=_keys(account_id, original_id))
    return [
        {"at": row.came_at, "to": row.to, "text": row.text, "keyword": row.keyword, "acted": row.acted}
        for row in rows.order_by("id")
    ]


def _keys(account_id: int, original_id: str) -> list[str]:
    return [
        key
        for number in numbers.of_customer(account_id, original_id)
        for key in numbers.keys_of(account_id, numbers.full_number(number) or number)
    ]
