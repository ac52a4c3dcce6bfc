"""Unsubscribes told to the planner: soon after they came, many of a template and a day in one call, each once.

They come for weeks after a sending's totals are settled, so what is told is what was added since: a sum (metric 4,
which the planner adds) and the customers' ids. The first is told at once, those that follow within half a minute
together, and one batch of a sending is under way at a time. Where the planner says that a write with the same key
counts once, an answer that was not heard is asked for again under the same key. Elsewhere a sum may have been added,
so it is held as uncertain; the ids are told again, because a person who unsubscribed twice is as unsubscribed as one
who did once, and one of whom the planner is not told still counts as reachable there. What a planner will not take is
asked for again once a day, a few times, and then no more.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from tandem.clients import planner as planners
from tandem.clients.planner import PlannerClient
from tandem.clients.planner_problems import PlannerRefused
from tandem.contract.planner_api import Metric as WireMetric
from tandem.contract.planner_api import MetricId
from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem
from tandem.messenger.reporting.domain import OPEN_REPORTS, Part, ReportState
from tandem.messenger.reporting.models import Unsubscribe, UnsubscribeReport

MOST_AT_ONCE = 10_000
GATHER = timedelta(seconds=30)
ORPHANED = timedelta(seconds=60)
REFUSED_TRIES = 5
_RETRY_SECONDS = (5, 30, 300, 1800, 7200)
_REFUSED_WAIT = timedelta(days=1)
_DUE = (ReportState.WAITING, ReportState.DOUBTFUL)
_WILL_NOT = (planners.PlannerKnowsNot, planners.PlannerForbidden, PlannerRefused)
_WORDS: dict[int, str] = {
    MetricId.OPENED: "openings",
    MetricId.CLICKED: "clicks",
    MetricId.UNSUBSCRIBED: "unsubscribes",
}
_UNHEARD = "The planner's answer was not heard, and it does not say that a sum counts once."


def prepare(zone_of: Callable[[int], str], *, clock: Clock) -> int:
    """Put what was not told yet into reports, days in the planner's zone; how many unsubscribes."""
    mine = {"account_id": OuterRef("account_id"), "sending_id": OuterRef("sending_id")}
    # all accounts: the tick works for every account
    busy = UnsubscribeReport.objects.filter(
        Q(state__in=OPEN_REPORTS) | Q(created_at__gt=clock.system() - GATHER),
        metric=MetricId.UNSUBSCRIBED,
        **mine,
    )
    # all accounts: the tick works for every account
    fresh = Unsubscribe.objects.filter(~Exists(busy), batch="").order_by()
    sendings = list(fresh.values_list("account_id", "sending_id").distinct()[:100])
    return sum(_gather(account_id, sending_id, zone_of, clock) for account_id, sending_id in sendings)


def new_batch() -> str:
    """A name under which one telling counts once."""
    return uuid.uuid4().hex


def settle_orphans(*, clock: Clock) -> int:
    """Reports whose poster died between call and answer may have arrived; how many."""
    # all accounts: the tick works for every account
    dead = UnsubscribeReport.objects.filter(state=ReportState.POSTING, next_at__lt=clock.system() - ORPHANED)
    return dead.update(state=ReportState.DOUBTFUL)


def post_due(client_of: Callable[[int], PlannerClient], *, clock: Clock) -> int:
    """Post the reports that are due; how many unsubscribes were told."""
    # all accounts: the tick works for every account
    due = UnsubscribeReport.objects.filter(state__in=_DUE, next_at__lte=clock.system())
    found = list(due.order_by("next_at", "id").values_list("account_id", "pk")[:20])
    return sum(_post(account_id, pk, client_of, clock) for account_id, pk in found)


@transaction.atomic
def _gather(account_id: int, sending_id: int, zone_of: Callable[[int], str], clock: Clock) -> int:
    rows = Unsubscribe.objects.select_for_update(skip_locked=True).filter(
        account_id=account_id, sending_id=sending_id, batch=""
    )
    try:
        zone = ZoneInfo(zone_of(account_id))
    except Problem:
        return 0  # not connected: they wait
    groups: dict[tuple[int, date], list[int]] = defaultdict(list)
    for row in rows.order_by("id")[:MOST_AT_ONCE]:
        groups[row.template_id, row.at.astimezone(zone).date()].append(row.pk)
    for (template, day), ids in groups.items():
        batch, now = new_batch(), clock.system()
        Unsubscribe.objects.filter(account_id=account_id, pk__in=ids).update(batch=batch)
        UnsubscribeReport.objects.bulk_create(
            UnsubscribeReport(
                account_id=account_id, sending_id=sending_id, template_id=template, day=day, batch=batch,
                part=part, value=len(ids), created_at=now, next_at=now,
            )
            for part in Part
        )  # fmt: skip
    return sum(map(len, groups.values()))


