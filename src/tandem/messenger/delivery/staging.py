"""A list on its way to the ledger: in a temporary table of this connection, so that no process holds it whole."""

import hashlib
from collections.abc import Iterable
from types import TracebackType

from django.db import IntegrityError, connection, transaction
from psycopg.errors import UniqueViolation
from psycopg.pq import TransactionStatus

from tandem.messenger.delivery.errors import ListedTwice

#: in the order of bytes, whatever the database's own is: cheaper to keep, and the digest is the same everywhere
_TABLE = """
CREATE TEMPORARY TABLE tandem_list (seq INT, customer TEXT COLLATE "C" UNIQUE, template_id BIGINT)
"""
_DROP = "DROP TABLE IF EXISTS pg_temp.tandem_list"
_COPY = "COPY tandem_list (seq, customer, template_id) FROM STDIN"
#: the rows as lines, thousands to a piece: row by row, reading them took longer than sorting them
_SORTED = """
COPY (
    SELECT string_agg(customer || E'\\t' || template_id || E'\\n', '' ORDER BY customer)
    FROM (SELECT customer, template_id, (row_number() OVER (ORDER BY customer) - 1) / 10000 AS place
          FROM tandem_list) numbered
    GROUP BY place ORDER BY place
) TO STDOUT
"""


class StagedList:
    """Rows (customer, template) in order, each customer once. One at a time in a connection; gone when it is left.

    Nothing of it is in the ledger until `open_sending` takes it. A process that dies leaves nothing of it.
    """

    def __init__(self) -> None:
        """An empty one, usable inside `with`."""
        self.rows = 0

    def __enter__(self) -> "StagedList":
        """Make the table."""
        with connection.cursor() as cursor:
            cursor.execute(_DROP)
            cursor.execute(_TABLE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop the table; where a transaction has failed or the connection is lost, its end does that."""
        inner = connection.connection
        usable = (TransactionStatus.IDLE, TransactionStatus.INTRANS)
        if inner is not None and inner.info.transaction_status in usable:
            with connection.cursor() as cursor:
                cursor.execute(_DROP)

    def add(self, rows: Iterable[tuple[str, int | None]]) -> None:
        """More rows at its end, all of them or none. Raises ListedTwice."""
        count = self.rows
        try:
            with transaction.atomic(), connection.cursor() as cursor, cursor.copy(_COPY) as copy:
                for count, (customer, template_id) in enumerate(rows, self.rows + 1):
                    copy.write_row((count, customer, template_id))
        except (UniqueViolation, IntegrityError) as error:
            raise ListedTwice("A customer is on the list twice.", "Nothing was sent.") from error
        self.rows = count

    def templates(self) -> set[int | None]:
        """Every template that a row names."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT template_id FROM tandem_list")
            return {row[0] for row in cursor.fetchall()}

    def digest(self) -> str:
        """SHA-256 over its rows, the same in whatever order they came; every row names a template."""
        digest = hashlib.sha256()
        with connection.cursor() as cursor, cursor.copy(_SORTED) as copy:  # type: ignore[attr-defined]
            copy.set_types(["text"])
            for (lines,) in copy.rows():
                digest.update(lines.encode())
        return digest.hexdigest()
