"""Delivery receipts of a sending, counted."""

from django.db import connection

_COUNT = """
SELECT template_id, count(*) FILTER (WHERE delivered), count(*) FILTER (WHERE NOT delivered)
FROM (SELECT template_id, attempt_id, bool_or(kind = 6) AS delivered FROM messenger_engagement_event
      WHERE account_id = %s AND sending_id = %s AND kind IN (6, 7) GROUP BY 1, 2) told
GROUP BY 1
"""


def receipts_of(account_id: int, sending_id: int) -> dict[int, tuple[int, int]]:
    """Template -> messages that were delivered, and that failed after they were taken; each message once."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [account_id, sending_id])
        return {template: (delivered, failed) for template, delivered, failed in cursor.fetchall()}
