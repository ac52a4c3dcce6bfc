"""Builds a snapshot in steps that a killed process leaves whole or not at all: the next one goes on after the last.

The steps work on one DuckDB file in the account's `work`: empty, or a copy of the newest snapshot's, to which only
what is new is added. A step's tables and its line in the table `build_steps` are there together or not at all.
"""

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson
from django.db import transaction

from tandem.kit.clock import Clock
from tandem.planner.customers import features, history, increment, state, storage
from tandem.planner.customers.catalogue import describe
from tandem.planner.customers.domain import Progress, SnapshotRef, Unwatched, Watch, silent
from tandem.planner.customers.models import Snapshot
from tandem.planner.customers.service import assembling, ledger, overlay
from tandem.planner.customers.service.snapshot import (
    drop_old_caches,
    latest_profile,
    next_number,
    ref_of,
)
from tandem.planner.customers.trees import RFM

log = logging.getLogger(__name__)
#: what was begun longer ago is not gone on with: consent and people are those of its beginning
GONE_ON_WITHIN = timedelta(hours=6)
_SCRATCH = ("people", "written", "stages", "scores", "segments", "arrived", "touched", "moved", *RFM)
_CHANGING = ("orders", "history", "features")
_VIEWS = "SELECT view_name FROM duckdb_views() WHERE NOT internal"
_MARKS = "CREATE TABLE IF NOT EXISTS build_steps (build BIGINT, step VARCHAR, n BIGINT, words VARCHAR, kept VARCHAR)"
#: (step, what is told of it, share of the whole at its end)
STEPS = (
    ("orders", "Sorting the orders", 0.2),
    ("history", "Preparing the history", 0.5),
    ("features", "Computing features", 0.65),
    ("stages", "Staging", 0.7),
    ("scores", "Models and scores", 0.85),
    ("segments", "Cutting segments", 0.9),
    ("customers", "Putting the rows together", 0.97),
    ("publish", "Publishing", 1.0),
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: `run` makes the tables `makes` and tells how many rows and a word about them.

    kept: what its maker must know when the snapshot is published, as JSON; restore: gives it back after a restart.
    instead: makes the tables when `run` went wrong with that error; without it the build fails.
    """

    name: str
    makes: tuple[str, ...]
    run: Callable[[duckdb.DuckDBPyConnection, Progress], tuple[int, str]]
    kept: Callable[[], Any] = lambda: None
    restore: Callable[[Any], None] = lambda stored: None
    instead: Callable[[duckdb.DuckDBPyConnection, Progress, Exception], tuple[int, str]] | None = None


class _Doubt(Exception):
    """What was gone on from does not hold what it should."""


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What a build is made from; a process that finds the same plan goes on with it."""

    as_of: date
    number: int
    files: tuple[state.Mark, ...]
    profile: str
    base: str
    whole_on: date
    doubt: str

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "form": state.FORM, "as_of": self.as_of.isoformat(), "number": self.number, "base": self.base,
            "files": [[mark.name, mark.size] for mark in self.files], "profile": self.profile,
        }  # fmt: skip


