"""Searches, groups found, decisions and the record, as doors show them."""

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from tandem.planner.campaigns import service as campaign_service
from tandem.planner.campaigns.domain import CampaignView
from tandem.planner.customers import service as customers
from tandem.planner.discovery.asked import BY_KIND, LONG, LONG_FROM, SHORT, WEEKLY
from tandem.planner.discovery.domain import GoalKind, Rule
from tandem.planner.discovery.errors import DiscoveryNotFound
from tandem.planner.discovery.models import Discovery, DiscoveryRun, Dismissed
from tandem.planner.discovery.views import (
    AloneView,
    DiscoveryView,
    DismissedView,
    HowFound,
    Later,
    Lift,
    RecordView,
    RunView,
    SimpleView,
)

_SENT = ("sent", "sent with failures")
#: standard errors of a 95 % interval
_REACH = 1.96


def usual_days(account_id: int, as_of: date) -> int:
    """The period that is looked at unless another one is chosen: 90 days, 30 while there are few."""
    known = customers.order_days(account_id)
    return LONG if known is not None and (as_of - known[0]).days >= LONG_FROM else SHORT


def campaigns(account_id: int) -> tuple[CampaignView, ...]:
    """Campaigns that were sent, of which it may be asked who responded."""
    found = campaign_service.list_campaigns(account_id)
    return tuple(one for one in found if one.state in _SENT)


def list_runs(account_id: int, limit: int = 20) -> tuple[RunView, ...]:
    """The latest searches, newest first."""
    return tuple(run_view(row) for row in _runs(account_id).order_by("-id")[:limit])


def of_the_week(runs: Sequence[RunView]) -> tuple[RunView, ...]:
    """The searches of the newest week that are over, in the order of their goals; empty if a person asked last."""
    over = [one for one in runs if not one.busy]
    if not over or not over[0].weekly:
        return ()
    found: dict[str, RunView] = {}
    for one in over:
        if not one.weekly or one.goal in found:
            break
        found[one.goal] = one
    return tuple(found[goal] for goal in WEEKLY if goal in found)


def to_show(runs: Sequence[RunView]) -> RunView | None:
    """The last search that is over; of a week's searches the first that found something."""
    week = of_the_week(runs)
    last = next((one for one in runs if not one.busy), None)
    return next((one for one in week if one.found), week[0] if week else last)


def latest_run(account_id: int) -> RunView | None:
    """The search that is being done, else the last one; None before the first."""
    row = _runs(account_id).order_by("-id").first()
    return run_view(row) if row else None


def get_run(account_id: int, run_id: int) -> RunView:
    """One search of this account."""
    row = _runs(account_id).filter(id=run_id).first()
    if row is None:
        raise DiscoveryNotFound(f"There is no search {run_id} in this account.", "See: tandem discover list.")
    return run_view(row)


def _runs(account_id: int) -> Any:
    of_run = Discovery.objects.filter(account_id=account_id, run=OuterRef("pk"), hidden_by=None)
    counted = of_run.order_by().values("run").annotate(n=Count("id")).values("n")
    rows = DiscoveryRun.objects.filter(account_id=account_id)
    return rows.annotate(shown=Coalesce(Subquery(counted), 0))


def run_view(row: DiscoveryRun) -> RunView:
    """A row as doors show it."""
    goal = BY_KIND[GoalKind(row.goal)]
    how = {**row.how, "dropped": tuple((one[0], one[1]) for one in row.how.get("dropped", ()))}
    return RunView(
        id=row.pk, goal=row.goal, label=goal.label, meaning=goal.meaning, days=row.days,
        occurrence_id=row.occurrence_id, subject=row.subject, weekly=row.weekly, asked_by=row.asked_by,
        asked_at=row.asked_at, state=row.state, phase=row.phase, part=row.part, problem=row.problem,
        as_of=row.as_of, looked_from=row.looked_from, seed=row.seed, how=HowFound(**how),
        simple=tuple(SimpleView(**one) for one in row.simple), found=getattr(row, "shown", 0),
    )  # fmt: skip


