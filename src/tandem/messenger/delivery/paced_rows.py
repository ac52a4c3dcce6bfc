"""Rows that a limit of pace lets wait: put off in the transaction that would intend them, over the time it takes.

What waits for a limit is not late: its cut-off runs from the time it was put off to.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection

from tandem.kit.clock import Clock
from tandem.messenger.delivery import numbers
from tandem.messenger.delivery.domain import BLOCK_ROWS, AttemptState
from tandem.messenger.delivery.rows import Change, Row
from tandem.messenger.pacing import service as pacing
from tandem.messenger.pacing.domain import SMALL_ROWS, Drawn

#: a raised limit is noticed by every row within so many seconds
LONGEST_SECONDS = 600.0
WORDS = numbers.PACED_WORDS
_LEFT = """
SELECT count(*) FILTER (WHERE NOT b.done), s.rate_per_second, s.expected FROM messenger_delivery_sending s
LEFT JOIN messenger_delivery_block b ON b.account_id = s.account_id AND b.sending_id = s.id
WHERE s.account_id = %s AND s.id = %s GROUP BY s.id
"""
_PROVIDERS = """
SELECT c.id, coalesce(m.provider, 0) FROM messenger_contacts_contact c
LEFT JOIN messenger_pacing_maildomain m ON m.domain = lower(split_part(c.email, '@', 2))
WHERE c.account_id = %s AND c.id = ANY(%s)
"""
_PUT_OFF = """
UPDATE messenger_delivery_attempt a
SET state = CASE WHEN a.tries > 1 THEN 2 ELSE 0 END, tries = a.tries - 1, due_at = v.until, detail = %(words)s
FROM unnest(%(ids)s::bigint[], %(untils)s::timestamptz[]) AS v (id, until)
WHERE a.account_id = %(account)s AND a.id = v.id AND a.state = 1
"""


def put_off(
    rows: Sequence[Row], *, account: int, sending: int, sender: str, rate: float | None, clock: Clock
) -> list[Row]:
    """Of rows that were just intended, in the same transaction: those that may leave now; the others wait again.

    sender: the domain or number they come from; rate: the sending's own limit a second, None = none.
    """
    if not rows or pacing.is_free(account, sender, rate, clock):
        return list(rows)
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, [account, sending])
        blocks, _, expected = cursor.fetchone()
        cursor.execute(_PROVIDERS, [account, [row.contact_id for row in rows]])
        provider_of: dict[int, int] = dict(cursor.fetchall())
        wanted = Counter(provider_of.get(row.contact_id, 0) for row in rows)
        drawn = pacing.draw(
            account,
            sender,
            wanted,
            sending=sending,
            sending_rate=rate,
            small=expected <= SMALL_ROWS,
            clock=clock,
        )
        leaving, waiting = _parted(rows, provider_of, drawn.granted)
        if waiting:
            longest = max(drawn.wait, min(LONGEST_SECONDS, drawn.wait * blocks * BLOCK_ROWS / len(waiting)))
            untils = _slots(waiting, drawn, longest, clock)
            named: dict[str, Any] = {
                "account": account, "ids": [row.id for row in waiting], "untils": untils, "words": WORDS,
            }  # fmt: skip
            cursor.execute(_PUT_OFF, named)
    return leaving


def hear(account: int, sender: str, changes: Sequence[Change], *, clock: Clock) -> None:
    """What providers said when they put messages off: some ask for fewer a second."""
    said = {one.outcome.detail for one in changes if one.outcome.state is AttemptState.DEFERRED}
    if said:
        pacing.hear(account, sender, said, clock=clock)


def waiting(account_id: int, sending_id: int) -> tuple[int, Any]:
    """(rows of a sending that wait for a limit, when the first of them is looked at again)."""
    for words, first, rows in numbers.waits(account_id, sending_id):
        if words == WORDS:
            return rows, first
    return 0, None


def _parted(
    rows: Sequence[Row], provider_of: Mapping[int, int], granted: Mapping[int, int]
) -> tuple[list[Row], list[Row]]:
    left = dict(granted)
    leaving, waiting = [], []
    for row in rows:
        provider = provider_of.get(row.contact_id, 0)
        if left.get(provider, 0) > 0:
            left[provider] -= 1
            leaving.append(row)
        else:
            waiting.append(row)
    return leaving, waiting


def _slots(waiting: Sequence[Row], drawn: Drawn, longest: float, clock: Clock) -> list[Any]:
    """A time for each: as many together as leave at once, each group anywhere within the time that all need."""
    together = max(1, sum(drawn.granted.values()))
    now, untils = clock.business(), []
    for place in range(0, len(waiting), together):
        first = min(drawn.wait * (place + together) / len(waiting), longest)
        until = now + timedelta(seconds=random.uniform(first, longest))
        untils += [until] * min(together, len(waiting) - place)
    return untils