def _post(account_id: int, pk: int, client_of: Callable[[int], PlannerClient], clock: Clock) -> int:
    taken = _take(account_id, pk, clock)
    if taken is None:
        return 0
    report, doubtful = taken
    try:
        client = client_of(account_id)
        _learn(client)
    except Problem as problem:
        state = ReportState.DOUBTFUL if doubtful else ReportState.WAITING
        return _again(report, problem, clock, state=state)
    if doubtful and not client.counts_once and report.part == Part.METRIC:
        return _set(report, state=ReportState.UNCERTAIN, problem=_UNHEARD)
    return _call(report, client, clock)


def _call(report: UnsubscribeReport, client: PlannerClient, clock: Clock) -> int:
    failpoint("m18")
    try:
        told = _tell(report, client)
    except _WILL_NOT as problem:
        return _refused(report, problem, clock)
    except planners.PlannerUnreachable as problem:
        if problem.sent and not client.counts_once and report.part == Part.METRIC:
            return _set(report, state=ReportState.UNCERTAIN, problem=_UNHEARD)
        state = ReportState.DOUBTFUL if problem.sent else ReportState.WAITING
        return _again(report, problem, clock, state=state)
    except Problem as problem:
        return _again(report, problem, clock)
    if not told:
        return _set(report, state=ReportState.WITHDRAWN, value=0, problem="")
    _set(report, state=ReportState.POSTED, value=told, posted_at=clock.system(), problem="")
    return told


@transaction.atomic
def _take(account_id: int, pk: int, clock: Clock) -> tuple[UnsubscribeReport, bool] | None:
    """The report, now `posting`, committed before any call; and whether it may have arrived already."""
    rows = UnsubscribeReport.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        account_id=account_id, pk=pk, state__in=_DUE
    )
    report = rows.select_related("sending").first()
    if report is None:
        return None
    doubtful = report.state == ReportState.DOUBTFUL
    _set(report, state=ReportState.POSTING, tries=report.tries + 1, next_at=clock.system())
    return report, doubtful


def _learn(client: PlannerClient) -> None:
    """Any answer tells whether a key counts once there."""
    if not client.counts_once:
        with suppress(planners.PlannerKnowsNot, planners.PlannerForbidden):
            client.get_last_data_update()


def _tell(report: UnsubscribeReport, client: PlannerClient) -> int:
    key = f"{report.batch}-{report.part}" if client.counts_once else ""
    names = {
        "channel_id": report.sending.channel_id or 0,
        "campaign_id": report.sending.campaign_id or 0,
        "template_id": report.template_id,
    }
    if report.part == Part.METRIC:
        sum_ = WireMetric(metric_id=report.metric, value=report.value, **names)
        client.update_campaign_metrics([sum_], key)
        return report.value
    rows = Unsubscribe.objects.filter(account_id=report.account_id, batch=report.batch, forgotten=False)
    customers = list(rows.order_by("id").values_list("attempt__customer", flat=True))
    if customers:
        client.update_campaign_interactions(
            customers, event_id=MetricId.UNSUBSCRIBED, day=report.day, key=key, **names
        )
    return len(customers)


def _refused(report: UnsubscribeReport, problem: Problem, clock: Clock) -> int:
    given_up = report.tries >= REFUSED_TRIES
    state = ReportState.REFUSED if given_up else ReportState.WAITING
    what = f"the sum of {_WORDS[report.metric]}"
    if report.part == Part.INTERACTIONS:
        what = f"{_WORDS[report.metric]} by customer"
    words = f"The planner does not take {what}: {problem.detail}"[:500]
    return _set(report, state=state, problem=words, next_at=clock.system() + _REFUSED_WAIT)


def _again(
    report: UnsubscribeReport, problem: Problem, clock: Clock, state: ReportState = ReportState.WAITING
) -> int:
    wait = _RETRY_SECONDS[min(report.tries, len(_RETRY_SECONDS)) - 1]
    words = f"{problem.title}: {problem.detail}"[:500]
    return _set(report, state=state, problem=words, next_at=clock.system() + timedelta(seconds=wait))


def _set(report: UnsubscribeReport, **values: object) -> int:
    for name, value in values.items():
        setattr(report, name, value)
    report.save(update_fields=list(values))
    return 0
