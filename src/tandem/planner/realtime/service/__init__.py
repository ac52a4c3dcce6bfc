"""The verbs of this room."""

from tandem.planner.realtime.service.intake import take_event
from tandem.planner.realtime.service.look import get_campaign, list_campaigns, log, offered
from tandem.planner.realtime.service.plan import save_campaign, set_active
from tandem.planner.realtime.service.results import add_results, drop_old_events, knows

__all__ = [
    "add_results",
    "drop_old_events",
    "get_campaign",
    "knows",
    "list_campaigns",
    "log",
    "offered",
    "save_campaign",
    "set_active",
    "take_event",
]
