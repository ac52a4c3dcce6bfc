"""/events: what happened, once each. /real-time-campaigns: what is to happen on an event."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from tandem.planner.api_v1.app import actor, caller, clock
from tandem.planner.api_v1.schemas import LARGEST, After, Id, Limit, Moment, Name, Text, answers, paged
from tandem.planner.channels import service as channels
from tandem.planner.realtime import service
from tandem.planner.realtime.conditions import from_document
from tandem.planner.realtime.domain import Incoming, RealTimePlan, RealTimeView

events = Router(tags=["events"])
router = Router(tags=["real-time campaigns"])
Number = Annotated[int, Field(ge=1, le=LARGEST)]
Value = str | int | float | bool


class EventIn(Schema):
    """Something a customer did. The same event_id again is the same event: nothing happens twice."""

    event_id: Annotated[str, Field(min_length=1, max_length=100, description="Yours, the same on a retry.")]
    event: Annotated[
        str, Field(min_length=1, max_length=100, description="Its name, as campaigns wait for it.")
    ]
    customer_id: Annotated[str, Field(min_length=1, max_length=200)]
    properties: dict[str, Any] = {}
    at: Moment | None = Field(None, description="When it happened, with an offset; default now.")


class TriggeredOut(Schema):
    """What the event came to in one campaign: told, or why not."""

    campaign_id: int
    campaign: str
    outcome: str


class TakenOut(Schema):
    """The event was taken; repeated = it was here before."""

    event_id: str
    repeated: bool
    triggered: list[TriggeredOut]


class ComparisonInOut(Schema):
    """One property compared; a dot in the name leads into an object."""

    property: Annotated[str, Field(min_length=1, max_length=100)]
    operator: str = Field(
        description="= != < <= > >= contains, starts with, in, exists, does not exist", max_length=20
    )
    values: Annotated[list[Value], Field(max_length=100)] = []


class RealTimeIn(Schema):
    """A real-time campaign to save; it is paused until it is started."""

    name: Name
    event_name: Annotated[str, Field(min_length=1, max_length=100)]
    conditions: Annotated[list[ComparisonInOut], Field(max_length=20)] = []
    group_id: Number | None = Field(None, description="Only members of this target group.")
    channel: Text = "email"
    channel_account_id: Number | None = Field(None, description="Default: the only account at a messenger.")
    project_id: Number
    template_id: Number
    promo_code: Text = ""
    cap_hours: Annotated[int, Field(ge=0, le=8760)] = 24
    control_percent: Annotated[float, Field(ge=0, le=99.99)] = 0
    late_minutes: Annotated[int, Field(ge=1, le=1440)] = 15


class RealTimeOut(Schema):
    """A real-time campaign; counts: triggered customers by outcome; reported: the messenger's totals by MetricID."""

    id: int
    key: str = Field(description="The campaignID of event 11.")
    name: str
    state: str
    event_name: str
    conditions: list[ComparisonInOut]
    group_id: int | None
    channel: str
    channel_account_id: int
    channel_id: int
    project_id: int
    template_id: int
    promo_code: str
    cap_hours: int
    control_percent: Decimal
    late_minutes: int
    counts: Mapping[str, int]
    reported: Mapping[int, int]


class RealTimesOut(Schema):
    """A page of real-time campaigns."""

    items: list[RealTimeOut]
    next: int | None


class LogLineOut(Schema):
    """A triggered customer; told_state: where the call to the listener stands."""

    id: int
    at: datetime
    event_id: str
    customer_id: str
    outcome: str
    told_state: str


class LogOut(Schema):
    """A page of the log."""

    items: list[LogLineOut]
    next: int | None


@events.post("", response=answers(of=TakenOut), summary="Tell of an event", operation_id="take_event")
def take_event(request: HttpRequest, event: EventIn) -> Any:
    """Kept once, compared with the campaigns that wait for it; who is triggered gets the message within seconds.

    The same event_id with other content is a conflict. 64 KiB at most.
    """
    incoming = Incoming(
        event_id=event.event_id,
        name=event.event,
        customer_id=event.customer_id,
        properties=event.properties,
        at=event.at,
    )
    return service.take_event(caller(request).account_id, incoming, clock=clock())


