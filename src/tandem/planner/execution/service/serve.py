"""What the planner's wire API serves of campaigns; ids of other accounts are not found."""

from datetime import date

from django.db import transaction

from tandem.contract.planner_api import CampaignDetails, ChannelDetails
from tandem.kit.clock import Clock
from tandem.kit.zones import wire_time
from tandem.planner.accounts import service as accounts
from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.domain import CANCELLED_KEPT, CANCELLED_STATES, CampaignView, OccurrenceState
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.execution.domain import EXECUTED, FrozenList
from tandem.planner.execution.errors import NoList
from tandem.planner.execution.models import CustomerList
from tandem.planner.execution.service.lists import frozen_list

STOPPED = (*CANCELLED_STATES, OccurrenceState.NOT_RUN)
SUCCESSFUL, FAILED, NOT_RUN = "Successful", "Failed", "Not Run"


def campaign_details(account_id: int, occurrence_id: int) -> CampaignDetails:
    """GetCampaignDetails; a stopped occurrence is `Failed` with its cause and nobody in it. Raises NoList."""
    view = campaigns.occurrence_campaign(account_id, occurrence_id)
    head = CustomerList.objects.filter(account_id=account_id, occurrence_id=occurrence_id).first()
    if head is None and view.state is not OccurrenceState.NOT_RUN:
        raise NoList(f"The list of campaign {occurrence_id} is not made yet.")
    return _details(view, head)


def executed_details(account_id: int, day: date) -> tuple[CampaignDetails, ...]:
    """The campaigns of a day that were executed, and those that failed, by id."""
    wanted = (*EXECUTED, OccurrenceState.NOT_RUN)
    rows = Occurrence.objects.filter(account_id=account_id, day=day, state__in=wanted)
    views = campaigns.occurrence_campaigns(account_id, rows.values_list("pk", flat=True))
    found = CustomerList.objects.filter(
        account_id=account_id, occurrence_id__in=[v.occurrence_id for v in views]
    )
    heads = {head.occurrence_id: head for head in found}
    return tuple(_details(view, heads.get(view.occurrence_id)) for view in views)


def channel_details(account_id: int, occurrence_id: int, channel_id: int) -> tuple[ChannelDetails, ...]:
    """A row per template that somebody gets, with the send time on the account's wall. Raises NoList."""
    view = campaigns.occurrence_campaign(account_id, occurrence_id)
    head = CustomerList.objects.filter(account_id=account_id, occurrence_id=occurrence_id).first()
    if head is None:
        raise NoList(f"The list of campaign {occurrence_id} is not made yet.")
    if view.channel_id != channel_id or view.state not in EXECUTED:
        return ()
    when = wire_time(view.send_at, accounts.get_account(account_id).zone)
    return tuple(
        ChannelDetails(list_id=None, send_id="", template_id=template, scheduled_time=when)
        for template in head.templates
    )


def executed_on(account_id: int, channel_id: int | None, day: date) -> tuple[int, ...]:
    """The occurrences of a date whose list is made, cleared if it has to be, and not stopped."""
    rows = Occurrence.objects.filter(account_id=account_id, day=day, state__in=EXECUTED)
    rows = rows if channel_id is None else rows.filter(channel_id=channel_id)
    return tuple(rows.order_by("pk").values_list("pk", flat=True))


def served_lists(account_id: int, occurrence_id: int, channel_id: int | None) -> tuple[FrozenList, ...]:
    """The list of an occurrence as senders get it: none on another channel, stopped or not cleared. Raises NoList."""
    found = frozen_list(account_id, occurrence_id)
    mine = channel_id in (None, found.campaign.channel_id) and found.campaign.state in EXECUTED
    return (found,) if mine else ()


def processed_lists(account_id: int, occurrence_id: int) -> tuple[FrozenList, ...]:
    """The list of a campaign that is processed: waiting for clearance, or executed. Raises NoList."""
    found = frozen_list(account_id, occurrence_id)
    return (found,) if found.campaign.state in (*EXECUTED, OccurrenceState.CLEARANCE) else ()


def cancelled_lists(account_id: int, occurrence_id: int, *, clock: Clock) -> tuple[FrozenList, ...]:
    """The list of a campaign that was cancelled in the last two hours after its list was made."""
    view = campaigns.occurrence_campaign(account_id, occurrence_id)
    since = clock.business() - CANCELLED_KEPT
    recent = Occurrence.objects.filter(
        account_id=account_id, pk=occurrence_id, state__in=CANCELLED_STATES, settled_at__gt=since
    )
    if not recent.exists() or not _has_list(account_id, view.occurrence_id):
        return ()
    return (frozen_list(account_id, occurrence_id),)


@transaction.atomic
def details_served(
    account_id: int,
    occurrence_id: int,
    channel_id: int | None = None,
    *,
    rows: int,
    clock: Clock,
    skip: int = 0,
) -> bool:
    """Note that a page goes out, before it does; False = it was stopped meanwhile, so keep the page back.

    Under the row's lock: who cancels knows whether the messenger has anything of the list.
    """
    if not rows:
        return True
    row = Occurrence.objects.select_for_update().get(account_id=account_id, pk=occurrence_id)
    if row.state == OccurrenceState.WAITING:
        row.fetched_at = row.fetched_at or clock.business()
        row.rows_fetched += rows
        row.save(update_fields=["fetched_at", "rows_fetched"])
    return row.state in EXECUTED


def _has_list(account_id: int, occurrence_id: int) -> bool:
    return CustomerList.objects.filter(account_id=account_id, occurrence_id=occurrence_id).exists()


def _details(view: CampaignView, head: CustomerList | None) -> CampaignDetails:
    stopped = view.state in STOPPED or head is None
    return CampaignDetails(
        campaign_id=view.occurrence_id,
        target_group_id=view.group_id,
        campaign_type="Test/Control" if view.control_percent else "Test",
        duration=view.duration_days,
        lead_time=int(view.lead_minutes // (24 * 60)),
        notes=view.notes,
        is_multi_channel=False,
        is_recurrence=False,
        status=_status(view, stopped),
        error=view.cause if stopped else "",
        tags=view.tags,
        channels=(view.channel_id,),
        test_group_size=0 if stopped or head is None else head.targeted,
        control_group_size=0 if stopped or head is None else head.control,
    )


def _status(view: CampaignView, stopped: bool) -> str:
    if stopped:
        return FAILED
    return NOT_RUN if view.state is OccurrenceState.CLEARANCE else SUCCESSFUL
