"""actions/*: campaigns, their channels, what they offer."""

from collections.abc import Iterable
from typing import Any

from tandem.contract.planner_api import CONTROL_ACTION
from tandem.planner.api.call import Call
from tandem.planner.api.function import CAMPAIGN, CHANNEL, DATE, TARGET_GROUP, Kind, Param, Sure, one, rows
from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.domain import CampaignView
from tandem.planner.channels import service as channels
from tandem.planner.execution import service as execution
from tandem.planner.execution.domain import FrozenList

TEST_GROUP = 1


def get_campaign_details(call: Call) -> dict[str, Any]:
    """One occurrence; unknown or another account's: 404."""
    found = execution.campaign_details(call.account_id, call["CampaignID"])
    return found.document(current=call.is_current)


def get_executed_campaign_details(call: Call) -> list[dict[str, Any]]:
    """Occurrences of a day that were executed or failed."""
    found = execution.executed_details(call.account_id, call["Date"])
    return [{"CampaignID": one.campaign_id, **one.document(current=False)} for one in found]


def get_executed_campaign_channel_details(call: Call) -> list[dict[str, Any]]:
    """A row per template of the occurrence on the channel."""
    found = execution.channel_details(call.account_id, call["CampaignID"], call["ChannelID"])
    return [row.document() for row in found]


def get_executed_campaigns_by_channel(call: Call) -> list[dict[str, int]]:
    """Occurrences of a day on a channel."""
    found = execution.executed_on(call.account_id, call["ChannelID"], call["Date"])
    return [{"CampaignID": campaign} for campaign in found]


def get_execution_channels(call: Call) -> list[dict[str, Any]]:
    """Every channel, of a messenger or served by a program."""
    return [
        {"ChannelID": number, "ChannelId": number, "ChannelName": name}
        for number, name in channels.execution_channels(call.account_id)
    ]


def get_all_actions(call: Call) -> list[dict[str, Any]]:
    """All actions, the control group's first."""
    return [{"ActionID": one.id, "ActionName": one.name} for one in campaigns.list_actions(call.account_id)]


def get_action_name(call: Call) -> dict[str, str]:
    """By number."""
    return {"ActionName": campaigns.get_action(call.account_id, call["ActionID"]).name}


def get_action_id(call: Call) -> dict[str, int]:
    """By name, whatever its case."""
    return {"ActionID": campaigns.find_action(call.account_id, call["ActionName"]).id}


def get_actions_by_target_group(call: Call) -> list[dict[str, int]]:
    """What the group was offered on a day, each action once."""
    found = dict.fromkeys(one.campaign.action_id for one in _executed(call))
    return [{"RecipientGroupID": TEST_GROUP, "ActionID": action} for action in found]


