"""Erases a person: identity at once, then every file is written again without them."""

import csv
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from django.db import transaction
from sqlglot import exp

from tandem.kit.clock import Clock
from tandem.kit.vacuum import vacuum
from tandem.planner.customers import identities, storage
from tandem.planner.customers.catalogue import describe
from tandem.planner.customers.domain import ForgetReport
from tandem.planner.customers.erasing import erase_elsewhere, tables_elsewhere
from tandem.planner.customers.models import (
    AttributeValue,
    CallBack,
    ChannelPreference,
    Consent,
    Customer,
    Forgotten,
    ProfilingObjection,
    Snapshot,
)
from tandem.planner.customers.service import people
from tandem.planner.customers.service.ledger import file_hash, order_files
from tandem.planner.customers.service.objections import objections_of
from tandem.planner.customers.service.preferences import preferences_of
from tandem.planner.customers.service.snapshot import CUSTOMERS_FILE, latest_profile, rebuild_cache
from tandem.planner.customers.storage import literal, pattern
from tandem.planner.engine.domain import CUSTOMER, CUSTOMERS, ORDERS
from tandem.planner.engine.duckdb import forget_snapshot, open_snapshot

_KEPT = ("orders", "attributes", "snapshots")
_PACKED = (".parquet", ".gz", ".zst", ".zip", ".bz2", ".xz")
_BLOCK = 1 << 20
_REMAINS = (
    "A keyed hash of the id, so that a later file cannot bring the person back.",
    "Rows of lists that were served, under a number that leads to nobody.",
    "Copies outside Tandem: files that were imported, database dumps made before now, the other half's data until "
    "it is told as well.",
)


def forget(account_id: int, customer_id: str, *, clock: Clock) -> ForgetReport:
    """Erase one person. Killed half-way, run it again: it goes on. Raises UnknownCustomer."""
    hashed = identities.keyed_hash(account_id, customer_id)
    with storage.one_at_a_time(account_id):
        row = _resumed(account_id, hashed) or people.find(account_id, customer_id)
        needles = _needles(customer_id, row.identity)
        found = _rewrite_errors(account_id, needles)
        found += _drop_uploads(account_id, needles)
        found += _erase_rows(row, customer_id, hashed, clock)
        shutil.rmtree(storage.root(account_id) / "work", ignore_errors=True)
        found += _rewrite_parquet(account_id, row.id)
        found += _rebuild_caches(account_id, row.id)
    own = (
        one._meta.db_table
        for one in (
            Customer,
            Consent,
            ChannelPreference,
            ProfilingObjection,
            Snapshot,
            AttributeValue,
            CallBack,
        )
    )
    vacuum(*own, *tables_elsewhere())
    return ForgetReport(customer_id=customer_id, found=tuple((p, n) for p, n in found if n), remains=_REMAINS)


def _needles(customer_id: str, identity: dict[str, Any]) -> tuple[str, ...]:
    """What a line that is the person's may hold: the id, and an address or a number of theirs."""
    texts = (str(value) for value in identity.values())
    telling = (text for text in texts if "@" in text or sum(map(str.isdigit, text)) >= 7)
    return (customer_id, *telling)


def _resumed(account_id: int, hashed: str) -> Customer | None:
    return Customer.objects.filter(account_id=account_id, customer_id=_grave(hashed), forgotten=True).first()


def _grave(hashed: str) -> str:
    return f"forgotten:{hashed[:32]}"


