"""Alarms, their second paths, the runbook."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from tandem.kit.alarms import pages
from tandem.messenger.alarms import service
from tandem.messenger.web.pages import account_id, actor, changes, may, now_clock, page


@require_GET
@page
def alarms(request: HttpRequest) -> HttpResponse:
    """Open ones first."""
    return pages.show(request, service, account_id(request), may_change=may(request, "connection"))


@require_POST
@page
@changes("connection")
def act(request: HttpRequest) -> HttpResponse:
    """Set the second paths, test them, no more reminders."""
    return pages.act(request, service, account_id(request), actor=actor(request), clock=now_clock())


@require_GET
@page
def runbook(request: HttpRequest, kind: str) -> HttpResponse:
    """What to do."""
    return pages.manual(request, kind)
