"""One process at a time works on a row, without a transaction being open meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def alone_with(lock: int, row_id: int) -> Iterator[bool]:
    """Whether the row is ours until the block ends; ends with the connection too (session advisory lock)."""
    key = [lock, row_id % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        ours = bool(cursor.fetchone()[0])
        try:
            yield ours
        finally:
            if ours:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)
