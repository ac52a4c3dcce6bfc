"""How fast a sending went: messages taken over, by equal spans of time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

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
class Pace:
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


def pace(account_id: int, sending_id: int) -> Pace | None:
    """The course of a sending; None when nothing was taken over yet."""
    accepted = AttemptState.ACCEPTED.value
    with connection.cursor() as cursor:
        cursor.execute(_EXTENT, [account_id, sending_id, accepted])
        start, end = cursor.fetchone()
        if start is None:
            return None
        spans = min(SPANS, max(1, int((end - start) / SHORTEST)))
        seconds = max((end - start).total_seconds() / spans, 0.001)
        cursor.execute(_COUNTS, [start, seconds, spans - 1, account_id, sending_id, accepted])
        found = dict(cursor.fetchall())
    counts = tuple(found.get(span, 0) for span in range(spans))
    return Pace(start=start, end=end, seconds=seconds, counts=counts)
