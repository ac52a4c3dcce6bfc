"""What customers did with messages, customer by customer: the older way to report it, and to ask for it."""

from typing import Any

from django.db import transaction

from tandem.kit.problems import NotFound
from tandem.planner.api.call import Call
from tandem.planner.api.function import (
    CAMPAIGN,
    CHANNEL,
    CUSTOMER,
    DATE,
    END,
    START,
    Body,
    Kind,
    Param,
    Sure,
    rows,
    write,
)
from tandem.planner.campaigns import service as campaigns
from tandem.planner.execution import service as execution
from tandem.planner.results import service as results
from tandem.planner.results.domain import Report

MOST_CUSTOMERS = 10_000
TEST_GROUP = 1
_LARGEST = 2**31 - 1


@transaction.atomic
def update_campaign_interactions(call: Call) -> None:
    """Add what these customers did to what was reported before; under the same key once."""
    if call["ChannelID"] not in execution.campaign_details(call.account_id, call["CampaignID"]).channels:
        raise NotFound(f"Campaign {call['CampaignID']} is not on that channel.")
    if call.once and not results.first_time(call.account_id, call.once, clock=call.clock):
        return
    group = call["RecipientGroupID"]
    results.add_interactions(
        call.account_id,
        Report(
            occurrence_id=call["CampaignID"],
            channel_id=call["ChannelID"],
            template_id=call["TemplateID"],
            event_id=min(call["EventID"], _LARGEST),
            day=call["InteractionDate"],
            customer_ids=call["CustomerIDs"],
            recipient_group=TEST_GROUP if group is None else min(group, _LARGEST),
            app_id=(call["AppID"] or "")[:100],
        ),
    )


def get_customer_channel_interactions(call: Call) -> list[dict[str, Any]]:
    """What one customer did between two days."""
    found = results.interactions_of_customer(
        call.account_id, call["CustomerID"], start=call["StartDate"], end=call["EndDate"],
        channel_id=call["ChannelID"] or None, skip=call.skip, top=call.top,
    )  # fmt: skip
    views = campaigns.occurrence_campaigns(call.account_id, {one.occurrence_id for one in found})
    actions = {view.occurrence_id: view.action_id for view in views}
    return [
        {
            "Date": one.day.isoformat(),
            "CampaignID": one.occurrence_id,
            "RecipientGroupID": one.recipient_group,
            "ActionID": actions.get(one.occurrence_id, 0),
            "ChannelID": one.channel_id,
            "TemplateID": one.template_id,
            "EventID": one.event_id,
        }
        for one in found
    ]


def get_campaign_interaction_customers(call: Call) -> list[dict[str, Any]]:
    """Who did something on a day on a channel."""
    found = results.interactions_on(
        call.account_id, call["Date"], channel_id=call["ChannelID"], event_id=min(call["EventID"], _LARGEST),
        skip=call.skip, top=call.top,
    )  # fmt: skip
    return [
        {"CustomerID": one.customer_id, "CampaignID": one.occurrence_id, "TemplateID": one.template_id}
        for one in found
    ]


_EVENT = Param(
    name="EventID", required=True,
    meaning="0 sent, 1 delivered, 2 opened, 3 clicked, 4 unsubscribed, 5 dropped, 6 spam report, 9 bounced.",
)  # fmt: skip
_REPORT = Body(
    fields=(
        CAMPAIGN, CHANNEL, Param(name="TemplateID", required=True, meaning="A template of the campaign."), _EVENT,
        Param(name="InteractionDate", kind=Kind.DATE, required=True, meaning="The day, in the account's zone."),
        Param(name="RecipientGroupID", meaning="1, the test group, if left out."),
        Param(
            name="CustomerIDs", kind=Kind.IDS, required=True, most=MOST_CUSTOMERS,
            meaning="At most 10,000; ids that nobody has are passed over.",
        ),
        Param(name="AppID", kind=Kind.TEXT, meaning="An app or brand of the channel."),
    )
)  # fmt: skip

FUNCTIONS = (
    write(
        "integrations", "UpdateCampaignInteractions", update_campaign_interactions, _REPORT, third_party=True,
        meaning="Reports what customers did, one kind of interaction a call; calls are added up. UpdateCampaignMetrics "
        "reports sums instead; neither changes the other.",
    ),
    rows(
        "customers", "GetCustomerChannelInteractions", get_customer_channel_interactions, CUSTOMER, START, END,
        Param(name="ChannelID", meaning="A channel; 0 or none = all."), third_party=True, pages_itself=True,
        sure=Sure.LIVE,
        example='[{"Date":"2018-08-20","CampaignID":422,"RecipientGroupID":1,"ActionID":26,"ChannelID":7,'
        '"TemplateID":13,"EventID":2}]',
        meaning="What one customer did with messages between two days, as a messenger reported it.",
    ),
    rows(
        "customers", "GetCampaignInteractionCustomers", get_campaign_interaction_customers, DATE, CHANNEL, _EVENT,
        third_party=True, pages_itself=True, sure=Sure.OURS,
        example='[{"CustomerID":"231342","CampaignID":428,"TemplateID":13}]',
        differs="The vendor documents what it asks for, not under which names.",
        meaning="Who did something with a message of a channel on a day.",
    ),
)  # fmt: skip
