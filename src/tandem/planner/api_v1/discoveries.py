"""/discoveries: searches, the groups they found, target groups of them, what is not interesting."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from tandem.planner.api_v1.app import actor, caller, clock
from tandem.planner.api_v1.groups import GroupOut
from tandem.planner.api_v1.schemas import LARGEST, Id, Limit, answers
from tandem.planner.discovery import service
from tandem.planner.discovery.domain import GoalKind

router = Router(tags=["discoveries"])


class SearchIn(Schema):
    """What to search for: days 30, 60, 90 or 180; campaign for goals about one."""

    goal: GoalKind = GoalKind.SURPRISE
    days: int | None = Field(None, ge=1, le=1000, description="The period; left out, the usual one.")
    campaign: int | None = Field(
        None, ge=1, le=LARGEST, description="CampaignID, for goals about a campaign."
    )


class HowOut(Schema):
    """How it was done: groups looked at and tested, customers of both halves, what was left out and why."""

    candidates: int
    tested: int
    customers: int
    search: int
    confirm: int
    splits: int
    method: str
    why: str = Field(description="Why nothing is shown; empty if something is.")
    dropped: list[tuple[str, str]]


class SearchOut(Schema):
    """A search. state: waiting, running, done, failed; part: how far, 0 to 1; found: groups shown."""

    id: int
    goal: str
    label: str
    days: int
    occurrence_id: int | None
    state: str
    part: float
    problem: str
    looked_from: date | None
    as_of: date | None
    seed: int
    found: int
    asked_at: datetime
    how: HowOut


class EstimateOut(Schema):
    """On customers who had no part in finding it; other: of the rest, or what was expected."""

    members: int
    mean: float
    other: float
    difference: float
    low: float
    high: float
    q: float


class AloneOut(Schema):
    """The group less as many customers at one end of one attribute (top = the highest); better: surely so."""

    label: str
    top: bool
    difference: float
    low: float
    high: float
    better: bool


class DiscoveryOut(Schema):
    """A group that was found. alike_id: the saved group that is much like it, null = new to you.

    alone: the attribute that alone comes closest, null for uplift.
    """

    id: int
    title: str
    sentence: str
    text: str
    condition: dict[str, Any]
    direction: int
    members: int
    estimate: EstimateOut
    parent: str
    alone: AloneOut | None
    traits: list[str]
    spent: Decimal
    spent_all: Decimal
    alike_id: int | None
    group_id: int | None


class DismissedOut(Schema):
    """A group that is not interesting."""

    id: int
    goal: str
    title: str
    text: str
    at: datetime
    by: str


@router.get(
    "/searches", response=answers(of=list[SearchOut]), summary="Latest searches", operation_id="list_searches"
)
def list_searches(request: HttpRequest, limit: Limit = 50) -> Any:
    """Newest first."""
    return service.list_runs(caller(request).account_id, limit)


@router.post(
    "/searches",
    response=answers(status=202, of=SearchOut),
    summary="Search for groups",
    operation_id="search_groups",
)
def ask(request: HttpRequest, wanted: SearchIn) -> Status:
    """It is done in the background; one at a time."""
    made = service.ask(
        caller(request).account_id,
        goal=wanted.goal,
        days=wanted.days,
        occurrence_id=wanted.campaign,
        actor=actor(request),
        clock=clock(),
    )
    return Status(202, made)


@router.get(
    "/searches/{search_id}", response=answers(of=SearchOut), summary="One search", operation_id="get_search"
)
def get_search(request: HttpRequest, search_id: Id) -> Any:
    """How far it is, and how it was done."""
    return service.get_run(caller(request).account_id, search_id)


@router.get(
    "/searches/{search_id}/groups",
    response=answers(of=list[DiscoveryOut]),
    summary="Groups found by a search",
    operation_id="list_discoveries",
)
def list_discoveries(request: HttpRequest, search_id: Id) -> Any:
    """The surest first, without those that are not interesting."""
    return service.groups_of(caller(request).account_id, search_id)


@router.post(
    "/{discovery_id}/target-group",
    response=answers(status=201, of=GroupOut),
    summary="Make a target group of a discovery",
    operation_id="make_group_of_discovery",
)
def make_group(request: HttpRequest, discovery_id: Id) -> Status:
    """The one already made, if there is one."""
    made = service.make_group(caller(request).account_id, discovery_id, actor=actor(request), clock=clock())
    return Status(201, made)


@router.post(
    "/{discovery_id}/dismiss",
    response=answers(of=DismissedOut),
    summary="Not interesting",
    operation_id="dismiss_discovery",
)
def dismiss(request: HttpRequest, discovery_id: Id) -> Any:
    """It and groups much like it are not shown for this goal."""
    return service.dismiss(caller(request).account_id, discovery_id, actor=actor(request), clock=clock())


@router.delete(
    "/dismissed/{dismissed_id}",
    response=answers(status=204, of=None),
    summary="Show it again",
    operation_id="undo_dismissal",
)
def undo(request: HttpRequest, dismissed_id: Id) -> Status:
    """What was not interesting is shown again."""
    service.undo_dismissal(caller(request).account_id, dismissed_id, actor=actor(request), clock=clock())
    return Status(204, None)
