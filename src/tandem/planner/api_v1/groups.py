"""/target-groups: list, one, count, save, delete."""

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from tandem.kit.problems import Refused
from tandem.planner.api_v1.app import actor, caller, clock
from tandem.planner.api_v1.schemas import After, Id, Limit, LongText, Name, answers, paged
from tandem.planner.targeting import service
from tandem.planner.targeting.service.delete import delete_group

router = Router(tags=["target groups"])


class GroupOut(Schema):
    """A target group; `text` and `condition` say the same."""

    id: int
    name: str
    priority: int
    version: int
    text: str
    condition: dict[str, Any]
    changed_at: datetime


class GroupsOut(Schema):
    """A page of target groups."""

    items: list[GroupOut]
    next: int | None


class ConditionIn(Schema):
    """Who: in words (`orders is at least 2`) or in the stored form; one of the two."""

    text: LongText = ""
    condition: dict[str, Any] | None = None


class GroupIn(ConditionIn):
    """A target group to save."""

    name: Name


class CountOut(Schema):
    """Members on the latest snapshot's day; email and sms: who of them may be written to, null if not known."""

    members: int
    customers: int
    email: int | None
    sms: int | None
    stages: dict[str, int] = Field(description="Members by lifecycle stage; empty below 50 members.")
    as_of: date


class RangeOut(Schema):
    """From low to high, around what is expected; so it will be 8 times of 10."""

    low: float
    expected: float
    high: float


class ExpectedOut(Schema):
    """What a group will do; value: spend in a year, together; churn: share of `asked` in Churn in 28 days."""

    members: int
    asked: int
    as_of: date
    value: RangeOut | None
    churn: RangeOut | None


@router.get("", response=answers(of=GroupsOut), summary="List target groups", operation_id="list_groups")
def list_groups(request: HttpRequest, after: After = None, limit: Limit = 50) -> dict[str, Any]:
    """In the order in which they were made."""
    found = sorted(service.list_groups(caller(request).account_id), key=lambda one: one.id)
    rows = [one for one in found if one.id > (after or 0)][: limit + 1]
    return paged(rows, limit, lambda row: row.id)


@router.post(
    "",
    response=answers(status=201, of=GroupOut),
    summary="Save a new target group",
    operation_id="save_group",
)
def save_group(request: HttpRequest, group: GroupIn) -> Status:
    """The name must be new, the condition may name what the latest snapshot has."""
    return Status(201, _save(request, group, None))


@router.post(
    "/count", response=answers(of=CountOut), summary="Count a condition", operation_id="count_condition"
)
def count_condition(request: HttpRequest, asked: ConditionIn) -> dict[str, Any]:
    """Nothing is saved."""
    account_id = caller(request).account_id
    condition = asked.condition
    if condition is None:
        condition = service.to_condition(account_id, asked.text)
    return _counted(account_id, condition)


@router.get(
    "/{group_id}", response=answers(of=GroupOut), summary="One target group", operation_id="get_group"
)
def get_group(request: HttpRequest, group_id: Id) -> Any:
    """With its condition."""
    return service.get_group(caller(request).account_id, group_id)


@router.put(
    "/{group_id}", response=answers(of=GroupOut), summary="Change a target group", operation_id="change_group"
)
def change_group(request: HttpRequest, group_id: Id, group: GroupIn) -> Any:
    """A new version; lists that are frozen stay as they are."""
    return _save(request, group, group_id)


@router.get(
    "/{group_id}/count", response=answers(of=CountOut), summary="Count a target group",
    operation_id="count_group",
)  # fmt: skip
def count_group(request: HttpRequest, group_id: Id) -> dict[str, Any]:
    """Its members on the latest snapshot's day."""
    account_id = caller(request).account_id
    return _counted(account_id, service.get_group(account_id, group_id).condition)


@router.get(
    "/{group_id}/expected", response=answers(of=ExpectedOut), summary="What a target group will do",
    operation_id="expected_of_group",
)  # fmt: skip
def expected_of_group(request: HttpRequest, group_id: Id) -> Any:
    """Ranges by how far past days were off; null where too few past days tell. Refused below 50 customers."""
    account_id = caller(request).account_id
    found = service.expectation(account_id, service.get_group(account_id, group_id).condition)
    if found is None:
        raise Refused("Nothing is said of fewer than 50 customers, or before there are scores.")
    return found


@router.delete(
    "/{group_id}", response=answers(status=204, of=None), summary="Delete a target group",
    operation_id="delete_group",
)  # fmt: skip
def remove_group(request: HttpRequest, group_id: Id) -> Status:
    """Refused while a campaign refers to it."""
    delete_group(caller(request).account_id, group_id, actor=actor(request), clock=clock())
    return Status(204, None)


def _save(request: HttpRequest, group: GroupIn, group_id: int | None) -> Any:
    return service.save_group(
        caller(request).account_id,
        name=group.name,
        condition=group.condition,
        text=group.text,
        group_id=group_id,
        clock=clock(),
    )


def _counted(account_id: int, condition: dict[str, Any]) -> dict[str, Any]:
    found = service.count(account_id, condition)
    return {
        "members": found.members,
        "customers": found.customers,
        "email": found.email,
        "sms": found.sms,
        "stages": dict(found.stages),
        "as_of": found.as_of,
    }
