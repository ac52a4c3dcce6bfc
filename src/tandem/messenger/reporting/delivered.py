"""SMS that reached their phones, told to the planner (metric 1) as one settled total, as the other metrics are.

Receipts come for days, so the total is settled when every message that was taken has one, or when none is worth waiting
for; of rows that were settled after that, once more. What fails after it was taken is in none of the metrics: 9 is
what the next hop refused.
"""

from collections import Counter
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from tandem.kit.clock import Clock
from tandem.messenger.delivery.domain import AttemptState, Channel, SendingKind
from tandem.messenger.delivery.models import Sending
from tandem.messenger.engagement import service as engagement
from tandem.messenger.reporting.domain import Metric
from tandem.messenger.reporting.models import MetricReport

DELIVERED = 1
#: SMSCs try for so long at most
SETTLED_AFTER = timedelta(hours=72)
#: a sending without any receipt by then has none
FORGOTTEN_AFTER = timedelta(days=7)


def prepare(clock: Clock) -> int:
    """Make the rows of sendings that are settled now; how many sendings."""
    now = clock.business()
    mine = MetricReport.objects.filter(account_id=OuterRef("account_id"), sending_id=OuterRef("pk"))
    sent = mine.filter(metric_id=Metric.SENT).order_by("-round").values("round")[:1]
    told = mine.filter(metric_id=DELIVERED, round__gte=OuterRef("last"))
    # all accounts: the tick works for every account
    open_ones = Sending.objects.annotate(last=Coalesce(Subquery(sent), 0)).filter(
        ~Exists(told), channel=Channel.SMS, kind=SendingKind.CAMPAIGN, campaign_id__isnull=False,
        finished_at__gt=now - FORGOTTEN_AFTER, finished_at__lte=now,
    )  # fmt: skip
    return sum(_settle(sending, sending.last, now, clock) for sending in open_ones.order_by("id")[:100])


def _settle(sending: Sending, last: int, now: datetime, clock: Clock) -> bool:
    accepted: Counter[int] = Counter()
    for line in sending.totals or []:
        if line["state"] == AttemptState.ACCEPTED:
            accepted[line["template"]] += line["rows"]
    found = engagement.receipts_of(sending.account_id, sending.pk)
    heard = sum(delivered + failed for delivered, failed in found.values())
    over = sending.finished_at is not None and now - sending.finished_at > SETTLED_AFTER
    if not heard or not (over or heard >= accepted.total()):
        return False
    before = MetricReport.objects.filter(
        account_id=sending.account_id, sending_id=sending.pk, metric_id=DELIVERED
    )
    told = dict(before.values_list("template_id").annotate(Sum("value")))
    MetricReport.objects.bulk_create(
        [
            MetricReport(
                account_id=sending.account_id, sending_id=sending.pk, template_id=template, metric_id=DELIVERED,
                value=max(0, found.get(template, (0, 0))[0] - told.get(template, 0)), next_at=clock.system(),
                round=last,
            )
            for template in sorted(accepted)
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return True
