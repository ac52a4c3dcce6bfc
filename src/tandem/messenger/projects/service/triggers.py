"""Triggers: made, listed, read with their versions."""

from collections import defaultdict

from django.db import IntegrityError, transaction

from tandem.kit.clock import Clock
from tandem.messenger.contacts.service import require_list
from tandem.messenger.projects.domain import (
    Channel,
    TriggerView,
    VersionState,
    VersionView,
    lacking,
    source_from_json,
)
from tandem.messenger.projects.errors import BadProject, NameTaken, UnknownTrigger
from tandem.messenger.projects.models import Trigger, TriggerVersion
from tandem.messenger.projects.service.folders import get_project


def create_trigger(
    account_id: int,
    *,
    project_id: int,
    list_id: int,
    name: str,
    channel: str,
    description: str = "",
    ignore_opt_out: bool = False,
    clock: Clock,
) -> TriggerView:
    """Make a trigger in a project for contacts of a list; it sends nothing before a version is activated."""
    project = get_project(account_id, project_id)
    require_list(account_id, list_id)
    _check_name(name)
    if project.archived_at is not None:
        raise BadProject(f"The project {project.name!r} is archived.", "Restore it first.")
    if channel not in list(Channel):
        raise BadProject(f"There is no channel {channel!r}.", "Use email or sms.", field="channel")
    if channel == Channel.SMS and not project.sms_sender:
        raise BadProject(
            f"The project {project.name!r} has no SMS sender.", "Set one on the project.", field="channel"
        )
    now = clock.system()
    try:
        with transaction.atomic():
            row = Trigger.objects.create(
                account_id=account_id, project_id=project_id, list_id=list_id, name=name.strip(), channel=channel,
                description=description, ignore_opt_out=ignore_opt_out, created_at=now, modified_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise _taken(name) from None
    return _trigger(row, ())


def change_trigger(
    account_id: int, trigger_id: int, *, name: str, description: str = "", clock: Clock
) -> TriggerView:
    """Another name or description. Its list and channel stay, for versions were written for them."""
    trigger_row(account_id, trigger_id)
    _check_name(name)
    try:
        with transaction.atomic():
            Trigger.objects.filter(account_id=account_id, pk=trigger_id).update(
                name=name.strip(), description=description, modified_at=clock.system()
            )
    except IntegrityError:
        raise _taken(name) from None
    return get_trigger(account_id, trigger_id)


def list_triggers(account_id: int, project_id: int | None = None) -> tuple[TriggerView, ...]:
    """Triggers of the account or of one project, by id, with their versions."""
    rows = Trigger.objects.filter(account_id=account_id)
    if project_id is not None:
        rows = rows.filter(project_id=project_id)
    versions: dict[int, list[VersionView]] = defaultdict(list)
    for version in TriggerVersion.objects.filter(account_id=account_id, trigger__in=rows).order_by("-id"):
        versions[version.trigger_id].append(version_view(version))
    return tuple(_trigger(row, tuple(versions[row.pk])) for row in rows.order_by("id"))


def get_trigger(account_id: int, trigger_id: int) -> TriggerView:
    """One trigger with its versions, newest first. Raises UnknownTrigger."""
    row = trigger_row(account_id, trigger_id)
    versions = TriggerVersion.objects.filter(account_id=account_id, trigger_id=trigger_id).order_by("-id")
    return _trigger(row, tuple(map(version_view, versions)))


def get_version(account_id: int, version_id: int) -> VersionView:
    """One version. Raises UnknownTrigger."""
    return version_view(version_row(account_id, version_id))


def trigger_row(account_id: int, trigger_id: int) -> Trigger:
    """The row, for verbs of this room."""
    row = Trigger.objects.filter(account_id=account_id, pk=trigger_id).first()
    if row is None:
        raise UnknownTrigger(f"There is no trigger {trigger_id}.", "List the triggers to see their ids.")
    return row


def version_row(account_id: int, version_id: int) -> TriggerVersion:
    """The row, for verbs of this room."""
    row = (
        TriggerVersion.objects.filter(account_id=account_id, pk=version_id).select_related("trigger").first()
    )
    if row is None:
        raise UnknownTrigger(f"There is no version {version_id}.", "Look at the trigger to see its versions.")
    return row


def version_view(row: TriggerVersion) -> VersionView:
    """What others see of the row."""
    kind = Channel.EMAIL if "subject" in row.source else Channel.SMS
    parts = [part for part in (row.compiled or {}).values() if isinstance(part, dict) and "names" in part]
    return VersionView(
        id=row.pk, trigger_id=row.trigger_id, name=row.name, state=VersionState(row.state),
        source=source_from_json(kind, row.source), warnings=tuple(row.warnings),
        names=tuple(sorted({name for part in parts for name in part["names"]})),
        lacking=None if row.lacking is None else lacking(row.lacking["contacts"], row.lacking["missing"]),
        created_at=row.created_at, modified_at=row.modified_at, activated_at=row.activated_at,
    )  # fmt: skip


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > 200:
        raise BadProject(
            "The trigger needs a name of at most 200 characters.", "Give it a name.", field="name"
        )


def _taken(name: str) -> NameTaken:
    return NameTaken(f"The project has a trigger {name!r} already.", "Choose another name.", field="name")


def _trigger(row: Trigger, versions: tuple[VersionView, ...]) -> TriggerView:
    return TriggerView(
        id=row.pk, project_id=row.project_id, list_id=row.list_id, name=row.name, description=row.description,
        channel=Channel(row.channel), ignore_opt_out=row.ignore_opt_out,
        active_version_id=None if row.archived_at else row.active_version_id, archived_at=row.archived_at,
        created_at=row.created_at, modified_at=row.modified_at, versions=versions,
    )  # fmt: skip
