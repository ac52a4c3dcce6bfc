"""/deliveries: what listeners were told, and telling it again; /health."""

from datetime import datetime
from typing import Annotated, Any

from django.db import connection
from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from tandem.planner.api_v1.app import actor, caller, clock
from tandem.planner.api_v1.schemas import LARGEST, After, Id, Limit, Moment, answers, paged
from tandem.planner.listeners import service
from tandem.planner.listeners.domain import EventState, LogFilter

router = Router(tags=["listener deliveries"])
health = Router(tags=["health"])
Number = Annotated[int, Field(ge=0, le=LARGEST)]


class AttemptOut(Schema):
    """One POST; status null = nothing was answered."""

    at: datetime
    status: int | None
    problem: str
    seconds: float


class DeliveryOut(Schema):
    """One event for one listener; cause: why it will not be told any more."""

    id: int
    listener_id: int
    message_id: str
    event_type: int
    occurrence_id: int | None
    channel_id: int | None
    url: str
    state: str
    cause: str
    happened_at: datetime
    deadline: datetime
    next_at: datetime | None
    attempts: list[AttemptOut]


class DeliveriesOut(Schema):
    """A page of deliveries."""

    items: list[DeliveryOut]
    next: int | None


class RangeIn(Schema):
    """Which deliveries are told again; since and until are when the event happened, until exclusive."""

    since: Moment | None = None
    until: Moment | None = None
    event_type: Number | None = None
    listener_id: Number | None = None
    occurrence_id: Number | None = None
    states: Annotated[list[EventState], Field(max_length=6)] = []


class ReplayedOut(Schema):
    """How many are told again; how many are too late, or whose listener is switched off."""

    again: int
    late: int
    off: int


class HealthOut(Schema):
    """The planner answers, and so does its database."""

    status: str


@router.get("", response=answers(of=DeliveriesOut), summary="List deliveries", operation_id="list_deliveries")
def list_deliveries(
    request: HttpRequest,
    state: EventState | None = None,
    event_type: Annotated[int | None, Query(ge=0, le=1000)] = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Newest first, with every attempt."""
    chosen = LogFilter(states=(state,) if state else (), event_type=event_type)
    rows = service.event_log(caller(request).account_id, chosen, before=after, limit=limit + 1)
    return paged(rows, limit, lambda row: row.id)


@router.post(
    "/{delivery_id}/replay", response=answers(status=202, of=None), summary="Tell it again",
    operation_id="replay_delivery",
)  # fmt: skip
def replay(request: HttpRequest, delivery_id: Id) -> Status:
    """With a fresh schedule and the same message id; its late cut-off still holds."""
    service.replay(caller(request).account_id, delivery_id, actor=actor(request), clock=clock())
    return Status(202, None)


@router.post(
    "/replay",
    response=answers(of=ReplayedOut),
    summary="Tell a range again",
    operation_id="replay_deliveries",
)
def replay_range(request: HttpRequest, chosen: RangeIn) -> Any:
    """All that match, oldest first; what is too late is only counted."""
    wanted = LogFilter(**{**chosen.dict(), "states": tuple(chosen.states)})
    return service.replay_range(caller(request).account_id, wanted, actor=actor(request), clock=clock())


@health.get("", response={200: HealthOut}, auth=None, summary="Health", operation_id="get_health")
def get_health(request: HttpRequest) -> dict[str, str]:
    """Needs no key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {"status": "ok"}
