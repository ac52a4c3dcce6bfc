"""The published snapshots: which there are, what they know, and a DuckDB cache for each that is asked."""

import shutil
from datetime import date
from pathlib import Path

import orjson

from tandem.planner.customers import features, history, identities, increment, state, storage
from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.customers.errors import NoSnapshot
from tandem.planner.customers.models import FileImport, Snapshot
from tandem.planner.customers.storage import pattern
from tandem.planner.engine.domain import Attribute
from tandem.planner.engine.duckdb import forget_snapshot

CUSTOMERS_FILE = "customers.parquet"
KEPT_CACHES = 3


def latest_profile(account_id: int) -> Path | None:
    """The merged Parquet of all attribute files."""
    row = (
        FileImport.objects.filter(account_id=account_id, what="attributes")
        .order_by("-finished_at", "-id")
        .first()
    )
    return storage.root(account_id) / row.data_file if row else None


def next_number(account_id: int) -> int:
    """One more than the newest snapshot's id."""
    newest = (
        Snapshot.objects.filter(account_id=account_id).order_by("-id").values_list("id", flat=True).first()
    )
    return (newest or 0) + 1


def drop_old_caches(account_id: int) -> None:
    """Delete the caches of all but the newest days; they can be made again."""
    kept = {
        row.cache
        for row in Snapshot.objects.filter(account_id=account_id).order_by("-as_of", "-id")[:KEPT_CACHES]
    }
    for file in storage.folder(account_id, "cache").glob("*.duckdb"):
        if str(file.relative_to(storage.root(account_id))) not in kept:
            forget_snapshot(file)
            file.unlink()


def ref_of(row: Snapshot) -> SnapshotRef:
    """The row as others know it."""
    base = storage.root(row.account_id)
    return SnapshotRef(
        id=row.id, account_id=row.account_id, as_of=row.as_of, published_at=row.published_at,
        cache=base / row.cache, parquet=base / row.parquet, customers=row.customers,
    )  # fmt: skip


def latest_snapshot(account_id: int) -> SnapshotRef:
    """The newest day's newest snapshot, its cache in place. Raises NoSnapshot."""
    return _with_cache(_latest(account_id))


def get_snapshot(account_id: int, snapshot_id: int) -> SnapshotRef:
    """One snapshot, its cache in place. Raises NoSnapshot."""
    row = Snapshot.objects.filter(account_id=account_id, id=snapshot_id).first()
    if row is None:
        raise NoSnapshot(f"There is no snapshot {snapshot_id}.", "Take one of `tandem customers snapshots`.")
    return _with_cache(row)


def snapshots_around(account_id: int, day: date) -> tuple[SnapshotRef | None, SnapshotRef | None]:
    """The newest snapshot of an earlier day, and the newest of a later one."""
    rows = Snapshot.objects.filter(account_id=account_id)
    before = rows.filter(as_of__lt=day).order_by("-as_of", "-id").first()
    later = rows.filter(as_of__gt=day).order_by("-as_of", "-id").first()
    return ref_of(before) if before else None, ref_of(later) if later else None


def snapshot_on(account_id: int, day: date) -> SnapshotRef | None:
    """The snapshot of a day, else of the nearest earlier one; None before the first. Its cache may be gone."""
    rows = Snapshot.objects.filter(account_id=account_id, as_of__lte=day)
    row = rows.order_by("-as_of", "-id").first()
    return ref_of(row) if row else None


def snapshots(account_id: int, limit: int = 30) -> tuple[SnapshotRef, ...]:
    """The snapshots, newest first; a cache may have to be made again."""
    return tuple(
        ref_of(row)
        for row in Snapshot.objects.filter(account_id=account_id).order_by("-as_of", "-id")[:limit]
    )


def catalogue(account_id: int) -> tuple[Attribute, ...]:
    """What the latest snapshot knows of a customer, with ranges and choices. Raises NoSnapshot."""
    return tuple(Attribute.from_json(stored) for stored in _latest(account_id).catalogue)


def snapshot_catalogue(account_id: int, snapshot_id: int) -> tuple[Attribute, ...]:
    """What one snapshot knows of a customer. Raises NoSnapshot."""
    row = Snapshot.objects.filter(account_id=account_id, id=snapshot_id).values("catalogue").first()
    if row is None:
        raise NoSnapshot(f"There is no snapshot {snapshot_id}.", "Take one of `tandem customers snapshots`.")
    return tuple(Attribute.from_json(stored) for stored in row["catalogue"])


def _latest(account_id: int) -> Snapshot:
    row = Snapshot.objects.filter(account_id=account_id).order_by("-as_of", "-id").first()
    if row is None:
        raise NoSnapshot("No snapshot was built yet.", "Import orders, then run `tandem customers snapshot`.")
    return row


def _with_cache(row: Snapshot) -> SnapshotRef:
    ref = ref_of(row)
    if not ref.cache.exists():
        rebuild_cache(row)
    return ref_of(row)


def rebuild_cache(row: Snapshot) -> None:
    """Make the cache again from the snapshot's Parquet, under a new name."""
    base = storage.root(row.account_id)
    parquet = base / row.parquet
    label = f"{parquet.name}-r{identities.new_token(4)}"
    work = storage.folder(row.account_id, "work") / f"cache-{label}"
    work.mkdir(parents=True)
    made = work / "cache.duckdb"
    names = orjson.loads((parquet / "manifest.json").read_bytes())["order_files"]
    files = [base / "orders" / n for n in names]
    with storage.duck(work, made, size=sum(file.stat().st_size for file in files)) as session:
        increment.load_orders(session, files, row.as_of)
        history.prepare(session)
        increment.load_homes(session, files, row.as_of)
        features.make(session, row.as_of)
        now = state.State(as_of=row.as_of, whole_on=row.as_of, files=state.marks(files))
        state.write(session, now)
        session.execute(
            f"CREATE TABLE customers AS SELECT * FROM read_parquet({pattern(parquet / CUSTOMERS_FILE)})"
        )
        session.execute("CHECKPOINT")
    target = storage.folder(row.account_id, "cache") / f"{label}.duckdb"
    storage.put(made, target)
    row.cache = str(target.relative_to(base))
    row.save(update_fields=["cache"])
    shutil.rmtree(work, ignore_errors=True)
