"""Files handed in on a page: kept until imported, worked on in the background, watched by anyone who looks.

Each has a folder of the account's storage with the file and `state.json`; the file goes once it is imported.
"""

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from tandem.kit.clock import Clock
from tandem.kit.problems import Conflict, NotFound, Problem
from tandem.planner.customers import service as customers
from tandem.planner.customers import storage
from tandem.planner.customers.domain import FileView, ImportReport, What
from tandem.planner.daily.failures import ModelsWatch
from tandem.planner.modelling import service as modelling

KEPT = timedelta(days=1)
EVERY = 0.3


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file handed in; `share` is 0..1 of the work, `report` what the last run found."""

    key: str
    name: str
    what: What
    size: int
    received_at: str
    mapping: str = ""
    state: Literal["new", "waiting", "running", "tried", "done", "failed"] = "new"
    dry_run: bool = True
    phase: str = ""
    share: float = 0.0
    problem: str = ""
    report: dict[str, Any] = field(default_factory=dict)
    errors: str = ""
    purposes: dict[str, str] = field(default_factory=dict)
    actor: str = ""

    @property
    def busy(self) -> bool:
        """Whether work is queued or going on."""
        return self.state in {"waiting", "running"}


def receive(account_id: int, name: str, chunks: Iterable[bytes], *, what: What, clock: Clock) -> Upload:
    """Keep a file, byte for byte, until it is imported or a day has passed."""
    _sweep(account_id, clock.system())
    key = secrets.token_hex(8)
    target = storage.folder(account_id, "uploads") / key
    target.mkdir(mode=0o700)
    shown = _harmless(name)
    (target / "in").mkdir()
    file = target / "in" / shown
    with file.open("wb") as out:
        for chunk in chunks:
            out.write(chunk)
    upload = Upload(
        key=key, name=shown, what=what, size=file.stat().st_size, received_at=clock.system().isoformat()
    )
    _write(account_id, upload)
    return upload


def find(account_id: int, key: str) -> Upload:
    """The upload as it stands. Raises NotFound."""
    try:
        return Upload(**json.loads((_folder(account_id, key) / "state.json").read_text()))
    except (OSError, ValueError):
        raise NotFound("That file is not here any more.", "Hand it in again.") from None


def uploads(account_id: int) -> tuple[Upload, ...]:
    """Files that wait or are worked on, newest first."""
    keys = [
        path.name
        for path in storage.folder(account_id, "uploads").iterdir()
        if (path / "state.json").exists()
    ]
    found = [find(account_id, key) for key in keys]
    return tuple(
        sorted((one for one in found if one.state != "done"), key=lambda u: u.received_at, reverse=True)
    )


def look(account_id: int, key: str, *, what: What, mapping: str = "") -> FileView:
    """The file's columns and how they would be read."""
    return customers.inspect_file(_file(account_id, key), what=what, mapping=mapping)


def start(
    account_id: int,
    key: str,
    *,
    what: What,
    mapping: str,
    dry_run: bool,
    purposes: dict[str, str] | None = None,
    actor: str = "",
) -> Upload:
    """Queue a dry run or the import itself; purposes: of its attributes. Raises Conflict while one is under way."""
    from tandem.planner.daily.tasks import take_in

    upload = find(account_id, key)
    if upload.busy:
        raise Conflict("This file is being worked on.", "Wait until it is done.")
    _file(account_id, key)
    upload = replace(
        upload, what=what, mapping=mapping, dry_run=dry_run, state="waiting", phase="Waiting for a worker",
        share=0.0, problem="", report={}, errors="", purposes=purposes or {}, actor=actor,
    )  # fmt: skip
    _write(account_id, upload)
    take_in.defer(account_id=account_id, key=key)
    return upload


def work(account_id: int, key: str, *, clock: Clock) -> Upload:
    """Do what was queued, noting progress; what goes wrong is noted in words."""
    upload = replace(find(account_id, key), state="running")
    noted = [0.0]

    def progress(phase: str, share: float) -> None:
        if time.monotonic() - noted[0] >= EVERY:
            noted[0] = time.monotonic()
            _write(account_id, replace(upload, phase=phase, share=min(max(share, 0.0), 1.0)))

    try:
        finished = _import(account_id, upload, clock, progress)
    except Problem as problem:
        finished = replace(upload, state="failed", problem=f"{problem.detail} {problem.advice}".strip())
    except Exception:
        _write(account_id, replace(upload, state="failed", problem="Something broke; the log says more."))
        raise
    _write(account_id, finished)
    if finished.state == "done":
        _file(account_id, key).unlink()
    return finished


def _import(account_id: int, upload: Upload, clock: Clock, progress: Any) -> Upload:
    verb: Any = customers.import_orders
    if upload.what == "attributes":
        verb = partial(
            customers.import_attributes, purposes=upload.purposes, actor=upload.actor or "an import"
        )
    file = _file(account_id, upload.key)
    weight = 1.0 if upload.dry_run else 0.7
    report = verb(
        account_id,
        file,
        clock=clock,
        mapping=upload.mapping,
        progress=lambda phase, share: progress(phase, weight * share),
        dry_run=upload.dry_run,
    )
    if not upload.dry_run:
        modelling.build_snapshot(
            account_id,
            clock=clock,
            progress=lambda phase, share: progress(phase, weight + (1 - weight) * share),
            watch=ModelsWatch(account_id, clock),
        )
    return replace(
        upload,
        state="tried" if upload.dry_run else "done",
        share=1.0,
        phase="",
        report=_plain(report),
        errors=str(report.errors or ""),
    )


def discard(account_id: int, key: str) -> None:
    """Throw the file away."""
    upload = find(account_id, key)
    if upload.busy:
        raise Conflict("This file is being worked on.", "Wait until it is done.")
    shutil.rmtree(_folder(account_id, key), ignore_errors=True)


def _harmless(name: str) -> str:
    """The file's own name without folders or anything a shell or DuckDB would read a meaning into."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return re.sub(r"[^\w .()-]", "_", last).strip(" .")[-150:] or "file.txt"


def _plain(report: ImportReport) -> dict[str, Any]:
    plain = asdict(report)
    return json.loads(json.dumps(plain, default=str))


def _folder(account_id: int, key: str) -> Path:
    if not key.isalnum():
        raise NotFound("That file is not here any more.", "Hand it in again.")
    return storage.folder(account_id, "uploads") / key


def _file(account_id: int, key: str) -> Path:
    found = sorted((_folder(account_id, key) / "in").glob("*"))
    if not found:
        raise NotFound("That file is imported, or not here any more.", "Hand it in again.")
    return found[0]


def _write(account_id: int, upload: Upload) -> None:
    folder = _folder(account_id, upload.key)
    made = folder / f".{secrets.token_hex(4)}"
    made.write_text(json.dumps(asdict(upload)))
    made.replace(folder / "state.json")


def _sweep(account_id: int, now: datetime) -> None:
    for path in storage.folder(account_id, "uploads").iterdir():
        try:
            age = now - datetime.fromisoformat(find(account_id, path.name).received_at)
        except NotFound:
            continue
        if age > KEPT:
            shutil.rmtree(path, ignore_errors=True)