@dataclass(kw_only=True)
class _Build:
    account_id: int
    as_of: date
    clock: Clock
    staging: tuple[Step, ...]
    tell: Progress
    watch: Watch
    files: list[Path] = field(default_factory=list)

    @property
    def work(self) -> Path:
        return storage.root(self.account_id) / "work" / f"build-{self.as_of:%Y%m%d}"

    @property
    def cache(self) -> Path:
        return self.work / "cache.duckdb"

    def plan(self, *, whole: bool) -> _Plan:
        """What to build from: the newest file that can be gone on from, or nothing and why."""
        self.files = ledger.order_files(self.account_id)
        rows = Snapshot.objects.filter(account_id=self.account_id, as_of__lte=self.as_of)
        base = rows.order_by("-as_of", "-id").first()
        cache = ref_of(base).cache if base else None
        known = state.read(cache) if cache and cache.exists() else None
        now = state.marks(self.files)
        doubt = "It was asked for." if whole else state.doubt(known, now, self.as_of)
        profile = latest_profile(self.account_id)
        return _Plan(
            as_of=self.as_of, number=next_number(self.account_id), files=now, profile=profile.name if profile else "",
            base="" if doubt or not cache else str(cache),
            whole_on=self.as_of if doubt or not known else known.whole_on, doubt=doubt,
        )  # fmt: skip

    def prepare(self, plan: _Plan) -> None:
        """Lay out the work, or leave what a killed process had of the same plan."""
        note = self.work / "plan.json"
        if _same(note, plan, self.clock.system()) and _opens(self.cache):
            return
        for other in storage.folder(self.account_id, "work").glob("build-*"):
            shutil.rmtree(other, ignore_errors=True)
        self.work.mkdir(parents=True)
        if plan.base:
            copied = self.cache.with_suffix(".making")
            shutil.copyfile(plan.base, copied)
            copied.replace(self.cache)
        begun = {**plan.document(), "begun": self.clock.system().isoformat()}
        made = note.with_suffix(".making")
        made.write_bytes(orjson.dumps(begun))
        storage.put(made, note)

    def steps(self, plan: _Plan) -> tuple[Step, ...]:
        """All steps that leave something in the file, in order."""
        known = state.read(Path(plan.base)) if plan.base else None
        return (
            Step(name="orders", makes=() if known else ("orders",), run=self._orders(plan, known)),
            Step(name="history", makes=() if known else ("history", "categories"), run=_history(known)),
            Step(name="features", makes=("people", "written"), run=self._features(known)),
            *self.staging,
            Step(name="customers", makes=("customers",), run=self._customers(plan)),
        )

    def _orders(self, plan: _Plan, known: state.State | None) -> Any:
        def run(session: duckdb.DuckDBPyConnection, tell: Progress) -> tuple[int, str]:
            if known is None:
                increment.load_orders(session, self.files, self.as_of)
                return _count(session, "orders"), f"All orders are read. {plan.doubt}".strip()
            arrived = increment.add_orders(session, known, self.files, self.as_of)
            if increment.missing(session, self.files, self.as_of):
                raise _Doubt("The earlier snapshot does not hold the lines of its files.")
            people = _count(session, "touched")
            return (
                arrived,
                f"Only what is new since {known.as_of}: {arrived:,} lines of {people:,} customers.",
            )

        return run

    def _features(self, known: state.State | None) -> Any:
        def run(session: duckdb.DuckDBPyConnection, tell: Progress) -> tuple[int, str]:
            if known is None:
                increment.load_homes(session, self.files, self.as_of)
                features.make(session, self.as_of)
            else:
                increment.add_homes(session)
                features.renew(session, self.as_of)
            features.show(session, self.as_of)
            overlay.load(session, self.account_id, self.work)
            people = assembling.load_people(session, self.account_id, self.work)
            moved = (
                "" if known is None else f"{_count(session, 'moved'):,} customers had a feature that moved."
            )
            return people, moved

        return run

    def _customers(self, plan: _Plan) -> Any:
        def run(session: duckdb.DuckDBPyConnection, tell: Progress) -> tuple[int, str]:
            rows = assembling.join_customers(session, self.account_id)
            tell("Writing the rows", 0.4)
            assembling.write_parquet(session, self.files, self.as_of, self.work / "parquet")
            attributes = describe(session, assembling.profile_labels(self.account_id))
            (self.work / "catalogue.json").write_bytes(orjson.dumps([one.as_json() for one in attributes]))
            now = state.State(as_of=self.as_of, whole_on=plan.whole_on, files=plan.files)
            state.write(session, now)
            return rows, ""

        return run

    def run(self, plan: _Plan) -> int:
        """Do the steps that are not done; the number of customers."""
        rows = 0
        size = sum(mark.size for mark in plan.files)
        with storage.duck(self.work, self.cache, size=size) as session:
            session.execute(_MARKS)
            session.execute("DELETE FROM build_steps WHERE build <> ?", [plan.number])
            marked = session.execute("SELECT step, n, words, kept FROM build_steps").fetchall()
            done = {row[0]: row for row in marked}
            for step in self.steps(plan):
                rows = self._once(session, step, done, plan)
        return rows

    def _once(self, session: duckdb.DuckDBPyConnection, step: Step, done: dict[str, Any], plan: _Plan) -> int:
        if step.name in done:
            _, rows, words, kept = done[step.name]
            step.restore(orjson.loads(kept))
            self.watch.end(step.name, rows=rows, words=words, again=True)
            return int(rows)
        in_one = bool(plan.base) and step.name in _CHANGING
        with self._shown(session, step.name) as tell, _transaction(session, wanted=in_one):
            _drop(session, step.makes)
            rows, words, failed = _made(session, step, tell)
            if failed:  # known before it is marked: a process that goes on takes the mark for a success
                self.watch.end(step.name, rows=rows, words=words, again=False, failed=True)
            kept = orjson.dumps(step.kept(), option=orjson.OPT_NON_STR_KEYS, default=str).decode()
            marked = [plan.number, step.name, rows, words, kept]
            session.execute("INSERT INTO build_steps VALUES (?, ?, ?, ?, ?)", marked)
        if not failed:
            self.watch.end(step.name, rows=rows, words=words, again=False)
        return rows

    @contextmanager
    def _shown(self, session: duckdb.DuckDBPyConnection, step: str) -> Iterator[Progress]:
        place = next(n for n, one in enumerate(STEPS) if one[0] == step)
        low, high = STEPS[place - 1][2] if place else 0.0, STEPS[place][2]
        last = [0.0]

        def tell(words: str, share: float) -> None:
            if share < 1.0 and time.monotonic() - last[0] < 0.25:
                return
            last[0] = time.monotonic()
            self.watch.share(step, share, words)
            self.tell(STEPS[place][1], low + (high - low) * share)

        self.watch.begin(step)
        if step == "scores":  # tells its own progress
            yield tell
            return
        with ledger.watched(session, tell, STEPS[place][1], 0.0, 1.0):
            yield lambda words, share: None

    def publish(self, plan: _Plan, customers: int, publishing: Callable[[int], None]) -> SnapshotRef:
        """Take the scratch out, give the files their places, and write the row that makes them count."""
        self.watch.begin("publish")
        self.tell("Publishing", STEPS[-2][2])
        label = f"{self.as_of:%Y%m%d}-{plan.number}"
        with storage.duck(self.work, self.cache) as session:
            _drop(session, (*features.VIEWS, *_SCRATCH))
            session.execute("CHECKPOINT")
        catalogue = orjson.loads((self.work / "catalogue.json").read_bytes())
        parquet = storage.folder(self.account_id, "snapshots") / label
        if (self.work / "parquet").exists():
            shutil.rmtree(parquet, ignore_errors=True)
            (self.work / "parquet").replace(parquet)
        cache = storage.folder(self.account_id, "cache") / f"{label}.duckdb"
        storage.link(self.cache, cache)
        base = storage.root(self.account_id)
        with transaction.atomic():
            row = Snapshot.objects.create(
                account_id=self.account_id, as_of=self.as_of, published_at=self.clock.system(), customers=customers,
                parquet=str(parquet.relative_to(base)), cache=str(cache.relative_to(base)), catalogue=catalogue,
            )  # fmt: skip
            publishing(row.id)
        shutil.rmtree(self.work, ignore_errors=True)
        drop_old_caches(self.account_id)
        self.watch.end("publish", rows=customers, words="", again=False)
        return ref_of(row)


