"""The verbs of this room."""

from tandem.planner.campaigns.service.look import (
    get_campaign,
    list_campaigns,
    occurrence_campaign,
    usable_templates,
)
from tandem.planner.campaigns.service.plan import (
    cancel_campaign,
    change_campaign,
    plan_campaign,
    review,
    schedule_campaign,
)

__all__ = [
    "cancel_campaign",
    "change_campaign",
    "get_campaign",
    "list_campaigns",
    "occurrence_campaign",
    "plan_campaign",
    "review",
    "schedule_campaign",
    "usable_templates",
]
