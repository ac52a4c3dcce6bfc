"""Every function of the planner's contract: how it is called and what it answers. No framework, no code behind it.

The planner's own table (its handlers) must agree with this one; a test compares them.
"""

from dataclasses import dataclass

from tandem.contract.shapes import Shape, shape


@dataclass(frozen=True, kw_only=True)
class WireFunction:
    """One function. asks: names of the query's parameters, `?` = may be left out; body: an example of what is sent.

    attributes: rows carry the customer attributes asked for. third_party: an ESP's credential may call it.
    changes: whether it writes.
    """

    group: str
    name: str
    method: str
    answer: Shape
    asks: tuple[str, ...] = ()
    attributes: bool = False
    third_party: bool = False
    changes: bool = False

    @property
    def path(self) -> str:
        """Group and name, as the address has them."""
        return f"{self.group}/{self.name}"

    @property
    def required(self) -> tuple[str, ...]:
        """The parameters that must be given."""
        return tuple(name for name in self.asks if not name.endswith("?"))


def _read(
    group: str, name: str, answer: str, asks: str = "", *, attr: bool = False, esp: bool = False
) -> WireFunction:
    return WireFunction(
        group=group,
        name=name,
        method="GET",
        answer=shape(answer),
        asks=tuple(asks.split()),
        attributes=attr,
        third_party=esp,
    )


def _write(group: str, name: str, *, asks: str = "", method: str = "POST", esp: bool = True) -> WireFunction:
    return WireFunction(
        group=group,
        name=name,
        method=method,
        answer=shape(""),
        asks=tuple(asks.split()),
        third_party=esp,
        changes=True,
    )


_CAMPAIGN = (
    "TargetGroupID:id CampaignType:text Duration:id LeadTime:id Notes:text IsMultiChannel:flag "
    "IsRecurrence:flag Status:text Error:text"
)
_CHANGED = "CustomerID:text Initial{0}:{1}|null Final{0}:{1}|null"


def _changers(key: str, kind: str = "any") -> str:
    return "[" + _CHANGED.format(key, kind) + "]"


