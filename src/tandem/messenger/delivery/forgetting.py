"""Erases a person from the ledger and the outbox; the row stays, so every sending's numbers stay true."""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from tandem.kit.vacuum import vacuum
from tandem.messenger.delivery.domain import SINGLE_KINDS, Channel
from tandem.messenger.delivery.models import AddedValues, Attempt, CancelledCustomer, Sending
from tandem.messenger.delivery.providers import file as outbox


def forget(account_id: int, customer: str, *, dry_run: bool = False) -> dict[str, int]:
    """Delete the person's messages in the outbox, put a keyed hash in the place of the id; place -> count.

    A row that was still to be sent finds no contact any more and is skipped. That the planner cancelled the person is
    deleted too, and the values of messages of their own. May be run again.
    """
    rows = Attempt.objects.filter(account_id=account_id, customer=customer)
    found = list(rows.values_list("sending_id", "id"))
    files = [
        path
        for sending_id, attempt_id in found
        for channel in Channel
        if (path := outbox.find(_box(account_id, channel), outbox.file_name(sending_id, attempt_id)))
    ]
    if not dry_run:
        with transaction.atomic():
            rows.update(customer=_grave(account_id, customer), detail="")
            CancelledCustomer.objects.filter(account_id=account_id, customer=customer).delete()
            AddedValues.objects.filter(account_id=account_id, customer=customer).delete()
            _own_values(account_id, found).update(values=None)
            for path in [*files, *_begun(account_id, found)]:
                path.unlink(missing_ok=True)
        vacuum(Sending._meta.db_table)
    return {"ledger rows": len(found), "outbox messages": len(files)}


def export(account_id: int, customer: str) -> list[dict[str, object]]:
    """The person's rows of the ledger."""
    rows = Attempt.objects.filter(account_id=account_id, customer=customer).select_related("sending")
    return [
        {
            "campaign_id": row.sending.campaign_id,
            "channel": row.sending.channel,
            "template_id": row.template_id,
            "state": row.get_state_display(),
            "reason": row.reason,
            "at": row.done_at,
            "values": row.sending.values if row.sending.kind in SINGLE_KINDS else None,
        }
        for row in rows.order_by("id")
    ]


def _own_values(account_id: int, attempts: Iterable[tuple[int, int]]) -> QuerySet[Sending]:
    """Sendings whose values are of this person alone: those of one message."""
    sendings = {sending_id for sending_id, _ in attempts}
    return Sending.objects.filter(account_id=account_id, pk__in=sendings, kind__in=SINGLE_KINDS)


def _begun(account_id: int, attempts: Iterable[tuple[int, int]]) -> Iterator[Path]:
    """Where a sender that died may have left a message it never handed over."""
    for sending_id, attempt_id in attempts:
        for channel in Channel:
            yield _box(account_id, channel) / "tmp" / outbox.file_name(sending_id, attempt_id)


def _box(account_id: int, channel: Channel) -> Path:
    return outbox.folder(Path(settings.TANDEM_HOME) / "outbox", account_id, channel.value)


def _grave(account_id: int, customer: str) -> str:
    key = settings.SECRET_KEY.encode()
    return f"forgotten:{hmac.digest(key, f'{account_id}:{customer}'.encode(), hashlib.sha256).hex()[:32]}"
