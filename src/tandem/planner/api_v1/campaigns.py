"""/campaigns and /occurrences: list, show, plan, schedule, cancel, follow."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from tandem.planner.accounts import service as accounts
from tandem.planner.api_v1.app import actor, caller, clock
from tandem.planner.api_v1.schemas import LARGEST, After, Day, Id, Limit, Name, Text, answers, paged
from tandem.planner.campaigns import service
from tandem.planner.campaigns.domain import CampaignPlan, TemplateShare, even_shares
from tandem.planner.channels import service as channels
from tandem.planner.execution import service as execution

router = Router(tags=["campaigns"])
occurrences = Router(tags=["occurrences"])
Number = Annotated[int, Field(ge=1, le=LARGEST)]


class TemplateOut(Schema):
    """A template of a campaign and the percent of the customers who get it."""

    template_id: int
    name: str
    share: int


class CampaignOut(Schema):
    """A campaign with its one occurrence; `occurrence_id` is the CampaignID of the vendor's API."""

    id: int
    name: str
    state: str
    cause: str
    group_id: int
    group_name: str
    channel: str
    channel_account_id: int
    channel_id: int
    project_id: int
    project_name: str
    templates: list[TemplateOut]
    day: date
    time: time
    zone: str
    control_percent: Decimal
    lead_minutes: float
    late_minutes: int
    action: str
    duration_days: int
    notes: str
    tags: list[str]
    promo_codes: list[str]
    clearance_minutes: float | None
    occurrence_id: int
    lock_at: datetime
    send_at: datetime


class CampaignsOut(Schema):
    """A page of campaigns."""

    items: list[CampaignOut]
    next: int | None


class TemplateIn(Schema):
    """A template and its whole percent; without shares they are as even as can be."""

    template_id: Number
    share: Annotated[int, Field(ge=1, le=100)] | None = None


class CampaignIn(Schema):
    """A campaign to plan: one group, one channel, templates of one project, one date and time."""

    name: Name
    group_id: Number
    channel: Text = "email"
    channel_account_id: Number | None = Field(None, description="Default: the only account at a messenger.")
    project_id: Number
    templates: Annotated[list[TemplateIn], Field(min_length=1, max_length=50)]
    day: Day
    time: time
    zone: Text | None = Field(None, description="IANA name; default the account's.")
    control_percent: Annotated[float, Field(ge=0, le=99.99)] = 10
    lead_minutes: Annotated[float, Field(ge=0, le=1440)] = 15
    late_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    action: Text = ""
    duration_days: Annotated[int, Field(ge=1, le=365)] = 14
    notes: Annotated[Text, Field(max_length=2000)] = ""
    tags: Annotated[list[Text], Field(max_length=20)] = []
    promo_codes: Annotated[list[Text], Field(max_length=20)] = []
    clearance_minutes: Annotated[float, Field(ge=0, le=1440)] | None = None
    schedule: bool = Field(False, description="Schedule it at once; else it is a draft.")


class StepOut(Schema):
    """One step: state is done, now, waiting or failed."""

    name: str
    state: str
    at: datetime | None
    detail: str


class ListOut(Schema):
    """The frozen list: listed = targeted + control + skipped. sha256 is over its rows."""

    occurrence_id: int
    listed: int
    targeted: int
    control: int
    skipped: Mapping[str, int]
    sha256: str
    made_at: datetime
    as_of: str


class OutcomeOut(Schema):
    """listed = control + sent + skipped + failed + uncertain."""

    listed: int
    control: int
    sent: int
    skipped: Mapping[str, int]
    failed: int
    uncertain: int


class TimelineOut(Schema):
    """An occurrence step by step."""

    campaign: CampaignOut
    steps: list[StepOut]
    list: ListOut | None
    outcome: OutcomeOut | None


@router.get("", response=answers(of=CampaignsOut), summary="List campaigns", operation_id="list_campaigns")
def list_campaigns(request: HttpRequest, after: After = None, limit: Limit = 50) -> dict[str, Any]:
    """The newest first."""
    rows = service.newest_campaigns(caller(request).account_id, before=after, limit=limit + 1)
    return paged(rows, limit, lambda row: row.id)


