"""Metrics of a campaign."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """A value to add."""

    occurrence_id: int
    channel_id: int
    template_id: int
    metric_id: int
    value: int


@dataclass(frozen=True, kw_only=True)
class MetricTotal:
    """A sum so far. metric_id as in contract.planner_api.MetricId; updated_at in business time."""

    channel_id: int
    template_id: int
    metric_id: int
    total: int
    updated_at: datetime
