"""Sendings of one message that is known at once not to leave: its row is settled where it is made."""

from datetime import datetime
from typing import Any

from django.db import connection

from tandem.messenger.delivery.claims import SUPPRESSED_WORDS
from tandem.messenger.delivery.domain import AttemptState
from tandem.messenger.delivery.models import Attempt

_SETTLE = """
UPDATE messenger_delivery_attempt SET state = %(state)s, reason = %(reason)s, done_at = %(now)s
WHERE account_id = %(account)s AND sending_id = %(sending)s AND state = 0
"""
_CLOSE = """
UPDATE messenger_delivery_block SET done = TRUE WHERE account_id = %(account)s AND sending_id = %(sending)s
"""


def message_id(account_id: int, sending_id: int) -> int:
    """The id of the one row of a sending."""
    return int(Attempt.objects.values_list("id", flat=True).get(account_id=account_id, sending_id=sending_id))


def settle(account_id: int, sending_id: int, reason: str, now: datetime) -> None:
    """Record that nothing is sent and why, in the transaction that opened the sending."""
    state = AttemptState.SUPPRESSED if reason in SUPPRESSED_WORDS else AttemptState.SKIPPED
    named: dict[str, Any] = {
        "account": account_id,
        "sending": sending_id,
        "state": int(state),
        "reason": reason,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, named)
        cursor.execute(_CLOSE, named)
