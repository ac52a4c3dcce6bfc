"""Imports: declared, uploaded, run set-based in one transaction. An import never subscribes anyone again."""

import uuid
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Lower

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.messenger.contacts.domain import KINDS, BatchView
from tandem.messenger.contacts.errors import BadImport, UnknownBatch
from tandem.messenger.contacts.models import ContactList, ImportBatch, Property
from tandem.messenger.contacts.rows import PLAIN, TABLE, Header, RowReader, read_header, split_lines
from tandem.messenger.contacts.service.lists import get_list
from tandem.messenger.contacts.storage import import_path, store

_ENCODINGS = {"UTF8": "utf-8-sig", "UTF-8": "utf-8-sig", "ISO-8859-1": "iso-8859-1"}
ROWS_THAT_COUNT = 1000
_OPEN = ("PENDING", "IN_PROGRESS")


def start_import(
    account_id: int,
    list_id: int,
    *,
    delimiter: str = "9",
    encoding: str = "UTF8",
    kind: str = "ADD",
    identity_column: str = "originalId",
    quoted: bool = False,
    clock: Clock,
) -> str:
    """Declare an import; its id for the upload. delimiter: decimal ASCII code as text, the wire's way."""
    get_list(account_id, list_id)
    if kind.upper() not in KINDS:
        raise BadImport(f"There is no import type {kind!r}.", f"Use one of {', '.join(KINDS)}.")
    if encoding.upper() not in _ENCODINGS:
        raise BadImport(f"The encoding {encoding!r} is not known.", "Use UTF8 or ISO-8859-1.")
    if (
        not delimiter.isascii()
        or not delimiter.isdigit()
        or not 9 <= int(delimiter) < 127
        or int(delimiter) in (10, 13)
    ):
        raise BadImport(
            f"The delimiter {delimiter!r} cannot be used.", "Give its decimal ASCII code, such as 9 or 124."
        )
    row = ImportBatch.objects.create(
        account_id=account_id, list_id=list_id, import_id=uuid.uuid4(), kind=kind.upper(),
        delimiter=chr(int(delimiter)), encoding=encoding.upper(), identity_column=identity_column,
        quoted=quoted, declared_at=clock.system(),
    )  # fmt: skip
    return str(row.import_id)


def upload(
    account_id: int, list_id: int, import_id: str, body: Iterable[bytes], *, defer: bool = True, clock: Clock
) -> BatchView:
    """Store the file and queue the run. The same upload again changes nothing and gives the same batch."""
    row = _declared(account_id, list_id, import_id)
    if row.status != "DECLARED":
        return _view(row)
    store(import_path(account_id, str(row.import_id)), body)
    failpoint("contacts.uploaded")
    with transaction.atomic():
        ImportBatch.objects.filter(account_id=account_id, pk=row.pk, status="DECLARED").update(
            status="PENDING"
        )
        if defer:
            from tandem.messenger.contacts.tasks import run_import

            run_import.defer(account_id=account_id, batch_id=row.pk)
    return get_batch(account_id, row.pk)


def get_batch(account_id: int, batch_id: int) -> BatchView:
    """One import. Raises UnknownBatch."""
    row = ImportBatch.objects.filter(account_id=account_id, pk=batch_id).first()
    if row is None:
        raise UnknownBatch(f"There is no batch {batch_id}.", "Check its id.")
    return _view(row)


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
        ImportBatch.objects.filter(status__in=_OPEN).order_by("id").values_list("account_id", "pk")
    )
    for account_id, batch_id in waiting:
        run_batch(account_id, batch_id, clock=clock)
    return len(waiting)


