"""Erasure and export of one customer in the messenger's contacts (GDPR articles 17 and 20)."""

from typing import Any

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.kit.vacuum import vacuum
from tandem.messenger.contacts.domain import FLAGS, STATIC, ForgetReport
from tandem.messenger.contacts.keys import customer_key
from tandem.messenger.contacts.models import ConsentEvent, Contact, Suppression
from tandem.messenger.contacts.proofs import Origin
from tandem.messenger.contacts.queries import property_names
from tandem.messenger.contacts.service.consent import suppress_key
from tandem.messenger.contacts.service.proofs import proof_line, proofs_of
from tandem.messenger.contacts.storage import waiting_files
from tandem.messenger.webhooks import service as webhooks

REMAINS = (
    "a keyed hash of the customer id and of the address and number, so that a new import sends nothing",
    "when, by which door and in which words consent changed, without name or address, as proof",
)


def forget(account_id: int, original_id: str, *, dry_run: bool = False, clock: Clock) -> ForgetReport:
    """Erase the customer from every list; keyed hashes stay, so that a new import sends nothing."""
    key = customer_key(account_id, original_id)
    with transaction.atomic():
        rows = list(
            Contact.objects.select_for_update().filter(account_id=account_id, original_id=original_id)
        )
        events = ConsentEvent.objects.filter(account_id=account_id, customer_key=key).count()
        if not dry_run:
            _suppress(account_id, {key}, "customer", clock)
            _suppress(
                account_id, {k for r in rows for k in (r.email_key, r.mobile_key) if k}, "address", clock
            )
            named = ConsentEvent.objects.filter(account_id=account_id, customer_key=key)
            named.update(contact=None, url="", detail="")
            Contact.objects.filter(account_id=account_id, pk__in=[row.pk for row in rows]).delete()
            webhooks.forget(account_id, original_id)
    if not dry_run:
        vacuum(Contact._meta.db_table)
    places = {"messenger contacts": len(rows), "messenger consent events kept without name": events}
    remains: tuple[str, ...] = REMAINS
    if waiting := waiting_files(account_id):
        remains += (
            f"{waiting} files of imports; each is deleted after its run, what was refused a day later",
        )
    return ForgetReport(original_id=original_id, contacts=len(rows), places=places, remains=remains)


def export(account_id: int, original_id: str) -> dict[str, Any]:
    """All that is stored of the customer, as plain data."""
    names = property_names(account_id)
    rows = (
        Contact.objects.filter(account_id=account_id, original_id=original_id)
        .select_related("list")
        .order_by("id")
    )
    key = customer_key(account_id, original_id)
    suppressed = Suppression.objects.filter(account_id=account_id, key=key)
    return {
        "originalId": original_id,
        "contacts": [
            {
                "list": row.list.name,
                **{name: getattr(row, column) for name, column in STATIC.items()},
                **{names[pk]: value for pk, value in row.properties.items() if pk in names},
                **{column: getattr(row, column) for column in FLAGS.values()},
                "active": row.active,
                "created": row.created_at.isoformat(),
                "modified": row.modified_at.isoformat(),
            }
            for row in rows
        ],
        "consent": [proof_line(one) for one in reversed(proofs_of(account_id, original_id))],
        "suppressed": [
            {"channel": s.channel, "reason": s.reason, "at": s.at.isoformat()} for s in suppressed
        ],
    }


def _suppress(account_id: int, keys: set[str], kind: str, clock: Clock) -> None:
    """Also where an operator or the person had suppressed before: that was weaker."""
    for key in sorted(keys):
        suppress_key(account_id, key, kind, "all", None, "forgotten", Origin.ERASURE, clock)
