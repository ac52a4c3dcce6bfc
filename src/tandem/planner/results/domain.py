"""Metrics of a campaign."""

from dataclasses import dataclass
from datetime import date, datetime


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


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a messenger reports of many customers at once; event_id as metric_id."""

    occurrence_id: int
    channel_id: int
    template_id: int
    event_id: int
    day: date
    customer_ids: tuple[str, ...]
    recipient_group: int = 1
    app_id: str = ""


@dataclass(frozen=True, kw_only=True)
class InteractionTotal:
    """Interactions of one kind with one template: how many customers, how many times."""

    channel_id: int
    template_id: int
    event_id: int
    customers: int
    times: int


@dataclass(frozen=True, kw_only=True)
class InteractionView:
    """What one customer did on a day."""

    customer_id: str
    day: date
    occurrence_id: int
    recipient_group: int
    channel_id: int
    template_id: int
    event_id: int
    times: int
