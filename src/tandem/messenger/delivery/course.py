"""How fast a sending went: messages taken over, by equal spans of time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from tandem.messenger.delivery import numbers
from tandem.messenger.delivery.domain import AttemptState

SPANS = 48
SHORTEST = timedelta(seconds=0.1)
_EXTENT = """
SELECT min(done_at), max(done_at) FROM messenger_delivery_attempt
WHERE account_id = %s AND sending_id = %s AND state = %s AND done_at IS NOT NULL
"""
_COUNTS = """
SELECT least(floor(extract(epoch FROM done_at - %s) / %s)::int, %s), count(*) FROM messenger_delivery_attempt
WHERE account_id = %s AND sending_id = %s AND state = %s AND done_at IS NOT NULL GROUP BY 1
"""


@dataclass(frozen=True, kw_only=True)
class Course:
    """From `start` on, `counts` messages in each span of `seconds`."""

    start: datetime
    end: datetime
    seconds: float
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """Messages taken over."""
        return sum(self.counts)

    @property
    def per_second(self) -> float:
        """The mean rate; a sending of one moment counts as one second."""
        return self.total / max((self.end - self.start).total_seconds(), 1.0)


def course(account_id: int, sending_id: int) -> Course | None:
    """The course of a sending; None when nothing was taken over yet."""
    accepted = AttemptState.ACCEPTED.value
    with connection.cursor() as cursor:
        cursor.execute(_EXTENT, [account_id, sending_id, accepted])
        start, end = cursor.fetchone()
        if start is None:
            return None
        spans, seconds = _spans(start, end)
        cursor.execute(_COUNTS, [start, seconds, spans - 1, account_id, sending_id, accepted])
        found = dict(cursor.fetchall())
    counts = tuple(found.get(span, 0) for span in range(spans))
    return Course(start=start, end=end, seconds=seconds, counts=counts)


def course_so_far(account_id: int, sending_id: int) -> Course | None:
    """The same of a sending under way, cheaply where blocks of it are counted already, to a fraction of their time."""
    if not numbers.is_kept(account_id, sending_id):
        return course(account_id, sending_id)
    found = numbers.course(account_id, sending_id)
    if found.start is None or found.end is None:
        return None
    spans, seconds = _spans(found.start, found.end)
    counts, began = [0] * spans, found.start.timestamp()
    for since, until, rows in found.spans:
        counts[min(max(int(((since + until) / 2 - began) / seconds), 0), spans - 1)] += rows
    return Course(start=found.start, end=found.end, seconds=seconds, counts=tuple(counts))


def _spans(start: datetime, end: datetime) -> tuple[int, float]:
    """How many spans, and the seconds of each."""
    spans = min(SPANS, max(1, int((end - start) / SHORTEST)))
    return spans, max((end - start).total_seconds() / spans, 0.001)
