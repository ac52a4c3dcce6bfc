"""Verbs of webhooks: publish, subscribe, call, look, tell again; Send Gates."""

from tandem.messenger.webhooks.service.calling import call_due, due, work_off
from tandem.messenger.webhooks.service.gates import (
    gate_endpoint,
    gate_for,
    get_gate,
    list_gates,
    remove_gate,
    set_gate,
)
from tandem.messenger.webhooks.service.looking import clear_old, failures, forget, latest, replay
from tandem.messenger.webhooks.service.posting import post
from tandem.messenger.webhooks.service.publishing import is_wanted, publish, publish_selected
from tandem.messenger.webhooks.service.subscriptions import (
    add,
    change,
    get,
    list_all,
    remove,
    rotate,
    try_out,
)

__all__ = [
    "add",
    "call_due",
    "change",
    "clear_old",
    "due",
    "failures",
    "forget",
    "gate_endpoint",
    "gate_for",
    "get",
    "get_gate",
    "is_wanted",
    "latest",
    "list_all",
    "list_gates",
    "post",
    "publish",
    "publish_selected",
    "remove",
    "remove_gate",
    "replay",
    "rotate",
    "set_gate",
    "try_out",
    "work_off",
]
