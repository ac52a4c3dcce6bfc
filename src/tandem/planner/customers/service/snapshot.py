"""The daily snapshot: one row of features per customer, Parquet with a manifest, a DuckDB cache under a new name."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import orjson
from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.planner.customers import history, identities, storage
from tandem.planner.customers.catalogue import describe
from tandem.planner.customers.domain import Progress, SnapshotRef, silent
from tandem.planner.customers.errors import NoSnapshot
from tandem.planner.customers.features import FEATURES, RFM
from tandem.planner.customers.models import FileImport, ProfileAttribute, Snapshot
from tandem.planner.customers.service import ledger, overlay
from tandem.planner.customers.storage import literal, pattern
from tandem.planner.engine.domain import Attribute
from tandem.planner.engine.duckdb import forget_snapshot

#: given `people`, `features` and `daily`, makes the tables `stages(customer, stage)` and `segments(customer, ...)`
Staging = Callable[[duckdb.DuckDBPyConnection, date], None]
#: what is written down in the transaction that publishes the snapshot
Publishing = Callable[[], None]
CUSTOMERS_FILE = "customers.parquet"
KEPT_CACHES = 3


def build(
    account_id: int,
    as_of: date,
    *,
    clock: Clock,
    staging: Staging,
    publishing: Publishing = lambda: None,
    progress: Progress | None = None,
) -> SnapshotRef:
    """Build and publish the snapshot of all data to the end of `as_of`; it is visible whole or not at all."""
    tell = progress or silent
    ledger.account(account_id)
    with storage.one_at_a_time(account_id):
        number = _next_number(account_id)
        label = f"{as_of:%Y%m%d}-{number}"
        work = storage.folder(account_id, "work") / f"snapshot-{label}"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        cache = work / "cache.duckdb"
        with storage.duck(work, cache) as session:
            with ledger.watched(session, tell, "Sorting the orders", 0.0, 0.25):
                files = load_orders(session, ledger.order_files(account_id), as_of)
            tell("Preparing the history", 0.25)
            history.prepare(session)
            with ledger.watched(session, tell, "Computing features", 0.6, 0.75):
                _features(session, account_id, as_of, work)
                _countries(session, files, as_of)
                overlay.load(session, account_id, work)
            tell("Staging and cutting segments", 0.8)
            staging(session, as_of)
            _customers(session, account_id)
            attributes = describe(session, _profile_labels(account_id))
            parquet = _write_parquet(session, account_id, label, work, files, as_of)
            customers = _one(session, "SELECT count(*) FROM customers")
            _drop_scratch(session)
        tell("Publishing", 0.95)
        cached = storage.folder(account_id, "cache") / f"{label}.duckdb"
        storage.put(cache, cached)
        with transaction.atomic():
            ref = _publish(account_id, as_of, cached, parquet, customers, attributes, clock)
            publishing()
        shutil.rmtree(work, ignore_errors=True)
        _drop_old_caches(account_id)
    tell("Done", 1.0)
    return ref


def load_orders(session: duckdb.DuckDBPyConnection, files: list[Path], as_of: date) -> list[Path]:
    """Make the table `orders`, sorted by day, of the files' orders to the end of a day."""
    columns = 'customer, "at", day, value, quantity, category, kind'
    if files:
        listed = ", ".join(pattern(file) for file in files)
        source = f"SELECT {columns} FROM read_parquet([{listed}]) WHERE day <= DATE '{as_of}' ORDER BY day"
    else:
        source = (
            'SELECT NULL::BIGINT AS customer, NULL::TIMESTAMP AS "at", NULL::DATE AS day, '
            "NULL::DECIMAL(18,2) AS value, "
            "NULL::DOUBLE AS quantity, NULL::VARCHAR AS category, NULL::VARCHAR AS kind WHERE false"
        )
    session.execute("SET preserve_insertion_order = true")
    session.execute(f"CREATE TABLE orders AS {source}")
    session.execute("SET preserve_insertion_order = false")
    return files


def _countries(session: duckdb.DuckDBPyConnection, files: list[Path], as_of: date) -> None:
    """Make the table `home(customer, country)`: the country of each one's last order, where order files name it."""
    session.execute("CREATE TABLE home (customer BIGINT, country VARCHAR)")
    listed = ", ".join(pattern(file) for file in files)
    named = f"SELECT count(*) > 0 FROM parquet_schema([{listed}]) WHERE name = 'country'"
    if files and _one(session, named):
        session.execute(
            f'INSERT INTO home SELECT customer, arg_max(country, ("at", country)) FROM read_parquet([{listed}], '
            f"union_by_name = true) WHERE country IS NOT NULL AND day <= DATE '{as_of}' GROUP BY customer"
        )


