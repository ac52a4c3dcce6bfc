"""The daily cycle: today's steps, the last thirty days, what failed and how to mend it, and a button to run it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tandem.kit.problems import Problem
from tandem.kit.web import is_fragment
from tandem.planner.daily import cycle, queries
from tandem.planner.web.access import go, now, page


@require_GET
@page()
def show(request: HttpRequest) -> HttpResponse:
    """What data is in force, how far the newest run is, and how the others went."""
    account_id: int = request.user.account_id  # type: ignore[union-attr]
    clock = now()
    context: dict[str, Any] = {
        "standing": queries.standing(account_id, clock=clock),
        "runs": queries.history(account_id, limit=30, clock=clock),
    }
    context["busy"] = context["standing"].run is not None and context["standing"].run.state == "running"
    return render(request, "cycle/_cycle.html" if is_fragment(request) else "cycle/cycle.html", context)


@require_POST
@page(write=True)
def run(request: HttpRequest) -> HttpResponseBase:
    """Have it run in the background; it goes on when the page is left."""
    user: Any = request.user
    try:
        cycle.ask(user.account_id, actor=user.email, whole=request.POST.get("do") == "whole", clock=now())
        messages.success(request, _("The cycle was asked for; a worker takes it up."))
    except Problem as problem:
        messages.error(request, f"{problem.detail} {problem.advice}".strip())
    return go(request, "/ui/cycle")
