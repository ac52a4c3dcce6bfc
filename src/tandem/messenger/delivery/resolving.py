"""Rows whose outcome nobody heard, settled by what came later: a report about the message, or somebody who looked."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection, transaction

from tandem.messenger.delivery import counting
from tandem.messenger.delivery.domain import AttemptState
from tandem.messenger.delivery.models import Attempt, Sending

_RESOLVE = """
UPDATE messenger_delivery_attempt SET state = %(state)s, detail = %(why)s
WHERE account_id = %(account)s AND id = ANY(%(ids)s) AND state = 12
RETURNING sending_id, template_id, reason
"""


def prove_accepted(account_id: int, attempt_ids: Collection[int], *, why: str) -> int:
    """The next hop took these over: uncertain ones become accepted; how many."""
    return resolve(account_id, attempt_ids, AttemptState.ACCEPTED, source=why)


@transaction.atomic
def resolve(account_id: int, attempt_ids: Collection[int], state: AttemptState, *, source: str) -> int:
    """Uncertain rows become accepted or rejected, in the numbers of ended sendings too; how many. Others stay."""
    if state not in (AttemptState.ACCEPTED, AttemptState.REJECTED):
        raise ValueError(state)
    named: dict[str, Any] = {
        "account": account_id, "ids": sorted(attempt_ids), "state": int(state), "why": source[:200],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_RESOLVE, named)
        moved: dict[int, dict[tuple[int, str], int]] = defaultdict(lambda: defaultdict(int))
        for sending_id, template_id, reason in cursor.fetchall():
            moved[sending_id][template_id, reason] += 1
    for sending_id in sorted(moved):
        _renumber(account_id, sending_id, moved[sending_id], state)
    return sum(sum(rows.values()) for rows in moved.values())


def resolve_row(account_id: int, sending_id: int, seq: int, state: AttemptState, *, source: str) -> bool:
    """The same for one row by its number; False if it is not uncertain."""
    rows = Attempt.objects.filter(account_id=account_id, sending_id=sending_id, seq=seq)
    return resolve(account_id, list(rows.values_list("id", flat=True)), state, source=source) > 0


def _renumber(
    account_id: int, sending_id: int, moved: Mapping[tuple[int, str], int], settled: AttemptState
) -> None:
    sending = Sending.objects.select_for_update().get(account_id=account_id, id=sending_id)
    if sending.totals is None:
        return  # its rows are still counted
    changes: list[dict[str, Any]] = [
        {"template": template, "state": int(state), "reason": reason, "rows": sign * rows}
        for (template, reason), rows in moved.items()
        for state, sign in ((AttemptState.UNCERTAIN, -1), (settled, 1))
    ]
    totals: dict[tuple[Any, ...], int] = defaultdict(int)
    for line in [*sending.totals, *changes]:
        totals[line["template"], line["state"], line["reason"]] += line["rows"]
    sending.totals = [
        {"template": template, "state": state, "reason": reason, "rows": rows}
        for (template, state, reason), rows in sorted(totals.items())
        if rows
    ]
    sending.untold = sending.of_planner
    sending.save(update_fields=["totals", "untold"])
    counting.add(account_id, sending_id, changes)