@router.post(
    "", response=answers(status=201, of=CampaignOut), summary="Plan a campaign", operation_id="plan_campaign"
)
def plan_campaign(request: HttpRequest, campaign: CampaignIn) -> Status:
    """A draft, unless it is scheduled at once; a breach of a rule names its field and leaves nothing."""
    account_id = caller(request).account_id
    plan = _plan(account_id, campaign)
    named: dict[str, Any] = {"clock": clock(), "actor": actor(request)}
    if campaign.schedule:
        service.review(account_id, plan, clock=clock())  # refuses before anything is written
    view = service.plan_campaign(account_id, plan, **named)
    if campaign.schedule:
        view = service.schedule_campaign(account_id, view.id, **named)
    return Status(201, view)


@router.get(
    "/{campaign_id}", response=answers(of=CampaignOut), summary="One campaign", operation_id="get_campaign"
)
def get_campaign(request: HttpRequest, campaign_id: Id) -> Any:
    """The plan and its state."""
    return service.get_campaign(caller(request).account_id, campaign_id)


@router.post(
    "/{campaign_id}/schedule", response=answers(of=CampaignOut), summary="Schedule a draft",
    operation_id="schedule_campaign",
)  # fmt: skip
def schedule_campaign(request: HttpRequest, campaign_id: Id) -> Any:
    """It then runs at its time."""
    return service.schedule_campaign(
        caller(request).account_id, campaign_id, clock=clock(), actor=actor(request)
    )


@router.post(
    "/{campaign_id}/cancel", response=answers(of=CampaignOut), summary="Cancel a campaign",
    operation_id="cancel_campaign",
)  # fmt: skip
def cancel_campaign(request: HttpRequest, campaign_id: Id) -> Any:
    """Possible until its send time, afterwards only if the messenger has nothing of the list.

    `cancelled`: nothing is sent. `being cancelled`: the messenger has the list and is told to stop; its timeline says
    what it reports.
    """
    return service.cancel_campaign(
        caller(request).account_id, campaign_id, clock=clock(), actor=actor(request)
    )


@occurrences.get(
    "/{occurrence_id}", response=answers(of=TimelineOut), summary="Timeline of an occurrence",
    operation_id="get_timeline",
)  # fmt: skip
def get_timeline(request: HttpRequest, occurrence_id: Id) -> Any:
    """Its steps, its list and its numbers."""
    return execution.timeline(caller(request).account_id, occurrence_id)


@occurrences.get(
    "/{occurrence_id}/list", response=answers(of=ListOut), summary="The frozen list's numbers",
    operation_id="get_list",
)  # fmt: skip
def get_list(request: HttpRequest, occurrence_id: Id) -> Any:
    """404 until the list is made."""
    return execution.list_summary(caller(request).account_id, occurrence_id)


def _plan(account_id: int, asked: CampaignIn) -> CampaignPlan:
    chosen = asked.templates
    shares = tuple(TemplateShare(one.template_id, one.share or 0) for one in chosen)
    if all(one.share is None for one in chosen):
        shares = even_shares(one.template_id for one in chosen)
    return CampaignPlan(
        name=asked.name,
        group_id=asked.group_id,
        channel=asked.channel,
        channel_account_id=channels.get_account(account_id, asked.channel_account_id).id,
        project_id=asked.project_id,
        templates=shares,
        day=asked.day,
        time=asked.time.replace(tzinfo=None),
        zone=asked.zone or accounts.get_account(account_id).zone,
        control_percent=Decimal(str(round(asked.control_percent, 2))),
        lead_minutes=asked.lead_minutes,
        late_minutes=asked.late_minutes,
        action=asked.action,
        duration_days=asked.duration_days,
        notes=asked.notes,
        tags=tuple(asked.tags),
        promo_codes=tuple(asked.promo_codes),
        clearance_minutes=asked.clearance_minutes,
    )
