"""The verbs of this room."""

from tandem.planner.campaigns.service.actions import find_action, get_action, list_actions
from tandem.planner.campaigns.service.cancel import cancel_campaign, cancelling
from tandem.planner.campaigns.service.look import (
    get_campaign,
    list_campaigns,
    newest_campaigns,
    occurrence_campaign,
    occurrence_campaigns,
    usable_templates,
)
from tandem.planner.campaigns.service.plan import (
    change_campaign,
    plan_campaign,
    review,
    schedule_campaign,
)
from tandem.planner.campaigns.service.promotions import add_promotions, delete_promotions, list_promotions

__all__ = [
    "add_promotions",
    "cancel_campaign",
    "cancelling",
    "change_campaign",
    "delete_promotions",
    "find_action",
    "get_action",
    "get_campaign",
    "list_actions",
    "list_campaigns",
    "list_promotions",
    "newest_campaigns",
    "occurrence_campaign",
    "occurrence_campaigns",
    "plan_campaign",
    "review",
    "schedule_campaign",
    "usable_templates",
]
