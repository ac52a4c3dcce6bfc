"""Plan, change and schedule a campaign; every rule is checked before anything is written."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.kit.zones import place_name, resolve_local, to_local
from tandem.planner.accounts import service as accounts
from tandem.planner.campaigns.domain import (
    CHANGEABLE,
    CampaignPlan,
    CampaignView,
    MoveRefused,
    OccurrenceState,
    PlanRefused,
    Review,
    TemplateShare,
    check_ahead,
    check_move,
    check_plan,
    check_templates,
    instants,
)
from tandem.planner.campaigns.errors import NoSuchCampaign
from tandem.planner.campaigns.models import Campaign, CampaignTemplate, Occurrence
from tandem.planner.campaigns.offer import action_name, check_offer
from tandem.planner.campaigns.service.actions import action_row
from tandem.planner.campaigns.service.look import get_campaign, offered
from tandem.planner.campaigns.service.promotions import known_codes
from tandem.planner.channels import service as channels
from tandem.planner.channels.domain import ChannelKind
from tandem.planner.listeners import service as listeners
from tandem.planner.targeting import service as targeting

CLEARANCE_EVENT = 5


def plan_campaign(
    account_id: int, plan: CampaignPlan, *, clock: Clock, actor: str = "system"
) -> CampaignView:
    """Save a plan as a draft. Raises PlanRefused, TemplatesRefused, TimeRefused, NoSuchLocalTime, NotFound."""
    channel_id = _check(account_id, plan, clock)
    now = clock.business()
    with transaction.atomic():
        campaign = Campaign.objects.create(
            account_id=account_id, created_at=now, changed_at=now, **_campaign_fields(account_id, plan)
        )
        _set_templates(account_id, campaign, plan)
        Occurrence.objects.create(
            account_id=account_id,
            campaign=campaign,
            state=OccurrenceState.DRAFT,
            draw_key=secrets.token_hex(16),
            **_occurrence_fields(plan, channel_id),
        )
        record(account_id, "campaign.planned", campaign.name, actor, clock)
    return get_campaign(account_id, campaign.pk)


def change_campaign(
    account_id: int, campaign_id: int, plan: CampaignPlan, *, clock: Clock, actor: str = "system"
) -> CampaignView:
    """Change a plan; possible until its list is being made. Raises MoveRefused and the rules' refusals."""
    channel_id = _check(account_id, plan, clock)
    with transaction.atomic():
        occurrence = locked(account_id, campaign_id)
        if occurrence.state not in CHANGEABLE:
            raise MoveRefused(
                f"{occurrence.campaign.name} is {occurrence.state} and can no longer be changed.",
                "Plan a new campaign.",
            )
        for name, value in {**_campaign_fields(account_id, plan), "changed_at": clock.business()}.items():
            setattr(occurrence.campaign, name, value)
        CampaignTemplate.objects.filter(account_id=account_id, campaign_id=campaign_id).delete()
        occurrence.campaign.save()
        _set_templates(account_id, occurrence.campaign, plan)
        for name, value in _occurrence_fields(plan, channel_id).items():
            setattr(occurrence, name, value)
        occurrence.save()
        record(account_id, "campaign.changed", plan.name, actor, clock)
    return get_campaign(account_id, campaign_id)


def schedule_campaign(
    account_id: int, campaign_id: int, *, clock: Clock, actor: str = "system"
) -> CampaignView:
    """Let it run at its time. Raises MoveRefused, TimeRefused, TemplatesRefused."""
    with transaction.atomic():
        occurrence = locked(account_id, campaign_id)
        check_move(OccurrenceState(occurrence.state), OccurrenceState.SCHEDULED, occurrence.campaign.name)
        _check(account_id, _plan_of(occurrence), clock)
        Occurrence.objects.filter(account_id=account_id, pk=occurrence.pk).update(
            state=OccurrenceState.SCHEDULED, cause=""
        )
        record(account_id, "campaign.scheduled", occurrence.campaign.name, actor, clock)
    return get_campaign(account_id, campaign_id)


def review(account_id: int, plan: CampaignPlan, *, clock: Clock) -> Review:
    """Check everything and say in one sentence what would happen; writes nothing."""
    _check(account_id, plan, clock)
    lock_at, send_at = instants(plan)
    group = targeting.get_group(account_id, plan.group_id)
    reachable, members = _reachable(account_id, plan, group.condition)
    control = round(reachable * float(plan.control_percent) / 100)
    names = {one.template_id: one.name for one in offered(account_id, plan.channel_account_id, plan.channel)}
    what = " or ".join(names[one.template_id] for one in plan.templates)
    sentence = (
        f"On {to_local(send_at, plan.zone):%a} {plan.day.day} {plan.day:%b} at {plan.time:%H:%M} "
        f"{place_name(plan.zone)} time about {reachable - control:,} customers get {what}; "
        f"{control:,} get nothing. The list is made at {to_local(lock_at, plan.zone):%H:%M}."
    )
    warnings = _warnings(account_id, plan, group.name, members)
    return Review(sentence=sentence, send_at=send_at, lock_at=lock_at, warnings=warnings)


def _reachable(account_id: int, plan: CampaignPlan, condition: dict[str, Any]) -> tuple[int, int]:
    count = targeting.count(account_id, condition)
    reached = count.email if plan.channel == ChannelKind.EMAIL else count.sms
    return (count.members if reached is None else reached), count.members


