"""What programs say of customers and channels: a layer over the copy of consent, never less strict than that."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.planner.customers.domain import PreferenceView
from tandem.planner.customers.models import ChannelPreference

#: the one communication mode under which a customer may get messages on the channel
ALLOWED = 1
_SET = """
INSERT INTO planner_customers_channelpreference
    (account_id, channel_account_id, kind, customer_id, app_id, mode, blocked, at)
SELECT %(account)s, %(channel_account)s, %(kind)s, c.id, %(app)s, %(mode)s, %(blocked)s, %(at)s
FROM (SELECT DISTINCT unnest(%(customers)s::text[]) AS customer_id) g
JOIN planner_customers_customer c
    ON c.account_id = %(account)s AND c.customer_id = g.customer_id AND NOT c.forgotten
ORDER BY c.id
ON CONFLICT (account_id, channel_account_id, kind, customer_id, app_id)
DO UPDATE SET mode = excluded.mode, blocked = excluded.blocked, at = excluded.at
"""


def set_preferences(
    account_id: int,
    channel_account_id: int,
    kind: str,
    customer_ids: Sequence[str],
    *,
    mode: int,
    app_id: str = "",
    clock: Clock,
) -> int:
    """Say whether these customers may get messages on a channel; how many of them are known.

    Only mode 1 allows it, and lifts no more than an earlier preference: who opted out at the messenger stays out.
    """
    values: dict[str, Any] = {
        "account": account_id, "channel_account": channel_account_id, "kind": kind, "app": app_id, "mode": mode,
        "blocked": mode != ALLOWED, "at": clock.business(), "customers": list(customer_ids),
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SET, values)
        return int(cursor.rowcount)


def is_blocked(account_id: int, channel_account_id: int, kind: str, surrogate: int) -> bool:
    """Whether a program said that a customer may not get messages on a channel."""
    return ChannelPreference.objects.filter(
        account_id=account_id,
        channel_account_id=channel_account_id,
        kind=kind,
        customer_id=surrogate,
        blocked=True,
    ).exists()


def preferences_of(account_id: int, surrogate: int) -> tuple[PreferenceView, ...]:
    """What was said of one customer."""
    rows = ChannelPreference.objects.filter(account_id=account_id, customer_id=surrogate)
    return tuple(
        PreferenceView(
            channel_account_id=row.channel_account_id,
            kind=row.kind,
            app_id=row.app_id,
            mode=row.mode,
            blocked=row.blocked,
            at=row.at,
        )
        for row in rows.order_by("channel_account_id", "kind", "app_id")
    )
