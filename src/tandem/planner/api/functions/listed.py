"""customers/*: who is on the lists of campaigns."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tandem.contract.planner_api import CONTROL_ACTION, DETAILS_PAGE
from tandem.contract.reading import ContractBroken
from tandem.planner.accounts.domain import Rights
from tandem.planner.api.call import Call
from tandem.planner.api.function import (
    CAMPAIGN,
    CHANNEL,
    CUSTOMER,
    DATE,
    TARGET_GROUP,
    Kind,
    Param,
    Sure,
    one,
    rows,
)
from tandem.planner.api.listing import Page, listing
from tandem.planner.execution import service as execution
from tandem.planner.execution.domain import CONTROL, FrozenList, ListedRow, Who

TEST_GROUP, CONTROL_GROUP = 1, 0


def get_customer_execution_details_by_campaign(call: Call) -> bytes:
    """The list of an occurrence: who gets what on which channel; a page of up to 200,000 rows."""
    campaign_id, channel_id = call["CampaignID"], call["ChannelID"]
    if channel_id is None and call.caller is not None and call.caller.rights is Rights.THIRD_PARTY:
        raise ContractBroken("Missing ChannelID")
    lists = execution.served_lists(call.account_id, campaign_id, channel_id)
    return _served(call, listing(call, lists, Who.TEST, _execution_row, attributes=True))


def get_customer_send_details_by_channel(call: Call) -> bytes:
    """Who gets which template on a channel."""
    lists = execution.served_lists(call.account_id, call["CampaignID"], call["ChannelID"])
    return _served(call, listing(call, lists, Who.TEST, _send_row, attributes=True))


def get_customer_send_details_by_campaign(call: Call) -> bytes:
    """Who gets something, on which channel and when."""
    lists = execution.served_lists(call.account_id, call["CampaignID"], None)
    describe = _with_template if call["IncludeTemplateIDs"] else _without_template
    return listing(call, lists, Who.TEST, describe).json


def get_customers_by_action(call: Call) -> bytes:
    """Who got an action on a day; of action 1 the control group."""
    action = call["ActionID"]
    lists = execution.executed_lists(call.account_id, call["Date"])
    if action == CONTROL_ACTION:
        return listing(call, lists, Who.CONTROL, _customer, attributes=True).json
    mine = [found for found in lists if found.campaign.action_id == action]
    if call["RecipientGroupID"] != TEST_GROUP:
        mine = []
    return listing(call, mine, Who.TEST, _customer, attributes=True).json


def get_customer_actions_by_target_group(call: Call) -> bytes:
    """What each customer of a group got on a day."""
    lists = execution.executed_lists(
        call.account_id, call["Date"], group_id=call["TargetGroupID"], channel_id=call["ChannelID"]
    )
    describe = _action_with_group if call["IncludeRecipientGroupID"] else _action
    return listing(call, lists, _who(call), describe, attributes=True).json


def get_customer_one_time_actions_by_date(call: Call) -> bytes:
    """What each customer got on a day; every campaign here is a one-time one."""
    lists = execution.executed_lists(call.account_id, call["Date"])
    return listing(call, lists, _who(call), _action, attributes=True).json


def get_customer_one_time_actions_by_campaign(call: Call) -> bytes:
    """What each customer of a campaign got."""
    lists = execution.served_lists(call.account_id, call["CampaignID"], call["ChannelID"] or None)
    return listing(call, lists, _who(call), _action_with_group, attributes=True).json


def get_customer_action_details_by_date(call: Call) -> bytes:
    """What each customer got on a day, with the recipient group."""
    lists = execution.executed_lists(call.account_id, call["Date"])
    return listing(call, lists, Who.TEST, _action_with_group).json


def get_customers_action_ended_by_date(call: Call) -> bytes:
    """Whose action ends on a day."""
    lists = execution.ended_lists(call.account_id, call["Date"])
    return listing(call, lists, Who.TEST, _ended).json


def get_currently_targeted_customers(call: Call) -> bytes:
    """Who is in the duration of a campaign today."""
    lists = execution.running_lists(call.account_id, clock=call.clock)
    return listing(call, lists, Who.TEST, _targeted).json


def get_processed_campaign_customers(call: Call) -> bytes:
    """Who is to get something, for a third party to clear."""
    lists = execution.processed_lists(call.account_id, call["CampaignID"])
    return listing(call, lists, Who.TEST, _promised).json


def get_canceled_campaign_customers(call: Call) -> bytes:
    """Who was to get something; for two hours after the campaign was cancelled."""
    lists = execution.cancelled_lists(call.account_id, call["CampaignID"], clock=call.clock)
    return listing(call, lists, Who.TEST, _promised).json


def get_customer_last_action_executed(call: Call) -> dict[str, Any]:
    """The last campaign a customer was in."""
    found, is_control = execution.last_list(call.account_id, call["CustomerID"])
    view = found.campaign
    return {
        "ActionID": CONTROL_ACTION if is_control else view.action_id,
        "Date": view.day.isoformat(),
        "Duration": view.duration_days,
        "TargetGroupID": view.group_id,
    }


def _served(call: Call, page: Page) -> bytes:
    goes_out = execution.details_served(
        call.account_id,
        call["CampaignID"],
        call["ChannelID"],
        skip=call.skip,
        rows=page.rows,
        clock=call.clock,
    )
    return page.json if goes_out else b"[]"


def _who(call: Call) -> Who:
    return Who.BOTH if call["IncludeControlGroup"] else Who.TEST


def _execution_row(found: FrozenList) -> Callable[[ListedRow], dict[str, Any]]:
    view, when, codes = found.campaign, found.scheduled, ",".join(found.campaign.promo_codes)
    names = {one.template_id: one.name for one in view.templates}
    return lambda row: {
        "CustomerID": row.customer_id,
        "ActionID": view.action_id,
        "ChannelID": view.channel_id,
        "TemplateID": row.template_id,
        "TemplateName": names.get(row.template_id or 0, ""),
        "ScheduledTime": when,
        "ScheduleTime": when,
        "PromoCode": codes,
    }


def _send_row(found: FrozenList) -> Callable[[ListedRow], dict[str, Any]]:
    when = found.scheduled
    return lambda row: {
        "CustomerID": row.customer_id,
        "TemplateID": row.template_id,
        "ScheduledTime": when,
    }


def _without_template(found: FrozenList) -> Callable[[ListedRow], dict[str, Any]]:
    channel, when = found.campaign.channel_id, found.scheduled
    return lambda row: {
        "CustomerID": row.customer_id,
        "ChannelID": channel,
        "ScheduledTime": when,
        "SendID": "",
    }


def _with_template(found: FrozenList) -> Callable[[ListedRow], dict[str, Any]]:
    plain = _without_template(found)
    return lambda row: {**plain(row), "TemplateID": row.template_id}


def _customer(found: FrozenList) -> Callable[[ListedRow], dict[str, Any]]:
    return lambda row: {"CustomerID": row.customer_id}


def _action(found: FrozenList) -> Callable[[ListedRow], dict[str, Any]]:
    actions, channel = _actions(found), found.campaign.channel_id
    return lambda row: {
        "CustomerID": row.customer_id,
        "ActionID": actions[row.role == CONTROL],
        "ChannelID": channel,
    }


def _action_with_group(found: FrozenList) -> Callable[[ListedRow], dict[str, Any]]:
    plain = _action(found)
    return lambda row: {
        **plain(row),
        "RecipientGroupID": CONTROL_GROUP if row.role == CONTROL else TEST_GROUP,
    }


def _actions(found: FrozenList) -> tuple[int, int]:
    return found.campaign.action_id, CONTROL_ACTION


def _ended(found: FrozenList) -> Callable[[ListedRow], dict[str, Any]]:
    view = found.campaign
    rest = {
        "ActionID": view.action_id,
        "ChannelID": view.channel_id,
        "Date": view.day.isoformat(),
        "Duration": view.duration_days,
        "TargetGroupID": view.group_id,
    }
    return lambda row: {"CustomerID": row.customer_id, **rest}


def _targeted(found: FrozenList) -> Callable[[ListedRow], dict[str, Any]]:
    view = found.campaign
    rest = {
        "CampaignID": view.occurrence_id,
        "ActionID": view.action_id,
        "StartDate": view.day.isoformat(),
        "EndDate": view.ends_on.isoformat(),
    }
    return lambda row: {"CustomerID": row.customer_id, **rest}


def _promised(found: FrozenList) -> Callable[[ListedRow], dict[str, Any]]:
    rest = {"ActionID": found.campaign.action_id, "PromoCode": ",".join(found.campaign.promo_codes)}
    return lambda row: {"CustomerID": row.customer_id, **rest}


_OPTIONAL_CHANNEL = replace(CHANNEL, required=False, meaning="One channel; 0 or none = all.")
_CONTROL_TOO = Param(
    name="IncludeControlGroup", kind=Kind.FLAG, meaning="Also the control group, with ActionID 1."
)
_GROUP_TOO = Param(name="IncludeRecipientGroupID", kind=Kind.FLAG, meaning="Add RecipientGroupID.")
_TEMPLATES_TOO = Param(
    name="IncludeTemplateIDs", kind=Kind.FLAG, spellings=("IncludeTemplateID",), meaning="Add TemplateID."
)
_ACTION_ID = Param(name="ActionID", required=True, meaning="An action; 1 = the control group.")
_RECIPIENTS = Param(name="RecipientGroupID", required=True, meaning="1 = the test group.")
_GROUPS = "RecipientGroupID 1 = test group, 0 = control group."


def _listed(name: str, answer: Callable[[Call], Any], *params: Param, **more: Any) -> Any:
    return rows("customers", name, answer, *params, pages_itself=True, **more)


FUNCTIONS = (
    _listed(
        "GetCustomerExecutionDetailsByCampaign", get_customer_execution_details_by_campaign, CAMPAIGN,
        replace(CHANNEL, required=False, meaning="One channel; a third party must name it."),
        third_party=True, page=DETAILS_PAGE, attributes=True, sure=Sure.LIVE,
        example='[{"CustomerID":"96134","ActionID":2,"ChannelID":505,"TemplateID":14,"TemplateName":"Welcome",'
        '"ScheduledTime":"2016-08-30 10:00:00","ScheduleTime":"2016-08-30 10:00:00","PromoCode":"WB23,NV10"}]',
        differs="Clients read either time key: both are sent.",
        meaning="Who gets what: the frozen list, without the control group. Promo codes are joined by commas.",
    ),
    _listed(
        "GetCustomerSendDetailsByChannel", get_customer_send_details_by_channel, CHANNEL, CAMPAIGN,
        third_party=True, attributes=True, sure=Sure.LIVE,
        example='[{"CustomerID":"96134","TemplateID":14,"ScheduledTime":"2016-08-30 10:00:00"}]',
        meaning="Who gets which template on a channel.",
    ),
    _listed(
        "GetCustomerSendDetailsByCampaign", get_customer_send_details_by_campaign, CAMPAIGN, _TEMPLATES_TOO,
        example='[{"CustomerID":"231342","ChannelID":4,"ScheduledTime":"2015-12-30 10:30:00","SendID":"HG65D",'
        '"TemplateID":12}]',
        meaning="Who gets something, on which channel and when; TemplateID only if asked for.",
    ),
    _listed(
        "GetCustomersByAction", get_customers_by_action, _RECIPIENTS, _ACTION_ID, DATE, attributes=True,
        sure=Sure.LIVE, example='[{"CustomerID":"231342"}]', meaning="Who got an action on a day.",
    ),
    _listed(
        "GetCustomerActionsByTargetGroup", get_customer_actions_by_target_group, TARGET_GROUP, DATE,
        _OPTIONAL_CHANNEL, _GROUP_TOO, _CONTROL_TOO, attributes=True, sure=Sure.LIVE,
        example='[{"CustomerID":"A1342","ActionID":49,"ChannelID":6,"RecipientGroupID":1}]',
        meaning=f"What the customers of a target group got on a day. {_GROUPS}",
    ),
    _listed(
        "GetCustomerOneTimeActionsByDate", get_customer_one_time_actions_by_date, DATE, _CONTROL_TOO,
        attributes=True, example='[{"CustomerID":"8D871","ActionID":19,"ChannelID":504}]',
        meaning="What customers got on a day from one-time campaigns.",
    ),
    _listed(
        "GetCustomerOneTimeActionsByCampaign", get_customer_one_time_actions_by_campaign, CAMPAIGN,
        _OPTIONAL_CHANNEL, _CONTROL_TOO, third_party=True, attributes=True,
        example='[{"CustomerID":"8D871","ActionID":19,"ChannelID":504,"RecipientGroupID":1}]',
        meaning=f"What customers got from a one-time campaign. {_GROUPS}",
    ),
    _listed(
        "GetCustomerActionDetailsByDate", get_customer_action_details_by_date, DATE,
        example='[{"CustomerID":"231342","RecipientGroupID":1,"ActionID":42,"ChannelID":10}]',
        meaning="What customers got on a day.",
    ),
    _listed(
        "GetCustomersActionEndedByDate", get_customers_action_ended_by_date, DATE,
        example='[{"CustomerID":"231342","ActionID":428,"ChannelID":4,"Date":"2014-12-03","Duration":7,'
        '"TargetGroupID":15}]',
        meaning="Whose action is over on a day: the campaign's day and its duration later. Date = its first day.",
    ),
    _listed(
        "GetCurrentlyTargetedCustomers", get_currently_targeted_customers,
        example='[{"CustomerID":"231342","CampaignID":428,"ActionID":4,"StartDate":"2015-12-30",'
        '"EndDate":"2016-01-02"}]',
        meaning="Who is in the duration of a campaign today; EndDate is the day on which it is over.",
    ),
    _listed(
        "GetCanceledCampaignCustomers", get_canceled_campaign_customers, CAMPAIGN,
        spellings=("GetCancelledCampaignCustomers",),
        example='[{"CustomerID":"231342","ActionID":4,"PromoCode":"A7Bonus"}]',
        differs="A newer page of the vendor's writes ActionID as text; a number is sent.",
        meaning="Who was on the list of a campaign cancelled in the last two hours; none after that.",
    ),
    _listed(
        "GetProcessedCampaignCustomers", get_processed_campaign_customers, CAMPAIGN, sure=Sure.OURS,
        example='[{"CustomerID":"231342","ActionID":4,"PromoCode":"A7Bonus"}]',
        meaning="Who is to get something from a processed campaign; of a conditional one, who may be cleared with "
        "UpdateCustomerPromotionStatus.",
    ),
    one(
        "customers", "GetCustomerLastActionExecuted", get_customer_last_action_executed, CUSTOMER,
        example='{"ActionID":428,"Date":"2014-12-24","Duration":7,"TargetGroupID":15}',
        meaning="The last action of a customer; ActionID 1 as one of the control group. 404 if there was none.",
    ),
)  # fmt: skip
