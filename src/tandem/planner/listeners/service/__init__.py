"""The verbs of telling others: register, enqueue, deliver, look back, tell again."""

from tandem.planner.listeners.service.deliver import deliver, deliver_due, due, send_test_event
from tandem.planner.listeners.service.enqueue import cancel_events, enqueue_event, enqueue_triggered
from tandem.planner.listeners.service.keep import drop_old, forget
from tandem.planner.listeners.service.look import (
    count_of,
    event_log,
    events_of,
    exchanges,
    failed_events,
    states_of,
    trials_of,
)
from tandem.planner.listeners.service.registrations import (
    listeners,
    register,
    rotate_secret,
    unregister,
    unregister_listener,
)
from tandem.planner.listeners.service.replay import replay, replay_range

__all__ = [
    "cancel_events",
    "count_of",
    "deliver",
    "deliver_due",
    "drop_old",
    "due",
    "enqueue_event",
    "enqueue_triggered",
    "event_log",
    "events_of",
    "exchanges",
    "failed_events",
    "forget",
    "listeners",
    "register",
    "replay",
    "replay_range",
    "rotate_secret",
    "send_test_event",
    "states_of",
    "trials_of",
    "unregister",
    "unregister_listener",
]
