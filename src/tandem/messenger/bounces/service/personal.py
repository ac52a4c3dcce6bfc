"""A person's bounces: erased and handed out with all else that is known of the person."""

from django.db import transaction

from tandem.messenger.bounces import spool
from tandem.messenger.bounces.models import Bounce, InboundMail, Reply


def forget(account_id: int, customer: str, *, dry_run: bool = False) -> dict[str, int]:
    """Delete what came back of the person's messages, before the ledger forgets whose they are; place -> count."""
    rows = Bounce.objects.filter(account_id=account_id, customer=customer)
    found = rows.count()
    mails = Reply.objects.filter(account_id=account_id, customer=customer).values_list(
        "mail_id", "mail__digest"
    )
    told = list(mails)
    if not dry_run:
        rows.delete()
        InboundMail.objects.filter(account_id=account_id, pk__in=[pk for pk, _ in told]).delete()
        transaction.on_commit(lambda: _remove([digest for _, digest in told]))
    return {"bounces": found, "replies": len(told)}


def _remove(digests: list[str]) -> None:
    for digest in digests:
        spool.remove(digest)


def export(account_id: int, customer: str) -> list[dict[str, object]]:
    """What came back of the person's messages."""
    rows = Bounce.objects.filter(account_id=account_id, customer=customer).order_by("id")
    return [
        {
            "kind": row.kind,
            "category": row.category,
            "status": row.status,
            "diagnosis": row.diagnosis,
            "domain": row.domain,
            "sending": row.sending_id,
            "at": row.at,
        }
        for row in rows
    ]
