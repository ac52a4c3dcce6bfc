"""actions/*: campaigns and their channels."""

from typing import Any

from tandem.contract.planner_api import read_date
from tandem.contract.reading import ContractBroken
from tandem.planner.api.call import Call
from tandem.planner.execution import service as execution


def get_campaign_details(call: Call) -> dict[str, Any]:
    """One occurrence; unknown or another account's: 404."""
    found = execution.campaign_details(call.account_id, call.number("CampaignID"))
    return found.document(current=call.is_current)


def get_executed_campaign_channel_details(call: Call) -> list[dict[str, Any]]:
    """A row per template of the occurrence on the channel."""
    campaign_id, channel_id = call.number("CampaignID"), call.number("ChannelID")
    skip, top = call.page()
    found = execution.channel_details(call.account_id, campaign_id, channel_id)
    return [row.document() for row in found[skip : skip + top]]


def get_executed_campaigns_by_channel(call: Call) -> list[dict[str, int]]:
    """Occurrences of a day on a channel."""
    channel_id = call.number("ChannelID")
    if not call.query.get("date"):
        raise ContractBroken("Missing Date")
    day = read_date(call.query["date"])
    skip, top = call.page()
    return [
        {"CampaignID": found}
        for found in execution.executed_on(call.account_id, channel_id, day)[skip : skip + top]
    ]