def _erase_rows(row: Customer, customer_id: str, hashed: str, clock: Clock) -> list[tuple[str, int]]:
    with transaction.atomic():
        Forgotten.objects.get_or_create(
            account_id=row.account_id, keyed_hash=hashed, defaults={"at": clock.system()}
        )
        copies, _ = Consent.objects.filter(account_id=row.account_id, customer_id=row.id).delete()
        said, _ = ChannelPreference.objects.filter(account_id=row.account_id, customer_id=row.id).delete()
        objected, _ = ProfilingObjection.objects.filter(
            account_id=row.account_id, customer_id=row.id
        ).delete()
        places = [
            ("customer id", int(not row.forgotten)),
            ("identity fields", len(row.identity)),
            ("consent copies", copies),
            ("channel preferences", said),
            ("objections to profiling", objected),
        ]
        row.customer_id, row.identity, row.forgotten = _grave(hashed), {}, True
        row.save(update_fields=["customer_id", "identity", "forgotten"])
        # after the row: who writes a value holds it
        written, _ = AttributeValue.objects.filter(account_id=row.account_id, customer_id=row.id).delete()
        told, _ = CallBack.objects.filter(
            account_id=row.account_id, body__errors__contains=[{"customerId": customer_id}]
        ).delete()
        places += erase_elsewhere(row.account_id, row.id, customer_id)
        places += [("written attribute values", written), ("call-backs", told)]
    return places


def _rewrite_parquet(account_id: int, surrogate: int) -> list[tuple[str, int]]:
    """Every Parquet file that holds the person, without them, each in one step."""
    base = storage.root(account_id)
    work = storage.folder(account_id, "work")
    found = []
    with storage.duck(work) as session:
        session.execute("SET preserve_insertion_order = true")
        for file in sorted(file for kind in _KEPT for file in (base / kind).rglob("*.parquet")):
            source = f"read_parquet({pattern(file)})"
            row: Any = session.execute(
                f"SELECT count(*) FROM {source} WHERE customer = ?", [surrogate]
            ).fetchone()
            found.append((str(file.relative_to(base)), row[0]))
            if row[0]:
                made = work / "rewritten.parquet"
                session.execute(
                    f"COPY (SELECT * FROM {source} WHERE customer <> {surrogate:d}) TO {literal(made)} "
                    "(FORMAT parquet, COMPRESSION zstd)"
                )
                storage.put(made, file)
                _correct_manifest(file, row[0])
                _correct_catalogue(session, account_id, file)
    return found


def _correct_catalogue(session: Any, account_id: int, file: Path) -> None:
    """A value that only this person had is no choice of a snapshot any more."""
    if file.name != CUSTOMERS_FILE:
        return
    parquet = str(file.parent.relative_to(storage.root(account_id)))
    rows = Snapshot.objects.filter(account_id=account_id, parquet=parquet)
    if rows.exists():
        session.execute(f"CREATE OR REPLACE VIEW customers AS SELECT * FROM read_parquet({pattern(file)})")
        labels = {
            one["name"]: (one["label"], one["kind"]) for one in rows[0].catalogue if one["set"] == "Profile"
        }
        rows.update(catalogue=[attribute.as_json() for attribute in describe(session, labels)])


def _correct_manifest(file: Path, rows: int) -> None:
    manifest = file.parent / "manifest.json"
    if file.name != CUSTOMERS_FILE or not manifest.exists():
        return
    document = orjson.loads(manifest.read_bytes())
    document |= {"customers": document["customers"] - rows, "customers_sha256": file_hash(file)}
    document["erased"] = document.get("erased", 0) + rows
    made = manifest.with_suffix(".making")
    made.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    storage.put(made, manifest)


def _rewrite_errors(account_id: int, needles: tuple[str, ...]) -> list[tuple[str, int]]:
    found = []
    for file in sorted((storage.root(account_id) / "errors").glob("*.csv")):
        made = file.with_suffix(".making")
        dropped = _copy_without(file, made, needles)
        found.append((f"errors/{file.name}", dropped))
        if dropped:
            storage.put(made, file)
        else:
            made.unlink()
    return found


