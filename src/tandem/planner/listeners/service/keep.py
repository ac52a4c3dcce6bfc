"""What is kept of the log: its last 90 days, and nothing that names a person who is to be forgotten."""

from tandem.kit.clock import Clock
from tandem.planner.listeners.domain import LOG_KEPT
from tandem.planner.listeners.models import Event, EventAttempt, EventOutbox


def drop_old(*, clock: Clock) -> int:
    """Delete events and tests from before; how many events went."""
    # all accounts: the tick works for every account
    gone, found = Event.objects.filter(deadline__lt=clock.business() - LOG_KEPT).delete()
    EventAttempt.objects.filter(
        outbox=None, at__lt=clock.system() - LOG_KEPT
    ).delete()  # all accounts: as above
    return found.get(Event._meta.label, 0) if gone else 0


def forget(account_id: int, customer_id: str) -> int:
    """Delete every event that names the person, told or not, with its exchanges; how many there were."""
    mine = Event.objects.filter(account_id=account_id, details__customer_id=customer_id)
    ids = list(mine.values_list("pk", flat=True))
    rows = EventOutbox.objects.filter(account_id=account_id, event__in=ids)
    EventAttempt.objects.filter(account_id=account_id, outbox__in=rows.values("pk")).delete()
    mine.delete()
    return len(ids)
