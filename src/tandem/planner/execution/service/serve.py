"""What the planner's wire API serves of a frozen list; ids of other accounts are not found."""

from datetime import date
from typing import Any

from django.db.models import F

from tandem.contract.planner_api import CampaignDetails, ChannelDetails
from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.zones import wire_time
from tandem.planner.accounts import service as accounts
from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.domain import CampaignView, OccurrenceState
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.execution import queries
from tandem.planner.execution.domain import TEST
from tandem.planner.execution.errors import NoList
from tandem.planner.execution.models import CustomerList

STOPPED = (OccurrenceState.CANCELLED, OccurrenceState.NOT_RUN)


def campaign_details(account_id: int, occurrence_id: int) -> CampaignDetails:
    """GetCampaignDetails; a stopped occurrence is `Failed` with its cause and nobody in it. Raises NoList."""
    view, head = _frozen(account_id, occurrence_id)
    stopped = view.state in STOPPED
    return CampaignDetails(
        campaign_id=occurrence_id,
        target_group_id=view.group_id,
        campaign_type="Test/Control",
        duration=14,
        lead_time=0,
        notes=view.name,
        is_multi_channel=False,
        is_recurrence=False,
        status="Failed" if stopped else "Successful",
        error=view.cause if stopped else "",
        tags=(),
        channels=(view.channel_id,),
        test_group_size=0 if stopped else head.targeted,
        control_group_size=0 if stopped else head.control,
    )


def channel_details(account_id: int, occurrence_id: int, channel_id: int) -> tuple[ChannelDetails, ...]:
    """A row per template that somebody gets, with the send time on the account's wall. Raises NoList."""
    view, head = _frozen(account_id, occurrence_id)
    if view.channel_id != channel_id or view.state in STOPPED:
        return ()
    when = _scheduled(account_id, view)
    return tuple(
        ChannelDetails(list_id=None, send_id="", template_id=template, scheduled_time=when)
        for template in head.templates
    )


def executed_on(account_id: int, channel_id: int | None, day: date) -> tuple[int, ...]:
    """The occurrences of a date whose list is made and not stopped."""
    made = CustomerList.objects.filter(account_id=account_id).values("occurrence_id")
    rows = Occurrence.objects.filter(account_id=account_id, day=day, pk__in=made).exclude(state__in=STOPPED)
    rows = rows if channel_id is None else rows.filter(channel_id=channel_id)
    return tuple(rows.order_by("pk").values_list("pk", flat=True))


def execution_rows(
    account_id: int, occurrence_id: int, channel_id: int | None, skip: int, top: int
) -> list[dict[str, Any]]:
    """A page of GetCustomerExecutionDetailsByCampaign: test customers after `skip`. Raises NoList."""
    view, when, rows = _page(account_id, occurrence_id, channel_id, skip, top)
    names = {one.template_id: one.name for one in view.templates}
    return [
        {
            "CustomerID": customer,
            "ActionID": TEST,
            "ChannelID": view.channel_id,
            "TemplateID": template,
            "TemplateName": names.get(template, ""),
            "ScheduledTime": when,
            "ScheduleTime": when,
            "PromoCode": "",
        }
        for _, customer, template in rows
    ]


def send_rows(
    account_id: int, occurrence_id: int, channel_id: int | None, skip: int, top: int
) -> list[dict[str, Any]]:
    """A page of GetCustomerSendDetailsByChannel, without customer attributes. Raises NoList."""
    _, when, rows = _page(account_id, occurrence_id, channel_id, skip, top)
    return [
        {"CustomerID": customer, "TemplateID": template, "ScheduledTime": when}
        for _, customer, template in rows
    ]


def details_served(
    account_id: int,
    occurrence_id: int,
    channel_id: int | None = None,
    *,
    rows: int,
    clock: Clock,
    skip: int = 0,
) -> None:
    """Note that a page went out; the first time is shown on the timeline."""
    waiting = Occurrence.objects.filter(
        account_id=account_id, pk=occurrence_id, state=OccurrenceState.WAITING
    )
    if not rows:
        return
    waiting.filter(fetched_at=None).update(fetched_at=clock.business())
    waiting.update(rows_fetched=F("rows_fetched") + rows)


def _page(
    account_id: int, occurrence_id: int, channel_id: int | None, skip: int, top: int
) -> tuple[CampaignView, str, list[tuple[int, str, int]]]:
    view, _ = _frozen(account_id, occurrence_id)
    when = _scheduled(account_id, view)
    if channel_id not in (None, view.channel_id) or view.state in STOPPED:
        return view, when, []
    failpoint("p8")
    return view, when, queries.page(account_id, occurrence_id, skip, top)


def _scheduled(account_id: int, view: CampaignView) -> str:
    return wire_time(view.send_at, accounts.get_account(account_id).zone)


def _frozen(account_id: int, occurrence_id: int) -> tuple[CampaignView, CustomerList]:
    view = campaigns.occurrence_campaign(account_id, occurrence_id)
    head = CustomerList.objects.filter(account_id=account_id, occurrence_id=occurrence_id).first()
    if head is None:
        raise NoList(f"The list of campaign {occurrence_id} is not made yet.")
    return view, head
