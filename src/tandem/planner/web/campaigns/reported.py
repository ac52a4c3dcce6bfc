"""What the messenger reported of a campaign, template by template: sums, and what single customers did."""

from dataclasses import dataclass
from datetime import datetime

from tandem.contract.planner_api import MetricId
from tandem.planner.campaigns.domain import CampaignView
from tandem.planner.results import service as results

_KINDS = {
    0: "Sent",
    1: "Delivered",
    2: "Opened",
    3: "Clicked",
    4: "Unsubscribed",
    5: "Dropped",
    6: "Spam reports",
    9: "Bounced",
}


@dataclass(frozen=True, kw_only=True)
class Reported:
    """A table of sums (a column per kind, None = nothing reported), and (template, kind, customers, times) rows.

    unsubscribed, unsubscribed_at: how many in all, and when the messenger last told; None = nobody.
    """

    kinds: tuple[str, ...]
    sums: tuple[tuple[str, tuple[int | None, ...]], ...]
    interactions: tuple[tuple[str, str, int, int], ...]
    unsubscribed: int = 0
    unsubscribed_at: datetime | None = None


def reported(account_id: int, view: CampaignView) -> Reported:
    """All that was reported of an occurrence."""
    names = {one.template_id: one.name for one in view.templates}
    metrics = results.metrics_of(account_id, view.occurrence_id)
    kinds = sorted({one.metric_id for one in metrics})
    totals = {(one.template_id, one.metric_id): one.total for one in metrics}
    templates = sorted({one.template_id for one in metrics})
    gone = [one for one in metrics if one.metric_id == MetricId.UNSUBSCRIBED and one.total]
    return Reported(
        kinds=tuple(_kind(kind) for kind in kinds),
        sums=tuple(
            (names.get(template) or f"{template}", tuple(totals.get((template, kind)) for kind in kinds))
            for template in templates
        ),
        unsubscribed=sum(one.total for one in gone),
        unsubscribed_at=max((one.updated_at for one in gone), default=None),
        interactions=tuple(
            (
                names.get(one.template_id) or f"{one.template_id}",
                _kind(one.event_id),
                one.customers,
                one.times,
            )
            for one in results.interactions_of(account_id, view.occurrence_id)
        ),
    )


def _kind(number: int) -> str:
    return _KINDS.get(number, f"Metric {number}")