def run_batch(account_id: int, batch_id: int, *, clock: Clock) -> BatchView:
    """Run an uploaded import, once; its file is deleted after. A file that cannot be read ends as ERROR."""
    ImportBatch.objects.filter(account_id=account_id, pk=batch_id, status="PENDING").update(
        status="IN_PROGRESS", started_at=clock.system()
    )
    path = None
    with transaction.atomic():
        rows = ImportBatch.objects.select_for_update(skip_locked=True)
        row = rows.filter(account_id=account_id, pk=batch_id, status__in=_OPEN).first()
        if row is not None:
            path = import_path(account_id, str(row.import_id))
            _run(row, path, clock)
            failpoint("contacts.imported")
    if path is not None:
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
    except (BadImport, OSError, UnicodeDecodeError) as wrong:
        words = {
            UnicodeDecodeError: "The file is not in the encoding that was declared.",
            FileNotFoundError: "The uploaded file is gone. Upload it again as a new import.",
        }
        row.status, row.affected = "ERROR", 0
        row.problems = [
            words.get(type(wrong))
            or (str(wrong) if isinstance(wrong, BadImport) else "The file is unreadable.")
        ]
    row.finished_at = clock.system()
    row.save()


def _load(row: ImportBatch, path: Path, clock: Clock) -> None:
    account = row.account_id
    ContactList.objects.select_for_update().get(
        account_id=account, pk=row.list_id
    )  # one import per list at a time
    properties = {
        name: str(pk)
        for name, pk in Property.objects.filter(account_id=account).values_list(Lower(F("name")), "pk")
    }
    with path.open(encoding=_ENCODINGS[row.encoding]) as file:
        lines = split_lines(file, row.delimiter, quoted=row.quoted)
        first = next(lines, [])
        header = read_header(first, row.identity_column, properties)
        reader = RowReader(account, header, len(first))
        _copy(reader.rows(lines))
    reader.problems[:0] = [
        f"Nobody knows the column {name!r}; it was left out." for name in header.unknown[:20]
    ]
    row.affected = _merge(row, header, clock)
    row.total = row.processed = reader.total
    row.problems = reader.problems
    if reader.faults > len(reader.problems):
        row.problems = [*row.problems, f"{reader.faults} problems in all."]
    ContactList.objects.filter(account_id=account, pk=row.list_id).update(
        last_import_at=clock.system(), modified_at=clock.system()
    )


