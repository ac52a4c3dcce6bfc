"""What stands around the plan form: the choices it offers, and the side panel's figures."""

from dataclasses import dataclass, field
from typing import Any

from tandem.kit.problems import Problem
from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.offer import PromotionView
from tandem.planner.channels import service as channels
from tandem.planner.channels.domain import ChannelAccountView, ProjectView, TemplateView, fits
from tandem.planner.targeting import service as targeting
from tandem.planner.web.campaigns import draft as drafts
from tandem.planner.web.channel_templates.sampling import sample


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The choices: groups, connected accounts, projects with a usable template, the project's templates."""

    groups: tuple[Any, ...]
    connections: tuple[ChannelAccountView, ...]
    connection_id: str
    projects: tuple[ProjectView, ...] = ()
    templates: tuple[TemplateView, ...] = ()
    every_template: dict[str, TemplateView] = field(default_factory=dict)
    promotions: tuple[PromotionView, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The side panel: who, how many, one real customer."""

    group: Any = None
    count: Any = None
    reachable: int | None = None
    test: int | None = None
    control: int | None = None
    uplift: float | None = None
    people: tuple[str, ...] = ()
    customer_id: str = ""
    problem: Problem | None = None


def surroundings(account_id: int, draft: drafts.PlanDraft) -> Surroundings:
    """The choices that fit what is chosen so far."""
    connections = channels.list_accounts(account_id)
    chosen = next(
        (c for c in connections if str(c.id) == draft.connection), connections[0] if connections else None
    )
    groups = targeting.list_groups(account_id)
    promotions = campaigns.list_promotions(account_id)
    if chosen is None:
        return Surroundings(groups=groups, connections=connections, connection_id="", promotions=promotions)
    every = channels.list_templates(account_id, chosen.id)
    usable = [one for one in every if one.usable and fits(one.channel, draft.channel)]
    with_templates = {one.project_id for one in usable}
    return Surroundings(
        groups=groups,
        connections=connections,
        connection_id=str(chosen.id),
        projects=tuple(p for p in channels.list_projects(account_id, chosen.id) if p.id in with_templates),
        templates=tuple(one for one in usable if str(one.project_id) == draft.project),
        every_template={str(one.id): one for one in every},
        promotions=promotions,
    )


def panel(account_id: int, draft: drafts.PlanDraft, around: Surroundings) -> Panel:
    """Figures of the chosen group; a problem instead of figures when they cannot be had."""
    group = next((one for one in around.groups if str(one.id) == draft.group), None)
    if group is None:
        return Panel()
    try:
        count = targeting.count(account_id, group.condition)
        people = sample(account_id, group.condition) if count.members else ()
    except Problem as problem:
        return Panel(group=group, problem=problem)
    control = round(count.members * _share(draft.control))
    return Panel(
        group=group,
        count=count,
        reachable=count.email if draft.channel == "email" else count.sms,
        test=count.members - control,
        control=control,
        uplift=drafts.least_uplift(count.members, draft.control),
        people=people,
        customer_id=draft.customer or (people[draft.person % len(people)] if people else ""),
    )


def _share(text: str) -> float:
    try:
        return min(max(float(text.replace(",", ".")), 0.0), 100.0) / 100
    except ValueError:
        return 0.0
