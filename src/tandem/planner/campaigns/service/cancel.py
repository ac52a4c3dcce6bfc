"""Cancel a campaign: at once while nobody has its list; once the messenger has it, by telling the messenger."""

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.planner.campaigns.domain import (
    CANCELLED_KEPT,
    PROCESSED,
    CampaignView,
    OccurrenceState,
    cancelled_as,
)
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.campaigns.service.look import get_campaign
from tandem.planner.campaigns.service.plan import locked, record
from tandem.planner.listeners import service as listeners

CANCELLED_EVENT = 4
NOT_FETCHED = "Cancelled before the messenger fetched the list. Nothing is sent."
FETCHED = "The messenger has the list; it is told to send nothing of it."


def cancel_campaign(
    account_id: int, campaign_id: int, *, clock: Clock, actor: str = "system"
) -> CampaignView:
    """Nothing more will be sent; possible until the send time, or as long as the messenger has nothing of the list.

    Whoever was told that its list is processed is told that it is cancelled. Raises MoveRefused, NoSuchCampaign.
    """
    now = clock.business()
    with transaction.atomic():
        row = locked(account_id, campaign_id)
        state, fetched = OccurrenceState(row.state), row.fetched_at is not None
        after = cancelled_as(state, row.campaign.name, fetched=fetched, due=row.send_at <= now)
        Occurrence.objects.filter(account_id=account_id, pk=row.pk).update(
            state=after, cause=_cause(state, after), settled_at=now
        )
        listeners.cancel_events(account_id, row.pk, clock=clock)
        if state in PROCESSED:
            _tell(row, clock)
        record(account_id, "campaign.cancelled", row.campaign.name, actor, clock)
    return get_campaign(account_id, campaign_id)


def cancelling(account_id: int, campaign_id: int, *, clock: Clock) -> OccurrenceState:
    """The state that cancelling would lead to now; changes nothing. Raises MoveRefused, NoSuchCampaign."""
    view = get_campaign(account_id, campaign_id)
    return cancelled_as(view.state, view.name, fetched=view.is_fetched, due=view.send_at <= clock.business())


def _cause(before: OccurrenceState, after: OccurrenceState) -> str:
    if after is OccurrenceState.BEING_CANCELLED:
        return FETCHED
    return NOT_FETCHED if before in PROCESSED else "Cancelled."


def _tell(row: Occurrence, clock: Clock) -> None:
    """Event 4, for as long as somebody may ask who was on the list, or may still send to them."""
    listeners.enqueue_event(
        row.account_id,
        CANCELLED_EVENT,
        row.pk,
        row.channel_id,
        clock=clock,
        deadline=max(clock.business() + CANCELLED_KEPT, row.late_at),
    )
