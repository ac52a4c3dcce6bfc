"""A person is forgotten: the calls that named them."""

from tandem.planner.listeners.models import Event


def forget_customer(account_id: int, customer_id: str) -> int:
    """Delete the events that name a customer, with what was posted of them; how many rows went."""
    gone, _ = Event.objects.filter(account_id=account_id, details__customer_id=customer_id).delete()
    return gone