def _drop_uploads(account_id: int, needles: tuple[str, ...]) -> list[tuple[str, int]]:
    """Files handed in and not yet imported go if they may hold the person; a packed file always may."""
    found = []
    for folder in sorted((storage.root(account_id) / "uploads").glob("*")):
        if any(_may_hold(file, needles) for file in sorted(folder.rglob("*")) if file.is_file()):
            shutil.rmtree(folder)
            found.append((f"uploads/{folder.name}", 1))
    return found


def _may_hold(file: Path, needles: tuple[str, ...]) -> bool:
    if file.suffix.lower() in _PACKED:
        return True
    wanted = [needle.encode(code) for needle in needles for code in ("utf-8", "utf-16-le", "utf-16-be")]
    overlap = max(map(len, wanted))
    with file.open("rb") as source:
        before = b""
        while block := source.read(_BLOCK):
            if any(one in before + block for one in wanted):
                return True
            before = block[-overlap:]
    return False


def _copy_without(file: Path, made: Path, needles: tuple[str, ...]) -> int:
    """Copy the rows that do not name the person, whole field or word of a broken line; the rows left out."""
    dropped = 0
    with file.open(newline="") as source, made.open("w", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        for row in csv.reader(source):
            if any(field in needles for field in row[2:]) or any(one in "".join(row[5:6]) for one in needles):
                dropped += 1
            else:
                writer.writerow(row)
    return dropped


def _rebuild_caches(account_id: int, surrogate: int) -> list[tuple[str, int]]:
    """A file keeps pages of deleted rows, so a cache that holds the person is made anew and the old file goes."""
    base = storage.root(account_id)
    holding = {
        str(f.relative_to(base)): n for f in (base / "cache").glob("*.duckdb") if (n := _held(f, surrogate))
    }
    for row in Snapshot.objects.filter(account_id=account_id, cache__in=holding):
        rebuild_cache(row)
    for path in holding:
        forget_snapshot(base / path)
        (base / path).unlink()
    return sorted(holding.items())


def _held(cache: Path, surrogate: int) -> int:
    """The rows of the person in a cache."""
    engine = open_snapshot(cache)
    counts = (
        engine.value(
            exp.select(exp.Count(this=exp.Star())).from_(t).where(exp.column(CUSTOMER).eq(surrogate))
        )
        for t in (CUSTOMERS, ORDERS)
    )
    return sum(int(count) for count in counts)


def export(account_id: int, customer_id: str) -> dict[str, Any]:
    """Everything the planner knows of one person, as plain objects. Raises UnknownCustomer."""
    view = people.get_customer(account_id, customer_id)
    work = storage.folder(account_id, "work")
    profile = latest_profile(account_id)
    with storage.duck(work) as session:
        orders = _rows(session, order_files(account_id), view.surrogate)
        attributes = _rows(session, [profile] if profile else [], view.surrogate)
    return {
        "customer": customer_id,
        "identity": view.identity,
        "attributes": attributes[0] if attributes else {},
        "written": _written(account_id, view.surrogate),
        "features": view.attributes,
        "consent": [asdict(one) for one in view.consent],
        "preferences": [asdict(one) for one in preferences_of(account_id, view.surrogate)],
        "objections": [asdict(one) for one in objections_of(account_id, customer_id)],
        "orders": orders,
    }


def _written(account_id: int, surrogate: int) -> dict[str, str | None]:
    """Values that programs wrote and no later file has replaced."""
    rows = AttributeValue.objects.filter(account_id=account_id, customer_id=surrogate).order_by(
        "attribute_id"
    )
    return dict(rows.values_list("attribute__name", "value"))


def _rows(session: Any, files: list[Path], surrogate: int) -> list[dict[str, Any]]:
    if not files:
        return []
    listed = ", ".join(pattern(file) for file in files)
    answer = session.execute(f"SELECT * FROM read_parquet([{listed}]) WHERE customer = ?", [surrogate])
    names = [column[0] for column in answer.description or ()]
    return [{k: v for k, v in zip(names, row, strict=True) if k != "customer"} for row in answer.fetchall()]