@router.get(
    "", response=answers(of=RealTimesOut), summary="List real-time campaigns",
    operation_id="list_real_time_campaigns",
)  # fmt: skip
def list_campaigns(request: HttpRequest, after: After = None, limit: Limit = 50) -> dict[str, Any]:
    """In the order in which they were made."""
    rows = service.list_campaigns(caller(request).account_id, after=after or 0, limit=limit + 1)
    page = paged(rows, limit, lambda row: row.id)
    return {**page, "items": [_out(view) for view in page["items"]]}


@router.post(
    "", response=answers(status=201, of=RealTimeOut), summary="Save a new real-time campaign",
    operation_id="save_real_time_campaign",
)  # fmt: skip
def save_campaign(request: HttpRequest, campaign: RealTimeIn) -> Status:
    """Paused; start it when it is right."""
    return Status(201, _save(request, campaign, None))


@router.get(
    "/{campaign_id}", response=answers(of=RealTimeOut), summary="One real-time campaign",
    operation_id="get_real_time_campaign",
)  # fmt: skip
def get_campaign(request: HttpRequest, campaign_id: Id) -> Any:
    """With its counts."""
    return _out(service.get_campaign(caller(request).account_id, campaign_id))


@router.put(
    "/{campaign_id}", response=answers(of=RealTimeOut), summary="Change a real-time campaign",
    operation_id="change_real_time_campaign",
)  # fmt: skip
def change_campaign(request: HttpRequest, campaign_id: Id, campaign: RealTimeIn) -> Any:
    """From the next event on."""
    return _save(request, campaign, campaign_id)


@router.post(
    "/{campaign_id}/start", response=answers(of=RealTimeOut), summary="Start",
    operation_id="start_real_time_campaign",
)  # fmt: skip
def start(request: HttpRequest, campaign_id: Id) -> Any:
    """From now on events trigger it."""
    return _set_active(request, campaign_id, True)


@router.post(
    "/{campaign_id}/pause", response=answers(of=RealTimeOut), summary="Pause",
    operation_id="pause_real_time_campaign",
)  # fmt: skip
def pause(request: HttpRequest, campaign_id: Id) -> Any:
    """Events that come now trigger nobody, then or later."""
    return _set_active(request, campaign_id, False)


@router.get(
    "/{campaign_id}/log", response=answers(of=LogOut), summary="Triggered customers",
    operation_id="get_real_time_log",
)  # fmt: skip
def get_log(request: HttpRequest, campaign_id: Id, after: After = None, limit: Limit = 50) -> dict[str, Any]:
    """Newest first, each with what came of it."""
    rows = service.log(caller(request).account_id, campaign_id, before=after, limit=limit + 1)
    return paged(rows, limit, lambda row: row.id)


def _save(request: HttpRequest, asked: RealTimeIn, campaign_id: int | None) -> Any:
    account_id = caller(request).account_id
    plan = RealTimePlan(
        name=asked.name,
        event_name=asked.event_name,
        conditions=tuple(from_document(one.dict()) for one in asked.conditions),
        group_id=asked.group_id,
        channel=asked.channel,
        channel_account_id=channels.get_account(account_id, asked.channel_account_id).id,
        project_id=asked.project_id,
        template_id=asked.template_id,
        promo_code=asked.promo_code,
        cap_hours=asked.cap_hours,
        control_percent=Decimal(str(round(asked.control_percent, 2))),
        late_minutes=asked.late_minutes,
    )
    view = service.save_campaign(
        account_id, plan, campaign_id=campaign_id, actor=actor(request), clock=clock()
    )
    return _out(view)


def _set_active(request: HttpRequest, campaign_id: int, active: bool) -> Any:
    view = service.set_active(
        caller(request).account_id, campaign_id, active, actor=actor(request), clock=clock()
    )
    return _out(view)


def _out(view: RealTimeView) -> dict[str, Any]:
    shown = {name: getattr(view, name) for name in RealTimeOut.model_fields}
    return {**shown, "conditions": [one.document() for one in view.conditions]}
