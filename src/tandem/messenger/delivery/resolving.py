"""Rows whose outcome nobody heard, settled by what came later: any report about a message proves its take-over."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection, transaction

from tandem.messenger.delivery import counting
from tandem.messenger.delivery.domain import AttemptState
from tandem.messenger.delivery.models import Sending

_ACCEPTED = """
UPDATE messenger_delivery_attempt SET state = 10, detail = %(why)s
WHERE account_id = %(account)s AND id = ANY(%(ids)s) AND state = 12
RETURNING sending_id, template_id, reason
"""


@transaction.atomic
def prove_accepted(account_id: int, attempt_ids: Collection[int], *, why: str) -> int:
    """The next hop took these over: uncertain ones become accepted, in the numbers of ended sendings too; how many."""
    with connection.cursor() as cursor:
        cursor.execute(_ACCEPTED, {"account": account_id, "ids": sorted(attempt_ids), "why": why[:200]})
        moved: dict[int, dict[tuple[int, str], int]] = defaultdict(lambda: defaultdict(int))
        for sending_id, template_id, reason in cursor.fetchall():
            moved[sending_id][template_id, reason] += 1
    for sending_id in sorted(moved):
        _renumber(account_id, sending_id, moved[sending_id])
    return sum(sum(rows.values()) for rows in moved.values())


def _renumber(account_id: int, sending_id: int, moved: Mapping[tuple[int, str], int]) -> None:
    sending = Sending.objects.select_for_update().get(account_id=account_id, id=sending_id)
    if sending.totals is None:
        return  # its rows are still counted
    changes: list[dict[str, Any]] = [
        {"template": template, "state": int(state), "reason": reason, "rows": sign * rows}
        for (template, reason), rows in moved.items()
        for state, sign in ((AttemptState.UNCERTAIN, -1), (AttemptState.ACCEPTED, 1))
    ]
    totals: dict[tuple[Any, ...], int] = defaultdict(int)
    for line in [*sending.totals, *changes]:
        totals[line["template"], line["state"], line["reason"]] += line["rows"]
    sending.totals = [
        {"template": template, "state": state, "reason": reason, "rows": rows}
        for (template, state, reason), rows in sorted(totals.items())
        if rows
    ]
    sending.save(update_fields=["totals"])
    counting.add(account_id, sending_id, changes)
