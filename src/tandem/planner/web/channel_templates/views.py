"""Templates of the messenger: cards by project, reading again, preview as a real customer."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tandem.kit.problems import NotFound, Problem
from tandem.planner.channels import service as channels
from tandem.planner.customers import service as customers
from tandem.planner.web.access import now, page

_FRAME_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: https:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


@page()
def templates(request: HttpRequest) -> HttpResponse:
    """Cards by project, for one connected account at a time."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    found = channels.list_accounts(account_id)
    chosen = next(
        (c for c in found if str(c.id) == request.GET.get("connection")), found[0] if found else None
    )
    context: dict[str, Any] = {"connections": found, "connection": chosen}
    if chosen is not None:
        cards = channels.list_templates(account_id, chosen.id)
        context["projects"] = [
            (project, [card for card in cards if card.project_id == project.id])
            for project in channels.list_projects(account_id, chosen.id)
        ]
    return render(request, "channel_templates/list.html", context)


@page(write=True)
@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """Read projects and templates from the messenger again."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    wanted = request.POST.get("connection", "")
    chosen = channels.get_account(account_id, int(wanted) if wanted.isdigit() else None)
    try:
        done = channels.read_templates(account_id, chosen.id, clock=now())
        words = _("Read %(projects)s projects with %(templates)s templates.")
        messages.success(request, words % {"projects": done.projects, "templates": done.templates})
    except Problem as problem:
        messages.error(request, f"{problem.detail} {problem.advice}")
    return HttpResponseRedirect(f"/ui/templates?connection={chosen.id}")


@page()
def template(request: HttpRequest, connection_id: int, template_id: int) -> HttpResponse:
    """One template as a real customer would get it."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    connection = channels.get_account(account_id, connection_id)
    card = _card(account_id, connection_id, template_id)
    customer_id = preview_customer(account_id, request.GET.get("customer", ""))
    context: dict[str, Any] = {"connection": connection, "template": card, "customer_id": customer_id}
    try:
        context["preview"] = channels.preview(account_id, connection_id, template_id, customer_id)
    except Problem as problem:
        context["problem"] = problem
    return render(request, "channel_templates/template.html", context)


@page()
def frame(request: HttpRequest, connection_id: int, template_id: int) -> HttpResponse:
    """The message alone, in a document that may run nothing and reach nothing."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    context: dict[str, Any] = {}
    channels.get_account(account_id, connection_id)
    _card(account_id, connection_id, template_id)
    try:
        customer_id = preview_customer(account_id, request.GET.get("customer", ""))
        context["preview"] = preview = channels.preview(account_id, connection_id, template_id, customer_id)
        body = preview.html if preview.html else ""
    except Problem as problem:
        context["problem"], body = problem, ""
    answer = HttpResponse(body) if body else render(request, "channel_templates/frame.html", context)
    answer.headers["Content-Security-Policy"] = _FRAME_POLICY
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def preview_customer(account_id: int, wanted: str) -> str:
    """The customer asked for, or the first one there is; empty if there is none."""
    if wanted.strip():
        return wanted.strip()
    lines = customers.list_customers(account_id, limit=1)
    return lines[0].customer_id if lines else ""


def _card(account_id: int, connection_id: int, template_id: int) -> Any:
    for card in channels.list_templates(account_id, connection_id):
        if card.id == template_id:
            return card
    raise NotFound(_("There is no such template here."), _("Read the templates again, or choose another."))
