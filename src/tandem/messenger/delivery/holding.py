"""Sendings that a Send Gate holds: nothing of them can be claimed until the gate is open.

That is a condition of the query by which senders claim rows. While it holds no sender has any of these rows in hand, so
they may be rejected and given values without a sender's locks; afterwards they may not.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from tandem.messenger.delivery import cancelling
from tandem.messenger.delivery.domain import PlannedTemplate, SendingKind, SendingState
from tandem.messenger.delivery.models import AddedValues, Sending
from tandem.messenger.projects.service import of_triggers
from tandem.messenger.webhooks import service as webhooks

REJECTED_WORD = "rejected by the send gate"
_ANSWERS = "CREATE TEMPORARY TABLE tandem_gate (customer TEXT, rejected BOOL, given JSONB) ON COMMIT DROP"
_COPY = "COPY tandem_gate (customer, rejected, given) FROM STDIN"
_UNKNOWN = """
SELECT g.customer FROM tandem_gate g
WHERE NOT EXISTS (SELECT 1 FROM messenger_delivery_attempt a WHERE a.account_id = %(account)s
                  AND a.sending_id = %(sending)s AND a.customer = g.customer)
LIMIT 1
"""
_REJECT = """
UPDATE messenger_delivery_attempt a SET state = 21, reason = %(word)s, done_at = %(now)s
FROM tandem_gate g
WHERE a.account_id = %(account)s AND a.sending_id = %(sending)s AND a.customer = g.customer AND g.rejected
  AND a.state = 0
"""
_ADD = """
INSERT INTO messenger_delivery_addedvalues (account_id, sending_id, customer, values)
SELECT %(account)s, %(sending)s, customer, given FROM tandem_gate WHERE NOT rejected AND given IS NOT NULL
ON CONFLICT (account_id, sending_id, customer) DO UPDATE SET values = excluded.values
"""
_MISS = """
UPDATE messenger_delivery_attempt SET state = 23, reason = 'missed', done_at = %(now)s
WHERE account_id = %(account)s AND sending_id = %(sending)s AND state = 0
"""
_CLOSE = """
UPDATE messenger_delivery_block b SET done = TRUE
WHERE b.account_id = %(account)s AND b.sending_id = %(sending)s AND b.sender_id IS NULL AND NOT b.done
  AND NOT EXISTS (SELECT 1 FROM messenger_delivery_attempt a
                  WHERE a.account_id = b.account_id AND a.sending_id = b.sending_id
                    AND a.seq BETWEEN b.first_seq AND b.last_seq AND a.state IN (0, 1, 2))
"""
_LAST_CHANCE = """
SELECT max(t.due_at) + s.cut_off FROM messenger_delivery_sendingtemplate t
JOIN messenger_delivery_sending s ON s.account_id = t.account_id AND s.id = t.sending_id
WHERE s.account_id = %s AND s.id = %s GROUP BY s.cut_off
"""


class UnknownCustomer(ValueError):
    """The gate's answer names somebody who is not on the sending's list."""


def gate_of(account_id: int, kind: str, templates: Sequence[PlannedTemplate]) -> int | None:
    """The Send Gate that a new sending stands before; single messages stand before none."""
    if kind not in (SendingKind.CAMPAIGN, SendingKind.JOB):
        return None
    of = of_triggers.projects_of(account_id, [template.template_id for template in templates])
    return webhooks.gate_for(account_id, of)


def held_sendings() -> list[tuple[int, int, int]]:
    """(account, sending, gate) of each that a gate holds."""
    # all accounts: the tick works for every account
    rows = Sending.objects.filter(gate_held=True).order_by("id")
    found = rows.values_list("account_id", "id", "gate_id")
    return [(account_id, id_, gate_id or 0) for account_id, id_, gate_id in found]


def lock_held(account_id: int, sending_id: int) -> Sending | None:
    """The sending, locked until the transaction ends, if a gate still holds it and it is not over."""
    cancelling.lock_blocks(account_id, sending_id)  # blocks before the sending, in the order of senders
    rows = Sending.objects.select_for_update().filter(account_id=account_id, id=sending_id, gate_held=True)
    sending = rows.first()
    return None if sending is None or SendingState(sending.state).over else sending


def release(account_id: int, sending_id: int) -> bool:
    """Open the gate: from now on senders may claim. False if none held it."""
    return bool(
        Sending.objects.filter(account_id=account_id, id=sending_id, gate_held=True).update(gate_held=False)
    )


@transaction.atomic
def take_answers(
    account_id: int, sending_id: int, answers: Iterable[tuple[str, bool, str | None]], *, now: datetime
) -> tuple[int, int]:
    """Reject rows and keep values: (customer, rejected, values as JSON); how many of each.

    Only under `lock_held`. Raises UnknownCustomer, and nothing is changed then.
    """
    named: dict[str, Any] = {
        "account": account_id, "sending": sending_id, "now": now, "word": REJECTED_WORD,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.tandem_gate")
        cursor.execute(_ANSWERS)
        with cursor.copy(_COPY) as copy:
            for line in answers:
                copy.write_row(line)
        cursor.execute(_UNKNOWN, named)
        if (stranger := cursor.fetchone()) is not None:
            raise UnknownCustomer(stranger[0])
        cursor.execute(_REJECT, named)
        rejected = int(cursor.rowcount)
        cursor.execute(_ADD, named)
        added = int(cursor.rowcount)
        cursor.execute(_CLOSE, named)
        cursor.execute("DROP TABLE tandem_gate")
    return rejected, added


@transaction.atomic
def miss(account_id: int, sending_id: int, now: datetime) -> int:
    """The late cut-off of a sending that is still held: no row of it is sent any more; how many there were."""
    if lock_held(account_id, sending_id) is None:
        return 0
    named: dict[str, Any] = {"account": account_id, "sending": sending_id, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_MISS, named)
        rows = int(cursor.rowcount)
        cursor.execute(_CLOSE, named)
    return rows


def last_chance(account_id: int, sending_id: int) -> datetime | None:
    """Business time after which no row of the sending may leave any more."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_CHANCE, [account_id, sending_id])
        found = cursor.fetchone()
    return found[0] if found else None


def added_values(
    account_id: int, sending_id: int, customers: Collection[str]
) -> Mapping[str, Mapping[str, str]]:
    """What the gate added for these customers of a sending."""
    rows = AddedValues.objects.filter(
        account_id=account_id, sending_id=sending_id, customer__in=list(customers)
    )
    return dict(rows.values_list("customer", "values"))
