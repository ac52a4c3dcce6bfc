"""Templates of the messenger: cards by project, reading again, preview as a real customer."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tandem.kit.problems import NotFound, Problem
from tandem.kit.web import is_fragment
from tandem.planner.channels import service as channels
from tandem.planner.customers import service as customers
from tandem.planner.web.access import now, page
from tandem.planner.web.channel_templates.sampling import SAMPLE, walk

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
    """One template as a real customer would get it; with a group, a walk through a sample of it."""
    return render(request, "channel_templates/template.html", _seen(request, connection_id, template_id))


@page()
def facts(request: HttpRequest, connection_id: int, template_id: int) -> HttpResponse:
    """What is to know of one customer's message beside its frame."""
    return render(request, "channel_templates/_facts.html", _seen(request, connection_id, template_id))


@page()
def survey(request: HttpRequest, connection_id: int, template_id: int) -> HttpResponse:
    """The messages of a sample compared: which fields fall back or are missing, and for whom."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    connection = channels.get_account(account_id, connection_id)
    card = _card(account_id, connection_id, template_id)
    found = walk(account_id, request.GET.get("group", ""), "")
    people = found.people or tuple(
        one.customer_id for one in customers.list_customers(account_id, limit=SAMPLE)
    )
    context = {"connection": connection, "template": card, "walk": found, "people": people}
    try:
        context["survey"] = channels.survey(account_id, connection_id, template_id, people)
    except Problem as problem:
        context["problem"] = problem
    name = "_survey.html" if is_fragment(request) else "survey.html"
    return render(request, f"channel_templates/{name}", context)


@page()
def frame(request: HttpRequest, connection_id: int, template_id: int) -> HttpResponse:
    """The message alone, in a document that may run nothing and reach nothing."""
    context = _seen(request, connection_id, template_id)
    body = context["preview"].html if "preview" in context else ""
    answer = HttpResponse(body) if body else render(request, "channel_templates/frame.html", context)
    answer.headers["Content-Security-Policy"] = _FRAME_POLICY
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _seen(request: HttpRequest, connection_id: int, template_id: int) -> dict[str, Any]:
    """The template, whose message it is, and the message, or why there is none."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    context: dict[str, Any] = {
        "connection": channels.get_account(account_id, connection_id),
        "template": _card(account_id, connection_id, template_id),
    }
    found = walk(account_id, request.GET.get("group", ""), request.GET.get("customer", ""))
    context |= {"walk": found, "customer_id": found.customer_id}
    try:
        context["preview"] = channels.preview(account_id, connection_id, template_id, found.customer_id)
    except Problem as problem:
        context["problem"] = problem
    return context


def _card(account_id: int, connection_id: int, template_id: int) -> Any:
    for card in channels.list_templates(account_id, connection_id):
        if card.id == template_id:
            return card
    raise NotFound(_("There is no such template here."), _("Read the templates again, or choose another."))
