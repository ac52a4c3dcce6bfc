"""Read campaigns as people see them."""

from collections.abc import Iterable

from django.db.models import QuerySet

from tandem.planner.campaigns.domain import (
    CampaignView,
    OccurrenceState,
    Offered,
    PlannedTemplate,
)
from tandem.planner.campaigns.errors import NoSuchCampaign, NoSuchOccurrence
from tandem.planner.campaigns.models import CampaignTemplate, Occurrence
from tandem.planner.channels import service as channels
from tandem.planner.channels.domain import ChannelKind, TemplateView, fits
from tandem.planner.channels.models import ProjectCopy, TemplateCopy


def get_campaign(account_id: int, campaign_id: int) -> CampaignView:
    """One campaign. Raises NoSuchCampaign."""
    found = _views(account_id, _occurrences(account_id).filter(campaign_id=campaign_id))
    if not found:
        raise NoSuchCampaign(f"There is no campaign {campaign_id}.", "See `tandem campaign list`.")
    return found[0]


def occurrence_campaign(account_id: int, occurrence_id: int) -> CampaignView:
    """The campaign of an occurrence. Raises NoSuchOccurrence."""
    found = _views(account_id, _occurrences(account_id).filter(pk=occurrence_id))
    if not found:
        raise NoSuchOccurrence(f"There is no campaign with the id {occurrence_id}.")
    return found[0]


def occurrence_campaigns(account_id: int, occurrence_ids: Iterable[int]) -> tuple[CampaignView, ...]:
    """The campaigns of these occurrences, by occurrence id; unknown ones are left out."""
    return _views(account_id, _occurrences(account_id).filter(pk__in=list(occurrence_ids)).order_by("pk"))


def list_campaigns(account_id: int, *, search: str = "", limit: int = 500) -> tuple[CampaignView, ...]:
    """Campaigns, the latest send time first; `search` looks into names."""
    rows = _occurrences(account_id)
    if search.strip():
        rows = rows.filter(campaign__name__icontains=search.strip())
    return _views(account_id, rows.order_by("-send_at", "-pk")[:limit])


def newest_campaigns(
    account_id: int, *, before: int | None = None, limit: int = 50
) -> tuple[CampaignView, ...]:
    """Campaigns, the newest plan first, from the one before `before`: pages that stay right while plans are added."""
    rows = _occurrences(account_id)
    if before is not None:
        rows = rows.filter(campaign_id__lt=before)
    return _views(account_id, rows.order_by("-campaign_id")[:limit])


def usable_templates(
    account_id: int, channel_account_id: int, project_id: int, kind: ChannelKind | str
) -> tuple[TemplateView, ...]:
    """What can be chosen once the project and the channel are."""
    return channels.list_templates(
        account_id, channel_account_id, project_id=project_id, channel=str(kind), usable_only=True
    )


def offered(account_id: int, channel_account_id: int, kind: ChannelKind | str) -> tuple[Offered, ...]:
    """Every template last read, as the rules want it."""
    return tuple(
        Offered(
            template_id=one.id,
            name=one.name,
            project_id=one.project_id,
            project_name=one.project_name,
            fits=fits(one.channel, str(kind)),
            usable=one.usable,
        )
        for one in channels.list_templates(account_id, channel_account_id)
    )


def _occurrences(account_id: int) -> QuerySet[Occurrence]:
    return Occurrence.objects.filter(account_id=account_id).select_related(
        "campaign", "campaign__group", "campaign__channel_account", "campaign__action"
    )


def _views(account_id: int, rows: Iterable[Occurrence]) -> tuple[CampaignView, ...]:
    found = list(rows)
    templates = _templates(account_id, [row.campaign_id for row in found])
    known = ProjectCopy.objects.filter(account_id=account_id)
    projects = {
        (channel, project): name
        for channel, project, name in known.values_list("channel_account_id", "project_id", "name")
    }
    return tuple(_view(row, templates.get(row.campaign_id, ()), projects) for row in found)


def _templates(account_id: int, campaign_ids: list[int]) -> dict[int, tuple[PlannedTemplate, ...]]:
    chosen = CampaignTemplate.objects.filter(account_id=account_id, campaign_id__in=campaign_ids)
    rows = list(chosen.order_by("place"))
    copies = TemplateCopy.objects.filter(
        account_id=account_id, template_id__in={row.template_id for row in rows}
    )
    names = {
        tuple(key): name
        for *key, name in copies.values_list("channel_account_id", "project_id", "template_id", "name")
    }
    found: dict[int, tuple[PlannedTemplate, ...]] = {}
    for row in rows:
        name = names.get((row.channel_account_id, row.project_id, row.template_id), "")
        planned = PlannedTemplate(template_id=row.template_id, name=name, share=row.share)
        found[row.campaign_id] = (*found.get(row.campaign_id, ()), planned)
    return found


def _view(
    row: Occurrence, templates: tuple[PlannedTemplate, ...], projects: dict[tuple[int, int], str]
) -> CampaignView:
    plan = row.campaign
    return CampaignView(
        id=plan.pk,
        name=plan.name,
        group_id=plan.group_id,
        group_name=plan.group.name,
        group_version=plan.group.version,
        channel=ChannelKind(plan.kind),
        channel_account_id=plan.channel_account_id,
        channel_account_name=plan.channel_account.name,
        channel_id=row.channel_id,
        project_id=plan.project_id,
        project_name=projects.get((plan.channel_account_id, plan.project_id), ""),
        templates=templates,
        day=row.day,
        time=plan.time,
        zone=plan.zone,
        control_percent=plan.control_percent,
        lead_minutes=plan.lead_seconds / 60,
        late_minutes=plan.late_minutes,
        state=OccurrenceState(row.state),
        occurrence_id=row.pk,
        lock_at=row.lock_at,
        send_at=row.send_at,
        cause=row.cause,
        action_id=plan.action.number,
        action=plan.action.name,
        duration_days=plan.duration_days,
        notes=plan.notes,
        tags=tuple(plan.tags),
        promo_codes=tuple(plan.promo_codes),
        clearance_minutes=None if plan.clearance_seconds is None else plan.clearance_seconds / 60,
        clearance_at=row.clearance_at,
        fetched_at=row.fetched_at,
    )
