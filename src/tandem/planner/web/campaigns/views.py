"""Campaigns: the list and the plan form."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tandem.kit.problems import Problem
from tandem.kit.web import is_fragment
from tandem.planner.campaigns import service as campaigns_service
from tandem.planner.campaigns.domain import CampaignView
from tandem.planner.web.access import go, now, page
from tandem.planner.web.campaigns import draft as drafts
from tandem.planner.web.campaigns.panel import panel, surroundings

_FIELD_IDS = {
    "name": "id_name",
    "group": "id_group",
    "group_id": "id_group",
    "project": "id_project",
    "project_id": "id_project",
    "templates": "id_templates",
    "shares": "id_templates",
    "lead": "id_lead",
    "late": "id_late",
    "template": "id_templates",
    "channel": "id_channel_email",
    "day": "id_day",
    "date": "id_day",
    "time": "id_time",
    "control_percent": "id_control",
    "control": "id_control",
    "lead_minutes": "id_lead",
    "late_minutes": "id_late",
    "action": "id_action",
    "duration": "id_duration",
    "notes": "id_notes",
    "tags": "id_tags",
    "promo_codes": "id_promo_codes",
    "clearance": "id_clearance",
}


@page()
def campaigns(request: HttpRequest) -> HttpResponseBase:
    """Every campaign of the account, latest first."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    search = request.GET.get("q", "").strip()
    found = campaigns_service.list_campaigns(account_id, search=search)
    shown = Paginator(found, 50).get_page(request.GET.get("page"))
    context = {"page": shown, "search": search, "query": urlencode({"q": search}) if search else ""}
    return render(request, "campaigns/list.html", context)


@page(write=True)
@require_http_methods(["GET", "POST"])
def plan(request: HttpRequest) -> HttpResponseBase:
    """A new campaign on one page."""
    if request.method == "POST":
        return _posted(request, None)
    zone = request.user.account.zone  # type: ignore[union-attr]
    first = drafts.fresh(now().business(), zone)
    return _form(request, _preset(request, first), None)


@page(write=True)
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, campaign_id: int) -> HttpResponseBase:
    """The same page for a campaign that may still be changed."""
    view = campaigns_service.get_campaign(request.user.account_id, campaign_id)  # type: ignore[union-attr]
    if request.method == "POST":
        return _posted(request, view)
    return _form(request, drafts.from_view(view), view)


def _preset(request: HttpRequest, draft: drafts.PlanDraft) -> drafts.PlanDraft:
    """Take the group or the template that a link named."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    around = surroundings(account_id, draft)
    draft = replace(draft, connection=around.connection_id, group=request.GET.get("group", ""))
    wanted = around.every_template.get(request.GET.get("template", ""))
    if wanted is None:
        return draft
    return replace(
        draft, channel=wanted.channel, project=str(wanted.project_id), templates=(str(wanted.id),), shares={}
    )


def _posted(request: HttpRequest, view: CampaignView | None) -> HttpResponseBase:
    account_id = request.user.account_id  # type: ignore[union-attr]
    draft = drafts.from_post(request.POST)
    around = surroundings(account_id, draft)
    draft = drafts.settle(draft, request.POST, {key: one.name for key, one in around.every_template.items()})
    draft = drafts.even_shares(draft)
    do = request.POST.get("do", "refresh")
    if do in {"next", "previous"}:
        draft = replace(draft, person=draft.person + (1 if do == "next" else -1), customer="")
    if do not in {"draft", "review", "schedule"}:
        return _form(request, draft, view)
    return _judged(request, draft, view, do)


def _judged(
    request: HttpRequest, draft: drafts.PlanDraft, view: CampaignView | None, do: str
) -> HttpResponseBase:
    account_id = request.user.account_id  # type: ignore[union-attr]
    zone = view.zone if view else request.user.account.zone  # type: ignore[union-attr]
    errors = drafts.judge(draft, surroundings(account_id, draft).every_template)
    if errors:
        return _form(request, draft, view, errors=errors, status=422)
    try:
        wanted = drafts.to_plan(draft, zone)
        if do == "review":
            review = campaigns_service.review(account_id, wanted, clock=now())
            return _form(request, draft, view, review=review)
        return _save(request, wanted, view, schedule=do == "schedule")
    except Problem as problem:
        words = f"{problem.detail} {problem.advice}".strip()
        errors = [(_FIELD_IDS.get(problem.field, ""), words)]
        return _form(request, draft, view, errors=errors, status=problem.status)


def _save(
    request: HttpRequest, wanted: Any, view: CampaignView | None, *, schedule: bool
) -> HttpResponseBase:
    account_id = request.user.account_id  # type: ignore[union-attr]
    actor = request.user.email  # type: ignore[union-attr]
    if schedule:
        campaigns_service.review(account_id, wanted, clock=now())  # refuses before anything is written
    if view is None:
        saved = campaigns_service.plan_campaign(account_id, wanted, clock=now(), actor=actor)
    else:
        saved = campaigns_service.change_campaign(account_id, view.id, wanted, clock=now(), actor=actor)
    if schedule and str(saved.state) == "draft":
        saved = campaigns_service.schedule_campaign(account_id, saved.id, clock=now(), actor=actor)
    words = (
        _("%(name)s is scheduled.")
        if schedule
        else _("%(name)s is saved; nothing is sent until it is scheduled.")
    )
    messages.success(request, words % {"name": saved.name})
    return go(request, f"/ui/campaigns/{saved.id}")


def _form(
    request: HttpRequest,
    draft: drafts.PlanDraft,
    view: CampaignView | None,
    *,
    errors: list[tuple[str, str]] | None = None,
    review: Any = None,
    status: int = 200,
) -> HttpResponse:
    user: Any = request.user
    around = surroundings(user.account_id, draft)
    draft = drafts.even_shares(draft)
    context = {
        "draft": draft,
        "around": around,
        "panel": panel(user.account_id, draft, around),
        "errors": errors or [],
        "wrong": dict(errors or []),
        "review": review,
        "campaign": view,
        "zone_of_plan": view.zone if view else user.account.zone,
    }
    template = "campaigns/_form.html" if is_fragment(request) else "campaigns/plan.html"
    return render(request, template, context, status=status)
