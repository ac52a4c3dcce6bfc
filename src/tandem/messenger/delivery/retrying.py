"""Failed rows once more: refused ones and those that could not be made get another turn; what left never does.

The same row, the same Message-ID, and everything that is read before a content leaves is read again.
"""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.messenger.delivery import cancelling, counting
from tandem.messenger.delivery.domain import FAILED_STATES, SendingState
from tandem.messenger.delivery.errors import NothingFailed, SendingNotFound, SendingOver
from tandem.messenger.delivery.models import Sending

_AGAIN = """
UPDATE messenger_delivery_attempt SET state = 2, due_at = %(now)s, done_at = NULL, detail = '',
       reason = CASE WHEN reason = 'doubtful' THEN reason ELSE '' END
WHERE account_id = %(account)s AND sending_id = %(sending)s AND state = ANY(%(failed)s)
"""
_OPEN = """
UPDATE messenger_delivery_block b SET done = FALSE, next_at = %(now)s
WHERE b.account_id = %(account)s AND b.sending_id = %(sending)s AND b.sender_id IS NULL
  AND EXISTS (SELECT 1 FROM messenger_delivery_attempt a
              WHERE a.account_id = b.account_id AND a.sending_id = b.sending_id
                AND a.seq BETWEEN b.first_seq AND b.last_seq AND a.state IN (0, 2))
"""
#: a sending whose rows may be gone already is not taken up again
LATEST = timedelta(days=7)
_MAY = (SendingState.SENDING.value, SendingState.PAUSED.value, SendingState.FINISHED.value)


@transaction.atomic
def retry_failed(account_id: int, sending_id: int, *, clock: Clock) -> int:
    """Give the failed rows of a sending another turn; how many. Raises SendingNotFound, SendingOver, NothingFailed."""
    cancelling.lock_blocks(account_id, sending_id, done_too=True)
    sending = Sending.objects.select_for_update().filter(account_id=account_id, id=sending_id).first()
    if sending is None:
        raise SendingNotFound(
            f"There is no sending {sending_id} in this account.", "Look at the list of sendings."
        )
    now = clock.business()
    ended_long_ago = sending.finished_at is not None and now - sending.finished_at > LATEST
    if sending.state not in _MAY or ended_long_ago:
        words = "ended more than 7 days ago" if ended_long_ago else f"is {sending.state}"
        raise SendingOver(f"Sending {sending_id} {words}.", "Its failed messages cannot be tried again.")
    named: dict[str, Any] = {
        "account": account_id, "sending": sending_id, "now": now, "failed": [int(state) for state in FAILED_STATES],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN, named)
        rows = cursor.rowcount
        if not rows:
            raise NothingFailed(
                f"No message of sending {sending_id} has failed.", "There is nothing to try again."
            )
        cursor.execute(_OPEN, named)
    _reopen(sending)
    return int(rows)


def _reopen(sending: Sending) -> None:
    """A sending that had ended runs again; its settled numbers are taken back out of its versions'."""
    if sending.finished_at is None:
        return
    taken_back = [{**line, "rows": -line["rows"]} for line in sending.totals or []]
    counting.add(sending.account_id, sending.pk, taken_back)
    sending.state, sending.finished_at, sending.totals = SendingState.SENDING.value, None, None
    sending.retries += 1
    sending.untold = sending.of_planner
    sending.save(update_fields=["state", "finished_at", "totals", "retries", "untold"])
