"""A person is forgotten: what their events said goes, and what was told of them."""

from tandem.planner.listeners import service as listeners
from tandem.planner.realtime.models import IncomingEvent


def forget_events(account_id: int, surrogate: int, customer_id: str) -> int:
    """Delete the person's events and the calls that named them; how many rows went."""
    gone, _ = IncomingEvent.objects.filter(account_id=account_id, customer_id=surrogate).delete()
    return gone + listeners.forget(account_id, customer_id)
