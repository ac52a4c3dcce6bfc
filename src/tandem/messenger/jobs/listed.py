"""Whom a file of recipients names: each customer once, in the file's order, without those who were forgotten."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

from django.db import connection

from tandem.messenger.contacts.domain import BatchView

_TABLE = 'CREATE TEMP TABLE job_rows (seq int, customer text COLLATE "C", customer_key text) ON COMMIT DROP'
_COPY = "COPY job_rows (seq, customer, customer_key) FROM STDIN"
_FORGOTTEN = """
DELETE FROM job_rows r USING messenger_contacts_suppression s
WHERE s.account_id = %s AND s.key = r.customer_key AND s.reason = 'forgotten'
"""
_ONCE = "COPY (SELECT customer FROM job_rows GROUP BY customer ORDER BY min(seq)) TO STDOUT"
_MADE = """
SELECT count(*) FROM messenger_delivery_attempt a JOIN messenger_contacts_contact c
  ON c.account_id = a.account_id AND c.id = a.contact_id
WHERE a.account_id = %s AND a.sending_id = %s AND c.list_id = %s AND c.created_at BETWEEN %s AND %s
"""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a file came to."""

    recipients: int
    repeated: int
    forgotten: int

    def warnings(self, made: int) -> list[str]:
        """In words. made: how many were not in the list before."""
        said = (
            (made, "originalId(s) were not known in the list; the contacts were made."),
            (self.repeated, "line(s) name a customer whom another line names; each gets one message."),
            (self.forgotten, "line(s) name a customer who was forgotten; they were left out."),
        )
        return [f"{number} {words}" for number, words in said if number]


def spool(account_id: int, rows: Iterable[tuple[int, str, str]], target: IO[str]) -> Found:
    """Write the customers into the file, a line each; in the caller's transaction. rows: line, originalId, its key."""
    total = 0
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.job_rows")
        cursor.execute(_TABLE)
        with cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(row)
                total += 1
        cursor.execute("ANALYZE job_rows")
        cursor.execute(_FORGOTTEN, [account_id])
        forgotten, recipients = cursor.rowcount, 0
        with cursor.copy(_ONCE) as copy:
            for (customer,) in copy.rows():
                target.write(f"{customer}\n")
                recipients += 1
        cursor.execute("DROP TABLE job_rows")
    return Found(recipients=recipients, repeated=total - forgotten - recipients, forgotten=forgotten)


def made_by(account_id: int, list_id: int, sending_id: int, batch: BatchView) -> int:
    """How many of the sending's contacts the import made."""
    with connection.cursor() as cursor:
        cursor.execute(_MADE, [account_id, sending_id, list_id, batch.started_at, batch.finished_at])
        return int(cursor.fetchone()[0])
