"""actions/*: campaigns and their channels."""

from typing import Any

from tandem.contract.planner_api import CampaignDetails as WireDetails
from tandem.contract.planner_api import ChannelDetails, read_date
from tandem.contract.reading import ContractBroken
from tandem.planner.api.call import Call
from tandem.planner.execution import service as execution


def get_campaign_details(call: Call) -> dict[str, Any]:
    """One occurrence; unknown or another account's: 404."""
    found = execution.campaign_details(call.account_id, call.number("CampaignID"))
    return WireDetails(
        campaign_id=found.occurrence_id,
        target_group_id=found.group_id,
        campaign_type=found.campaign_type,
        duration=found.duration,
        lead_time=found.lead_time,
        notes=found.notes,
        is_multi_channel=found.is_multi_channel,
        is_recurrence=found.is_recurrence,
        status=found.status,
        error=found.error,
        tags=tuple(found.tags),
        channels=tuple(found.channels),
        test_group_size=found.test_group_size,
        control_group_size=found.control_group_size,
    ).document(current=call.is_current)


def get_executed_campaign_channel_details(call: Call) -> list[dict[str, Any]]:
    """A row per template of the occurrence on the channel."""
    campaign_id, channel_id = call.number("CampaignID"), call.number("ChannelID")
    skip, top = call.page()
    found = execution.channel_details(call.account_id, campaign_id, channel_id)
    return [
        ChannelDetails(
            list_id=row.list_id,
            send_id=row.send_id,
            template_id=row.template_id,
            scheduled_time=row.scheduled_time,
        ).document()
        for row in found[skip : skip + top]
    ]


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