def _features(session: duckdb.DuckDBPyConnection, account_id: int, as_of: date, work: Path) -> None:
    people = work / "people.csv"
    with connection.cursor() as cursor:
        identities.copy_out(
            cursor,
            "SELECT c.id, "
            "coalesce(bool_or(k.has_email AND k.email_consent AND p.no_email IS NOT TRUE), false), "
            "coalesce(bool_or(k.has_mobile AND k.sms_consent AND p.no_sms IS NOT TRUE), false), "
            "NOT EXISTS (SELECT 1 FROM planner_customers_profilingobjection o WHERE o.account_id = c.account_id "
            "AND o.customer_id = c.id AND o.lifted_at IS NULL) "
            "FROM planner_customers_customer c "
            "LEFT JOIN planner_customers_consent k ON k.account_id = c.account_id AND k.customer_id = c.id "
            "LEFT JOIN (SELECT channel_account_id, customer_id, bool_or(kind = 'email') AS no_email, "
            "bool_or(kind = 'sms') AS no_sms FROM planner_customers_channelpreference "
            "WHERE account_id = %s AND blocked GROUP BY channel_account_id, customer_id) p "
            "ON p.channel_account_id = k.channel_account_id AND p.customer_id = c.id "
            "WHERE c.account_id = %s AND NOT c.forgotten GROUP BY c.id",
            [account_id, account_id],
            people,
        )
    session.execute(
        f"CREATE TABLE people AS SELECT * FROM read_csv({literal(people)}, auto_detect = false, header = "
        "false, delim = ',', "
        "columns = {'customer': 'BIGINT', 'may_receive_email': 'BOOLEAN', 'may_receive_sms': 'BOOLEAN', "
        "'profiled': 'BOOLEAN'})"
    )
    people.unlink()
    session.execute("SET VARIABLE as_of = ?::DATE", [as_of])
    for statement in FEATURES:
        session.execute(statement)
    for column, order in RFM.items():
        session.execute(
            f"CREATE TABLE {column} AS SELECT v, greatest(1, ceil(5.0 * sum(n) OVER (ORDER BY v) / sum(n) "
            "OVER ()))::TINYINT "
            f"AS class FROM (SELECT {order} AS v, count(*) AS n FROM features GROUP BY 1)"
        )


def _customers(session: duckdb.DuckDBPyConnection, account_id: int) -> None:
    profile = latest_profile(account_id)
    chosen = overlay.columns(session, account_id, profile, has_homes=_any_home(session))
    joined = f"LEFT JOIN read_parquet({pattern(profile)}) a ON a.customer = p.customer" if profile else ""
    classes = ", ".join(f"{column}.class AS {column}" for column in RFM)
    joins = " ".join(f"LEFT JOIN {column} ON {column}.v = f.{order}" for column, order in RFM.items())
    session.execute(
        f"""CREATE TABLE customers AS SELECT p.customer, f.first_order, f.last_order, coalesce(f.orders, 0) AS orders,
          coalesce(f.total_spent, 0)::DECIMAL(18,2) AS total_spent, f.average_order,
          coalesce(f.first_day_value, 0)::DECIMAL(18,2) AS first_day_value,
          {", ".join(f"coalesce(f.orders_{d}, 0) AS orders_{d}" for d in (30, 90, 365))},
          {", ".join(f"coalesce(f.spent_{d}, 0)::DECIMAL(18,2) AS spent_{d}" for d in (30, 90, 365))},
          coalesce(r.returns, 0) AS returns, coalesce(r.returned, 0)::DECIMAL(18,2) AS returned,
          f.days_since_last_order, f.tenure_days, f.usual_gap, c.main_category, {classes},
          coalesce(s.stage, 'Registered only') AS stage, g.* EXCLUDE (customer)
          {chosen}, p.may_receive_email, p.may_receive_sms,
          p.profiled AS may_be_profiled
        FROM people p LEFT JOIN segments g ON g.customer = p.customer
        LEFT JOIN features f ON f.customer = p.customer LEFT JOIN returned r ON r.customer = p.customer
        LEFT JOIN favourite c ON c.customer = p.customer LEFT JOIN stages s ON s.customer = p.customer
          LEFT JOIN written w ON w.customer = p.customer LEFT JOIN home h
          ON h.customer = p.customer {joins} {joined}"""
    )


def _any_home(session: duckdb.DuckDBPyConnection) -> bool:
    return bool(_one(session, "SELECT count(*) > 0 FROM home"))


def latest_profile(account_id: int) -> Path | None:
    """The merged Parquet of all attribute files."""
    row = (
        FileImport.objects.filter(account_id=account_id, what="attributes")
        .order_by("-finished_at", "-id")
        .first()
    )
    return storage.root(account_id) / row.data_file if row else None


def _profile_labels(account_id: int) -> dict[str, tuple[str, str]]:
    rows = ProfileAttribute.objects.filter(account_id=account_id).order_by("id")
    return {row.name: (row.label, row.kind) for row in rows}


