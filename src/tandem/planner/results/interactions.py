"""What customers did with messages, customer by customer, as a messenger reports it."""

from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Sum

from tandem.planner.customers import service as customers
from tandem.planner.results.domain import InteractionTotal, InteractionView, Report
from tandem.planner.results.models import Interaction

_ADD = """
INSERT INTO planner_results_interaction AS i
    (account_id, occurrence_id, channel_id, template_id, event_id, customer, day, recipient_group, app_id, times)
SELECT %(account)s, %(occurrence)s, %(channel)s, %(template)s, %(event)s, c.id, %(day)s, %(group)s, %(app)s, g.times
FROM (SELECT customer_id, count(*) AS times FROM unnest(%(customers)s::text[]) AS u (customer_id) GROUP BY 1) g
JOIN planner_customers_customer c
    ON c.account_id = %(account)s AND c.customer_id = g.customer_id AND NOT c.forgotten
ORDER BY c.id
ON CONFLICT (account_id, occurrence_id, channel_id, template_id, event_id, customer, day)
DO UPDATE SET times = i.times + excluded.times, recipient_group = excluded.recipient_group, app_id = excluded.app_id
"""


def add_interactions(account_id: int, report: Report) -> int:
    """Add them to what was reported before; how many of the customers are known."""
    values: dict[str, Any] = {
        "account": account_id, "occurrence": report.occurrence_id, "channel": report.channel_id,
        "template": report.template_id, "event": report.event_id, "day": report.day,
        "group": report.recipient_group, "app": report.app_id, "customers": list(report.customer_ids),
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ADD, values)
        return int(cursor.rowcount)


def interactions_of(account_id: int, occurrence_id: int) -> tuple[InteractionTotal, ...]:
    """The sums of an occurrence, by channel, template and kind."""
    rows = Interaction.objects.filter(account_id=account_id, occurrence_id=occurrence_id)
    sums = rows.values("channel_id", "template_id", "event_id").annotate(
        customers=Count("customer", distinct=True), total=Sum("times")
    )
    return tuple(
        InteractionTotal(
            channel_id=row["channel_id"],
            template_id=row["template_id"],
            event_id=row["event_id"],
            customers=row["customers"],
            times=row["total"],
        )
        for row in sums.order_by("channel_id", "template_id", "event_id")
    )


def interactions_of_customer(
    account_id: int,
    customer_id: str,
    *,
    start: date,
    end: date,
    channel_id: int | None,
    skip: int = 0,
    top: int = 10_000,
) -> tuple[InteractionView, ...]:
    """What one customer did between two days, both included, oldest first. Raises UnknownCustomer."""
    surrogate = customers.surrogate_of(account_id, customer_id)
    asked: dict[str, Any] = {"customer": surrogate, "day__gte": start, "day__lte": end}
    if channel_id is not None:
        asked["channel_id"] = channel_id
    return _page(account_id, asked, skip, top)


def interactions_on(
    account_id: int, day: date, *, channel_id: int, event_id: int, skip: int = 0, top: int = 10_000
) -> tuple[InteractionView, ...]:
    """Who did something on a day on a channel."""
    return _page(account_id, {"day": day, "channel_id": channel_id, "event_id": event_id}, skip, top)


def forget(account_id: int, surrogate: int, customer_id: str) -> int:
    """Delete what a person did; how many rows there were."""
    gone, _ = Interaction.objects.filter(account_id=account_id, customer=surrogate).delete()
    return gone


def _page(account_id: int, asked: dict[str, Any], skip: int, top: int) -> tuple[InteractionView, ...]:
    found = Interaction.objects.filter(account_id=account_id, **asked)
    order = ("day", "occurrence_id", "channel_id", "template_id", "event_id", "customer")
    rows = list(found.order_by(*order)[skip : skip + top])
    names = customers.names_of(account_id, {row.customer for row in rows})
    return tuple(
        InteractionView(
            customer_id=names[row.customer],
            day=row.day,
            occurrence_id=row.occurrence_id,
            recipient_group=row.recipient_group,
            channel_id=row.channel_id,
            template_id=row.template_id,
            event_id=row.event_id,
            times=row.times,
        )
        for row in rows
        if row.customer in names
    )
