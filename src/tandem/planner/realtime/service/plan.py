"""Save a real-time campaign, start and pause it; every rule is checked before anything is written."""

from typing import Any

from django.db import IntegrityError, transaction

from tandem.kit.clock import Clock
from tandem.planner.accounts import service as accounts
from tandem.planner.campaigns import service as campaigns
from tandem.planner.channels import service as channels
from tandem.planner.channels.domain import ChannelKind
from tandem.planner.realtime.domain import RealTimePlan, RealTimeView, check_plan, check_template
from tandem.planner.realtime.errors import NoSuchRealTimeCampaign, RealTimeRefused
from tandem.planner.realtime.models import RealTimeCampaign
from tandem.planner.realtime.service.look import get_campaign, offered
from tandem.planner.targeting import service as targeting


def save_campaign(
    account_id: int,
    plan: RealTimePlan,
    *,
    campaign_id: int | None = None,
    actor: str = "system",
    clock: Clock,
) -> RealTimeView:
    """Save a new one, paused, or change `campaign_id`. Raises RealTimeRefused, NotFound."""
    _check(account_id, plan)
    now = clock.business()
    fields = {**_fields(plan), "changed_at": now}
    try:
        with transaction.atomic():
            if campaign_id is None:
                row = RealTimeCampaign.objects.create(account_id=account_id, created_at=now, **fields)
            else:
                row = _locked(account_id, campaign_id)
                for name, value in fields.items():
                    setattr(row, name, value)
                row.save()
            accounts.record(
                account_id, actor=actor, action="real-time campaign.saved", subject=row.name, clock=clock
            )
    except IntegrityError as error:
        if "real_time_name_once" not in str(error):
            raise
        raise RealTimeRefused(
            f"Another real-time campaign is called {plan.name.strip()}.", "Choose another name.", field="name"
        ) from None
    return get_campaign(account_id, row.pk)


def set_active(
    account_id: int, campaign_id: int, active: bool, *, actor: str = "system", clock: Clock
) -> RealTimeView:
    """Start or pause it; events that come while it is paused trigger nobody, then or later."""
    with transaction.atomic():
        row = _locked(account_id, campaign_id)
        if row.active != active:
            row.active, row.changed_at = active, clock.business()
            row.save(update_fields=["active", "changed_at"])
            word = "started" if active else "paused"
            accounts.record(
                account_id, actor=actor, action=f"real-time campaign.{word}", subject=row.name, clock=clock
            )
    return get_campaign(account_id, campaign_id)


def _check(account_id: int, plan: RealTimePlan) -> None:
    check_plan(plan)
    try:
        ChannelKind(plan.channel)
    except ValueError as error:
        raise RealTimeRefused("Choose email or SMS.", field="channel") from error
    if plan.group_id is not None:
        targeting.get_group(account_id, plan.group_id)
    view = channels.get_account(account_id, plan.channel_account_id)
    check_template(plan, offered(account_id, view.id, plan.channel))
    known = {one.code for one in campaigns.list_promotions(account_id)}
    if plan.promo_code and plan.promo_code not in known:
        raise RealTimeRefused(
            f"There is no promotion with the code {plan.promo_code}.", "Add it first: AddPromotions over the API.",
            field="promo_code",
        )  # fmt: skip


def _fields(plan: RealTimePlan) -> dict[str, Any]:
    return {
        "name": plan.name.strip(),
        "event_name": plan.event_name.strip(),
        "conditions": [one.document() for one in plan.conditions],
        "group_id": plan.group_id,
        "channel_account_id": plan.channel_account_id,
        "kind": str(plan.channel),
        "project_id": plan.project_id,
        "template_id": plan.template_id,
        "promo_code": plan.promo_code,
        "cap_hours": plan.cap_hours,
        "control_percent": plan.control_percent,
        "late_minutes": plan.late_minutes,
    }


def _locked(account_id: int, campaign_id: int) -> RealTimeCampaign:
    found = RealTimeCampaign.objects.select_for_update().filter(account_id=account_id, pk=campaign_id).first()
    if found is None:
        raise NoSuchRealTimeCampaign(
            f"There is no real-time campaign {campaign_id}.", "See `tandem realtime list`."
        )
    return found
