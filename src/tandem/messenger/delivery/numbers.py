"""The numbers of a sending under way: blocks at rest are counted once, only the others anew.

A block nobody holds changes by a claim, which raises its fence, or under the locks of `cancelling.lock_blocks`, which
forgets what was counted. One change comes without: an uncertain row is settled. So blocks with such rows are not kept.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from django.db import connection, transaction

from tandem.messenger.delivery.domain import LARGE_ROWS, AttemptState
from tandem.messenger.delivery.models import BlockNumbers

#: how finely the course of a kept block is known
SPANS = 24
PACED_WORDS = "waits for a limit of pace"
_RANGE = "a.seq BETWEEN {} AND {}"
_OF = "FROM messenger_delivery_attempt a WHERE a.account_id = %(account)s AND a.sending_id = %(sending)s AND ({ranges})"
_LINES = "SELECT a.template_id, a.state, a.reason, count(*) {of} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
_WAITS = """
SELECT a.detail, min(a.due_at), count(*) {of} AND a.state IN (0, 2) AND a.detail LIKE 'waits %%'
GROUP BY a.detail, CASE WHEN a.detail <> %(paced)s THEN a.due_at END ORDER BY 2, 1
"""
_EXTENT = "SELECT min(a.done_at), max(a.done_at) {of} AND a.state = 10"
_COURSE = """
SELECT least(floor(extract(epoch FROM a.done_at - %(start)s) / %(seconds)s)::int, %(last_span)s), count(*)
{of} AND a.state = 10 AND a.done_at IS NOT NULL GROUP BY 1
"""
_BLOCKS = """
SELECT b.first_seq, b.last_seq, CASE WHEN b.sender_id IS NULL AND k.fence = b.fence THEN k.numbers -> %(part)s END
FROM messenger_delivery_block b
LEFT JOIN messenger_delivery_blocknumbers k
  ON k.account_id = b.account_id AND k.sending_id = b.sending_id AND k.first_seq = b.first_seq
WHERE b.account_id = %(account)s AND b.sending_id = %(sending)s ORDER BY b.first_seq
"""
_UNKEPT = """
SELECT b.account_id, b.sending_id, b.first_seq, b.last_seq
FROM messenger_delivery_sending s
JOIN messenger_delivery_block b ON b.account_id = s.account_id AND b.sending_id = s.id
LEFT JOIN messenger_delivery_blocknumbers k
  ON k.account_id = b.account_id AND k.sending_id = b.sending_id AND k.first_seq = b.first_seq
WHERE s.finished_at IS NULL AND s.expected > %(rows)s AND b.sender_id IS NULL AND (k.id IS NULL OR k.fence <> b.fence)
ORDER BY b.id LIMIT %(limit)s
"""
#: whoever cancels or claims waits for this lock, or passes over the block
_AT_REST = """
SELECT fence FROM messenger_delivery_block
WHERE account_id = %(account)s AND sending_id = %(sending)s AND first_seq = %(first)s AND sender_id IS NULL
FOR UPDATE SKIP LOCKED
"""

Range = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Course:
    """When messages were taken over: (from, to, how many), and from the first to the last of all."""

    start: datetime | None = None
    end: datetime | None = None
    spans: list[tuple[float, float, int]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Blocks:
    kept: list[Any]
    open: list[Range]


def totals(account_id: int, sending_id: int) -> list[dict[str, Any]]:
    """Rows per template, state and reason."""
    blocks = _blocks(account_id, sending_id, "lines")
    sums: dict[tuple[int, int, str], int] = defaultdict(int)
    for template, state, reason, rows in _lines(account_id, sending_id, blocks.open):
        sums[template, state, reason] += rows
    for lines in blocks.kept:
        for template, state, reason, rows in lines:
            sums[template, state, reason] += rows
    return [
        {"template": template, "state": state, "reason": reason, "rows": rows}
        for (template, state, reason), rows in sorted(sums.items())
    ]


def states(account_id: int, sending_id: int) -> dict[int, int]:
    """Rows per state."""
    sums: dict[int, int] = defaultdict(int)
    for line in totals(account_id, sending_id):
        sums[line["state"]] += line["rows"]
    return dict(sums)


def waits(account_id: int, sending_id: int) -> list[tuple[str, datetime, int]]:
    """(words, until when, rows) of open rows that something lets wait; those of a limit are one line, the earliest."""
    blocks = _blocks(account_id, sending_id, "waits")
    found = [(words, until, rows) for words, until, rows in _waits(account_id, sending_id, blocks.open)]
    found += [
        (words, datetime.fromisoformat(until), rows) for one in blocks.kept for words, until, rows in one
    ]
    sums: dict[tuple[str, datetime | None], tuple[datetime, int]] = {}
    for words, until, rows in found:
        key = (words, None if words == PACED_WORDS else until)
        first, before = sums.get(key, (until, 0))
        sums[key] = min(first, until), before + rows
    return sorted(((words, first, rows) for (words, _), (first, rows) in sums.items()), key=_by_time)


def course(account_id: int, sending_id: int) -> Course:
    """When messages were taken over: exact where rows move, to a 24th of a block's time elsewhere."""
    blocks = _blocks(account_id, sending_id, "course")
    parts = [_course(account_id, sending_id, blocks.open), *(_read(one) for one in blocks.kept)]
    parts = [part for part in parts if part.start is not None]
    if not parts:
        return Course()
    return Course(
        start=min(part.start for part in parts if part.start),
        end=max(part.end for part in parts if part.end),
        spans=[span for part in parts for span in part.spans],
    )


