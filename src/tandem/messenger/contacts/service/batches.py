"""Imports: declared, uploaded, run set-based in one transaction. An import never subscribes anyone again."""

import logging
import re
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from django.db import DataError, connection, transaction

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.messenger.contacts.domain import KINDS, BatchView
from tandem.messenger.contacts.errors import BadImport, ImportRunning, NameTaken, UnknownBatch
from tandem.messenger.contacts.files import Shape, encoding_named, opened
from tandem.messenger.contacts.mapping import NEW
from tandem.messenger.contacts.merging import copy_rows, merge_rows
from tandem.messenger.contacts.models import ContactList, ImportBatch
from tandem.messenger.contacts.service.lists import define_property, require_list
from tandem.messenger.contacts.service.refusals import counted, told
from tandem.messenger.contacts.storage import LARGEST_FILE, files_before, import_path, progress_path, store

log = logging.getLogger("tandem.imports")
ROWS_THAT_COUNT = 1000
LEFT_SECONDS = 24 * 3600
OPEN = ("PENDING", "IN_PROGRESS")
_ENDS = ("IN_PROGRESS", "FINISHED", "ERROR")
_DELIMITER = re.compile(r"[0-9]{1,3}")
_DELIMITERS = frozenset(range(9, 127)) - {10, 13}


def start_import(
    account_id: int,
    list_id: int,
    *,
    delimiter: str = "9",
    encoding: str = "UTF8",
    kind: str = "ADD",
    identity_column: str = "originalId",
    quoted: bool = False,
    actor: str = "",
    clock: Clock,
) -> str:
    """Declare an import; its id for the upload. delimiter: decimal ASCII code as text, the wire's way."""
    require_list(account_id, list_id)
    if kind.upper() not in KINDS:
        raise BadImport(f"There is no import type {kind!r}.", f"Use one of {', '.join(KINDS)}.")
    if not _DELIMITER.fullmatch(delimiter) or int(delimiter) not in _DELIMITERS:
        raise BadImport(
            f"The delimiter {delimiter[:20]!r} cannot be used.",
            "Give its decimal ASCII code, such as 9 or 124.",
        )
    if not 0 < len(identity_column) <= 100 or "\0" in identity_column:
        raise BadImport("The identityColumn cannot be used.", "Name the column that says who, as originalId.")
    encoding = encoding_named(encoding)
    if ImportBatch.objects.filter(account_id=account_id, list_id=list_id, status__in=OPEN).exists():
        raise ImportRunning("An import of this list is still running.", "Try again when its batch has ended.")
    row = ImportBatch.objects.create(
        account_id=account_id, list_id=list_id, import_id=uuid.uuid4(), kind=kind.upper(),
        delimiter=chr(int(delimiter)), encoding=encoding, identity_column=identity_column,
        quoted=quoted, actor=actor[:150], declared_at=clock.system(),
    )  # fmt: skip
    return str(row.import_id)


def upload(
    account_id: int, list_id: int, import_id: str, body: Iterable[bytes], *, defer: bool = True, clock: Clock
) -> BatchView:
    """Store the file and queue the run. The same upload again changes nothing and gives the same batch."""
    row = _declared(account_id, list_id, import_id)
    if row.status != "DECLARED":
        return _view(row)
    store(import_path(account_id, str(row.import_id)), body, most=LARGEST_FILE)
    failpoint("contacts.uploaded")
    with transaction.atomic():
        ImportBatch.objects.filter(account_id=account_id, pk=row.pk, status="DECLARED").update(
            status="PENDING"
        )
        if defer:
            from tandem.messenger.contacts.tasks import run_import

            run_import.defer(account_id=account_id, batch_id=row.pk)
    return get_batch(account_id, row.pk)


def queue_kept(account_id: int, list_id: int, import_id: uuid.UUID, *, encoding: str, clock: Clock) -> int:
    """An ADD import of a tab-separated file that lies ready under its id; the caller deletes the file. Its batch id.

    In the caller's transaction. It waits until the list's other imports have ended.
    """
    row = ImportBatch.objects.create(
        account_id=account_id, list_id=list_id, import_id=import_id, kind="ADD", delimiter="\t", encoding=encoding,
        identity_column="originalId", status="PENDING", kept=True, declared_at=clock.system(),
    )  # fmt: skip
    return row.pk


def next_batch_id() -> int:
    """A number that no import has or will have: batches of all kinds share their numbers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [ImportBatch._meta.db_table])
        return int(cursor.fetchone()[0])


def get_batch(account_id: int, batch_id: int) -> BatchView:
    """One import. Raises UnknownBatch."""
    return _view(batch_row(account_id, batch_id))


def batch_row(account_id: int, batch_id: int) -> ImportBatch:
    """The row of one import. Raises UnknownBatch."""
    row = ImportBatch.objects.filter(account_id=account_id, pk=batch_id).first()
    if row is None:
        raise UnknownBatch(f"There is no batch {batch_id}.", "Check its id.")
    return row


def shape_of(row: ImportBatch) -> Shape:
    """How the import's file is written, and what its columns are where somebody chose."""
    return Shape(
        delimiter=row.delimiter, encoding=row.encoding, identity_column=row.identity_column, quoted=row.quoted,
        mapping=tuple(row.mapping) if row.mapping is not None else None,
    )  # fmt: skip


