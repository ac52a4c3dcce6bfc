"""Numbers that changed after they were told: failed rows that got another turn, uncertain ones that were settled.

What is told is what was added since, each time a round of its own: the planner adds what it is told, and takes nothing
back. An uncertain row was told as nothing; it becomes one more sent, or one more bounced.
"""

from django.db import transaction
from django.db.models import Max, Sum

from tandem.kit.clock import Clock
from tandem.messenger.delivery.models import Sending
from tandem.messenger.reporting.domain import Metric, metrics
from tandem.messenger.reporting.models import MetricReport

_UNDER_WAY = ("waiting", "posting", "doubtful")


def prepare(clock: Clock) -> int:
    """Make the rows of what changed; how many sendings."""
    # all accounts: the tick works for every account
    changed = Sending.objects.filter(untold=True, finished_at__isnull=False).order_by("account_id", "id")
    found = list(changed.values_list("account_id", "id")[:100])
    return sum(_tell(account_id, sending_id, clock) for account_id, sending_id in found)


@transaction.atomic
def _tell(account_id: int, sending_id: int, clock: Clock) -> bool:
    locked = Sending.objects.select_for_update().filter(account_id=account_id, id=sending_id, untold=True)
    sending = locked.first()
    mine = MetricReport.objects.filter(
        account_id=account_id, sending_id=sending_id, metric_id__in=list(Metric)
    )
    if sending is None or sending.totals is None or not mine.exists():
        return False  # not told at all yet: the first telling is of these numbers
    if mine.filter(state__in=_UNDER_WAY).exists():
        return False  # what follows is told together
    told = {
        (template, metric): value
        for template, metric, value in mine.values_list("template_id", "metric_id").annotate(Sum("value"))
    }
    last = mine.aggregate(last=Max("round"))["last"]
    added = {
        key: value - told.get((key[0], int(key[1])), 0) for key, value in metrics(sending.totals).items()
    }
    MetricReport.objects.bulk_create(
        MetricReport(
            account_id=account_id, sending_id=sending_id, template_id=template, metric_id=int(metric),
            value=value, next_at=clock.system(), round=last + 1,
        )
        for (template, metric), value in added.items() if value > 0
    )  # fmt: skip
    Sending.objects.filter(account_id=account_id, id=sending_id).update(untold=False)
    return any(value > 0 for value in added.values())
