"""Real-time campaigns: the list, the form, one with its counts and its log."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tandem.planner.realtime import service
from tandem.planner.realtime.domain import RealTimeView
from tandem.planner.realtime.errors import RealTimeRefused
from tandem.planner.web.access import go, now, page
from tandem.planner.web.realtime.forms import RealTimeForm

PAGE = 50
METRICS = {
    0: "sent", 1: "delivered", 2: "opened", 3: "clicked", 4: "unsubscribed", 5: "left out", 6: "spam report",
    9: "bounced",
}  # fmt: skip


@require_GET
@page()
def campaigns(request: HttpRequest) -> HttpResponse:
    """All of them, each with what came of its events."""
    views = service.list_campaigns(_account(request))
    shown = [(view, view.counts.get("told", 0), sum(view.counts.values())) for view in views]
    return render(request, "realtime/list.html", {"campaigns": shown})


@require_http_methods(["GET", "POST"])
@page(write=True)
def new(request: HttpRequest) -> HttpResponseBase:
    """A new one; it is paused until it is started."""
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@page(write=True)
def change(request: HttpRequest, real_time_id: int) -> HttpResponseBase:
    """Change one; it holds from the next event on."""
    return _edit(request, service.get_campaign(_account(request), real_time_id))


@require_GET
@page()
def campaign(request: HttpRequest, real_time_id: int) -> HttpResponse:
    """One with its counts, what the messenger reported, and its log, a page at a time."""
    account_id = _account(request)
    before = request.GET.get("before", "")
    lines = service.log(
        account_id, real_time_id, before=int(before) if before.isdigit() else None, limit=PAGE + 1
    )
    view = service.get_campaign(account_id, real_time_id)
    context: dict[str, Any] = {
        "campaign": view,
        "log": lines[:PAGE],
        "older": lines[PAGE - 1].id if len(lines) > PAGE else None,
        "reported": [
            (METRICS.get(metric, str(metric)), total) for metric, total in sorted(view.reported.items())
        ],
    }
    return render(request, "realtime/campaign.html", context)


@require_POST
@page(write=True)
def act(request: HttpRequest, real_time_id: int) -> HttpResponseBase:
    """Start it or pause it."""
    active = request.POST.get("do") == "start"
    view = service.set_active(_account(request), real_time_id, active, actor=str(request.user), clock=now())
    words = _("%(name)s is started.") if active else _("%(name)s is paused; events trigger nobody.")
    messages.success(request, words % {"name": view.name})
    return go(request, f"/ui/real-time/{view.id}")


def _edit(request: HttpRequest, saved: RealTimeView | None) -> HttpResponseBase:
    account_id = _account(request)
    if request.method != "POST":
        return _show(request, RealTimeForm(account_id=account_id, saved=saved), saved)
    form = RealTimeForm(request.POST, account_id=account_id)
    if not form.is_valid():
        return _show(request, form, saved, status=422)
    try:
        view = service.save_campaign(
            account_id,
            form.plan(),
            campaign_id=saved.id if saved else None,
            actor=str(request.user),
            clock=now(),
        )
    except RealTimeRefused as problem:
        form.refused(problem)
        return _show(request, form, saved, status=422)
    messages.success(request, _("%(name)s is saved.") % {"name": view.name})
    return go(request, f"/ui/real-time/{view.id}")


def _show(
    request: HttpRequest, form: RealTimeForm, saved: RealTimeView | None, *, status: int = 200
) -> HttpResponse:
    return render(request, "realtime/form.html", {"form": form, "campaign": saved}, status=status)


def _account(request: HttpRequest) -> int:
    return int(request.user.account_id)  # type: ignore[union-attr]