def _warnings(account_id: int, plan: CampaignPlan, group: str, members: int) -> tuple[str, ...]:
    found = []
    if members == 0:
        found.append(f"Nobody is in {group} today.")
    if resolve_local(datetime.combine(plan.day, plan.time), plan.zone).overlap:
        found.append(
            f"{plan.time:%H:%M} exists twice that day in {place_name(plan.zone)}; the first is meant."
        )
    view = channels.get_account(account_id, plan.channel_account_id)
    active = [one for one in listeners.listeners(account_id) if one.is_active]
    found += _clearance_warnings(plan, any(one.event_type == CLEARANCE_EVENT for one in active))
    registered = {one.channel_id for one in active if one.event_type == 13}
    if view.channel_id(str(plan.channel)) not in registered and None not in registered:
        found.append(
            "No listener is registered for this channel yet; until one is, the messenger hears nothing."
        )
    return tuple(found)


def _clearance_warnings(plan: CampaignPlan, is_heard: bool) -> list[str]:
    if plan.clearance is None:
        return []
    until = to_local(instants(plan)[1] - plan.clearance, plan.zone)
    when = f"{until:%H:%M:%S}" if until.second else f"{until:%H:%M}"
    found = [f"Only customers whom a third party clears by {when} get it."]
    if not is_heard:
        found.append("No listener is registered for event 5 yet; until one is, no third party hears of it.")
    return found


def _check(account_id: int, plan: CampaignPlan, clock: Clock) -> int:
    check_plan(plan)
    check_offer(plan, known_codes(account_id) if plan.promo_codes else ())
    try:
        ChannelKind(plan.channel)
    except ValueError as error:
        raise PlanRefused("Choose email or SMS.", field="channel") from error
    targeting.get_group(account_id, plan.group_id)
    view = channels.get_account(account_id, plan.channel_account_id)
    check_templates(plan, offered(account_id, view.id, plan.channel))
    check_ahead(plan, clock.business())
    if not view.channel_id(str(plan.channel)):
        word = "email" if plan.channel == ChannelKind.EMAIL else "SMS"
        raise PlanRefused(f"{view.name} has no channel for {word}.", "Choose the other.", field="channel")
    return view.channel_id(str(plan.channel))


def locked(account_id: int, campaign_id: int) -> Occurrence:
    """The campaign's occurrence, locked until the transaction ends. Raises NoSuchCampaign."""
    row = (
        Occurrence.objects.select_for_update(of=("self",))
        .select_related("campaign", "campaign__action")
        .filter(account_id=account_id, campaign_id=campaign_id)
        .first()
    )
    if row is None:
        raise NoSuchCampaign(f"There is no campaign {campaign_id}.", "See `tandem campaign list`.")
    return row


def _plan_of(row: Occurrence) -> CampaignPlan:
    campaign = row.campaign
    rows = CampaignTemplate.objects.filter(account_id=row.account_id, campaign_id=campaign.pk).order_by(
        "place"
    )
    return CampaignPlan(
        name=campaign.name,
        group_id=campaign.group_id,
        channel=campaign.kind,
        channel_account_id=campaign.channel_account_id,
        project_id=campaign.project_id,
        templates=tuple(TemplateShare(one.template_id, one.share) for one in rows),
        day=row.day,
        time=campaign.time,
        zone=campaign.zone,
        control_percent=campaign.control_percent,
        lead_minutes=campaign.lead_seconds / 60,
        late_minutes=campaign.late_minutes,
        action=campaign.action.name,
        duration_days=campaign.duration_days,
        notes=campaign.notes,
        tags=tuple(campaign.tags),
        promo_codes=tuple(campaign.promo_codes),
        clearance_minutes=None if campaign.clearance_seconds is None else campaign.clearance_seconds / 60,
    )


def _campaign_fields(account_id: int, plan: CampaignPlan) -> dict[str, Any]:
    clearance = plan.clearance
    return {
        "name": plan.name.strip(),
        "group_id": plan.group_id,
        "channel_account_id": plan.channel_account_id,
        "kind": str(plan.channel),
        "project_id": plan.project_id,
        "time": plan.time.replace(tzinfo=None, microsecond=0),
        "zone": plan.zone,
        "control_percent": plan.control_percent,
        "lead_seconds": round(plan.lead.total_seconds()),
        "late_minutes": plan.late_minutes,
        "action": action_row(account_id, action_name(plan)),
        "duration_days": plan.duration_days,
        "notes": plan.notes.strip(),
        "tags": list(plan.tags),
        "promo_codes": list(plan.promo_codes),
        "clearance_seconds": None if clearance is None else round(clearance.total_seconds()),
    }


def _occurrence_fields(plan: CampaignPlan, channel_id: int) -> dict[str, Any]:
    lock_at, send_at = instants(plan)
    late_at = send_at + timedelta(minutes=plan.late_minutes)
    return {
        "day": plan.day,
        "channel_id": channel_id,
        "lock_at": lock_at,
        "send_at": send_at,
        "late_at": late_at,
        "clearance_at": None if plan.clearance is None else send_at - plan.clearance,
    }


def _set_templates(account_id: int, campaign: Campaign, plan: CampaignPlan) -> None:
    CampaignTemplate.objects.bulk_create(
        CampaignTemplate(
            account_id=account_id,
            campaign=campaign,
            channel_account_id=plan.channel_account_id,
            project_id=plan.project_id,
            template_id=one.template_id,
            share=one.share,
            place=place,
        )
        for place, one in enumerate(plan.templates)
    )


def record(account_id: int, action: str, subject: str, actor: str, clock: Clock) -> None:
    """Write down who did what to a campaign."""
    accounts.record(account_id, actor=actor, action=action, subject=subject, clock=clock)
