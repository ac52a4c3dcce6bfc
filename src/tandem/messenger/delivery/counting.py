"""What became of the messages of a version: kept as sums when a sending ends, counted while it runs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

UNSUBSCRIBED = 100
_ADD = """
INSERT INTO messenger_delivery_versioncount AS c (account_id, version_id, what, number)
SELECT t.account_id, t.version_id, n.state, sum(n.rows)
FROM unnest(%(templates)s::bigint[], %(states)s::smallint[], %(rows)s::bigint[]) AS n (template_id, state, rows)
JOIN messenger_delivery_sendingtemplate t
  ON t.account_id = %(account)s AND t.sending_id = %(sending)s AND t.template_id = n.template_id
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (account_id, version_id, what) DO UPDATE SET number = c.number + excluded.number
"""
_UNSUBSCRIBED = """
INSERT INTO messenger_delivery_versioncount AS c (account_id, version_id, what, number)
SELECT account_id, version_id, %(what)s, 1 FROM messenger_delivery_sendingtemplate
WHERE account_id = %(account)s AND sending_id = %(sending)s AND template_id = %(template)s
ON CONFLICT (account_id, version_id, what) DO UPDATE SET number = c.number + 1
"""
_ENDED = """
SELECT version_id, what, number FROM messenger_delivery_versioncount
WHERE account_id = %(account)s AND version_id = ANY(%(versions)s)
"""
_RUNNING = """
SELECT t.version_id, a.state, count(*)
FROM messenger_delivery_sending s
JOIN messenger_delivery_sendingtemplate t ON t.account_id = s.account_id AND t.sending_id = s.id
JOIN messenger_delivery_attempt a
  ON a.account_id = t.account_id AND a.sending_id = t.sending_id AND a.template_id = t.template_id
WHERE s.account_id = %(account)s AND s.finished_at IS NULL AND s.started_at IS NOT NULL
  AND t.version_id = ANY(%(versions)s)
GROUP BY 1, 2
"""


def add(account_id: int, sending_id: int, totals: Sequence[Mapping[str, int]]) -> None:
    """Add the settled numbers of a sending to its versions', in the transaction that ends it."""
    named: dict[str, Any] = {
        "account": account_id,
        "sending": sending_id,
        "templates": [line["template"] for line in totals],
        "states": [line["state"] for line in totals],
        "rows": [line["rows"] for line in totals],
    }
    with connection.cursor() as cursor:
        cursor.execute(_ADD, named)


def add_unsubscribed(account_id: int, sending_id: int, template_id: int) -> None:
    """One more person left by the link in a message; in the transaction that ends the subscription."""
    named: dict[str, Any] = {
        "account": account_id,
        "sending": sending_id,
        "template": template_id,
        "what": UNSUBSCRIBED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNSUBSCRIBED, named)


def of_versions(account_id: int, version_ids: Sequence[int]) -> dict[int, dict[int, int]]:
    """Version -> (AttemptState or UNSUBSCRIBED -> number), of sendings that have begun; none of versions never sent."""
    named: dict[str, Any] = {"account": account_id, "versions": list(version_ids)}
    counts: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    with connection.cursor() as cursor:
        for sql in (_ENDED, _RUNNING):
            cursor.execute(sql, named)
            for version_id, what, number in cursor.fetchall():
                counts[version_id][what] += number
    return {version_id: dict(found) for version_id, found in counts.items()}
