"""What every import shares: the file's hash, the row that says it is done, progress while DuckDB works."""

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound
from tandem.planner.accounts.models import Account
from tandem.planner.customers import storage
from tandem.planner.customers.domain import ImportReport, Progress, What
from tandem.planner.customers.errors import UnreadableFile
from tandem.planner.customers.models import FileImport


def account(account_id: int) -> Account:
    """The tenant's row. Raises NotFound."""
    found = Account.objects.filter(id=account_id).first()
    if found is None:
        raise NotFound(f"There is no account {account_id}.", "Run `tandem account list`.")
    return found


def file_hash(file: Path) -> str:
    """SHA-256 of the file's bytes. Raises UnreadableFile."""
    try:
        with file.open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFile(
            f"{file} cannot be read: {error.strerror}.", "Check the path and its rights."
        ) from error


def find(account_id: int, what: What, sha256: str, mapping: str) -> ImportReport | None:
    """The report of an earlier import of the same bytes under the same mapping."""
    row = FileImport.objects.filter(account_id=account_id, what=what, sha256=sha256, mapping=mapping).first()
    if row is None or not (storage.root(account_id) / row.data_file).exists():
        return None
    return _report(row, repeated=True)


def finish(account_id: int, report: ImportReport, data: Path, clock: Clock) -> ImportReport:
    """Write the row that makes the import's file count, and give the report its id."""
    base = storage.root(account_id)
    row, _ = FileImport.objects.update_or_create(
        account_id=account_id,
        what=report.what,
        sha256=report.sha256,
        defaults={
            "file_name": report.file[:300],
            "mapping": report.mapping,
            "data_file": str(data.relative_to(base)),
            "error_file": str(report.errors.relative_to(base)) if report.errors else "",
            "report": _stored(report),
            "finished_at": clock.system(),
        },
    )
    return _report(row)


def imports(account_id: int, limit: int = 20) -> tuple[ImportReport, ...]:
    """The last imports, newest first."""
    rows = FileImport.objects.filter(account_id=account_id).order_by("-finished_at")[:limit]
    return tuple(_report(row) for row in rows)


def order_files(account_id: int) -> list[Path]:
    """The order files that count."""
    rows = FileImport.objects.filter(account_id=account_id, what="orders").order_by("id")
    return [storage.root(account_id) / row.data_file for row in rows]


def order_days(account_id: int) -> tuple[date, date] | None:
    """First and last day of all imported orders."""
    reports = [_report(row) for row in FileImport.objects.filter(account_id=account_id, what="orders")]
    firsts, lasts = [r.first_day for r in reports if r.first_day], [r.last_day for r in reports if r.last_day]
    return (min(firsts), max(lasts)) if firsts and lasts else None


def _stored(report: ImportReport) -> dict[str, Any]:
    kept = asdict(report)
    for name in ("id", "errors", "repeated", "dry_run", "file", "sha256", "mapping", "what"):
        del kept[name]
    days = {k: kept[k].isoformat() if kept[k] else None for k in ("first_day", "last_day")}
    return {**kept, **days, "amount": str(report.amount), "guessed": list(report.guessed)}


def _report(row: FileImport, *, repeated: bool = False) -> ImportReport:
    kept: dict[str, Any] = dict(row.report)
    for day in ("first_day", "last_day"):
        kept[day] = date.fromisoformat(kept[day]) if kept.get(day) else None
    kept |= {"amount": Decimal(kept["amount"]), "guessed": tuple(kept["guessed"])}
    errors = storage.root(row.account_id) / row.error_file if row.error_file else None
    return ImportReport(
        id=row.id, what=row.what, file=row.file_name, sha256=row.sha256, mapping=row.mapping,  # type: ignore[arg-type]
        errors=errors, repeated=repeated, **kept,
    )  # fmt: skip


@contextlib.contextmanager
def watched(
    session: duckdb.DuckDBPyConnection, tell: Progress, phase: str, start: float, end: float
) -> Iterator[None]:
    """Tell the progress of DuckDB's running query between two shares of the whole."""
    tell(phase, start)
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.25):
            percent = session.query_progress()
            if percent > 0:
                tell(phase, start + (end - start) * min(percent, 100.0) / 100.0)

    session.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    tell(phase, end)
