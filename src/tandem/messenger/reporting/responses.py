"""How many people opened, clicked and complained, how much came back: told to the planner soon, and again if it grew.

They come for weeks, and the planner adds what it is told, so what is told is what was added since: recipients once
each, machines left out, and nothing younger than it takes to tell them apart. The calls are those of unsubscribes
(`telling`): one of a template is under way at a time, and one that may have arrived is not repeated where it would
count twice. What the next hop refused at once was told with the sending's own totals (9); what comes back after it was
taken over is added to that.
"""

from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from tandem.contract.planner_api import MetricId
from tandem.kit.clock import Clock
from tandem.messenger.delivery.models import Sending
from tandem.messenger.engagement import service as engagement
from tandem.messenger.engagement.domain import Grown
from tandem.messenger.reporting import realtime
from tandem.messenger.reporting.domain import OPEN_REPORTS, Part, ReportState, ToldView
from tandem.messenger.reporting.models import UnsubscribeReport
from tandem.messenger.reporting.telling import GATHER, new_batch

METRICS = (MetricId.OPENED, MetricId.CLICKED, MetricId.SPAM, MetricId.BOUNCED)


def prepare(*, clock: Clock) -> int:
    """Make reports of what was added; how many recipients they tell of."""
    return sum(_gather(one, clock) for one in engagement.grown())


@transaction.atomic
def _gather(one: Grown, clock: Clock) -> int:
    sendings = Sending.objects.select_for_update().filter(account_id=one.account_id, id=one.sending_id)
    sending = sendings.first()
    if sending is None or sending.campaign_id is None:
        engagement.looked(one, clock=clock)
        return _of_one_message(sending, one, clock) if sending and sending.of_planner else 0
    if _mine(one).filter(Q(state__in=OPEN_REPORTS) | Q(created_at__gt=clock.system() - GATHER)).exists():
        return 0  # what follows is told together
    added = _added(one, clock)
    now = clock.system()
    UnsubscribeReport.objects.bulk_create(
        UnsubscribeReport(
            account_id=one.account_id, sending_id=one.sending_id, template_id=one.template_id, metric=metric,
            day=clock.business().date(), batch=new_batch(), part=Part.METRIC, value=value, created_at=now,
            next_at=now,
        )
        for metric, value in added.items() if value > 0
    )  # fmt: skip
    engagement.looked(one, clock=clock)
    return sum(max(0, value) for value in added.values())


def _of_one_message(sending: Sending, one: Grown, clock: Clock) -> int:
    """A real-time message has one recipient: what came back is told at most once, with the totals of many others."""
    numbers = {(one.template_id, metric): min(1, value) for metric, value in _so_far(one, clock).items()}
    return realtime.add(sending, numbers, clock=clock)


def _added(one: Grown, clock: Clock) -> dict[MetricId, int]:
    told = dict(_mine(one).order_by().values_list("metric").annotate(told=Sum("value")))
    return {metric: value - told.get(metric, 0) for metric, value in _so_far(one, clock).items()}


def _so_far(one: Grown, clock: Clock) -> dict[MetricId, int]:
    tallies = engagement.tallies_of(one.account_id, one.sending_id, until=engagement.settled_until(clock))
    mine = next((tally for tally in tallies if tally.template_id == one.template_id), None)
    bounced, complained = engagement.returns_of(one.account_id, one.sending_id).get(one.template_id, (0, 0))
    return {
        MetricId.OPENED: mine.opened if mine else 0,
        MetricId.CLICKED: mine.clicked if mine else 0,
        MetricId.SPAM: complained,
        MetricId.BOUNCED: bounced,
    }


def _mine(one: Grown) -> QuerySet[UnsubscribeReport]:
    return UnsubscribeReport.objects.filter(
        account_id=one.account_id, sending_id=one.sending_id, template_id=one.template_id, metric__in=METRICS
    ).exclude(state=ReportState.WITHDRAWN)


def told(account_id: int, sending_id: int) -> dict[MetricId, ToldView]:
    """What the planner was told of what came back of a sending; metrics of which nothing was told are left out."""
    rows = UnsubscribeReport.objects.filter(account_id=account_id, sending_id=sending_id, metric__in=METRICS)
    found: dict[MetricId, ToldView] = {}
    for row in rows.order_by("id"):
        before = found.get(MetricId(row.metric))
        posted = row.value if row.state == ReportState.POSTED else 0
        found[MetricId(row.metric)] = ToldView(
            part=Part.METRIC,
            told=posted + (before.told if before else 0),
            posted_at=row.posted_at or (before.posted_at if before else None),
            problem=row.problem,
            again_at=row.next_at if row.problem and row.state in OPEN_REPORTS else None,
        )
    return found
