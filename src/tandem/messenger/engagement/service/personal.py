"""What is kept of one person: given out, and forgotten."""

from django.db.models import Q

from tandem.messenger.delivery.models import Attempt
from tandem.messenger.engagement.domain import Actor, Kind
from tandem.messenger.engagement.models import Event, Seen


def forget(account_id: int, customer: str, *, dry_run: bool = False) -> dict[str, int]:
    """Delete words, addresses and browsers; that something happened stays, as a number. Before the ledger forgets."""
    mine = Attempt.objects.filter(account_id=account_id, customer=customer).values("id")
    events = Event.objects.filter(account_id=account_id, attempt_id__in=mine).filter(~Q(detail=""))
    seen = Seen.objects.filter(account_id=account_id, attempt_id__in=mine)
    found = {"words of events": events.count(), "addresses of openings and clicks": seen.count()}
    if not dry_run:
        events.update(detail="")
        seen.delete()
    return found


def export(account_id: int, customer: str) -> list[dict[str, object]]:
    """What happened to the person's messages."""
    mine = Attempt.objects.filter(account_id=account_id, customer=customer).values("id")
    rows = Event.objects.filter(account_id=account_id, attempt_id__in=mine).select_related("sending")
    return [
        {
            "campaign_id": row.sending.campaign_id,
            "template_id": row.template_id,
            "what": Kind(row.kind).name.lower(),
            "by": Actor(row.actor).words if row.kind in (Kind.OPENED, Kind.CLICKED) else "",
            "link": row.link or None,
            "at": row.at,
            "words": row.detail,
        }
        for row in rows.order_by("at", "id")
    ]