def import_file(
    account_id: int, list_id: int, path: Path, *, kind: str = "ADD", delimiter: str = ",", clock: Clock
) -> BatchView:
    """Import a CSV file with quotes at once, without the queue."""
    import_id = start_import(
        account_id, list_id, delimiter=str(ord(delimiter)), kind=kind, quoted=True, clock=clock
    )
    with path.open("rb") as file:
        batch = upload(
            account_id, list_id, import_id, iter(lambda: file.read(1 << 20), b""), defer=False, clock=clock
        )
    return run_batch(account_id, batch.id, clock=clock)


def run_waiting(*, clock: Clock) -> int:
    """Run every uploaded import that nobody is running; how many."""
    waiting = list(
        # all accounts: a worker takes up every account's uploads
        ImportBatch.objects.filter(status__in=OPEN).order_by("id").values_list("account_id", "pk")
    )
    for account_id, batch_id in waiting:
        try:
            run_batch(account_id, batch_id, clock=clock)
        except Exception:
            log.exception("imports.stopped batch=%s", batch_id)  # the others go on; this one is tried again
    return len(waiting)


def sweep_files(*, clock: Clock) -> int:
    """Delete files that nobody will run: their upload was never answered, or their end was cut off. How many."""
    before = clock.system().timestamp() - LEFT_SECONDS
    old = files_before(before)
    if not old:
        return 0
    # all accounts: files of every account are looked at
    waiting = ImportBatch.objects.filter(status__in=OPEN).values_list("import_id", flat=True)
    names = {str(import_id) for import_id in waiting}
    gone = [path for path in old if path.name.partition(".")[0] not in names]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def run_batch(account_id: int, batch_id: int, *, clock: Clock) -> BatchView:
    """Run an uploaded import, once; its file is deleted after, or kept. A file that cannot be read ends as ERROR."""
    ImportBatch.objects.filter(account_id=account_id, pk=batch_id, status="PENDING").update(
        status="IN_PROGRESS", started_at=clock.system()
    )
    path = None
    with transaction.atomic():
        rows = ImportBatch.objects.select_for_update(skip_locked=True)
        row = rows.filter(account_id=account_id, pk=batch_id, status__in=OPEN).first()
        if row is not None:
            path = import_path(account_id, str(row.import_id))
            _run(row, path, clock)
            failpoint("contacts.imported")
    if path is not None and row is not None:
        progress_path(account_id, str(row.import_id)).unlink(missing_ok=True)
        if not row.kept:
            path.unlink(missing_ok=True)
    if row is not None and row.affected >= ROWS_THAT_COUNT:
        with (
            connection.cursor() as cursor
        ):  # without fresh statistics, reads are planned as if the list were empty
            cursor.execute("ANALYZE messenger_contacts_contact")
    return get_batch(account_id, batch_id)


def _run(row: ImportBatch, path: Path, clock: Clock) -> None:
    try:
        with transaction.atomic():
            _load(row, path, clock)
        row.status = "FINISHED"
    except (BadImport, OSError, DataError) as wrong:
        row.status, row.affected = "ERROR", 0
        row.problems = [str(wrong) if isinstance(wrong, BadImport) else _words(wrong)]
    row.finished_at = clock.system()
    row.save()


def _words(wrong: Exception) -> str:
    if isinstance(wrong, FileNotFoundError):
        return "The uploaded file is gone. Upload it again as a new import."
    return (
        "The file is unreadable." if isinstance(wrong, OSError) else "The file holds what cannot be stored."
    )


def _load(row: ImportBatch, path: Path, clock: Clock) -> None:
    account = row.account_id
    # one import per list at a time; proofs of consent may be written to the list meanwhile
    ContactList.objects.select_for_update(no_key=True).get(account_id=account, pk=row.list_id)
    for name in [target.removeprefix(NEW) for target in row.mapping or () if target.startswith(NEW)]:
        with suppress(NameTaken):
            define_property(account, name=name, clock=clock)
    with opened(account, path, shape_of(row)) as (reader, lines), told(row, reader):
        header = reader.header
        copy_rows(counted(account, str(row.import_id), reader.rows(lines)))
    reader.problems[:0] = [
        f"Nobody knows the column {name!r}; it was left out." for name in header.unknown[:20]
    ]
    row.affected = merge_rows(
        account, row.list_id, row.kind, header, clock, actor=row.actor, detail=f"import {row.pk}",
        most_inactive=row.most_inactive,
    )  # fmt: skip
    row.total = row.processed = reader.total
    row.problems = reader.problems
    if reader.faults > len(reader.problems):
        row.problems = [*row.problems, f"{reader.faults} problems in all."]
    ContactList.objects.filter(account_id=account, pk=row.list_id).update(
        last_import_at=clock.system(), modified_at=clock.system()
    )


def _declared(account_id: int, list_id: int, import_id: str) -> ImportBatch:
    try:
        wanted = uuid.UUID(import_id)
    except ValueError:
        raise UnknownBatch("There is no such import.", "Declare it first.") from None
    row = ImportBatch.objects.filter(account_id=account_id, list_id=list_id, import_id=wanted).first()
    if row is None:
        raise UnknownBatch("There is no such import in this list.", "Declare it first.")
    return row


def _view(row: ImportBatch) -> BatchView:
    return BatchView(
        id=row.pk, import_id=str(row.import_id), list_id=row.list_id, kind=row.kind,
        status=row.status if row.status in _ENDS else "PENDING", total=row.total, processed=row.processed,
        affected=row.affected, problems=tuple(row.problems), started_at=row.started_at, finished_at=row.finished_at,
    )  # fmt: skip
