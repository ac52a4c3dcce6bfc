"""The overview: a checklist that ticks itself, and the latest occurrences."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tandem.kit.problems import NotFound
from tandem.planner.alarms import service as alarms
from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.domain import CampaignView
from tandem.planner.channels import service as channels
from tandem.planner.customers import service as customers
from tandem.planner.listeners import service as listeners
from tandem.planner.targeting import service as targeting
from tandem.planner.web.access import page


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the checklist."""

    title: str
    detail: str
    done: bool
    url: str
    action: str


@page()
def overview(request: HttpRequest) -> HttpResponse:
    """What to do next, what happened last."""
    account_id = request.user.account_id  # type: ignore[union-attr]
    known = campaigns.list_campaigns(account_id)
    latest = known[:10]
    steps = checklist(account_id, planned=bool(latest))
    context: dict[str, Any] = {
        "steps": steps,
        "done": sum(step.done for step in steps),
        "next_step": next((step for step in steps if not step.done), None),
        "latest": latest,
        "coming": _coming(known),
        "people": customers.count_customers(account_id),
        "groups": len(targeting.list_groups(account_id)),
        "as_of": _as_of(account_id),
        "alarms": alarms.book.open_count(account_id),
        "switched_off": [one for one in listeners.listeners(account_id) if not one.is_active],
    }
    return render(request, "overview/overview.html", context)


def _coming(known: Sequence[CampaignView]) -> CampaignView | None:
    """The scheduled campaign that is sent next."""
    scheduled = [one for one in known if str(one.state) == "scheduled"]
    return min(scheduled, key=lambda one: (one.day, one.time), default=None)


def _as_of(account_id: int) -> date | None:
    try:
        return customers.latest_snapshot(account_id).as_of
    except NotFound:
        return None


def checklist(account_id: int, *, planned: bool) -> tuple[Step, ...]:
    """The five steps to a first campaign, each ticked by what is there."""
    people = customers.count_customers(account_id)
    connections = channels.list_accounts(account_id)
    read = [c for c in connections if c.templates_read_at]
    groups = len(targeting.list_groups(account_id))
    return (
        Step(
            title=_("Bring customers"),
            detail=_("%(n)s customers.") % {"n": f"{people:,}"}
            if people
            else _("A file of orders is enough."),
            done=bool(people),
            url="/ui/customers/import" if not people else "/ui/customers",
            action=_("Import a file"),
        ),
        Step(
            title=_("Connect the messenger"),
            detail=_connection_words(connections),
            done=any(c.check_ok for c in connections),
            url="/ui/connections" if connections else "/ui/connections/new",
            action=_("Connect"),
        ),
        Step(
            title=_("See its templates"),
            detail=_("Read and ready to preview.") if read else _("They are read from the messenger."),
            done=bool(read),
            url="/ui/templates",
            action=_("Open templates"),
        ),
        Step(
            title=_("Make a target group"),
            detail=_("%(n)s target groups.") % {"n": groups}
            if groups
            else _("Say who, and see how many at once."),
            done=bool(groups),
            url="/ui/groups" if groups else "/ui/groups/new",
            action=_("Make a group"),
        ),
        Step(
            title=_("Plan a campaign"),
            detail=_("Choose a group, a template and a date."),
            done=planned,
            url="/ui/campaigns" if planned else "/ui/campaigns/new",
            action=_("Plan a campaign"),
        ),
    )


def _connection_words(connections: tuple[Any, ...]) -> str:
    if not connections:
        return _("Five fields from your messenger's account page.")
    if any(c.check_ok for c in connections):
        return _("Connected and checked.")
    return _("Saved, but the check has not passed yet.")
