"""The verbs of results: take what the messenger reports, tell the sums."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.planner.results.domain import MetricRow, MetricTotal
from tandem.planner.results.interactions import (
    add_interactions,
    interactions_of,
    interactions_of_customer,
    interactions_on,
)
from tandem.planner.results.models import CampaignMetric, WriteOnce

__all__ = [
    "add_interactions",
    "add_metrics",
    "first_time",
    "interactions_of",
    "interactions_of_customer",
    "interactions_on",
    "metrics_of",
    "totals_by_metric",
]
KEYS_KEPT = timedelta(days=30)
_ADD = """
INSERT INTO planner_results_campaignmetric AS m
  (account_id, occurrence_id, channel_id, template_id, metric_id, total, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (account_id, occurrence_id, channel_id, template_id, metric_id)
DO UPDATE SET total = m.total + excluded.total, updated_at = excluded.updated_at
"""


def add_metrics(account_id: int, rows: Sequence[MetricRow], *, clock: Clock) -> int:
    """Add the values to the sums, all or none. Returns how many sums changed."""
    added: dict[tuple[int, int, int, int], int] = defaultdict(int)
    for row in rows:
        added[(row.occurrence_id, row.channel_id, row.template_id, row.metric_id)] += row.value
    now = clock.business()
    with transaction.atomic(), connection.cursor() as cursor:
        for key in sorted(added):
            cursor.execute(_ADD, [account_id, *key, added[key], now])
    return len(added)


def first_time(account_id: int, key: str, *, clock: Clock) -> bool:
    """Whether no write was made under this key; call it in the write's transaction. Keys are kept for 30 days."""
    now = clock.system()
    WriteOnce.objects.filter(account_id=account_id, at__lt=now - KEYS_KEPT).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO planner_results_writeonce (account_id, key, at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [account_id, key, now],
        )
        return cursor.rowcount == 1


def metrics_of(account_id: int, occurrence_id: int) -> tuple[MetricTotal, ...]:
    """All sums of an occurrence."""
    found = CampaignMetric.objects.filter(account_id=account_id, occurrence_id=occurrence_id)
    return tuple(
        MetricTotal(
            channel_id=row.channel_id,
            template_id=row.template_id,
            metric_id=row.metric_id,
            total=row.total,
            updated_at=row.updated_at,
        )
        for row in found.order_by("channel_id", "template_id", "metric_id")
    )


def totals_by_metric(account_id: int, occurrence_id: int) -> dict[int, int]:
    """The sums of an occurrence over its channels and templates, by metric."""
    totals: dict[int, int] = defaultdict(int)
    for row in metrics_of(account_id, occurrence_id):
        totals[row.metric_id] += row.total
    return dict(totals)
