"""Projects and templates: read from the messenger, kept with their read time, previewed for a real customer."""

from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q

from tandem.contract.messenger_api import Preview, Project, Trigger
from tandem.kit.clock import Clock
from tandem.planner.channels.domain import (
    PUSHED_PROJECT,
    ChannelKind,
    ProjectView,
    TemplatesRead,
    TemplateView,
    fits,
    template_channel,
)
from tandem.planner.channels.errors import NoSuchTemplate
from tandem.planner.channels.models import ChannelAccount, ProjectCopy, TemplateCopy
from tandem.planner.channels.service.accounts import client_of, row_of


def read_templates(account_id: int, channel_account_id: int, *, clock: Clock) -> TemplatesRead:
    """Read all projects and templates and replace the copy; if the messenger fails the old copy stays."""
    row = row_of(account_id, channel_account_id)
    messenger = client_of(account_id, row)
    triggers = messenger.triggers()
    projects = _with_unnamed(messenger.projects(), triggers)
    now = clock.business()
    with transaction.atomic():
        row_of(account_id, channel_account_id, lock=True)
        _keep_projects(account_id, row.pk, projects, now)
        _keep_templates(account_id, row.pk, triggers, now)
        ChannelAccount.objects.filter(account_id=account_id, pk=row.pk).update(templates_read_at=now)
    return TemplatesRead(projects=len(projects), templates=len(triggers), read_at=now)


def list_projects(account_id: int, channel_account_id: int) -> tuple[ProjectView, ...]:
    """The projects of the last reading, by name."""
    rows = ProjectCopy.objects.filter(
        account_id=account_id, channel_account_id=channel_account_id, gone=False
    )
    counts = dict(
        TemplateCopy.objects.filter(account_id=account_id, channel_account_id=channel_account_id, gone=False)
        .values_list("project_id")
        .annotate(number=Count("pk"))
    )
    return tuple(
        ProjectView(
            id=row.project_id,
            name=row.name,
            description=row.description,
            templates=counts.get(row.project_id, 0),
            read_at=row.read_at,
        )
        for row in rows.order_by("name", "project_id")
    )


def list_templates(
    account_id: int,
    channel_account_id: int,
    *,
    project_id: int | None = None,
    channel: ChannelKind | str | None = None,
    usable_only: bool = False,
) -> tuple[TemplateView, ...]:
    """The templates of the last reading, by project and name."""
    rows = TemplateCopy.objects.filter(
        account_id=account_id, channel_account_id=channel_account_id, gone=False
    )
    if project_id is not None:
        rows = rows.filter(project_id=project_id)
    names = _project_names(account_id, channel_account_id)
    views = (_view(row, names) for row in rows)
    chosen = (one for one in views if channel is None or fits(one.channel, channel))
    wanted = [one for one in chosen if one.usable or not usable_only]
    return tuple(sorted(wanted, key=lambda one: (one.project_name, one.name, one.id)))


def get_template(account_id: int, channel_account_id: int, template_id: int) -> TemplateView:
    """One template of the last reading. Raises NoSuchTemplate."""
    row = TemplateCopy.objects.filter(
        account_id=account_id, channel_account_id=channel_account_id, template_id=template_id, gone=False
    ).first()
    if row is None:
        raise NoSuchTemplate(
            f"Template {template_id} is not among those last read.", "Read the templates again."
        )
    return _view(row, _project_names(account_id, channel_account_id))


def preview(account_id: int, channel_account_id: int, template_id: int, customer_id: str) -> Preview:
    """The template as one real customer would get it, or a link where the messenger shows only what it sent.

    Raises what the messenger answers, MessengerHasNot first, and NoPreview.
    """
    row = row_of(account_id, channel_account_id)
    template = get_template(account_id, channel_account_id, template_id)
    return client_of(account_id, row).preview(
        template.id, template.active_campaign, customer_id, template.list_id
    )


def _with_unnamed(projects: tuple[Project, ...], triggers: tuple[Trigger, ...]) -> tuple[Project, ...]:
    known = {project.id for project in projects}
    lost = sorted({trigger.project_id for trigger in triggers} - known)
    return (*projects, *(Project(id=number, name=f"Project {number}") for number in lost))


def _keep_projects(
    account_id: int, channel_account_id: int, projects: tuple[Project, ...], now: datetime
) -> None:
    rows = [
        ProjectCopy(
            account_id=account_id,
            channel_account_id=channel_account_id,
            project_id=one.id,
            name=one.name[:300],
            description=one.description,
            gone=False,
            read_at=now,
        )
        for one in {project.id: project for project in projects}.values()
    ]
    ProjectCopy.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["account", "channel_account", "project_id"],
        update_fields=["name", "description", "gone", "read_at"],
    )
    stale = ProjectCopy.objects.filter(account_id=account_id, channel_account_id=channel_account_id)
    stale.exclude(project_id__in=[PUSHED_PROJECT, *(one.id for one in projects)]).update(gone=True)


def _keep_templates(
    account_id: int, channel_account_id: int, triggers: tuple[Trigger, ...], now: datetime
) -> None:
    latest = {trigger.id: trigger for trigger in triggers}
    rows = [
        TemplateCopy(
            account_id=account_id,
            channel_account_id=channel_account_id,
            project_id=one.project_id,
            template_id=one.id,
            name=one.name[:300],
            description=one.description,
            channel=template_channel(one.channel_type),
            list_id=one.list_id,
            active=one.active,
            active_campaign=one.active_campaign,
            gone=False,
            read_at=now,
        )
        for one in latest.values()
    ]
    TemplateCopy.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["account", "channel_account", "project_id", "template_id"],
        update_fields=[
            "name",
            "description",
            "channel",
            "list_id",
            "active",
            "active_campaign",
            "gone",
            "read_at",
        ],
    )
    here = Q(pk__in=[])
    for one in latest.values():
        here |= Q(template_id=one.id, project_id=one.project_id)
    mine = TemplateCopy.objects.filter(account_id=account_id, channel_account_id=channel_account_id)
    mine.exclude(here).exclude(pushed=True).update(gone=True)
    mine.filter(pushed=True, template_id__in=list(latest)).update(gone=True)  # what is read counts


def _project_names(account_id: int, channel_account_id: int) -> dict[int, str]:
    rows = ProjectCopy.objects.filter(account_id=account_id, channel_account_id=channel_account_id)
    return dict(rows.values_list("project_id", "name"))


def _view(row: TemplateCopy, names: dict[int, str]) -> TemplateView:
    return TemplateView(
        id=row.template_id,
        project_id=row.project_id,
        project_name=names.get(row.project_id, ""),
        name=row.name,
        description=row.description,
        channel=row.channel,
        list_id=row.list_id,
        active=row.active,
        active_campaign=row.active_campaign,
        read_at=row.read_at,
        app_id=row.app_id,
    )
