"""customers/*: who gets what."""

from dataclasses import replace
from typing import Any

from tandem.contract.planner_api import DETAILS_PAGE
from tandem.contract.reading import ContractBroken
from tandem.planner.accounts.domain import Rights
from tandem.planner.api.call import Call
from tandem.planner.api.function import CAMPAIGN, CHANNEL, Sure, known_by_name, rows
from tandem.planner.execution import service as execution


def get_customer_execution_details_by_campaign(call: Call) -> list[dict[str, Any]]:
    """The list of an occurrence: who gets what on which channel; a page of up to 200,000 rows."""
    campaign_id, channel_id = call["CampaignID"], call["ChannelID"]
    if channel_id is None and call.caller is not None and call.caller.rights is Rights.THIRD_PARTY:
        raise ContractBroken("Missing ChannelID")
    found = execution.execution_rows(call.account_id, campaign_id, channel_id, skip=call.skip, top=call.top)
    _note(call, channel_id, len(found))
    return found


def get_customer_send_details_by_channel(call: Call) -> list[dict[str, Any]]:
    """Who gets which template on a channel, with the attributes asked for; a page of up to 10,000 rows."""
    found = execution.send_rows(
        call.account_id, call["CampaignID"], call["ChannelID"], skip=call.skip, top=call.top
    )
    _note(call, call["ChannelID"], len(found))
    return found


def _note(call: Call, channel_id: int | None, rows: int) -> None:
    execution.details_served(
        call.account_id, call["CampaignID"], channel_id, skip=call.skip, rows=rows, clock=call.clock
    )


FUNCTIONS = (
    rows(
        "customers", "GetCustomerExecutionDetailsByCampaign", get_customer_execution_details_by_campaign, CAMPAIGN,
        replace(CHANNEL, required=False, meaning="One channel; a third party must name it."),
        third_party=True, page=DETAILS_PAGE, pages_itself=True, attributes=True, sure=Sure.LIVE,
        example='[{"CustomerID":"96134","ActionID":2,"ChannelID":505,"TemplateID":14,"TemplateName":"Welcome",'
        '"ScheduledTime":"2016-08-30 10:00:00","ScheduleTime":"2016-08-30 10:00:00","PromoCode":"WB23,NV10"}]',
        meaning="Who gets what: the frozen list, without the control group.",
    ),
    rows(
        "customers", "GetCustomerSendDetailsByChannel", get_customer_send_details_by_channel, CHANNEL, CAMPAIGN,
        third_party=True, pages_itself=True, attributes=True, sure=Sure.LIVE,
        example='[{"CustomerID":"96134","TemplateID":14,"ScheduledTime":"2016-08-30 10:00:00"}]',
        meaning="Who gets which template on a channel.",
    ),
    *known_by_name(
        "customers",
        "GetCustomerSendDetailsByCampaign GetCustomersByAction GetCustomerActionsByTargetGroup "
        "GetCustomerOneTimeActionsByDate GetCustomerActionDetailsByDate GetCustomersActionEndedByDate "
        "GetCurrentlyTargetedCustomers GetCanceledCampaignCustomers GetProcessedCampaignCustomers "
        "GetCustomerLastActionExecuted GetTargetGroupChangers GetCustomerFutureValues",
    ),
    *known_by_name(
        "customers",
        "GetCustomerOneTimeActionsByCampaign GetCustomerAttributeChangers GetCampaignInteractionCustomers "
        "GetCustomerChannelInteractions",
        third_party=True,
    ),
    *known_by_name("customers", "UpdateCustomerAttributes AddCustomerAttribute", method="POST"),
)  # fmt: skip
