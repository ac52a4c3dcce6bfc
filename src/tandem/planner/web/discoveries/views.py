"""Discoveries: what was found, how, what became of it; search, make a group, not interesting."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tandem.kit.problems import NotFound, Problem
from tandem.kit.web import is_fragment
from tandem.planner.customers import service as customers
from tandem.planner.discovery import service
from tandem.planner.discovery.asked import DAYS, GOALS
from tandem.planner.discovery.views import RunView
from tandem.planner.web.access import go, now, page
from tandem.planner.web.discoveries.words import Card, record_lines, simple_rows, simpler

HOME = "/ui/discoveries"


@require_GET
@page()
def discoveries(request: HttpRequest) -> HttpResponse:
    """The last search with its groups, of a week's the first that has some; how far it is while one runs."""
    runs = service.list_runs(_account(request))
    busy = next((one for one in runs if one.busy), None)
    if is_fragment(request):
        return render(request, "discoveries/_progress.html", {"busy": busy, "percent": _percent(busy)})
    return _show(request, runs, service.to_show(runs), busy)


@require_GET
@page()
def search(request: HttpRequest, run_id: int) -> HttpResponse:
    """One search of some time ago."""
    account_id = _account(request)
    shown = service.get_run(account_id, run_id)
    return _show(
        request, service.list_runs(account_id), None if shown.busy else shown, shown if shown.busy else None
    )


@require_POST
@page(write=True)
def ask(request: HttpRequest) -> HttpResponseBase:
    """Search for groups of the chosen goal."""
    account_id = _account(request)
    given = request.POST
    try:
        service.ask(
            account_id,
            goal=given.get("goal", ""),
            days=_number(given.get("days")),
            occurrence_id=_number(given.get("campaign")),
            actor=str(request.user),
            clock=now(),
        )
    except Problem as problem:
        if problem.status == NotFound.status:
            raise
        messages.error(request, f"{problem.detail} {problem.advice}".strip())
    return go(request, HOME)


@require_POST
@page(write=True)
def make_group(request: HttpRequest, discovery_id: int) -> HttpResponseBase:
    """An editable target group of a discovery."""
    made = service.make_group(_account(request), discovery_id, actor=str(request.user), clock=now())
    messages.success(
        request, _("%(name)s is a target group now. Change it as you like.") % {"name": made.name}
    )
    return go(request, f"/ui/groups/{made.id}")


@require_POST
@page(write=True)
def dismiss(request: HttpRequest, discovery_id: int) -> HttpResponseBase:
    """Not interesting."""
    account_id = _account(request)
    run_id = service.get_discovery(account_id, discovery_id).run_id
    told = service.dismiss(account_id, discovery_id, actor=str(request.user), clock=now())
    words = _("“%(title)s” and groups much like it are not shown any more. You can undo it below.")
    messages.success(request, words % {"title": told.title})
    return go(request, f"{HOME}/{run_id}")


@require_POST
@page(write=True)
def undo(request: HttpRequest, dismissed_id: int) -> HttpResponseBase:
    """Show it again."""
    told = service.undo_dismissal(_account(request), dismissed_id, actor=str(request.user), clock=now())
    messages.success(request, _("“%(title)s” is shown again.") % {"title": told.title})
    return go(request, HOME)


def _show(
    request: HttpRequest, runs: tuple[RunView, ...], shown: RunView | None, busy: RunView | None
) -> HttpResponse:
    account: Any = request.user.account  # type: ignore[union-attr]
    groups = service.groups_of(account.id, shown.id) if shown else ()
    cards = [Card(one, account.currency) for one in groups]
    record = service.record_of(account.id)
    lines = record_lines(record)
    simple, compared = simpler(cards)
    context: dict[str, Any] = {
        "run": shown,
        "busy": busy,
        "percent": _percent(busy),
        "runs": runs,
        "week": service.of_the_week(runs),
        "cards": cards,
        "simpler": simple,
        "compared": compared,
        "simple_first": 2 * simple > compared,
        "simple": simple_rows(shown, account.currency) if shown else [],
        "record": record,
        "lines": lines,
        "lift_sure": all(sure for _words, _told, sure in lines),
        "dismissed": service.dismissals(account.id),
        "goals": GOALS,
        "days": DAYS,
        "campaigns": service.campaigns(account.id),
        "ready": _ready(account.id),
        "usual": _usual(account.id),
    }
    return render(request, "discoveries/discoveries.html", context)


def _ready(account_id: int) -> bool:
    return bool(customers.snapshots(account_id, limit=1))


def _usual(account_id: int) -> int:
    newest = customers.snapshots(account_id, limit=1)
    return service.usual_days(account_id, newest[0].as_of) if newest else 0


def _percent(run: RunView | None) -> int:
    return round(100 * run.part) if run else 0


def _number(given: str | None) -> int | None:
    return int(given) if given and given.isascii() and given.isdigit() and len(given) < 19 else None


def _account(request: HttpRequest) -> int:
    return int(request.user.account_id)  # type: ignore[union-attr]