def get_action_details_by_target_group(call: Call) -> list[dict[str, Any]]:
    """What the group was offered on a day, a row per campaign."""
    return [
        {
            "RecipientGroupID": TEST_GROUP,
            "ActionID": one.campaign.action_id,
            "Duration": one.campaign.duration_days,
            "LeadTime": int(one.campaign.lead_minutes // (24 * 60)),
            "ChannelID": one.campaign.channel_id,
        }
        for one in _executed(call)
    ]


def get_promo_codes(call: Call) -> list[dict[str, Any]]:
    """A row per promo code of a day's campaigns; one with an empty code where there is none."""
    found = (one.campaign for one in execution.executed_lists(call.account_id, call["Date"]))
    return [{"TargetGroupID": view.group_id, **row} for view in found for row in _promo_rows([view])]


def get_promo_codes_by_campaign(call: Call) -> list[dict[str, Any]]:
    """The same of one campaign."""
    lists = execution.processed_lists(call.account_id, call["CampaignID"])
    return _promo_rows(one.campaign for one in lists)


def get_promo_codes_by_target_group(call: Call) -> list[dict[str, Any]]:
    """The same of a group on a day."""
    return _promo_rows(one.campaign for one in _executed(call))


def _executed(call: Call) -> tuple[FrozenList, ...]:
    return execution.executed_lists(call.account_id, call["Date"], group_id=call["TargetGroupID"])


def _promo_rows(found: Iterable[CampaignView]) -> list[dict[str, Any]]:
    return [
        {"RecipientGroupID": TEST_GROUP, "ActionID": view.action_id, "PromoCode": code}
        for view in found
        for code in view.promo_codes or ("",)
    ]


_ACTION = Param(name="ActionID", required=True, meaning="An action.")
_ACTION_NAME = Param(name="ActionName", kind=Kind.TEXT, required=True, meaning="Its name, in any case.")
_CONTROL = f"ActionID {CONTROL_ACTION}, `DN`, is the control group's: do nothing."

FUNCTIONS = (
    rows(
        "actions", "GetExecutedCampaignDetails", get_executed_campaign_details, DATE, sure=Sure.LIVE,
        example='[{"CampaignID":221,"TargetGroupID":15,"CampaignType":"Test/Control","Duration":7,"LeadTime":3,'
        '"Notes":"","IsMultiChannel":false,"IsRecurrence":false,"Status":"Successful","Error":""}]',
        meaning="What was executed on a day; what failed has Status `Failed` and its cause in Error.",
    ),
    one(
        "actions", "GetCampaignDetails", get_campaign_details, CAMPAIGN, third_party=True, sure=Sure.LIVE,
        example='{"TargetGroupID":15,"CampaignType":"Test/Control","Duration":7,"LeadTime":3,"Notes":"",'
        '"IsMultiChannel":false,"IsRecurrence":false,"Status":"Successful","Error":"","Tags":["vip"],'
        '"Channels":[{"Id":505}],"TestGroupSize":90,"ControlGroupSize":10}',
        differs="`current` adds Tags, Channels, TestGroupSize and ControlGroupSize.",
        meaning="What was executed. Status: Successful, Failed with its cause in Error, or Not Run while a "
        "conditional campaign waits for clearance.",
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
    rows(
        "actions", "GetExecutionChannels", get_execution_channels, sure=Sure.LIVE,
        example='[{"ChannelID":504,"ChannelId":504,"ChannelName":"Symplify Email"}]',
        differs="Live clients read `ChannelId`, the documentation has `ChannelID`: both are sent.",
        meaning="All execution channels.",
    ),
    rows(
        "actions", "GetAllActions", get_all_actions, sure=Sure.LIVE,
        example='[{"ActionID":1,"ActionName":"DN"},{"ActionID":2,"ActionName":"10% Bonus"}]',
        meaning=f"All actions. {_CONTROL}",
    ),
    one(
        "actions", "GetActionName", get_action_name, _ACTION, sure=Sure.LIVE,
        example='{"ActionName":"10% Bonus"}', meaning=f"The name of an action. {_CONTROL}",
    ),
    one(
        "actions", "GetActionID", get_action_id, _ACTION_NAME, example='{"ActionID":25}',
        meaning="The number of an action.",
    ),
    rows(
        "actions", "GetActionsByTargetGroup", get_actions_by_target_group, TARGET_GROUP, DATE, sure=Sure.LIVE,
        example='[{"RecipientGroupID":1,"ActionID":23}]',
        meaning="The actions of a target group on a day.",
    ),
    rows(
        "actions", "GetActionDetailsByTargetGroup", get_action_details_by_target_group, TARGET_GROUP, DATE,
        example='[{"RecipientGroupID":1,"ActionID":65,"Duration":7,"LeadTime":0,"ChannelID":1}]',
        meaning="The actions of a target group on a day, a row per campaign. Duration and LeadTime in days.",
    ),
    rows(
        "actions", "GetPromoCodes", get_promo_codes, DATE,
        example='[{"TargetGroupID":9,"RecipientGroupID":1,"ActionID":24,"PromoCode":"HEP-FEB"}]',
        meaning="The promo codes of a day's campaigns; PromoCode is empty where a campaign has none.",
    ),
    rows(
        "actions", "GetPromoCodesByCampaign", get_promo_codes_by_campaign, CAMPAIGN, sure=Sure.LIVE,
        example='[{"RecipientGroupID":1,"ActionID":24,"PromoCode":"HEP-FEB"}]',
        meaning="The promo codes of a campaign; PromoCode is empty where it has none.",
    ),
    rows(
        "actions", "GetPromoCodesByTargetGroup", get_promo_codes_by_target_group, TARGET_GROUP, DATE,
        sure=Sure.LIVE, example='[{"RecipientGroupID":1,"ActionID":24,"PromoCode":"HEP-FEB"}]',
        meaning="The promo codes of a target group's campaigns on a day.",
    ),
)  # fmt: skip
