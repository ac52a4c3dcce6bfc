"""Addresses that mail cannot reach: the flag that keeps them out of every list of recipients, and its end."""

from collections.abc import Collection
from typing import Any

from django.db import connection

from tandem.kit.clock import Clock

#: the contacts themselves, and by the index of addresses those with the same one in any list of the account
_MARK = """
WITH gone AS (
    SELECT k.id FROM messenger_contacts_contact k WHERE k.account_id = %(account)s AND k.id = ANY(%(ids)s)
    UNION
    SELECT c.id FROM messenger_contacts_contact k
    JOIN messenger_contacts_contactlist l ON l.account_id = k.account_id
    JOIN messenger_contacts_contact c
      ON c.account_id = l.account_id AND c.list_id = l.id AND c.email_key = k.email_key
    WHERE k.account_id = %(account)s AND k.id = ANY(%(ids)s) AND k.email_key <> ''
)
UPDATE messenger_contacts_contact c SET bounced = TRUE, invalidated_at = %(now)s, modified_at = %(now)s
FROM gone WHERE c.account_id = %(account)s AND c.id = gone.id AND NOT c.bounced
"""
_LIFT = """
UPDATE messenger_contacts_contact SET bounced = FALSE, invalidated_at = NULL, modified_at = %(now)s
WHERE account_id = %(account)s AND id = %(id)s AND bounced
"""


def mark_bounced(account_id: int, contact_ids: Collection[int], *, clock: Clock) -> int:
    """Send no more mail to these contacts, nor to others of the account with their addresses; how many were marked."""
    if not contact_ids:
        return 0
    named: dict[str, Any] = {"account": account_id, "ids": sorted(contact_ids), "now": clock.system()}
    with connection.cursor() as cursor:
        cursor.execute(_MARK, named)
        return cursor.rowcount


def lift_bounced(account_id: int, contact_id: int, *, clock: Clock) -> bool:
    """Send mail to a contact again. False if nothing kept it from that."""
    with connection.cursor() as cursor:
        cursor.execute(_LIFT, {"account": account_id, "id": contact_id, "now": clock.system()})
        return cursor.rowcount == 1
