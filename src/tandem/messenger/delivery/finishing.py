"""The end of a sending: when no row is open, its numbers are settled once."""

from datetime import datetime

from django.db import connection, transaction

from tandem.kit import clock as clocks
from tandem.kit.failpoints import failpoint
from tandem.kit.prepared import prepared
from tandem.messenger.delivery import cancelling, counting, events, numbers
from tandem.messenger.delivery.domain import SINGLE_KINDS, AttemptState, SendingState
from tandem.messenger.delivery.models import Sending

_READY = """
SELECT s.account_id, s.id FROM messenger_delivery_sending s
WHERE s.finished_at IS NULL AND s.state IN ('scheduled', 'sending', 'paused', 'cancelled')
  AND (s.due_at <= %(now)s OR s.state = 'cancelled')
  AND NOT EXISTS (SELECT 1 FROM messenger_delivery_block b
                  WHERE b.account_id = s.account_id AND b.sending_id = s.id AND NOT b.done)
"""
_TOTALS = """
SELECT template_id, state, reason, count(*) FROM messenger_delivery_attempt
WHERE account_id = %s AND sending_id = %s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def finish_due(now: datetime) -> int:
    """End every sending whose rows are all settled; how many were."""
    cancelling.end_freed(now)
    with prepared() as cursor:
        ready = cursor.execute(_READY, {"now": now}).fetchall()
    return sum(_finish(account_id, sending_id, now) for account_id, sending_id in ready)


@transaction.atomic
def _finish(account_id: int, sending_id: int, now: datetime) -> bool:
    sending = Sending.objects.select_for_update().get(account_id=account_id, id=sending_id)
    if sending.finished_at is not None:
        return False
    totals = totals_of(account_id, sending_id)
    states = {AttemptState(row["state"]) for row in totals}
    if sum(row["rows"] for row in totals) != sending.expected or not all(state.terminal for state in states):
        return False
    if sending.state != SendingState.CANCELLED.value:
        all_missed = states == {AttemptState.MISSED}
        sending.state = (SendingState.MISSED if all_missed else SendingState.FINISHED).value
    sending.finished_at = now
    sending.started_at = sending.started_at or now
    sending.totals = totals
    sending.save(update_fields=["state", "finished_at", "started_at", "totals"])
    counting.add(account_id, sending_id, totals)
    numbers.forget(account_id, sending_id)
    if sending.kind not in SINGLE_KINDS:
        events.sending_ended(sending, totals, clock=clocks.from_environment())
    failpoint("m16")
    return True


def totals_of(account_id: int, sending_id: int) -> list[dict]:
    """Rows per template, state and reason, from the ledger itself."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, [account_id, sending_id])
        return [
            {"template": template, "state": state, "reason": reason, "rows": rows}
            for template, state, reason, rows in cursor.fetchall()
        ]
