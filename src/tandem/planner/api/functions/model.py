"""model/*: attributes, lifecycle stages, micro-segments."""

from typing import Any

from tandem.planner.api.call import Call
from tandem.planner.api.changers import WITH_ATTRIBUTES, changers
from tandem.planner.api.function import END, START, Sure, rows
from tandem.planner.customers import service as customers
from tandem.planner.customers.errors import NoSnapshot
from tandem.planner.modelling.segments import overview

_PERSON = (
    ("email", "E-mail address."),
    ("mobile", "Mobile number."),
    ("first_name", "First name."),
    ("last_name", "Last name."),
)


def get_customer_attribute_list(call: Call) -> list[dict[str, Any]]:
    """Every attribute that can be asked for: those of the newest snapshot, then those that name a person."""
    try:
        known = customers.catalogue(call.account_id)
    except NoSnapshot:
        known = ()
    found = [(one.name, one.meaning or one.label) for one in known] + list(_PERSON)
    return [{"RealFieldName": name, "Description": meaning} for name, meaning in found]


def get_lifecycle_stage_list(call: Call) -> list[dict[str, Any]]:
    """The stages of every account."""
    return [{"StageID": number, "StageName": name} for number, name in overview.lifecycle_stages()]


def get_microsegment_list(call: Call) -> list[dict[str, Any]]:
    """The micro-segments in force, with the figures of the newest snapshot."""
    return [
        {
            "MicrosegmentID": one.id,
            "MicrosegmentName": one.name,
            "LifecycleStageID": one.stage_id,
            "FutureValue": -1 if one.future_value is None else float(one.future_value),
            "ChurnRate": -1 if one.churn_rate is None else round(one.churn_rate, 4),
        }
        for one in overview.microsegments(call.account_id)
    ]


def get_microsegment_changers(call: Call) -> list[dict[str, Any]]:
    """Whose micro-segment differs between two days."""
    return changers(call, "microsegment_id", "MicrosegmentID")


FUNCTIONS = (
    rows(
        "model", "GetCustomerAttributeList", get_customer_attribute_list,
        example='[{"RealFieldName":"Age","Description":"Customer age"}]',
        meaning="Every attribute that CustomerAttributes may name.",
    ),
    rows(
        "model", "GetLifecycleStageList", get_lifecycle_stage_list, example='[{"StageID":1,"StageName":"New"}]',
        meaning="The lifecycle stages: 1 New, 2 Active, 3 FromChurn, 4 Churn, 5 At risk, 6 Registered only, "
        "7 Dormant.",
    ),
    rows(
        "model", "GetMicrosegmentList", get_microsegment_list,
        example='[{"MicrosegmentID":1,"MicrosegmentName":"Winner","LifecycleStageID":1,"FutureValue":870.55,'
        '"ChurnRate":0.55}]',
        meaning="The micro-segments. FutureValue is the mean of what the members are expected to spend in the next 365 "
        "days; ChurnRate the mean chance to be in Churn in 28 days. Both are -1 of fewer than 50 customers.",
    ),
    rows(
        "model", "GetMicrosegmentChangers", get_microsegment_changers, START, END, sure=Sure.DOCUMENTED,
        example='[{"CustomerID":"231342","InitialMicrosegmentID":4,"FinalMicrosegmentID":12}]', **WITH_ATTRIBUTES,
        meaning="Whose micro-segment differs between two days; -1 = none. A day without a snapshot has that of the "
        "nearest earlier one.",
    ),
)  # fmt: skip
