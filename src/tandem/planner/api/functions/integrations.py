"""integrations/*: what a messenger reports."""

from django.db import transaction

from tandem.contract.planner_api import Metric
from tandem.contract.reading import ContractBroken, items
from tandem.kit.problems import NotFound
from tandem.planner.api.call import Call
from tandem.planner.execution import service as execution
from tandem.planner.results import service as results
from tandem.planner.results.domain import MetricRow

MOST_ITEMS = 100


@transaction.atomic
def update_campaign_metrics(call: Call) -> None:
    """Add the values to what was reported before: all of them, or none if one is refused."""
    found = items(call.body, "body")
    if len(found) > MOST_ITEMS:
        raise ContractBroken(f"More than {MOST_ITEMS} items")
    rows = [Metric.read(item) for item in found]
    campaigns = sorted({row.campaign_id for row in rows})
    for campaign_id in campaigns:
        channels = execution.campaign_details(call.account_id, campaign_id).channels
        if any(row.channel_id not in channels for row in rows if row.campaign_id == campaign_id):
            raise NotFound(f"Campaign {campaign_id} is not on that channel.")
    results.add_metrics(
        call.account_id,
        [
            MetricRow(
                occurrence_id=row.campaign_id,
                channel_id=row.channel_id,
                template_id=row.template_id,
                metric_id=row.metric_id,
                value=row.value,
            )
            for row in rows
        ],
        clock=call.clock,
    )
    for campaign_id in campaigns:
        totals = results.totals_by_metric(call.account_id, campaign_id)
        execution.metrics_arrived(call.account_id, campaign_id, totals, clock=call.clock)
