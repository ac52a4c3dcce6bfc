"""The verbs of this room."""

from tandem.planner.execution.service.follow import (
    follow_due,
    list_summary,
    metrics_arrived,
    outcome,
    timeline,
)
from tandem.planner.execution.service.prepare import dry_run, make_list, prepare_due, run_now
from tandem.planner.execution.service.serve import (
    campaign_details,
    channel_details,
    details_served,
    executed_on,
    execution_rows,
    send_rows,
)

__all__ = [
    "campaign_details",
    "channel_details",
    "details_served",
    "dry_run",
    "executed_on",
    "execution_rows",
    "follow_due",
    "list_summary",
    "make_list",
    "metrics_arrived",
    "outcome",
    "prepare_due",
    "run_now",
    "send_rows",
    "timeline",
]