def build(
    account_id: int,
    as_of: date,
    *,
    clock: Clock,
    staging: tuple[Step, ...],
    publishing: Callable[[int], None] = lambda snapshot_id: None,
    progress: Progress | None = None,
    watch: Watch | None = None,
    whole: bool = False,
) -> SnapshotRef:
    """Build and publish the snapshot of all data to the end of `as_of`; it is visible whole or not at all.

    publishing: called with the snapshot's id in the transaction that publishes it; whole: read everything anew.
    """
    tell = progress or silent
    ledger.account(account_id)
    with storage.one_at_a_time(account_id):
        made = _Build(
            account_id=account_id, as_of=as_of, clock=clock, staging=staging, tell=tell, watch=watch or Unwatched()
        )  # fmt: skip
        try:
            ref = _attempt(made, publishing, whole=whole)
        except _Doubt:
            shutil.rmtree(made.work, ignore_errors=True)
            ref = _attempt(made, publishing, whole=True)
    tell("Done", 1.0)
    return ref


def _attempt(made: _Build, publishing: Callable[[int], None], *, whole: bool) -> SnapshotRef:
    plan = made.plan(whole=whole)
    made.prepare(plan)
    return made.publish(plan, made.run(plan), publishing)


def _made(session: duckdb.DuckDBPyConnection, step: Step, tell: Progress) -> tuple[int, str, bool]:
    """How many rows the step made, a word about them, and whether it went wrong and they were made instead."""
    before = _relations(session)
    try:
        return (*step.run(session, tell), False)
    except Exception as error:
        if step.instead is None:
            raise
        log.exception("step %s of a snapshot", step.name)
        _drop(session, tuple(_relations(session) - before))
        rows, words = step.instead(session, tell, error)
        _drop(session, tuple(_relations(session) - before - {*step.makes}))
        return rows, words, True


def _history(known: state.State | None) -> Any:
    def run(session: duckdb.DuckDBPyConnection, tell: Progress) -> tuple[int, str]:
        if known is None:
            history.prepare(session)
        else:
            history.renew(session)
        return _count(session, "history"), ""

    return run


def _same(note: Path, plan: _Plan, now: datetime) -> bool:
    """Whether the work of this plan was begun, and not too long ago."""
    try:
        begun = orjson.loads(note.read_bytes())
        since = datetime.fromisoformat(begun.pop("begun"))
    except (OSError, ValueError, KeyError):
        return False
    return begun == plan.document() and now - since < GONE_ON_WITHIN


def _opens(cache: Path) -> bool:
    """Whether a file that a killed process left can be gone on with; one that is not there yet can."""
    try:
        duckdb.connect(str(cache)).close()
    except duckdb.Error:
        return False
    return True


@contextmanager
def _transaction(session: duckdb.DuckDBPyConnection, *, wanted: bool) -> Iterator[None]:
    """What changes tables that are there is done whole or not at all; what makes new ones is simply made again."""
    if not wanted:
        yield
        return
    session.execute("BEGIN")
    try:
        yield
    except BaseException:
        session.execute("ROLLBACK")
        raise
    session.execute("COMMIT")


def _drop(session: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> None:
    views = {row[0] for row in session.execute(_VIEWS).fetchall()}
    for one in names:
        session.execute(f"DROP {'VIEW' if one in views else 'TABLE'} IF EXISTS {one}")


def _relations(session: duckdb.DuckDBPyConnection) -> set[str]:
    asked = f"{_VIEWS} UNION ALL SELECT table_name FROM duckdb_tables()"
    return {row[0] for row in session.execute(asked).fetchall()}


def _count(session: duckdb.DuckDBPyConnection, table: str) -> int:
    row = session.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0
