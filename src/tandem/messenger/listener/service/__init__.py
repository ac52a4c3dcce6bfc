"""The listener's verbs; see the modules."""

from tandem.messenger.listener.service.cancelled import look_again, look_due
from tandem.messenger.listener.service.connect import (
    bind_channel,
    client_of,
    connect_planner,
    planner_connection,
    set_profile,
    unbind_channel,
)
from tandem.messenger.listener.service.fetch import fetch, fetch_due, retry
from tandem.messenger.listener.service.look import find_account, inbox, overview
from tandem.messenger.listener.service.poll import poll_account, poll_due, poll_soon, report_due
from tandem.messenger.listener.service.receive import receive_event
from tandem.messenger.listener.service.register import check, listener_url, register, rotate, unregister

__all__ = [
    "bind_channel",
    "check",
    "client_of",
    "connect_planner",
    "fetch",
    "fetch_due",
    "find_account",
    "inbox",
    "listener_url",
    "look_again",
    "look_due",
    "overview",
    "planner_connection",
    "poll_account",
    "poll_due",
    "poll_soon",
    "receive_event",
    "register",
    "report_due",
    "retry",
    "rotate",
    "set_profile",
    "unbind_channel",
    "unregister",
]
