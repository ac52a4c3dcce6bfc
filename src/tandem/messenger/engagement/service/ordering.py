"""During a warm-up the most engaged are sent to first: a new sender is judged by what its first recipients do."""

from collections.abc import Collection
from typing import Any

from django.db import connection

from tandem.kit.clock import Clock
from tandem.messenger.delivery.staging import StagedList
from tandem.messenger.engagement.domain import ENGAGED_SINCE
from tandem.messenger.pacing import service as pacing
from tandem.messenger.projects.service.of_triggers import senders_of

#: most sendings clicked, then most opened, then the latest opening; who did nothing keeps the list's own order
_ENGAGED_FIRST = """
WITH reacted AS (
    SELECT a.customer, count(f.clicked_at) AS clicked, count(*) AS opened, max(f.opened_at) AS latest
    FROM messenger_delivery_sending s
    JOIN messenger_engagement_firstreaction f
      ON f.account_id = s.account_id AND f.sending_id = s.id AND f.opened_at > %(since)s
    JOIN messenger_delivery_attempt a ON a.account_id = f.account_id AND a.id = f.attempt_id
    WHERE s.account_id = %(account)s AND s.due_at > %(since)s
    GROUP BY 1
), ranked AS (
    SELECT l.customer, row_number() OVER (ORDER BY r.clicked DESC NULLS LAST, r.opened DESC NULLS LAST,
                                                   r.latest DESC NULLS LAST, l.seq) AS place
    FROM tandem_list l LEFT JOIN reacted r ON r.customer = l.customer COLLATE "default"
)
UPDATE tandem_list l SET seq = r.place FROM ranked r WHERE r.customer = l.customer AND l.seq <> r.place
"""


def engaged_first(account_id: int, staged: StagedList, trigger_ids: Collection[int], *, clock: Clock) -> bool:
    """Put a staged list in that order if a warm-up limits its sender today; whether it does.

    The same list and the same past give the same order. What is on the list stays the same, and so its digest.
    """
    senders = senders_of(account_id, trigger_ids)
    if not staged.rows or not pacing.is_warming(account_id, sorted(senders), clock):
        return False
    named: dict[str, Any] = {"account": account_id, "since": clock.business() - ENGAGED_SINCE}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tandem_list")
        cursor.execute(_ENGAGED_FIRST, named)
    return True
