"""Discovery's verbs: search, show, make a target group, not interesting, and what became of groups shown earlier."""

from tandem.planner.discovery.service.acting import dismiss, make_group, undo_dismissal
from tandem.planner.discovery.service.asking import ask, due, weekly
from tandem.planner.discovery.service.running import run_now, work
from tandem.planner.discovery.service.showing import (
    campaigns,
    dismissals,
    get_discovery,
    get_run,
    groups_of,
    latest_run,
    list_runs,
    of_the_week,
    record_of,
    to_show,
    usual_days,
)

__all__ = [
    "ask",
    "campaigns",
    "dismiss",
    "dismissals",
    "due",
    "get_discovery",
    "get_run",
    "groups_of",
    "latest_run",
    "list_runs",
    "make_group",
    "of_the_week",
    "record_of",
    "run_now",
    "to_show",
    "undo_dismissal",
    "usual_days",
    "weekly",
    "work",
]