def _write_parquet(
    session: duckdb.DuckDBPyConnection,
    account_id: int,
    label: str,
    work: Path,
    files: list[Path],
    as_of: date,
) -> Path:
    made = work / "parquet"
    made.mkdir()
    session.execute(
        f"COPY (SELECT * FROM customers ORDER BY customer) TO {literal(made / CUSTOMERS_FILE)} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    manifest = {
        "as_of": as_of.isoformat(),
        "customers": _one(session, "SELECT count(*) FROM customers"),
        "orders": _one(session, "SELECT count(*) FROM orders"),
        "order_files": [file.name for file in files],
        "customers_sha256": ledger.file_hash(made / CUSTOMERS_FILE),
    }
    (made / "manifest.json").write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    target = storage.folder(account_id, "snapshots") / label
    shutil.rmtree(target, ignore_errors=True)
    made.replace(target)
    return target


def _drop_scratch(session: duckdb.DuckDBPyConnection) -> None:
    for table in (
        "people",
        "features",
        "daily",
        "returned",
        "favourite",
        "home",
        "written",
        "stages",
        "scores",
        "segments",
        *RFM,
    ):
        session.execute(f"DROP TABLE IF EXISTS {table}")
    session.execute("CHECKPOINT")


def _publish(
    account_id: int, as_of: date, cache: Path, parquet: Path, customers: int, attributes: tuple[Attribute, ...],
    clock: Clock,
) -> SnapshotRef:  # fmt: skip
    base = storage.root(account_id)
    row = Snapshot.objects.create(
        account_id=account_id, as_of=as_of, published_at=clock.system(), customers=customers,
        parquet=str(parquet.relative_to(base)), cache=str(cache.relative_to(base)),
        catalogue=[attribute.as_json() for attribute in attributes],
    )  # fmt: skip
    return _ref(row)


def _next_number(account_id: int) -> int:
    newest = (
        Snapshot.objects.filter(account_id=account_id).order_by("-id").values_list("id", flat=True).first()
    )
    return (newest or 0) + 1


def _drop_old_caches(account_id: int) -> None:
    kept = {
        row.cache
        for row in Snapshot.objects.filter(account_id=account_id).order_by("-as_of", "-id")[:KEPT_CACHES]
    }
    for file in storage.folder(account_id, "cache").glob("*.duckdb"):
        if str(file.relative_to(storage.root(account_id))) not in kept:
            forget_snapshot(file)
            file.unlink()


def _ref(row: Snapshot) -> SnapshotRef:
    base = storage.root(row.account_id)
    return SnapshotRef(
        id=row.id, account_id=row.account_id, as_of=row.as_of, published_at=row.published_at,
        cache=base / row.cache, parquet=base / row.parquet, customers=row.customers,
    )  # fmt: skip


def _one(session: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = session.execute(query).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    return row[0]


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
    return _ref(before) if before else None, _ref(later) if later else None


def snapshot_on(account_id: int, day: date) -> SnapshotRef | None:
    """The snapshot of a day, else of the nearest earlier one; None before the first. Its cache may be gone."""
    rows = Snapshot.objects.filter(account_id=account_id, as_of__lte=day)
    row = rows.order_by("-as_of", "-id").first()
    return _ref(row) if row else None


def snapshots(account_id: int, limit: int = 30) -> tuple[SnapshotRef, ...]:
    """The snapshots, newest first; a cache may have to be made again."""
    return tuple(
        _ref(row) for row in Snapshot.objects.filter(account_id=account_id).order_by("-as_of", "-id")[:limit]
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
    ref = _ref(row)
    if not ref.cache.exists():
        rebuild_cache(row)
    return _ref(row)


def rebuild_cache(row: Snapshot) -> None:
    """Make the cache again from the snapshot's Parquet, under a new name."""
    base = storage.root(row.account_id)
    parquet = base / row.parquet
    label = f"{parquet.name}-r{identities.new_token(4)}"
    work = storage.folder(row.account_id, "work") / f"cache-{label}"
    work.mkdir(parents=True)
    made = work / "cache.duckdb"
    names = orjson.loads((parquet / "manifest.json").read_bytes())["order_files"]
    with storage.duck(work, made) as session:
        load_orders(session, [base / "orders" / n for n in names], row.as_of)
        history.prepare(session)
        session.execute(
            f"CREATE TABLE customers AS SELECT * FROM read_parquet({pattern(parquet / CUSTOMERS_FILE)})"
        )
        session.execute("CHECKPOINT")
    target = storage.folder(row.account_id, "cache") / f"{label}.duckdb"
    storage.put(made, target)
    row.cache = str(target.relative_to(base))
    row.save(update_fields=["cache"])
    shutil.rmtree(work, ignore_errors=True)
