"""The verbs of telling others: register, enqueue, deliver, look back."""

from tandem.planner.listeners.service.deliver import deliver, deliver_due, due, send_test_event
from tandem.planner.listeners.service.enqueue import cancel_events, enqueue_event, replay
from tandem.planner.listeners.service.look import events_of, exchanges, failed_events
from tandem.planner.listeners.service.registrations import listeners, register, unregister

__all__ = [
    "cancel_events",
    "deliver",
    "deliver_due",
    "due",
    "enqueue_event",
    "events_of",
    "exchanges",
    "failed_events",
    "listeners",
    "register",
    "replay",
    "send_test_event",
    "unregister",
]
