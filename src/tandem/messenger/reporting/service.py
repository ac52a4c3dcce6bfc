"""Totals of finished sendings to the planner: made once, retried while it is certain that they did not arrive."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta

import httpcore
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from tandem.clients.planner import PlannerClient
from tandem.clients.planner_problems import PlannerUnreachable
from tandem.contract.planner_api import Metric as WireMetric
from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem
from tandem.messenger.delivery import numbers
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.models import Sending
from tandem.messenger.reporting import later
from tandem.messenger.reporting.domain import Metric, ReportView, SendingSummary, metrics, summarise
from tandem.messenger.reporting.models import MetricReport

_RETRY_SECONDS = (5, 30, 300, 1800, 7200)
_DUE = ("waiting", "doubtful")
_UNHEARD = "The process ended before it heard the planner's answer."


def summary(account_id: int, sending_id: int) -> SendingSummary:
    """The numbers of one sending: settled ones once it has ended, else from its ledger. Raises SendingNotFound."""
    view = delivery.get_sending(account_id, sending_id)
    settled = Sending.objects.values_list("totals", flat=True).get(account_id=account_id, id=sending_id)
    totals = numbers.totals(account_id, sending_id) if settled is None else settled
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
    reported = MetricReport.objects.filter(
        account_id=OuterRef("account_id"), sending_id=OuterRef("pk"), metric_id=Metric.SENT
    )
    # all accounts: the tick works for every account
    waiting = Sending.objects.filter(
        ~Exists(reported), finished_at__isnull=False, kind="campaign", campaign_id__isnull=False
    ).order_by("id")[:100]
    for sending in waiting:
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
                for (template, metric), value in metrics(sending.totals or []).items()
            ],
            ignore_conflicts=True,
        )
    return len(waiting) + later.prepare(clock)


def post_due(client_of: Callable[[int], PlannerClient], *, clock: Clock) -> int:
    """Post what is due, one call per sending; `client_of` gives the planner of an account. How many totals went."""
    # all accounts: the tick works for every account
    due = MetricReport.objects.filter(state__in=_DUE, next_at__lte=clock.system(), sending__kind="campaign")
    sendings = due.order_by("sending_id").values_list("account_id", "sending_id").distinct()[:50]
    return sum(_post(account_id, sending_id, client_of, clock) for account_id, sending_id in list(sendings))


def _post(account_id: int, sending_id: int, client_of: Callable[[int], PlannerClient], clock: Clock) -> int:
    rows, doubtful = _take(account_id, sending_id, clock)
    if not rows:
        return 0
    sending = Sending.objects.get(account_id=account_id, id=sending_id)
    try:
        client = client_of(account_id)
        client.campaign_details(sending.campaign_id or 0)  # also tells whether a key counts once there
    except Problem as problem:
        _again(rows, problem, clock, state="doubtful" if doubtful else "waiting")
        return 0
    if doubtful and not client.counts_once:
        _set(rows, state="uncertain", problem=_UNHEARD)
        return 0
    failpoint("m17")
    try:
        client.update_campaign_metrics(
            _wire(sending, rows), _key(sending, rows) if client.counts_once else ""
        )
    except Problem as problem:
        _failed(rows, problem, clock, counts_once=client.counts_once)
        return 0
    _set(rows, state="posted", posted_at=clock.system(), problem="")
    return len(rows)


@transaction.atomic
def _take(account_id: int, sending_id: int, clock: Clock) -> tuple[list[MetricReport], bool]:
    """The due rows of a sending, and whether they may have arrived already; `posting` is committed before any call."""
    rows = list(
        MetricReport.objects.select_for_update(skip_locked=True).filter(
            account_id=account_id, sending_id=sending_id, state__in=_DUE, next_at__lte=clock.system()
        )
    )
    doubtful = any(row.state == "doubtful" for row in rows)
    for row in rows:
        row.tries += 1
    _set(rows, state="posting", next_at=clock.system())
    return rows, doubtful


def _wire(sending: Sending, rows: Sequence[MetricReport]) -> list[WireMetric]:
    return [
        WireMetric(
            channel_id=sending.channel_id or 0,
            campaign_id=sending.campaign_id or 0,
            template_id=row.template_id,
            metric_id=row.metric_id,
            value=row.value,
        )
        for row in rows
    ]


def _key(sending: Sending, rows: Sequence[MetricReport]) -> str:
    """The same for the same totals of the same sending, here and nowhere else."""
    totals = sorted((row.template_id, row.metric_id, row.value, *[row.round][: row.round]) for row in rows)
    return hashlib.sha256(f"{settings.SECRET_KEY}:{sending.pk}:{totals}".encode()).hexdigest()


def _failed(rows: Sequence[MetricReport], problem: Problem, clock: Clock, *, counts_once: bool) -> None:
    """A clear refusal is tried again; an answer that never came only where the same key counts once."""
    if not isinstance(problem, PlannerUnreachable) or _never_connected(problem):
        _again(rows, problem, clock)
    elif counts_once:
        _again(rows, problem, clock, state="doubtful")
    else:
        _set(rows, state="uncertain", problem=_words(problem))


def _again(rows: Sequence[MetricReport], problem: Problem, clock: Clock, state: str = "waiting") -> None:
    wait = _RETRY_SECONDS[min(rows[0].tries, len(_RETRY_SECONDS)) - 1]
    _set(rows, state=state, problem=_words(problem), next_at=clock.system() + timedelta(seconds=wait))


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


def settle_orphans(clock: Clock, *, after: timedelta = timedelta(seconds=20)) -> int:
    """Totals whose poster died between call and answer: posted again where that is safe, else held, shown."""
    # all accounts: the tick works for every account
    return MetricReport.objects.filter(state="posting", next_at__lt=clock.system() - after).update(
        state="doubtful", problem=_UNHEARD
    )


def _set(rows: Sequence[MetricReport], **values: object) -> None:
    for row in rows:
        for name, value in values.items():
            setattr(row, name, value)
    MetricReport.objects.bulk_update(rows, ["tries", *values])
