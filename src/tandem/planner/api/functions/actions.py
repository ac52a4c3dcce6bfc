"""actions/*: campaigns and their channels."""

from typing import Any

from tandem.planner.api.call import Call
from tandem.planner.api.function import CAMPAIGN, CHANNEL, DATE, Sure, known_by_name, one, rows
from tandem.planner.execution import service as execution


def get_campaign_details(call: Call) -> dict[str, Any]:
    """One occurrence; unknown or another account's: 404."""
    found = execution.campaign_details(call.account_id, call["CampaignID"])
    return found.document(current=call.is_current)


def get_executed_campaign_channel_details(call: Call) -> list[dict[str, Any]]:
    """A row per template of the occurrence on the channel."""
    found = execution.channel_details(call.account_id, call["CampaignID"], call["ChannelID"])
    return [row.document() for row in found]


def get_executed_campaigns_by_channel(call: Call) -> list[dict[str, int]]:
    """Occurrences of a day on a channel."""
    found = execution.executed_on(call.account_id, call["ChannelID"], call["Date"])
    return [{"CampaignID": campaign} for campaign in found]


FUNCTIONS = (
    one(
        "actions", "GetCampaignDetails", get_campaign_details, CAMPAIGN, third_party=True, sure=Sure.LIVE,
        differs="`current` adds Tags, Channels, TestGroupSize and ControlGroupSize.",
        meaning="What was executed.",
    ),
    rows(
        "actions", "GetExecutedCampaignChannelDetails", get_executed_campaign_channel_details, CAMPAIGN, CHANNEL,
        third_party=True, sure=Sure.LIVE,
        example='[{"ListID":12,"SendID":"YTGF3C","TemplateID":520,"ScheduledTime":"2015-12-30 08:00:00"}]',
        meaning="A row per template of the campaign on the channel.",
    ),
    rows(
        "actions", "GetExecutedCampaignsByChannel", get_executed_campaigns_by_channel, CHANNEL, DATE,
        third_party=True, sure=Sure.LIVE, example='[{"CampaignID":12}]',
        meaning="What was executed on a day on a channel.",
    ),
    *known_by_name(
        "actions",
        "GetExecutedCampaignDetails GetExecutionChannels GetAllActions GetActionName GetActionID "
        "GetActionsByTargetGroup GetActionDetailsByTargetGroup GetPromoCodes GetPromoCodesByCampaign "
        "GetPromoCodesByTargetGroup",
    ),
)  # fmt: skip
