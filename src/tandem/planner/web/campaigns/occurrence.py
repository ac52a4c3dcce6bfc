"""The page of an occurrence - what happened and when - and its buttons."""

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tandem.kit.charts import Branch, branches_of
from tandem.kit.problems import NotFound, Problem
from tandem.kit.web import is_fragment
from tandem.planner.campaigns import service as campaigns_service
from tandem.planner.campaigns.domain import CampaignView
from tandem.planner.channels import service as channels
from tandem.planner.execution import service as execution
from tandem.planner.execution.domain import Outcome, Timeline
from tandem.planner.web.access import now, page
from tandem.planner.web.campaigns.reported import reported

_LIVE = frozenset(
    {
        "scheduled",
        "making list",
        "waiting for clearance",
        "waiting for messenger",
        "sending",
        "being cancelled",
    }
)


@page()
def campaign(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The occurrence: a timeline with times, numbers and the exchanges behind each step."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    view = campaigns_service.get_campaign(account_id, campaign_id)
    timeline = _in_business_time(execution.timeline(account_id, view.occurrence_id))
    live = str(view.state) in _LIVE
    context = {
        "campaign": view,
        "timeline": timeline,
        "live": live,
        "can_cancel": view.can_be_cancelled(now().business()),
        "branches": _branches(timeline.outcome, live, _rest(str(view.state))) if timeline.outcome else [],
        "reported": reported(account_id, view),
        "shows_previews": not channels.get_account(account_id, view.channel_account_id).pushed,
        "channel_name": dict(channels.execution_channels(account_id)).get(view.channel_id, ""),
    }
    template = "campaigns/_occurrence.html" if is_fragment(request) else "campaigns/campaign.html"
    return render(request, template, context)


def _in_business_time(timeline: Timeline) -> Timeline:
    """The messenger is told by the machine's clock; shown as business time, the steps stand in order."""
    clock = now()
    offset = clock.business() - clock.system()
    steps = tuple(
        replace(step, at=step.at + offset) if step.at and step.exchange else step for step in timeline.steps
    )
    return replace(timeline, steps=steps)


def _rest(state: str) -> str:
    """What is to be said of those of whom nothing is known."""
    if state == "being cancelled":
        return _("Not yet known")
    return _("On the way") if state in _LIVE else _("Uncertain")


def _branches(outcome: Outcome, live: bool, rest: str) -> list[Branch]:
    """Where everybody of the group went; while it is sent, the rest is still under way."""
    ends = (
        ("sent", _("Sent"), outcome.sent),
        ("control", _("Control group"), outcome.control),
        ("failed", _("Failed"), outcome.failed),
        ("open" if live else "uncertain", rest, outcome.uncertain),
    )
    return branches_of(ends, outcome.skipped, after=2)


@page(write=True)
@require_POST
def act(request: HttpRequest, campaign_id: int, verb: str) -> HttpResponse:
    """Schedule, cancel, or run now."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    view = campaigns_service.get_campaign(account_id, campaign_id)
    try:
        messages.success(request, _do(account_id, view, verb, str(request.user)))
    except NotFound:
        raise
    except Problem as problem:
        messages.error(request, f"{problem.detail} {problem.advice}".strip())
    return HttpResponseRedirect(f"/ui/campaigns/{campaign_id}")


def _do(account_id: int, view: CampaignView, verb: str, actor: str) -> str:
    if verb == "schedule":
        campaigns_service.schedule_campaign(account_id, view.id, clock=now(), actor=actor)
        return _("%(name)s is scheduled.") % {"name": view.name}
    if verb == "cancel":
        done = campaigns_service.cancel_campaign(account_id, view.id, clock=now(), actor=actor)
        if done.is_fetched:
            words = _("%(name)s is being cancelled. The messenger has its list and is told to stop.")
        else:
            words = _("%(name)s is cancelled. Nothing is sent.")
        return words % {"name": view.name}
    if verb == "run-now":
        execution.run_now(account_id, view.occurrence_id, clock=now())
        return _("%(name)s runs now.") % {"name": view.name}
    raise NotFound(_("There is no such button."), "")
