"""Totals of finished sendings to the planner: made once, retried while it is certain that they did not arrive."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import httpcore
from django.db import transaction

from tandem.clients.planner import PlannerClient
from tandem.clients.planner_problems import PlannerUnreachable
from tandem.contract.planner_api import Metric as WireMetric
from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem
from tandem.messenger.delivery import finishing
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.models import Sending
from tandem.messenger.reporting.domain import ReportView, SendingSummary, metrics, summarise
from tandem.messenger.reporting.models import MetricReport

_RETRY_SECONDS = (5, 30, 300, 1800, 7200)


def summary(account_id: int, sending_id: int) -> SendingSummary:
    """The numbers of one sending, from its ledger. Raises SendingNotFound."""
    view = delivery.get_sending(account_id, sending_id)
    totals = finishing.totals_of(account_id, sending_id)
    return summarise(view.expected, totals, finished=view.finished_at is not None)


def reports(account_id: int, sending_id: int) -> list[ReportView]:
    """What was told about a sending, and what waits."""
    rows = MetricReport.objects.filter(account_id=account_id, sending_id=sending_id)
    return [
        ReportView(
            template_id=row.template_id,
            metric_id=row.metric_id,
            value=row.value,
            state=row.state,
            tries=row.tries,
            posted_at=row.posted_at,
            problem=row.problem,
        )
        for row in rows.order_by("template_id", "metric_id")
    ]


def prepare_reports(clock: Clock) -> int:
    """Make the rows of finished campaigns that have none yet; how many sendings."""
    reported = MetricReport.objects.values("sending_id")
    # all accounts: the tick works for every account
    waiting = Sending.objects.filter(
        finished_at__isnull=False, kind="campaign", campaign_id__isnull=False
    ).exclude(id__in=reported)
    for sending in waiting.order_by("id")[:100]:
        values = metrics(sending.totals or [])
        MetricReport.objects.bulk_create(
            [
                MetricReport(
                    account_id=sending.account_id,
                    sending_id=sending.id,
                    template_id=template,
                    metric_id=int(metric),
                    value=value,
                    next_at=clock.system(),
                )
                for (template, metric), value in values.items()
            ],
            ignore_conflicts=True,
        )
    return len(waiting)


def post_due(client_of: Callable[[int], PlannerClient], *, clock: Clock) -> int:
    """Post what is due, one call per sending; `client_of` gives the planner of an account. How many totals went."""
    # all accounts: the tick works for every account
    due = MetricReport.objects.filter(state="waiting", next_at__lte=clock.system())
    sendings = due.order_by("sending_id").values_list("account_id", "sending_id").distinct()[:50]
    return sum(_post(account_id, sending_id, client_of, clock) for account_id, sending_id in list(sendings))


def _post(account_id: int, sending_id: int, client_of: Callable[[int], PlannerClient], clock: Clock) -> int:
    rows = _take(account_id, sending_id, clock)
    if not rows:
        return 0
    sending = Sending.objects.get(account_id=account_id, id=sending_id)
    wire = [
        WireMetric(
            channel_id=sending.channel_id or 0,
            campaign_id=sending.campaign_id or 0,
            template_id=row.template_id,
            metric_id=row.metric_id,
            value=row.value,
        )
        for row in rows
    ]
    try:
        client = client_of(account_id)
        client.campaign_details(sending.campaign_id or 0)
    except Problem as problem:
        _again(rows, problem, clock)
        return 0
    failpoint("m17")
    try:
        client.update_campaign_metrics(wire)
    except Problem as problem:
        _failed(rows, problem, clock)
        return 0
    _set(rows, state="posted", posted_at=clock.system(), problem="")
    return len(rows)


@transaction.atomic
def _take(account_id: int, sending_id: int, clock: Clock) -> list[MetricReport]:
    """The waiting rows of a sending, now `posting`; committed before the call so that a crash cannot post twice."""
    rows = list(
        MetricReport.objects.select_for_update(skip_locked=True).filter(
            account_id=account_id, sending_id=sending_id, state="waiting", next_at__lte=clock.system()
        )
    )
    for row in rows:
        row.tries += 1
    _set(rows, state="posting", next_at=clock.system())
    return rows


def _failed(rows: Sequence[MetricReport], problem: Problem, clock: Clock) -> None:
    """A clear refusal is tried again; an answer that never came is not, since the planner adds what it gets."""
    if isinstance(problem, PlannerUnreachable) and not _never_connected(problem):
        _set(rows, state="uncertain", problem=_words(problem))
    else:
        _again(rows, problem, clock)


def _again(rows: Sequence[MetricReport], problem: Problem, clock: Clock) -> None:
    wait = _RETRY_SECONDS[min(rows[0].tries, len(_RETRY_SECONDS)) - 1]
    _set(rows, state="waiting", problem=_words(problem), next_at=clock.system() + timedelta(seconds=wait))


def _never_connected(problem: Problem) -> bool:
    """Whether the cause is that no connection came about, so that nothing can have arrived."""
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, httpcore.ConnectError | httpcore.ConnectTimeout | ConnectionRefusedError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _words(problem: Problem) -> str:
    return f"{problem.title}: {problem.detail}"[:500]


def settle_orphans(clock: Clock, *, after: timedelta = timedelta(minutes=5)) -> int:
    """Totals whose poster died between call and answer: held as uncertain, shown."""
    # all accounts: the tick works for every account
    return MetricReport.objects.filter(state="posting", next_at__lt=clock.system() - after).update(
        state="uncertain", problem="The process ended before it heard the planner's answer."
    )


def _set(rows: Sequence[MetricReport], **values: object) -> None:
    for row in rows:
        for name, value in values.items():
            setattr(row, name, value)
    MetricReport.objects.bulk_update(rows, ["tries", *values])
