"""A person's bounces: erased and handed out with all else that is known of the person."""

from tandem.messenger.bounces.models import Bounce


def forget(account_id: int, customer: str, *, dry_run: bool = False) -> dict[str, int]:
    """Delete what came back of the person's messages, before the ledger forgets whose they are; place -> count."""
    rows = Bounce.objects.filter(account_id=account_id, customer=customer)
    found = rows.count()
    if not dry_run:
        rows.delete()
    return {"bounces": found}


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
