"""The verbs of telling others: register, enqueue, deliver, look back."""

from tandem.planner.listeners.service.deliver import deliver, deliver_due, due, send_test_event
from tandem.planner.listeners.service.enqueue import cancel_events, enqueue_event, enqueue_triggered, replay
from tandem.planner.listeners.service.look import events_of, exchanges, failed_events, states_of
from tandem.planner.listeners.service.registrations import listeners, register, unregister

__all__ = [
    "cancel_events",
    "deliver",
    "deliver_due",
    "due",
    "enqueue_event",
    "enqueue_triggered",
    "events_of",
    "exchanges",
    "failed_events",
    "listeners",
    "register",
    "replay",
    "send_test_event",
    "states_of",
    "unregister",
]