def _copy(rows: Iterable[tuple[object, ...]]) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute("DROP TABLE IF EXISTS import_rows")
        cursor.execute(
            "CREATE TEMP TABLE import_rows (seq int, "
            + ", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in TABLE[1:])
            + ") ON COMMIT DROP"
        )
        with cursor.copy(f"COPY import_rows ({', '.join(TABLE)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        # duplicates are merged: the last line of an id wins; the forgotten are not stored again
        cursor.execute("CREATE INDEX ON import_rows (original_id, seq)")
        cursor.execute("ANALYZE import_rows")
        cursor.execute(
            "DELETE FROM import_rows a USING import_rows b WHERE a.original_id = b.original_id AND a.seq < b.seq"
        )


_TYPES = {
    "mobile_valid": "bool",
    "properties": "jsonb",
    "unsubscribed": "bool",
    "mobile_unsubscribed": "bool",
}
_FORGOTTEN = """
DELETE FROM import_rows r USING messenger_contacts_suppression s
WHERE s.account_id = %(account)s AND s.key = r.customer_key AND s.reason = 'forgotten'
"""
_EVENTS = """
INSERT INTO messenger_contacts_consentevent (account_id, list_id, contact_id, customer_key, channel, change, source, at)
SELECT c.account_id, c.list_id, c.id, c.customer_key, n.channel, 'unsubscribed', 'import', %(now)s
FROM import_opted_out n JOIN messenger_contacts_contact c
  ON c.account_id = %(account)s AND c.list_id = %(list)s AND c.original_id = n.original_id
"""
_OPTED_OUT = """
CREATE TEMP TABLE import_opted_out ON COMMIT DROP AS
SELECT r.original_id, w.channel FROM import_rows r
CROSS JOIN LATERAL (VALUES ('email', r.unsubscribed), ('sms', r.mobile_unsubscribed)) AS w(channel, wanted)
LEFT JOIN messenger_contacts_contact c
  ON c.account_id = %(account)s AND c.list_id = %(list)s AND c.original_id = r.original_id
WHERE w.wanted AND NOT coalesce(CASE w.channel WHEN 'email' THEN c.unsubscribed ELSE c.mobile_unsubscribed END, false)
"""
_CONSENT = """
  unsubscribed = c.unsubscribed OR EXCLUDED.unsubscribed,
  opt_out_at = coalesce(c.opt_out_at, EXCLUDED.opt_out_at),
  mobile_unsubscribed = c.mobile_unsubscribed OR EXCLUDED.mobile_unsubscribed,
  opt_out_mobile_at = coalesce(c.opt_out_mobile_at, EXCLUDED.opt_out_mobile_at),
  active = true, modified_at = EXCLUDED.modified_at
"""
_UNSUBSCRIBE = """
UPDATE messenger_contacts_contact c
SET unsubscribed = c.unsubscribed OR r.unsubscribed,
    mobile_unsubscribed = c.mobile_unsubscribed OR r.mobile_unsubscribed,
    opt_out_at = CASE WHEN r.unsubscribed THEN coalesce(c.opt_out_at, %(now)s) ELSE c.opt_out_at END,
    opt_out_mobile_at =
      CASE WHEN r.mobile_unsubscribed THEN coalesce(c.opt_out_mobile_at, %(now)s) ELSE c.opt_out_mobile_at END,
    modified_at = %(now)s
FROM import_rows r WHERE c.account_id = %(account)s AND c.list_id = %(list)s AND c.original_id = r.original_id
"""
_REPLACE = """
UPDATE messenger_contacts_contact c SET active = false, modified_at = %(now)s
WHERE c.account_id = %(account)s AND c.list_id = %(list)s AND c.active
  AND NOT EXISTS (SELECT 1 FROM import_rows r WHERE r.original_id = c.original_id)
"""


def _merge(row: ImportBatch, header: Header, clock: Clock) -> int:
    given: dict[str, Any] = {"account": row.account_id, "list": row.list_id, "now": clock.system()}
    with closing(connection.cursor()) as cursor:
        cursor.execute(_FORGOTTEN, given)
        if row.kind == "UNSUBSCRIBE":
            if not header.flags:  # without flag columns the whole row means: nothing by any channel
                cursor.execute("UPDATE import_rows SET unsubscribed = true, mobile_unsubscribed = true")
            cursor.execute(_OPTED_OUT, given)
            cursor.execute(_UNSUBSCRIBE, given)
            affected = cursor.rowcount
        else:
            cursor.execute(_OPTED_OUT, given)
            cursor.execute(_upsert(header), given)
            affected = cursor.rowcount
        cursor.execute(_EVENTS, given)
        if row.kind == "REPLACE":
            cursor.execute(_REPLACE, given)
            affected += cursor.rowcount
        cursor.execute("DROP TABLE import_rows, import_opted_out")
    return affected


def _upsert(header: Header) -> str:
    """Only columns of the file change; attributes are merged, consent only ever ends."""
    changed = [f"{column} = EXCLUDED.{column}" for column in PLAIN if column in header.columns]
    for column, also in (("email", ("email_key",)), ("mobile", ("mobile_key", "mobile_valid"))):
        if column in header.columns:
            changed += [f"{name} = EXCLUDED.{name}" for name in (column, *also)]
    if header.properties:
        changed.append("properties = c.properties || EXCLUDED.properties")
    columns = ", ".join(name for name in TABLE if name != "seq")
    return f"""INSERT INTO messenger_contacts_contact AS c (
      account_id, list_id, {columns}, opt_out_at, opt_out_mobile_at, audio_unsubscribed, bounced, mobile_bounced,
      content_version, active, created_at, modified_at)
    SELECT %(account)s, %(list)s, {columns}, CASE WHEN unsubscribed THEN %(now)s::timestamptz END,
      CASE WHEN mobile_unsubscribed THEN %(now)s::timestamptz END, false, false, false, 0, true, %(now)s, %(now)s
    FROM import_rows ORDER BY original_id
    ON CONFLICT (account_id, list_id, original_id) DO UPDATE SET {", ".join([*changed, _CONSENT])}"""  # noqa: S608


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
        status="PENDING" if row.status == "DECLARED" else row.status, total=row.total, processed=row.processed,
        affected=row.affected, problems=tuple(row.problems), started_at=row.started_at, finished_at=row.finished_at,
    )  # fmt: skip