def groups_of(account_id: int, run_id: int, *, hidden: bool = False) -> tuple[DiscoveryView, ...]:
    """The groups of a search, surest first; with `hidden` also those that are not interesting."""
    get_run(account_id, run_id)
    rows = _found(account_id).filter(run_id=run_id).order_by("place")
    return tuple(_view(row) for row in (rows if hidden else rows.filter(hidden_by=None)))


def get_discovery(account_id: int, discovery_id: int) -> DiscoveryView:
    """One group that was found in this account."""
    return _view(discovery_row(account_id, discovery_id))


def discovery_row(account_id: int, discovery_id: int) -> Discovery:
    """Its row. Raises DiscoveryNotFound."""
    row = _found(account_id).filter(id=discovery_id).first()
    if row is None:
        raise DiscoveryNotFound(
            f"There is no discovery {discovery_id} in this account.", "See: tandem discover show."
        )
    return row  # type: ignore[no-any-return]


def _found(account_id: int) -> Any:
    return Discovery.objects.filter(account_id=account_id).select_related("run")


def _view(row: Discovery) -> DiscoveryView:
    rule = Rule.from_json(row.rule)
    later = {**row.later, "until": date.fromisoformat(row.later["until"])} if row.later else None
    return DiscoveryView(
        id=row.pk, run_id=row.run.pk, title=row.title, sentence=row.sentence, text=row.text, condition=row.condition,
        alone=_alone(rule), direction=row.direction, rate=bool(row.run.how.get("rate", True)), members=row.members,
        estimate=rule.estimate, parent=row.parent, traits=tuple(row.traits), spent=row.spent,
        spent_all=row.spent_all, alike_id=row.alike.get("id"), alike_name=row.alike.get("name", ""),
        alike_share=row.alike.get("share", 0.0), splits=rule.splits, group_id=row.group_id,
        hidden=row.hidden_by_id is not None, later=Later(**later) if later else None,
    )  # fmt: skip


def _alone(rule: Rule) -> AloneView | None:
    one = rule.alone
    if one is None:
        return None
    return AloneView(
        label=one.label, top=one.top, difference=one.difference, low=one.low, high=one.high,
        better=one.better(rule.direction),
    )  # fmt: skip


def dismissals(account_id: int) -> tuple[DismissedView, ...]:
    """What is not interesting, newest first."""
    rows = Dismissed.objects.filter(account_id=account_id).order_by("-id")
    return tuple(
        DismissedView(
            id=row.pk, goal=row.goal, label=BY_KIND[GoalKind(row.goal)].label, title=row.title, text=row.text,
            at=row.at, by=row.by,
        )
        for row in rows
    )  # fmt: skip


def record_of(account_id: int) -> RecordView:
    """What became of the groups that were shown earlier."""
    rows = list(_found(account_id).filter(hidden_by=None).exclude(later={}))
    rates = [(row.later, row.direction) for row in rows if row.run.how.get("rate", True)]

    def against(name: str) -> Lift:
        return _lift([side * (one["mean"] - one[name]) for one, side in rates if one.get(name) is not None])

    return RecordView(
        groups=len(rows), kept=sum(row.later["kept"] for row in rows), rest=against("other"),
        usual=against("usual"), alone=against("alone"),
    )  # fmt: skip


def _lift(values: Sequence[float]) -> Lift:
    """The mean and its 95 % interval."""
    if not values:
        return Lift()
    middle, reach = sum(values) / len(values), 0.0
    if len(values) > 1:
        variance = sum((one - middle) ** 2 for one in values) / (len(values) - 1)
        reach = _REACH * math.sqrt(variance / len(values))
    return Lift(groups=len(values), mean=middle, low=middle - reach, high=middle + reach)
