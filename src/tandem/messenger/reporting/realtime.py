"""Totals of real-time messages to the planner: many sendings of one message told in one call, each total once."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from tandem.clients.planner import PlannerClient
from tandem.clients.planner_problems import PlannerUnreachable
from tandem.contract.planner_api import Metric as WireMetric
from tandem.contract.planner_api import MetricId
from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.kit.problems import Problem
from tandem.messenger.delivery.domain import SendingKind
from tandem.messenger.delivery.models import Sending
from tandem.messenger.reporting.domain import Metric, metrics
from tandem.messenger.reporting.models import MetricReport

_DUE = ("waiting", "doubtful")
_RETRY = timedelta(minutes=1)
_MOST_TRIES = 10
_AT_ONCE = 1000
_UNHEARD = "The planner's answer was not heard, and it does not say that a total counts once."


def prepare(clock: Clock) -> int:
    """Make the rows of finished real-time messages that have none yet; how many messages."""
    told = MetricReport.objects.filter(
        sending_id=OuterRef("pk"), account_id=OuterRef("account_id"), metric_id=Metric.SENT
    )
    # all accounts: the tick works for every account
    waiting = Sending.objects.filter(
        ~Exists(told), kind=SendingKind.REAL_TIME, finished_at__isnull=False, campaign_key__gt=""
    )
    found = list(waiting.order_by("id")[:_AT_ONCE])
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
            for sending in found
            for (template, metric), value in metrics(sending.totals or []).items()
            if value or metric is Metric.SENT
        ],
        ignore_conflicts=True,
    )
    return len(found)


def post_due(client_of: Callable[[int], PlannerClient], *, clock: Clock) -> int:
    """Put waiting rows into batches, one per account, and post each batch that is due; how many rows went."""
    # all accounts: the tick works for every account
    waiting = MetricReport.objects.filter(sending__kind=SendingKind.REAL_TIME, state__in=_DUE)
    for account_id in list(waiting.filter(batch="").values_list("account_id", flat=True).distinct()):
        ids = list(waiting.filter(account_id=account_id, batch="").values_list("pk", flat=True)[:_AT_ONCE])
        MetricReport.objects.filter(account_id=account_id, pk__in=ids, batch="").update(
            batch=uuid.uuid4().hex
        )
    due = waiting.filter(next_at__lte=clock.system()).exclude(batch="").order_by()
    batches = list(due.values_list("account_id", "batch").distinct()[:20])
    return sum(_post(account_id, batch, client_of, clock) for account_id, batch in batches)


def _post(account_id: int, batch: str, client_of: Callable[[int], PlannerClient], clock: Clock) -> int:
    rows, doubtful = _take(account_id, batch, clock)
    if not rows:
        return 0
    try:
        client = client_of(account_id)
        client.get_last_data_update()  # also tells whether a key counts once there
    except Problem as problem:
        return _set(rows, "doubtful" if doubtful else "waiting", clock, problem)
    if doubtful and not client.counts_once:
        return _set(rows, "uncertain", clock)
    failpoint("m17")
    try:
        client.update_campaign_metrics(_wire(rows), batch if client.counts_once else "")
    except PlannerUnreachable as problem:
        return _set(rows, "doubtful" if client.counts_once else "uncertain", clock, problem)
    except Problem as problem:
        state = "waiting" if rows[0].tries < _MOST_TRIES else "refused"
        return _set(rows, state, clock, problem)
    _set(rows, "posted", clock)
    return len(rows)


def add(sending: Sending, numbers: Mapping[tuple[int, MetricId], int], *, clock: Clock) -> int:
    """Tell (template, metric) -> value of one message, each once: it was opened, came back; how many are new."""
    before = MetricReport.objects.filter(account_id=sending.account_id, sending_id=sending.pk, round=0)
    known = set(before.values_list("template_id", "metric_id"))
    fresh = [
        MetricReport(
            account_id=sending.account_id, sending_id=sending.pk, template_id=template, metric_id=int(metric),
            value=value, next_at=clock.system(),
        )
        for (template, metric), value in numbers.items() if value > 0 and (template, int(metric)) not in known
    ]  # fmt: skip
    MetricReport.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


@transaction.atomic
def _take(account_id: int, batch: str, clock: Clock) -> tuple[list[MetricReport], bool]:
    """The rows of a batch, now `posting`, committed before any call; and whether they may have arrived already."""
    mine = MetricReport.objects.filter(account_id=account_id, batch=batch)
    rows = list(mine.filter(state__in=_DUE).select_for_update(skip_locked=True, of=("self",)))
    if not rows or len(rows) != mine.count():
        return [], False
    doubtful = any(row.state == "doubtful" for row in rows)
    mine.update(state="posting", tries=rows[0].tries + 1, next_at=clock.system())
    return list(mine.select_related("sending")), doubtful


def _wire(rows: Sequence[MetricReport]) -> list[WireMetric]:
    sums: Counter[tuple[int, str, int, int]] = Counter()
    for row in rows:
        sums[row.sending.channel_id or 0, row.sending.campaign_key, row.template_id, row.metric_id] += (
            row.value
        )
    return [
        WireMetric(channel_id=channel, campaign_id=key, template_id=template, metric_id=metric, value=value)
        for (channel, key, template, metric), value in sorted(sums.items())
        if value
    ]


def _set(rows: Sequence[MetricReport], state: str, clock: Clock, problem: Problem | None = None) -> int:
    mine = MetricReport.objects.filter(account_id=rows[0].account_id, batch=rows[0].batch)
    mine.update(
        state=state,
        problem=f"{problem.title}: {problem.detail}"[:500] if problem else "",
        posted_at=clock.system() if state == "posted" else None,
        next_at=clock.system() + _RETRY,
    )
    return 0
