"""SMS that reached their phones, told to the planner (metric 1) as one settled total, as the other metrics are.

Receipts come for days, so the total is settled when every message that was taken has one, or when none is worth waiting
for. What fails after it was taken is in none of the metrics: 9 is what the next hop refused.
"""

from collections import Counter
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from tandem.kit.clock import Clock
from tandem.messenger.delivery.domain import AttemptState, Channel, SendingKind
from tandem.messenger.delivery.models import Sending
from tandem.messenger.engagement import service as engagement
from tandem.messenger.reporting.models import MetricReport

DELIVERED = 1
#: SMSCs try for so long at most
SETTLED_AFTER = timedelta(hours=72)
#: a sending without any receipt by then has none
FORGOTTEN_AFTER = timedelta(days=7)


def prepare(clock: Clock) -> int:
    """Make the rows of sendings that are settled now; how many sendings."""
    now = clock.business()
    told = MetricReport.objects.filter(
        account_id=OuterRef("account_id"), sending_id=OuterRef("pk"), metric_id=DELIVERED
    )
    # all accounts: the tick works for every account
    open_ones = Sending.objects.filter(
        ~Exists(told), channel=Channel.SMS, kind=SendingKind.CAMPAIGN, campaign_id__isnull=False,
        finished_at__gt=now - FORGOTTEN_AFTER, finished_at__lte=now,
    )  # fmt: skip
    return sum(_settle(sending, now, clock) for sending in open_ones.order_by("id")[:100])


def _settle(sending: Sending, now: datetime, clock: Clock) -> bool:
    accepted: Counter[int] = Counter()
    for line in sending.totals or []:
        if line["state"] == AttemptState.ACCEPTED:
            accepted[line["template"]] += line["rows"]
    found = engagement.receipts_of(sending.account_id, sending.pk)
    heard = sum(delivered + failed for delivered, failed in found.values())
    over = sending.finished_at is not None and now - sending.finished_at > SETTLED_AFTER
    if not heard or not (over or heard >= accepted.total()):
        return False
    MetricReport.objects.bulk_create(
        [
            MetricReport(
                account_id=sending.account_id, sending_id=sending.pk, template_id=template, metric_id=DELIVERED,
                value=found.get(template, (0, 0))[0], next_at=clock.system(),
            )
            for template in sorted(accepted)
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return True
