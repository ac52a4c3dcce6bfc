"""groups/*: target groups."""

from dataclasses import replace
from typing import Any

from tandem.planner.api.call import Call
from tandem.planner.api.function import DATE, TARGET_GROUP, Kind, Param, Sure, one, rows
from tandem.planner.execution import service as execution
from tandem.planner.targeting import service as targeting


def get_target_group_details(call: Call) -> list[dict[str, Any]]:
    """All target groups, highest priority first."""
    return [
        {
            "TargetGroupID": group.id,
            "TargetGroupName": group.name,
            "TargetGroupPriority": group.priority,
        }
        for group in targeting.list_groups(call.account_id)
    ]


def get_target_group_name(call: Call) -> dict[str, Any]:
    """The name behind an id."""
    return {"TargetGroupName": targeting.get_group(call.account_id, call["TargetGroupID"]).name}


def get_target_group_id(call: Call) -> dict[str, Any]:
    """The id behind a name."""
    return {"TargetGroupID": targeting.named_group(call.account_id, call["TargetGroupName"]).id}


def get_target_groups_by_date(call: Call) -> list[dict[str, Any]]:
    """The target groups of the campaigns executed on a day."""
    found = execution.executed_lists(call.account_id, call["Date"])
    return [{"TargetGroupID": group} for group in sorted({one.campaign.group_id for one in found})]


_NAME = Param(name="TargetGroupName", kind=Kind.TEXT, required=True, meaning="In any case.")

FUNCTIONS = (
    rows(
        "groups", "GetTargetGroupDetails", get_target_group_details,
        example='[{"TargetGroupID":1,"TargetGroupName":"New UK","TargetGroupPriority":1}]',
        meaning="All target groups; priority 1 is the highest.",
    ),
    one(
        "groups", "GetTargetGroupName", get_target_group_name, TARGET_GROUP,
        example='{"TargetGroupName":"UK VIPs"}', meaning="The name of a target group.",
    ),
    one(
        "groups", "GetTargetGroupID", get_target_group_id, _NAME, example='{"TargetGroupID":26}',
        meaning="The id of a target group.",
    ),
    rows(
        "groups", "GetTargetGroupsByDate", get_target_groups_by_date,
        replace(DATE, meaning="The day campaigns were executed, in the account's zone."), sure=Sure.LIVE,
        example='[{"TargetGroupID":9}]', meaning="The target groups of the campaigns executed on a day.",
    ),
)  # fmt: skip
