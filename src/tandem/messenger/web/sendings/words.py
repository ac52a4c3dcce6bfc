"""The words of the ledger on the pages: one sentence for every state and reason."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _text
from django.utils.translation import gettext_lazy as _

from tandem.contract.planner_api import MetricId
from tandem.kit.charts import Branch, branches_of
from tandem.messenger.reporting.domain import SendingSummary

#: state of a row -> what it means, in the order people need them
STATES: dict[str, str | Promise] = {
    "uncertain": _("Handed over when the sender stopped; nobody heard the answer. Not sent again."),
    "rejected": _("The mail relay or SMS gateway refused it for good."),
    "render_error": _("The message could not be made from this contact's data."),
    "accepted": _("The mail relay or SMS gateway took it over."),
    "sending": _("Being handed over now."),
    "deferred": _("The mail relay or SMS gateway asked to try later."),
    "pending": _("Waits for its turn."),
    "skipped": _("Not sent, for the reason beside it."),
    "suppressed": _("On a suppression list when its turn came."),
    "missed": _("Too late when its turn came; not sent."),
    "cancelled": _("Cancelled, here or by the planner, before its turn."),
}

#: states in which something is still to happen
OPEN = ("pending", "sending", "deferred")


@dataclass(frozen=True)
class Action:
    """A button of a sending."""

    verb: str
    label: str | Promise
    icon: str
    style: str
    done: str | Promise


ACTIONS = {
    action.verb: action
    for action in (
        Action(
            "pause", _("Pause"), "clock", "btn-warning", _("Paused. Messages already handed over stay sent.")
        ),
        Action("resume", _("Resume"), "player-play", "btn-primary", _("Resumed.")),
        Action(
            "let-go", _("Let it go"), "player-play", "btn-primary", _("Let go. It leaves when it is due.")
        ),
        Action(
            "retry",
            _("Try failed ones again"),
            "refresh",
            "btn-outline-primary",
            _("The failed messages get another turn."),
        ),
        Action(
            "cancel",
            _("Cancel…"),
            "player-stop",
            "btn-outline-danger",
            _("Cancelled. What was not sent yet stays unsent."),
        ),
    )
}
_ALLOWED = {
    "scheduled": ("pause", "cancel"),
    "sending": ("pause", "retry", "cancel"),
    "paused": ("resume", "retry", "cancel"),
    "finished": ("retry",),
}
_FAILED = ("rejected", "render_error")


def actions_of(sending: Any) -> tuple[Action, ...]:
    """The buttons that make sense in this state of a sending."""
    failed = any(sending.counts.get(state) for state in _FAILED)
    return tuple(ACTIONS[verb] for verb in _ALLOWED.get(sending.state, ()) if verb != "retry" or failed)


def parts_of(sending: Any) -> list[tuple[str, int, str | Promise]]:
    """(state, rows, meaning) of a sending, states without rows left out."""
    return [
        (state, sending.counts[state], words) for state, words in STATES.items() if sending.counts.get(state)
    ]


def explain(row: Any) -> str | Promise:
    """Why a row is in its state: the recorded reason, else what the state means."""
    return row.detail or row.reason or STATES.get(row.state, "")


def branches_of_summary(summary: SendingSummary) -> list[Branch]:
    """Where everybody on the list went."""
    ends = (
        ("sent", _text("Sent"), summary.sent),
        ("open", _text("Still to send"), summary.open),
        ("failed", _text("Failed"), summary.failed),
        ("uncertain", _text("Uncertain"), summary.uncertain),
    )
    return branches_of(ends, summary.skipped, after=2)


def not_sent(counts: dict[str, int]) -> int:
    """Rows that ended without being handed over."""
    return sum(rows for state, rows in counts.items() if state not in (*OPEN, "accepted", "uncertain"))


def metric_name(metric_id: int) -> str:
    """The planner's metric in words."""
    return MetricId(metric_id).name.replace("_", " ").capitalize()
