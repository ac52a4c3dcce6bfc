"""Alarms, their second paths, the runbook."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from tandem.kit.alarms import pages
from tandem.planner.alarms import service
from tandem.planner.web.access import now, page


@require_GET
@page()
def alarms(request: HttpRequest) -> HttpResponse:
    """Open ones first."""
    user: Any = request.user
    technical = request.rights.technical  # type: ignore[attr-defined]
    return pages.show(request, service, user.account_id, may_change=technical)


@require_POST
@page(technical=True)
def act(request: HttpRequest) -> HttpResponse:
    """Set the second paths, test them, no more reminders."""
    user: Any = request.user
    return pages.act(request, service, user.account_id, actor=user.email, clock=now())


@require_GET
@page()
def runbook(request: HttpRequest, kind: str) -> HttpResponse:
    """What to do."""
    return pages.manual(request, kind)
