"""Imports that a person plans: upload, choose what the columns are, see what would happen, confirm.

The run itself is the one of every import; nothing here touches a contact.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from django.db import DataError, transaction

from tandem.kit.clock import Clock
from tandem.messenger.contacts.errors import BadImport, ImportRunning
from tandem.messenger.contacts.files import MOST_CELL_BYTES, Shape, first_lines, opened, sniffed
from tandem.messenger.contacts.mapping import (
    MOST_COLUMNS,
    NEW,
    SAMPLES,
    Outcome,
    checked,
    guessed,
    named,
    targets,
)
from tandem.messenger.contacts.merging import copy_rows, weigh_rows
from tandem.messenger.contacts.models import ImportBatch, Property
from tandem.messenger.contacts.service.batches import OPEN, batch_row, shape_of
from tandem.messenger.contacts.service.lists import require_list
from tandem.messenger.contacts.storage import errors_path, import_path, progress_of, store

LARGEST_PAGE_FILE = 512 << 20
#: below this the dry run is done while the person waits
AT_ONCE = 4 << 20
MAY = ("ADD", "REPLACE", "UNSUBSCRIBE")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """An import on its way. state: draft, checking, checked, waiting, running, finished, failed."""

    id: int
    list_id: int
    kind: str
    state: str
    file_name: str
    columns: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...]
    mapping: tuple[str, ...]
    targets: tuple[str, ...]
    outcome: Outcome | None
    problems: tuple[str, ...]
    share: float
    total: int
    affected: int
    has_errors: bool


_STATES = {
    "DRAFT": "draft", "CHECKING": "checking", "CHECKED": "checked", "PENDING": "waiting", "IN_PROGRESS": "running",
    "FINISHED": "finished", "ERROR": "failed",
}  # fmt: skip


def plan_import(
    account_id: int,
    list_id: int,
    body: Iterable[bytes],
    *,
    file_name: str,
    door: str,
    actor: str,
    delimiter: str | None = None,
    guess: bool = True,
    clock: Clock,
) -> int:
    """Keep a file and guess what its columns are, or take their names as they are; the import's id.

    Raises BadImport, FileTooLarge, UnknownList.
    """
    require_list(account_id, list_id)
    import_id = uuid.uuid4()
    path = import_path(account_id, str(import_id))
    store(path, body, most=LARGEST_PAGE_FILE)
    try:
        encoding, seen = sniffed(path)
        delimiter = delimiter or seen
        shape = Shape(delimiter=delimiter, encoding=encoding, quoted=True)
        cells = first_lines(path, shape, 1)[0]
        if len(cells) > MOST_COLUMNS:
            raise BadImport(
                f"The file has more than {MOST_COLUMNS} columns.", "Leave out what is not needed."
            )
    except BadImport:
        path.unlink(missing_ok=True)
        raise
    chosen = (guessed if guess else named)(cells, _own(account_id))
    row = ImportBatch.objects.create(
        account_id=account_id, list_id=list_id, import_id=import_id, kind="ADD", delimiter=delimiter,
        encoding=encoding, identity_column="originalId", quoted=True, status="DRAFT",
        mapping=chosen, file_name=Path(file_name).name[:200], actor=actor[:150], door=door,
        declared_at=clock.system(),
    )  # fmt: skip
    return row.pk


def planned_import(account_id: int, batch_id: int) -> Planned:
    """The import with its columns, sample rows, and how far it is. Raises UnknownBatch."""
    row = batch_row(account_id, batch_id)
    path = import_path(account_id, str(row.import_id))
    lines = first_lines(path, shape_of(row), 1 + SAMPLES) if path.exists() else [[]]
    state = _STATES.get(row.status, "draft")
    rows = progress_of(account_id, str(row.import_id)) if state == "running" else 0
    expected = row.outcome["rows"] if row.outcome else 0
    return Planned(
        id=row.pk,
        list_id=row.list_id,
        kind=row.kind,
        state=state,
        file_name=row.file_name,
        columns=tuple(lines[0]),
        samples=tuple(tuple(cell[:MOST_CELL_BYTES] for cell in line) for line in lines[1:]),
        mapping=tuple(row.mapping or ()),
        targets=targets(_own(account_id)),
        outcome=Outcome(**row.outcome) if row.outcome else None,
        problems=tuple(row.problems),
        share=1.0 if state == "finished" else min(rows / expected, 0.99) if expected else 0.0,
        total=row.total,
        affected=row.affected,
        has_errors=errors_path(account_id, str(row.import_id)).exists(),
    )


def choose_columns(
    account_id: int, batch_id: int, mapping: Sequence[str], *, kind: str, at_once: bool = False, clock: Clock
) -> None:
    """What the columns are and what the import does; then the dry run, at once or by a worker. Raises BadImport."""
    row = batch_row(account_id, batch_id)
    if row.status not in ("DRAFT", "CHECKING", "CHECKED"):
        raise BadImport("This import has begun.", "Upload the file again for another one.")
    if kind not in MAY:
        raise BadImport(f"There is no import type {kind[:20]!r}.", f"Use one of {', '.join(MAY)}.")
    path = import_path(account_id, str(row.import_id))
    cells = first_lines(path, shape_of(row), 1)[0]
    checked(cells, mapping, _own(account_id))
    ImportBatch.objects.filter(account_id=account_id, pk=row.pk).update(
        mapping=list(mapping), kind=kind, status="CHECKING", outcome=None, problems=[]
    )
    if at_once or path.stat().st_size <= AT_ONCE:
        check_import(account_id, batch_id, clock=clock)
    else:
        from tandem.messenger.contacts.tasks import check_import as later

        later.defer(account_id=account_id, batch_id=batch_id)


def check_import(account_id: int, batch_id: int, *, clock: Clock) -> None:
    """Count what the import would do; nothing changes but its own row."""
    row = batch_row(account_id, batch_id)
    if row.status != "CHECKING":
        return
    path = import_path(account_id, str(row.import_id))
    try:
        with transaction.atomic(), opened(account_id, path, shape_of(row)) as (reader, lines):
            copy_rows(reader.rows(lines))
            found = weigh_rows(account_id, row.list_id, row.kind, reader)
        row.outcome, row.problems, row.status = asdict(found), reader.problems, "CHECKED"
    except (BadImport, OSError, DataError) as wrong:
        words = wrong.detail if isinstance(wrong, BadImport) else "The file cannot be read. Upload it again."
        row.problems, row.status = [words], "ERROR"
    row.save(update_fields=["outcome", "problems", "status"])


def confirm_import(
    account_id: int, batch_id: int, *, inactive: int | None = None, defer: bool = True, clock: Clock
) -> None:
    """Run what was checked. REPLACE needs the number that will become inactive, and ends where it would be more.

    Raises BadImport, ImportRunning.
    """
    with transaction.atomic():
        rows = ImportBatch.objects.select_for_update().filter(account_id=account_id, pk=batch_id)
        row = rows.filter(status="CHECKED").first()
        if row is None or row.outcome is None:
            raise BadImport("This import is not ready to run, or has begun.", "Look at it again.")
        if row.kind == "REPLACE" and inactive != row.outcome["inactive"]:
            raise BadImport(
                "The number does not match.", f"Type {row.outcome['inactive']} to go on.", field="inactive"
            )
        running = ImportBatch.objects.filter(account_id=account_id, list_id=row.list_id, status__in=OPEN)
        if running.exists():
            raise ImportRunning("An import of this list is still running.", "Try again when it has ended.")
        row.status = "PENDING"
        row.most_inactive = row.outcome["inactive"] if row.kind == "REPLACE" else None
        row.save(update_fields=["status", "most_inactive"])
        if defer:
            from tandem.messenger.contacts.tasks import run_import

            run_import.defer(account_id=account_id, batch_id=row.pk)


def discard_import(account_id: int, batch_id: int) -> None:
    """Throw a file away that nobody will run any more; nothing where the import runs or has run."""
    row = batch_row(account_id, batch_id)
    if row.status in ("DRAFT", "CHECKING", "CHECKED", "ERROR"):
        import_path(account_id, str(row.import_id)).unlink(missing_ok=True)


def error_file(account_id: int, batch_id: int) -> Path | None:
    """The rows that were refused or lost something, with why; None if there are none or they are gone."""
    path = errors_path(account_id, str(batch_row(account_id, batch_id).import_id))
    return path if path.exists() else None


def with_new(columns: Sequence[str], mapping: Sequence[str], ticked: Iterable[int]) -> list[str]:
    """The mapping with attributes made for the ticked columns that have none."""
    wanted = set(ticked)
    return [
        target or (f"{NEW}{columns[number].strip()}" if number in wanted else "")
        for number, target in enumerate(mapping)
    ]


def _own(account_id: int) -> list[str]:
    rows = Property.objects.filter(account_id=account_id).order_by("id")
    return list(rows.values_list("name", flat=True))
