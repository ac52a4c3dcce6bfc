"""What is no longer used goes out of sight; nothing is lost, and it can come back."""

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.messenger.projects.domain import ProjectView, TriggerView
from tandem.messenger.projects.errors import BadProject
from tandem.messenger.projects.models import Project, Trigger
from tandem.messenger.projects.service.folders import get_project
from tandem.messenger.projects.service.triggers import get_trigger, trigger_row


def archive_trigger(account_id: int, trigger_id: int, *, clock: Clock) -> TriggerView:
    """Nothing new is sent by it, and the planner is offered it no more; what is in the ledger is sent."""
    trigger_row(account_id, trigger_id)
    now = clock.system()
    rows = Trigger.objects.filter(account_id=account_id, pk=trigger_id, archived_at=None)
    rows.update(archived_at=now, modified_at=now)
    return get_trigger(account_id, trigger_id)


def restore_trigger(account_id: int, trigger_id: int, *, clock: Clock) -> TriggerView:
    """It is as it was, with the version that was active. Raises BadProject while its project is archived."""
    project = get_project(account_id, trigger_row(account_id, trigger_id).project_id)
    if project.archived_at is not None:
        raise BadProject(f"The project {project.name!r} is archived.", "Restore it first.")
    rows = Trigger.objects.filter(account_id=account_id, pk=trigger_id)
    rows.update(archived_at=None, modified_at=clock.system())
    return get_trigger(account_id, trigger_id)


def archive_project(account_id: int, project_id: int, *, clock: Clock) -> ProjectView:
    """With all its triggers."""
    get_project(account_id, project_id)
    now = clock.system()
    with transaction.atomic():
        Project.objects.filter(account_id=account_id, pk=project_id, archived_at=None).update(
            archived_at=now, modified_at=now
        )
        Trigger.objects.filter(account_id=account_id, project_id=project_id, archived_at=None).update(
            archived_at=now, modified_at=now
        )
    return get_project(account_id, project_id)


def restore_project(account_id: int, project_id: int, *, clock: Clock) -> ProjectView:
    """The project; each of its triggers is restored by itself."""
    get_project(account_id, project_id)
    Project.objects.filter(account_id=account_id, pk=project_id).update(
        archived_at=None, modified_at=clock.system()
    )
    return get_project(account_id, project_id)