GENERAL = (
    WireFunction(group="general", name="login", method="POST", answer=shape("text"), third_party=True),
    _read("general", "GetLastDataUpdate", "{Date:date}", esp=True),
    _read(
        "general",
        "GetRegisteredEventListeners",
        "[EventTypeID:id ChannelID:id|null? ListenerURL:text]",
        esp=True,
    ),
    _write("general", "RegisterEventListener"),
    _write("general", "UnregisterEventListener"),
)
MODEL = (
    _read("model", "GetCustomerAttributeList", "[RealFieldName:text Description:text]"),
    _read("model", "GetLifecycleStageList", "[StageID:id StageName:text]"),
    _read(
        "model",
        "GetMicrosegmentList",
        "[MicrosegmentID:id MicrosegmentName:text LifecycleStageID:id FutureValue:number ChurnRate:number]",
    ),
    _read(
        "model", "GetMicrosegmentChangers", _changers("MicrosegmentID", "id"), "StartDate EndDate", attr=True
    ),
)
ACTIONS = (
    _read("actions", "GetExecutionChannels", "[ChannelID:id ChannelName:text]"),
    _read("actions", "GetExecutedCampaignDetails", f"[CampaignID:id {_CAMPAIGN}]", "Date"),
    _read(
        "actions",
        "GetCampaignDetails",
        "{" + _CAMPAIGN + " Tags:[]? Channels:[Id:id]? TestGroupSize:id|null ControlGroupSize:id|null?}",
        "CampaignID",
        esp=True,
    ),
    _read("actions", "GetExecutedCampaignsByChannel", "[CampaignID:id]", "ChannelID Date", esp=True),
    _read(
        "actions",
        "GetExecutedCampaignChannelDetails",
        "[ListID:id|null? SendID:text? TemplateID:id ScheduledTime:time]",
        "CampaignID ChannelID",
        esp=True,
    ),
    _read("actions", "GetAllActions", "[ActionID:id ActionName:text]"),
    _read("actions", "GetActionName", "{ActionName:text}", "ActionID"),
    _read("actions", "GetActionID", "{ActionID:id}", "ActionName"),
    _read("actions", "GetActionsByTargetGroup", "[RecipientGroupID:id ActionID:id]", "TargetGroupID Date"),
    _read(
        "actions",
        "GetActionDetailsByTargetGroup",
        "[RecipientGroupID:id ActionID:id Duration:id LeadTime:id ChannelID:id]",
        "TargetGroupID Date",
    ),
    _read(
        "actions",
        "GetPromoCodes",
        "[TargetGroupID:id RecipientGroupID:id ActionID:id PromoCode:text]",
        "Date",
    ),
    _read(
        "actions",
        "GetPromoCodesByCampaign",
        "[RecipientGroupID:id ActionID:id PromoCode:text]",
        "CampaignID",
    ),
    _read(
        "actions",
        "GetPromoCodesByTargetGroup",
        "[RecipientGroupID:id ActionID:id PromoCode:text]",
        "TargetGroupID Date",
    ),
)
GROUPS = (
    _read(
        "groups",
        "GetTargetGroupDetails",
        "[TargetGroupID:id TargetGroupName:text TargetGroupPriority:id|null]",
    ),
    _read("groups", "GetTargetGroupName", "{TargetGroupName:text}", "TargetGroupID"),
    _read("groups", "GetTargetGroupID", "{TargetGroupID:id}", "TargetGroupName"),
    _read("groups", "GetTargetGroupsByDate", "[TargetGroupID:id]", "Date"),
)
SEGMENTS = (
    _read("segments", "GetValueSegments", "[ValueSegmentName:text ValueSegmentID:id]"),
    _read("segments", "GetValueSegmentName", "{ValueSegmentName:text}", "ValueSegmentID"),
    _read("segments", "GetValueSegmentID", "{ValueSegmentID:id}", "ValueSegmentName"),
    _read("segments", "GetCustomersByValueSegment", "[CustomerID:text]", "ValueSegmentID Date", attr=True),
    _read(
        "segments",
        "GetValueSegmentChangers",
        _changers("ValueSegmentID", "id"),
        "StartDate EndDate",
        attr=True,
    ),
)
CUSTOMERS = (
    _read(
        "customers",
        "GetCustomerExecutionDetailsByCampaign",
        "[CustomerID:text ActionID:id ChannelID:id|null? TemplateID:id TemplateName:text? ScheduledTime:time? "
        "PromoCode:text]",
        "CampaignID ChannelID?",
        attr=True,
        esp=True,
    ),
    _read(
        "customers",
        "GetCustomerSendDetailsByChannel",
        "[CustomerID:text TemplateID:id ScheduledTime:time]",
        "ChannelID CampaignID",
        attr=True,
        esp=True,
    ),
    _read(
        "customers",
        "GetCustomerSendDetailsByCampaign",
        "[CustomerID:text ChannelID:id ScheduledTime:time SendID:text TemplateID:id?]",
        "CampaignID IncludeTemplateIDs?",
    ),
    _read(
        "customers", "GetCustomersByAction", "[CustomerID:text]", "RecipientGroupID ActionID Date", attr=True
    ),
    _read(
        "customers",
        "GetCustomerActionsByTargetGroup",
        "[CustomerID:text ActionID:id ChannelID:id RecipientGroupID:id?]",
        "TargetGroupID Date ChannelID? IncludeRecipientGroupID? IncludeControlGroup?",
        attr=True,
    ),
    _read(
        "customers",
        "GetCustomerOneTimeActionsByDate",
        "[CustomerID:text ActionID:id ChannelID:id]",
        "Date IncludeControlGroup?",
        attr=True,
    ),
    _read(
        "customers",
        "GetCustomerOneTimeActionsByCampaign",
        "[CustomerID:text ActionID:id ChannelID:id RecipientGroupID:id]",
        "CampaignID ChannelID? IncludeControlGroup?",
        attr=True,
        esp=True,
    ),
    _read(
        "customers",
        "GetCustomerActionDetailsByDate",
        "[CustomerID:text RecipientGroupID:id ActionID:id ChannelID:id]",
        "Date",
    ),
    _read(
        "customers",
        "GetCustomersActionEndedByDate",
        "[CustomerID:text ActionID:id ChannelID:id Date:date Duration:id TargetGroupID:id]",
        "Date",
    ),
    _read(
        "customers",
        "GetCurrentlyTargetedCustomers",
        "[CustomerID:text CampaignID:id ActionID:id StartDate:date EndDate:date]",
    ),
    _read(
        "customers",
        "GetCanceledCampaignCustomers",
        "[CustomerID:text ActionID:id PromoCode:text]",
        "CampaignID",
    ),
    _read(
        "customers",
        "GetProcessedCampaignCustomers",
        "[CustomerID:text ActionID:id PromoCode:text]",
        "CampaignID",
    ),
    _read(
        "customers",
        "GetCustomerLastActionExecuted",
        "{ActionID:id Date:date Duration:id TargetGroupID:id}",
        "CustomerID",
    ),
    _read(
        "customers",
        "GetCustomerChannelInteractions",
        "[Date:date CampaignID:id RecipientGroupID:id ActionID:id ChannelID:id TemplateID:id EventID:id]",
        "CustomerID StartDate EndDate ChannelID?",
        esp=True,
    ),
    _read(
        "customers",
        "GetCampaignInteractionCustomers",
        "[CustomerID:text CampaignID:id TemplateID:id]",
        "Date ChannelID EventID",
        esp=True,
    ),
    _read("customers", "GetTargetGroupChangers", _changers("TargetGroupID"), "StartDate EndDate", attr=True),
    _read(
        "customers",
        "GetCustomerAttributeChangers",
        "[CustomerID:text InitialCustomerAttribute:any|null FinalCustomerAttribute:any|null]",
        "ChangedCustomerAttribute StartDate? EndDate?",
        attr=True,
        esp=True,
    ),
    _read(
        "customers", "GetCustomerFutureValues", "[CustomerID:text FutureValue:number]", "LifecycleStageID?"
    ),
    _write("customers", "UpdateCustomerAttributes", esp=False),
    _write("customers", "AddCustomerAttribute", esp=False),
    _write("customers", "UpsertCustomer", method="PUT", esp=False),
)
INTEGRATIONS = (
    _read("integrations", "GetChannelTemplates", "[TemplateID:id TemplateName:text]", "ChannelID", esp=True),
    _read(
        "integrations",
        "GetChannelTemplateDetails",
        "[TemplateID:id TemplateName:text TemplateContent:text TemplateAttributes:[]]",
        "ChannelID TemplateID",
        esp=True,
    ),
    _read("integrations", "GetPromotions", "[PromoCode:text PromotionName:text]"),
    _write("integrations", "AddChannelTemplates", asks="ChannelID"),
    _write("integrations", "DeleteChannelTemplates"),
    _write("integrations", "AddChannelApps", asks="ChannelID"),
    _write("integrations", "DeleteChannelApps"),
    _write("integrations", "AddPromotions", esp=False),
    _write("integrations", "DeletePromotions", esp=False),
    _write("integrations", "UpdateCampaignMetrics"),
    _write("integrations", "UpdateCampaignInteractions"),
    _write("integrations", "SetCustomerChannelPreference"),
    _write("integrations", "UpdateCustomerPromotionStatus", esp=False),
)
FUNCTIONS: tuple[WireFunction, ...] = (
    *GENERAL,
    *MODEL,
    *ACTIONS,
    *GROUPS,
    *SEGMENTS,
    *CUSTOMERS,
    *INTEGRATIONS,
)
#: group/name in lower case -> function
BY_PATH = {function.path.lower(): function for function in FUNCTIONS}