def is_kept(account_id: int, sending_id: int) -> bool:
    """Whether anything is kept of a sending."""
    return BlockNumbers.objects.filter(account_id=account_id, sending_id=sending_id).exists()


def keep(*, larger_than: int = LARGE_ROWS, limit: int = 300) -> int:
    """Count blocks at rest of large sendings under way, and keep it; how many blocks."""
    with connection.cursor() as cursor:
        cursor.execute(_UNKEPT, {"rows": larger_than, "limit": limit})
        found = cursor.fetchall()
    return sum(_keep(*block) for block in found)


def forget(account_id: int, sending_id: int) -> None:
    """What was counted holds no more; under the locks of the sending's blocks."""
    BlockNumbers.objects.filter(account_id=account_id, sending_id=sending_id).delete()


@transaction.atomic
def _keep(account_id: int, sending_id: int, first: int, last: int) -> bool:
    named = {"account": account_id, "sending": sending_id, "first": first}
    with connection.cursor() as cursor:
        cursor.execute(_AT_REST, named)
        at_rest = cursor.fetchone()
    if at_rest is None:
        return False
    ranges = [(first, last)]
    lines = _lines(account_id, sending_id, ranges)
    settled = all(state != AttemptState.UNCERTAIN for _, state, _, _ in lines)
    numbers = {
        "lines": lines,
        "waits": [[words, until.isoformat(), rows] for words, until, rows in _waits(account_id, sending_id, ranges)],
        "course": _stored(_course(account_id, sending_id, ranges)),
    }  # fmt: skip
    BlockNumbers.objects.update_or_create(
        account_id=account_id,
        sending_id=sending_id,
        first_seq=first,
        defaults={"fence": at_rest[0], "numbers": numbers if settled else None},
    )
    return True


def _blocks(account_id: int, sending_id: int, part: str) -> _Blocks:
    """That part of what is kept, and the ranges that are not; ranges side by side become one."""
    kept: list[Any] = []
    ranges: list[Range] = []
    for first, last, found in _rows(_BLOCKS, {"account": account_id, "sending": sending_id, "part": part}):
        if found is not None:
            kept.append(orjson.loads(found))
        elif ranges and ranges[-1][1] == first - 1:
            ranges[-1] = (ranges[-1][0], last)
        else:
            ranges.append((first, last))
    return _Blocks(kept=kept, open=ranges)


def _lines(account_id: int, sending_id: int, ranges: Sequence[Range]) -> list[Any]:
    return _counted(_LINES, account_id, sending_id, ranges)


def _waits(account_id: int, sending_id: int, ranges: Sequence[Range]) -> list[Any]:
    return _counted(_WAITS, account_id, sending_id, ranges, paced=PACED_WORDS)


def _course(account_id: int, sending_id: int, ranges: Sequence[Range]) -> Course:
    for start, end in _counted(_EXTENT, account_id, sending_id, ranges):
        if start is None:
            break
        seconds = max((end - start).total_seconds() / SPANS, 0.001)
        rows = _counted(
            _COURSE, account_id, sending_id, ranges, start=start, seconds=seconds, last_span=SPANS - 1
        )
        began = start.timestamp()
        spans = [(began + n * seconds, began + (n + 1) * seconds, sent) for n, sent in sorted(rows)]
        return Course(start=start, end=end, spans=spans)
    return Course()


def _counted(
    sql: str, account_id: int, sending_id: int, ranges: Sequence[Range], **more: Any
) -> list[tuple[Any, ...]]:
    """Ranges are written out: of ranges that come from a table the planner of queries knows nothing."""
    if not ranges:
        return []
    words = " OR ".join(_RANGE.format(int(first), int(last)) for first, last in ranges)
    return _rows(
        sql.format(of=_OF.format(ranges=words)), {"account": account_id, "sending": sending_id, **more}
    )


def _rows(sql: str, named: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, named)
        return cursor.fetchall()


def _stored(found: Course) -> dict[str, Any]:
    if found.start is None or found.end is None:
        return {}
    return {"start": found.start.isoformat(), "end": found.end.isoformat(), "spans": found.spans}


def _read(stored: dict[str, Any]) -> Course:
    if not stored:
        return Course()
    return Course(
        start=datetime.fromisoformat(stored["start"]),
        end=datetime.fromisoformat(stored["end"]),
        spans=[(since, until, rows) for since, until, rows in stored["spans"]],
    )


def _by_time(line: tuple[str, datetime, int]) -> tuple[datetime, str]:
    return line[1], line[0]
