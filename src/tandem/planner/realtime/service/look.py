"""Read real-time campaigns, their figures and their log."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Count

from tandem.planner.campaigns.domain import Offered
from tandem.planner.channels import service as channels
from tandem.planner.channels.domain import ChannelKind, fits
from tandem.planner.customers import service as customers
from tandem.planner.listeners import service as listeners
from tandem.planner.realtime.conditions import Comparison, Operator
from tandem.planner.realtime.domain import LogLine, Outcome, RealTimeView
from tandem.planner.realtime.errors import NoSuchRealTimeCampaign
from tandem.planner.realtime.models import RealTimeCampaign, RealTimeTotal, TriggeredCustomer


def get_campaign(account_id: int, campaign_id: int) -> RealTimeView:
    """One real-time campaign. Raises NoSuchRealTimeCampaign."""
    rows = RealTimeCampaign.objects.filter(account_id=account_id, pk=campaign_id)
    found = _views(account_id, rows.select_related("group", "channel_account"))
    if not found:
        raise NoSuchRealTimeCampaign(
            f"There is no real-time campaign {campaign_id}.", "See `tandem realtime list`."
        )
    return found[0]


def list_campaigns(account_id: int, *, after: int = 0, limit: int = 500) -> tuple[RealTimeView, ...]:
    """The real-time campaigns in the order they were made."""
    rows = RealTimeCampaign.objects.filter(account_id=account_id, pk__gt=after).order_by("pk")
    return _views(account_id, rows.select_related("group", "channel_account")[:limit])


def log(
    account_id: int, campaign_id: int, *, before: int | None = None, limit: int = 100
) -> tuple[LogLine, ...]:
    """Triggered customers, newest first, from the line before `before`. Raises NoSuchRealTimeCampaign."""
    get_campaign(account_id, campaign_id)
    rows = TriggeredCustomer.objects.filter(account_id=account_id, campaign_id=campaign_id)
    rows = rows if before is None else rows.filter(pk__lt=before)
    found = list(rows.select_related("event").order_by("-pk")[:limit])
    names = customers.names_of(account_id, {row.customer_id for row in found})
    states = listeners.states_of(account_id, [row.told_event for row in found if row.told_event])
    return tuple(
        LogLine(
            id=row.pk,
            at=row.at,
            event_id=row.event.event_id,
            customer_id=names.get(row.customer_id, ""),
            outcome=Outcome(row.outcome),
            told_state=str(states.get(row.told_event or 0, "")),
        )
        for row in found
    )


def offered(account_id: int, channel_account_id: int, kind: ChannelKind | str) -> tuple[Offered, ...]:
    """Every template last read, as the rules want it."""
    return tuple(
        Offered(
            template_id=one.id,
            name=one.name,
            project_id=one.project_id,
            project_name=one.project_name,
            fits=fits(one.channel, str(kind)),
            usable=one.usable,
        )
        for one in channels.list_templates(account_id, channel_account_id)
    )


def comparisons(stored: Iterable[dict]) -> tuple[Comparison, ...]:
    """The comparisons of a row."""
    return tuple(
        Comparison(name=one["property"], operator=Operator(one["operator"]), values=tuple(one["values"]))
        for one in stored
    )


def _views(account_id: int, rows: Iterable[RealTimeCampaign]) -> tuple[RealTimeView, ...]:
    found = list(rows)
    ids = [row.pk for row in found]
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    counted = TriggeredCustomer.objects.filter(account_id=account_id, campaign__in=ids)
    for campaign, outcome, number in counted.values_list("campaign", "outcome").annotate(n=Count("pk")):
        counts[campaign][outcome] = number
    reported: dict[int, dict[int, int]] = defaultdict(dict)
    for total in RealTimeTotal.objects.filter(account_id=account_id, campaign__in=ids):
        reported[total.campaign_id][total.metric_id] = total.total
    templates = {
        (row.channel_account_id, one.id): one
        for row in {row.channel_account_id: row for row in found}.values()
        for one in channels.list_templates(account_id, row.channel_account_id)
    }
    return tuple(
        _view(row, templates.get((row.channel_account_id, row.template_id)), counts[row.pk], reported[row.pk])
        for row in found
    )


def _view(row: RealTimeCampaign, template, counts: dict[str, int], reported: dict[int, int]) -> RealTimeView:
    where = channels.get_account(row.account_id, row.channel_account_id)
    return RealTimeView(
        id=row.pk,
        key=str(row.key),
        name=row.name,
        event_name=row.event_name,
        conditions=comparisons(row.conditions),
        group_id=row.group_id,
        group_name=row.group.name if row.group else "",
        channel=ChannelKind(row.kind),
        channel_account_id=row.channel_account_id,
        channel_account_name=row.channel_account.name,
        channel_id=where.channel_id(row.kind),
        project_id=row.project_id,
        project_name=template.project_name if template else "",
        template_id=row.template_id,
        template_name=template.name if template else str(row.template_id),
        promo_code=row.promo_code,
        cap_hours=row.cap_hours,
        control_percent=row.control_percent,
        late_minutes=row.late_minutes,
        active=row.active,
        created_at=row.created_at,
        counts=counts,
        reported=reported,
    )
