"""integrations/*: what a messenger reports."""

from django.db import transaction

from tandem.kit.problems import NotFound
from tandem.planner.api.call import Call
from tandem.planner.api.function import Body, Kind, Param, Sure, write
from tandem.planner.execution import service as execution
from tandem.planner.realtime import service as realtime
from tandem.planner.results import service as results
from tandem.planner.results.domain import MetricRow


@transaction.atomic
def update_campaign_metrics(call: Call) -> None:
    """Add the values to what was reported before: all of them, or none if one is refused."""
    real_time = [item for item in call.bodies if isinstance(item["campaignid"], str)]
    listed = [item for item in call.bodies if not isinstance(item["campaignid"], str)]
    for item in real_time:
        if not realtime.knows(call.account_id, item["campaignid"]):
            raise NotFound(f"There is no campaign {item['campaignid']}.")
    campaigns = sorted({item["campaignid"] for item in listed})
    for campaign_id in campaigns:
        channels = execution.campaign_details(call.account_id, campaign_id).channels
        asked = {item["channelid"] for item in listed if item["campaignid"] == campaign_id}
        if not asked <= set(channels):
            raise NotFound(f"Campaign {campaign_id} is not on that channel.")
    rows = [
        MetricRow(
            occurrence_id=item["campaignid"],
            channel_id=item["channelid"],
            template_id=item["templateid"],
            metric_id=item["metricid"],
            value=item["metricvalue"],
        )
        for item in listed
    ]
    if call.once and not results.first_time(call.account_id, call.once, clock=call.clock):
        return
    results.add_metrics(call.account_id, rows, clock=call.clock)
    told = [(item["campaignid"], item["metricid"], item["metricvalue"]) for item in real_time]
    realtime.add_results(call.account_id, told, clock=call.clock)
    for campaign_id in campaigns:
        totals = results.totals_by_metric(call.account_id, campaign_id)
        stated = {(row.template_id, row.metric_id) for row in rows if row.occurrence_id == campaign_id}
        execution.metrics_arrived(call.account_id, campaign_id, totals, stated=stated, clock=call.clock)


_METRIC = Body(
    is_array=True,
    fields=tuple(
        Param(name=name, required=True, kind=Kind.NUMBER_OR_GUID if name == "CampaignID" else Kind.NUMBER)
        for name in ("ChannelID", "CampaignID", "TemplateID", "MetricID", "MetricValue")
    ),
)

FUNCTIONS = (
    write(
        "integrations", "UpdateCampaignMetrics", update_campaign_metrics, _METRIC, third_party=True,
        sure=Sure.LIVE,
        meaning="Adds to what was reported: 0 sent, 1 delivered, 2 opened, 3 clicked, 4 unsubscribed, 5 dropped, "
        "6 spam report, 9 bounced.",
    ),
)  # fmt: skip
