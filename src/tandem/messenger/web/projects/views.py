"""Projects and their triggers: versions, source, preview of a contact, activation."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tandem.kit.problems import Problem
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import service as contacts
from tandem.messenger.projects import service as projects_service
from tandem.messenger.web.frames import framed
from tandem.messenger.web.pages import account_id, actor, changes, may, now_clock, page, wanted
from tandem.messenger.web.projects.looks import describe


@require_GET
@page
def project_list(request: HttpRequest) -> HttpResponse:
    """Every project with its triggers."""
    account = account_id(request)
    triggers = projects_service.list_triggers(account)
    archived, found = request.GET.get("archived") == "1", projects_service.list_projects(account)
    groups = [
        (project, shown)
        for project in found
        if (shown := _shown(triggers, project, archived=archived)) or bool(project.archived_at) is archived
    ]
    context = {
        "groups": groups,
        "archived": archived,
        "some_archived": any(one.archived_at for one in found) or any(one.archived_at for one in triggers),
        "may_change": may(request, "content"),
    }
    return render(request, "projects/list.html", context)


def _shown(triggers: Any, project: Any, *, archived: bool) -> list[Any]:
    return [one for one in triggers if one.project_id == project.id and bool(one.archived_at) is archived]


@require_GET
@page
def project(request: HttpRequest, project_id: int) -> HttpResponse:
    """One project: sender and triggers."""
    account = account_id(request)
    context = {
        "project": projects_service.get_project(account, project_id),
        "triggers": projects_service.list_triggers(account, project_id),
        "may_change": may(request, "content"),
    }
    return render(request, "projects/project.html", context)


@require_GET
@page
def trigger(request: HttpRequest, trigger_id: int) -> HttpResponse:
    """One trigger: its versions."""
    account = account_id(request)
    found = projects_service.get_trigger(account, trigger_id)
    context = {
        "trigger": found,
        "project": projects_service.get_project(account, found.project_id),
        "list": contacts.get_list(account, found.list_id),
        "may_change": may(request, "content"),
    }
    return render(request, "projects/trigger.html", context)


@require_GET
@page
def version(request: HttpRequest, trigger_id: int, version_id: int) -> HttpResponse:
    """One version: its source, what it looks like for a contact, what is wrong with it."""
    context = _look(request, trigger_id, version_id)
    return render(request, "projects/version.html", context, status=404 if context["unknown"] else 200)


@require_GET
@page
def frame(request: HttpRequest, trigger_id: int, version_id: int) -> HttpResponse:
    """The email for the sandboxed frame, rendered for the chosen contact."""
    account = account_id(request)
    contact = request.GET.get("contact", "")[:150] or None
    found = _version(account, trigger_id, version_id)
    preview = projects_service.preview(account, trigger_id, found.id, original_id=contact)
    return framed(preview.html, pictures="data: https:")


@require_POST
@page
@changes("content")
def activate(request: HttpRequest, trigger_id: int, version_id: int) -> HttpResponse:
    """Make a draft the version that is sent; a faulty one is refused with lines and columns."""
    account, clock = account_id(request), now_clock()
    found = _version(account, trigger_id, version_id)
    try:
        projects_service.activate(account, found.id, clock=clock)
    except Problem as problem:
        context = _look(request, trigger_id, version_id) | {"problem": problem}
        return render(request, "projects/version.html", context, status=problem.status)
    accounts.record(
        account,
        actor=actor(request),
        action="version activated",
        subject=f"{trigger_id}/{version_id}",
        clock=clock,
    )
    messages.success(
        request, _("This version is active now. Sendings planned before keep the version they had.")
    )
    return redirect("version", trigger_id, version_id)


def _look(request: HttpRequest, trigger_id: int, version_id: int) -> dict[str, Any]:
    account = account_id(request)
    contact = (request.GET.get("contact") or request.POST.get("contact") or "").strip()[:150]
    found = projects_service.get_trigger(account, trigger_id)
    return describe(request, found, _version(account, trigger_id, version_id), contact)


def _version(account: int, trigger_id: int, version_id: int) -> Any:
    versions = projects_service.get_trigger(account, trigger_id).versions
    found = next((version for version in versions if version.id == version_id), None)
    return wanted(found, _("version"))
