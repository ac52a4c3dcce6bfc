"""The totals the messenger reported for an occurrence, as the room above hands them down."""

from collections.abc import Mapping

from tandem.planner.execution.domain import Reported
from tandem.planner.execution.models import ReportedTotal


def save_totals(account_id: int, occurrence_id: int, totals: Mapping[int, int]) -> None:
    """Replace the totals by metric."""
    ReportedTotal.objects.bulk_create(
        [
            ReportedTotal(account_id=account_id, occurrence_id=occurrence_id, metric_id=metric, total=total)
            for metric, total in totals.items()
        ],
        update_conflicts=True,
        unique_fields=["account", "occurrence", "metric_id"],
        update_fields=["total"],
    )


def reported_totals(account_id: int, occurrence_id: int) -> Reported:
    """The totals by metric; empty before the messenger reports."""
    rows = ReportedTotal.objects.filter(account_id=account_id, occurrence_id=occurrence_id)
    return Reported(by_metric=dict(rows.values_list("metric_id", "total")))
