"""The verbs of this room."""

from tandem.planner.execution.service.clearance import clear, clear_due, say_cleared
from tandem.planner.execution.service.follow import (
    follow_due,
    list_summary,
    metrics_arrived,
    outcome,
    timeline,
)
from tandem.planner.execution.service.lists import (
    ended_lists,
    executed_lists,
    frozen_list,
    last_list,
    pages,
    running_lists,
)
from tandem.planner.execution.service.prepare import dry_run, make_list, prepare_due, run_now
from tandem.planner.execution.service.serve import (
    campaign_details,
    cancelled_lists,
    channel_details,
    details_served,
    executed_details,
    executed_on,
    processed_lists,
    served_lists,
)
from tandem.planner.execution.service.tell import tell_days

__all__ = [
    "campaign_details",
    "cancelled_lists",
    "channel_details",
    "clear",
    "clear_due",
    "details_served",
    "dry_run",
    "ended_lists",
    "executed_details",
    "executed_lists",
    "executed_on",
    "follow_due",
    "frozen_list",
    "last_list",
    "list_summary",
    "make_list",
    "metrics_arrived",
    "outcome",
    "pages",
    "prepare_due",
    "processed_lists",
    "run_now",
    "running_lists",
    "say_cleared",
    "served_lists",
    "tell_days",
    "timeline",
]
