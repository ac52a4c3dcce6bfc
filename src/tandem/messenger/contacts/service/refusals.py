"""What an import refuses, written down for the one who planned it; and how far it is."""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tandem.messenger.contacts.mapping import safe_cell
from tandem.messenger.contacts.models import ImportBatch
from tandem.messenger.contacts.rows import RowReader
from tandem.messenger.contacts.storage import errors_path, progress_path

MOST_ROWS = 100_000
SAID_EVERY = 1000


@contextmanager
def told(row: ImportBatch, reader: RowReader) -> Iterator[None]:
    """Faulty rows go into a file beside the upload, if a person planned the import; no file where none is faulty."""
    if row.mapping is None:
        yield
        return
    path = errors_path(row.account_id, str(row.import_id))
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["line", "problem"])

        def refuse(number: int, words: str, cells: list[str]) -> None:
            if reader.faults <= MOST_ROWS:
                lines.writerow([number, f"The line {words}.", *map(safe_cell, cells)])

        reader.refuse = refuse
        yield
    if not reader.faults:
        path.unlink(missing_ok=True)


def counted(account_id: int, import_id: str, rows: Iterator[str]) -> Iterator[str]:
    """The same rows; every thousand the number read is written where others see it before the import commits."""
    path = progress_path(account_id, import_id)
    for number, row in enumerate(rows):
        if number % SAID_EVERY == SAID_EVERY - 1:
            path.write_text(str(number + 1))
        yield row
