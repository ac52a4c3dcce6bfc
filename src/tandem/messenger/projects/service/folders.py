"""Projects: folders of triggers with the sender they share."""

import re

from django.db import IntegrityError, transaction

from tandem.kit.clock import Clock
from tandem.messenger.projects.compiler import check_sender
from tandem.messenger.projects.domain import ProjectView, Sender
from tandem.messenger.projects.errors import BadProject, NameTaken, UnknownProject
from tandem.messenger.projects.models import Project

_SMS_SENDER = re.compile(r"[A-Za-z0-9 ]{1,11}|\+?[0-9]{3,15}")


def create_project(
    account_id: int,
    *,
    name: str,
    description: str = "",
    from_name: str = "",
    from_address: str,
    reply_to: str = "",
    sms_sender: str = "",
    clock: Clock,
) -> ProjectView:
    """Make a project. Raises BadProject for a sender that messages cannot carry, NameTaken for its name."""
    _check(name, from_name, from_address, reply_to, sms_sender)
    now = clock.system()
    try:
        with transaction.atomic():
            row = Project.objects.create(
                account_id=account_id, name=name.strip(), description=description, from_name=from_name,
                from_address=from_address, reply_to=reply_to, sms_sender=sms_sender, created_at=now, modified_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise NameTaken(
            f"There is a project {name!r} already.", "Choose another name.", field="name"
        ) from None
    return project_view(row)


def change_project(
    account_id: int,
    project_id: int,
    *,
    name: str,
    description: str = "",
    from_name: str = "",
    from_address: str,
    reply_to: str = "",
    sms_sender: str = "",
    clock: Clock,
) -> ProjectView:
    """Change a project; drafts follow, activated versions keep the sender they had. Raises as create_project."""
    get_project(account_id, project_id)
    _check(name, from_name, from_address, reply_to, sms_sender)
    try:
        with transaction.atomic():
            Project.objects.filter(account_id=account_id, pk=project_id).update(
                name=name.strip(), description=description, from_name=from_name, from_address=from_address,
                reply_to=reply_to, sms_sender=sms_sender, modified_at=clock.system(),
            )  # fmt: skip
    except IntegrityError:
        raise NameTaken(
            f"There is a project {name!r} already.", "Choose another name.", field="name"
        ) from None
    return get_project(account_id, project_id)


def list_projects(account_id: int) -> tuple[ProjectView, ...]:
    """Every project of the account, by id."""
    return tuple(project_view(row) for row in Project.objects.filter(account_id=account_id).order_by("id"))


def get_project(account_id: int, project_id: int) -> ProjectView:
    """The project of this id. Raises UnknownProject."""
    row = Project.objects.filter(account_id=account_id, pk=project_id).first()
    if row is None:
        raise UnknownProject(f"There is no project {project_id}.", "List the projects to see their ids.")
    return project_view(row)


def project_view(row: Project) -> ProjectView:
    """What others see of the row."""
    return ProjectView(
        id=row.pk, name=row.name, description=row.description, from_name=row.from_name,
        from_address=row.from_address, reply_to=row.reply_to, sms_sender=row.sms_sender,
        created_at=row.created_at, modified_at=row.modified_at, archived_at=row.archived_at,
    )  # fmt: skip


def _check(name: str, from_name: str, from_address: str, reply_to: str, sms_sender: str) -> None:
    if not name.strip() or len(name) > 200:
        raise BadProject(
            "The project needs a name of at most 200 characters.", "Give it a name.", field="name"
        )
    try:
        check_sender(Sender(name=from_name, address=from_address, reply_to=reply_to, sms=sms_sender))
    except ValueError:
        raise BadProject(
            "The sender's name or address cannot be used.", "Write an address such as news@shop.example.",
            field="from_address",
        ) from None  # fmt: skip
    if sms_sender and not _SMS_SENDER.fullmatch(sms_sender):
        raise BadProject(
            "The SMS sender must be a number or at most 11 letters and digits.",
            "Shorten it.",
            field="sms_sender",
        )
