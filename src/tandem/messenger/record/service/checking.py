"""That each listed customer has one row and the numbers add up: counted during a sending, and after its end."""

import time
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from tandem.kit.clock import Clock
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.course import Course
from tandem.messenger.delivery.domain import AttemptState
from tandem.messenger.delivery.models import Sending
from tandem.messenger.record.domain import CHECK_EVERY, CHECKED_FOR, CheckView, breaches
from tandem.messenger.record.models import Check, Dropped
from tandem.messenger.record.queries import bit

_DUE = """
SELECT s.account_id, s.id FROM messenger_delivery_sending s
LEFT JOIN messenger_record_check k ON k.account_id = s.account_id AND k.sending_id = s.id
WHERE (s.finished_at IS NULL OR s.finished_at > %(since)s) AND (s.started_at IS NOT NULL OR s.finished_at IS NOT NULL)
  AND s.kind NOT IN ('message', 'realtime')
  AND (k.id IS NULL OR k.next_at <= %(now)s OR (s.finished_at IS NOT NULL AND k.course IS NULL))
ORDER BY k.next_at NULLS FIRST LIMIT 20
"""
_COUNTED = """
SELECT state, count(*), max(seq) FROM messenger_delivery_attempt
WHERE account_id = %(account)s AND sending_id = %(sending)s GROUP BY 1
"""
_REACTIONS = """
SELECT count(*), count(clicked_at) FROM messenger_engagement_firstreaction
WHERE account_id = %(account)s AND sending_id = %(sending)s
"""
_UNSUMMED = """
SELECT b.account_id, b.sending_id, b.first_seq, b.last_seq, b.fence
FROM messenger_delivery_sending s
JOIN messenger_delivery_block b ON b.account_id = s.account_id AND b.sending_id = s.id AND b.done
LEFT JOIN messenger_record_blockstates k
  ON k.account_id = b.account_id AND k.sending_id = b.sending_id AND k.first_seq = b.first_seq
WHERE (s.finished_at IS NULL OR s.finished_at > %(since)s) AND s.started_at IS NOT NULL
  AND s.kind NOT IN ('message', 'realtime') AND (k.id IS NULL OR k.fence <> b.fence)
LIMIT 500
"""
_SUM_UP = """
INSERT INTO messenger_record_blockstates AS k (account_id, sending_id, first_seq, fence, states)
SELECT %(account)s, %(sending)s, %(first)s, %(fence)s,
       (SELECT coalesce(bit_or(v.bit), 0)
        FROM (SELECT DISTINCT state FROM messenger_delivery_attempt
              WHERE account_id = %(account)s AND sending_id = %(sending)s AND seq BETWEEN %(first)s AND %(last)s) a
        JOIN unnest(%(states)s::int[], %(bits)s::int[]) AS v (state, bit) ON v.state = a.state)
ON CONFLICT (account_id, sending_id, first_seq) DO UPDATE SET fence = excluded.fence, states = excluded.states
"""


def check_due(*, clock: Clock, seconds: float = 10.0) -> int:
    """Count the sendings that are due for it, for at most so long; how many."""
    named = {"now": clock.system(), "since": clock.business() - CHECKED_FOR}
    until, done = time.monotonic() + seconds, 0
    for account_id, sending_id in _rows(_DUE, named):
        if time.monotonic() > until:
            break
        check(account_id, sending_id, clock=clock)
        done += 1
    return done


def check(account_id: int, sending_id: int, *, clock: Clock) -> CheckView:
    """Count one sending now and keep what came of it."""
    began = time.monotonic()
    named = {"account": account_id, "sending": sending_id}
    sending = Sending.objects.get(account_id=account_id, id=sending_id)
    finished_at = sending.finished_at
    rows = _rows(_COUNTED, named)
    counted = {state: number for state, number, _ in rows}
    [(opened, clicked)] = _rows(_REACTIONS, named)
    dropped = Dropped.objects.filter(account_id=account_id, sending_id=sending_id).exists()
    found = () if dropped else breaches(
        sending.expected,
        counted,
        settled=_settled(sending.totals),
        last_seq=max((last for _, _, last in rows), default=0),
        opened=opened,
        clicked=clicked,
    )  # fmt: skip
    now = clock.system()
    wait = max(CHECK_EVERY, timedelta(seconds=100 * (time.monotonic() - began)))
    next_at = now + (wait if finished_at is None else timedelta(days=1))
    over = finished_at is not None and finished_at < clock.business() - CHECKED_FOR
    again = (
        {"course": None} if finished_at is None else {}
    )  # it may go on after its end: failed rows are tried again
    row, _ = Check.objects.update_or_create(
        account_id=account_id,
        sending_id=sending_id,
        defaults={
            "at": now,
            "next_at": None if over or dropped else next_at,
            "breaches": list(found),
            "counted": {AttemptState(state).words: number for state, number in sorted(counted.items())},
            **again,
        },
    )
    if finished_at is not None and row.course is None and not dropped:
        row.course = _stored(delivery.course(account_id, sending_id))
        row.save(update_fields=["course"])
    return _view(row)


def course(account_id: int, sending_id: int) -> Course | None:
    """How fast a sending went: kept once it has ended and was counted, else read from its rows."""
    kept = Check.objects.filter(account_id=account_id, sending_id=sending_id, course__isnull=False)
    found = kept.values_list("course", flat=True).first()
    if found is None:
        return delivery.course_so_far(account_id, sending_id)
    if not found:
        return None
    return Course(
        start=datetime.fromisoformat(found["start"]),
        end=datetime.fromisoformat(found["end"]),
        seconds=found["seconds"],
        counts=tuple(found["counts"]),
    )


def _stored(found: Course | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "start": found.start.isoformat(),
        "end": found.end.isoformat(),
        "seconds": found.seconds,
        "counts": list(found.counts),
    }


def last_check(account_id: int, sending_id: int) -> CheckView | None:
    """When a sending was last counted, and what came of it."""
    row = Check.objects.filter(account_id=account_id, sending_id=sending_id).first()
    return _view(row) if row else None


def breached(account_id: int, limit: int = 20) -> list[CheckView]:
    """Sendings whose numbers did not add up when they were last counted."""
    rows = Check.objects.filter(account_id=account_id).exclude(breaches=[]).order_by("-at")[:limit]
    return [_view(row) for row in rows]


def sum_up_blocks(*, clock: Clock) -> int:
    """Note which states the rows of finished blocks are in; how many blocks were new."""
    states = [int(state) for state in AttemptState]
    found = _rows(_UNSUMMED, {"since": clock.business() - CHECKED_FOR})
    with connection.cursor() as cursor:
        for account_id, sending_id, first, last, fence in found:
            named: dict[str, Any] = {
                "account": account_id, "sending": sending_id, "first": first, "last": last, "fence": fence,
                "states": states, "bits": [bit(state) for state in states],
            }  # fmt: skip
            cursor.execute(_SUM_UP, named)
    return len(found)


def _settled(totals: list[dict[str, int]] | None) -> dict[int, int] | None:
    if totals is None:
        return None
    sums: dict[int, int] = {}
    for line in totals:
        sums[line["state"]] = sums.get(line["state"], 0) + line["rows"]
    return sums


def _rows(sql: str, named: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, named)
        return cursor.fetchall()


def _view(row: Check) -> CheckView:
    return CheckView(
        sending_id=row.sending_id, at=row.at, breaches=tuple(row.breaches), counted=dict(row.counted)
    )
