"""Projects: the folders of triggers."""

from typing import Any

from tandem.messenger.api.rest import wire
from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Sure, get
from tandem.messenger.projects import service as projects


def list_projects(call: Call) -> Any:
    """All projects."""
    return [wire.project(view) for view in projects.list_projects(call.account_id)]


def get_project(call: Call) -> Any:
    """One project."""
    return wire.project(projects.get_project(call.account_id, call.number("projectId")))


_EXAMPLE = (
    '{"id":77,"name":"Spring","description":"","projectTypeId":1,"dateCreated":1441374310577,'
    '"dateModified":1441374310577,"userCreated":"tandem","userModified":"tandem","archived":false}'
)

ENDPOINTS = (
    get("projects", list_projects, sure=Sure.NAMED, meaning="All projects.", example=f"[{_EXAMPLE}]"),
    get("projects/{projectId}", get_project, sure=Sure.NAMED, meaning="One project.", example=_EXAMPLE),
)
