"""Every function of the vendor's API: the ones that answer, and those that are known but not offered."""

from tandem.planner.api.call import Function
from tandem.planner.api.functions import actions, customers, general, integrations

_BUILT = (
    Function(
        group="general", name="login", answer=general.login, method="POST", also="GET", open=True,
        third_party=True,
    ),
    Function(
        group="general", name="GetLastDataUpdate", answer=general.get_last_data_update, third_party=True
    ),
    Function(
        group="general", name="RegisterEventListener", answer=general.register_event_listener, method="POST",
        third_party=True,
    ),
    Function(
        group="general", name="UnregisterEventListener", answer=general.unregister_event_listener,
        method="POST", third_party=True,
    ),
    Function(
        group="general", name="GetRegisteredEventListeners", answer=general.get_registered_event_listeners,
        third_party=True, spellings=("GetRegisteredEventListener",),
    ),
    Function(group="actions", name="GetCampaignDetails", answer=actions.get_campaign_details, third_party=True),
    Function(
        group="actions", name="GetExecutedCampaignChannelDetails",
        answer=actions.get_executed_campaign_channel_details, third_party=True,
    ),
    Function(
        group="actions", name="GetExecutedCampaignsByChannel",
        answer=actions.get_executed_campaigns_by_channel, third_party=True,
    ),
    Function(
        group="customers", name="GetCustomerExecutionDetailsByCampaign",
        answer=customers.get_customer_execution_details_by_campaign, third_party=True,
    ),
    Function(
        group="customers", name="GetCustomerSendDetailsByChannel",
        answer=customers.get_customer_send_details_by_channel, third_party=True,
    ),
    Function(
        group="integrations", name="UpdateCampaignMetrics", answer=integrations.update_campaign_metrics,
        method="POST", third_party=True,
    ),
)  # fmt: skip

_NOT_OFFERED = {
    "model": ("GetCustomerAttributeList GetLifecycleStageList GetMicrosegmentList GetMicrosegmentChangers"),
    "groups": "GetTargetGroupDetails GetTargetGroupName GetTargetGroupID GetTargetGroupsByDate",
    "segments": (
        "GetValueSegments GetValueSegmentName GetValueSegmentID GetCustomersByValueSegment "
        "GetValueSegmentChangers"
    ),
    "actions": (
        "GetExecutedCampaignDetails GetExecutionChannels GetAllActions GetActionName GetActionID "
        "GetActionsByTargetGroup GetActionDetailsByTargetGroup GetPromoCodes GetPromoCodesByCampaign "
        "GetPromoCodesByTargetGroup"
    ),
    "customers": (
        "GetCustomerSendDetailsByCampaign GetCustomersByAction GetCustomerActionsByTargetGroup "
        "GetCustomerOneTimeActionsByDate GetCustomerActionDetailsByDate GetCustomersActionEndedByDate "
        "GetCurrentlyTargetedCustomers GetCanceledCampaignCustomers GetProcessedCampaignCustomers "
        "GetCustomerLastActionExecuted GetTargetGroupChangers GetCustomerFutureValues"
    ),
    "integrations": "GetPromotions",
}
_NOT_OFFERED_WRITES = {
    "customers": "UpdateCustomerAttributes AddCustomerAttribute",
    "integrations": "AddPromotions DeletePromotions UpdateCustomerPromotionStatus",
}
_THIRD_PARTY_NOT_OFFERED = {
    "customers": (
        "GetCustomerOneTimeActionsByCampaign GetCustomerAttributeChangers GetCampaignInteractionCustomers "
        "GetCustomerChannelInteractions"
    ),
    "integrations": "GetChannelTemplates GetChannelTemplateDetails GetChannelTemplatesDetails",
}
_THIRD_PARTY_NOT_OFFERED_WRITES = {
    "integrations": (
        "AddChannelTemplates DeleteChannelTemplates AddChannelApps DeleteChannelApps "
        "UpdateCampaignInteractions SetCustomerChannelPreference"
    ),
}


def _named(names: dict[str, str], *, method: str, third_party: bool) -> tuple[Function, ...]:
    return tuple(
        Function(group=group, name=name, method=method, third_party=third_party)
        for group, text in names.items()
        for name in text.split()
    )


FUNCTIONS: tuple[Function, ...] = (
    *_BUILT,
    *_named(_NOT_OFFERED, method="GET", third_party=False),
    *_named(_NOT_OFFERED_WRITES, method="POST", third_party=False),
    *_named(_THIRD_PARTY_NOT_OFFERED, method="GET", third_party=True),
    *_named(_THIRD_PARTY_NOT_OFFERED_WRITES, method="POST", third_party=True),
)

#: (group, name) in lower case -> function; every spelling is a key
BY_NAME = {
    (function.group, name.lower()): function
    for function in FUNCTIONS
    for name in (function.name, *function.spellings)
}
