"""Imports orders: file -> staged rows with a reason for each refusal -> surrogates -> Parquet."""

import hashlib
import shutil
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from tandem.kit.clock import Clock
from tandem.planner.accounts.models import Account
from tandem.planner.customers import identities, storage
from tandem.planner.customers.domain import Column, ImportReport, Progress, silent
from tandem.planner.customers.errors import NothingUsable
from tandem.planner.customers.mapping import check_order_roles, guess_orders, read_mapping, write_mapping
from tandem.planner.customers.reading import Source, forget_rejects, open_source, profile
from tandem.planner.customers.service import ledger
from tandem.planner.customers.service.expressions import Fields, order_fields
from tandem.planner.customers.storage import literal


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be read from which file, how, and into which account."""

    account: Account
    file: Path
    sha256: str
    source: Source
    roles: dict[str, str]
    guessed: tuple[str, ...]
    fields: Fields
    work: Path

    @property
    def mapping(self) -> str:
        """The mapping's text form."""
        return write_mapping(self.roles)

    @property
    def key(self) -> str:
        """A name for this file under this mapping."""
        return f"{self.sha256[:16]}-{hashlib.sha256(self.mapping.encode()).hexdigest()[:8]}"


def import_orders(
    account_id: int,
    file: Path,
    *,
    clock: Clock,
    mapping: str = "",
    progress: Progress | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Import an order file; the same file again changes nothing, a killed import goes on where it was.

    Raises UnreadableFile, AmbiguousFile, BadMapping, NothingUsable; then nothing was changed.
    """
    started, tell = time.monotonic(), progress or silent
    account = ledger.account(account_id)
    tell("Reading the file's hash", 0.0)
    sha256 = ledger.file_hash(file)
    with storage.one_at_a_time(account_id):
        work = storage.folder(account_id, "work") / f"orders-{sha256[:16]}{'-dry' if dry_run else ''}"
        work.mkdir(parents=True, exist_ok=True)
        with storage.duck(work) as session:
            plan = _plan(session, account, file, sha256, mapping, work)
            before = ledger.find(account_id, "orders", sha256, plan.mapping)
            again = before is not None and not dry_run
            report = before if again and before else _run(session, plan, clock, tell, dry_run=dry_run)
        shutil.rmtree(work, ignore_errors=True)
    tell("Done", 1.0)
    return replace(report, seconds=round(time.monotonic() - started, 3))


def _plan(
    session: duckdb.DuckDBPyConnection, account: Account, file: Path, sha256: str, mapping: str, work: Path
) -> Plan:
    source = open_source(session, file)
    columns = profile(session, source)
    roles, guessed = choose_roles(columns, mapping)
    return Plan(
        account=account, file=file, sha256=sha256, source=source, roles=roles, guessed=guessed, work=work,
        fields=order_fields(source, columns, roles, account),
    )  # fmt: skip


def choose_roles(columns: tuple[Column, ...], mapping: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """The mapping given, or the guess and why."""
    if not mapping:
        guess = guess_orders(columns)
        return guess.roles, guess.why
    roles = read_mapping(mapping, columns)
    check_order_roles(roles)
    return roles, ()


def _run(
    session: duckdb.DuckDBPyConnection, plan: Plan, clock: Clock, tell: Progress, *, dry_run: bool
) -> ImportReport:
    staged = plan.work / f"{plan.key}.parquet"
    if not staged.exists():
        with ledger.watched(session, tell, "Reading the rows", 0.05, 0.6):
            _stage(session, plan, staged)
    session.execute(f"CREATE OR REPLACE TEMP VIEW staged AS SELECT * FROM read_parquet({literal(staged)})")
    report = _count(session, plan)
    if not report.taken:
        errors = write_errors(session, plan.account.id, plan.key)
        raise NothingUsable(
            f"None of the {report.rows} rows of {plan.file.name} can be used: {_words(report.reasons)}.",
            f"Look into {errors} or give another mapping; this one was {plan.mapping}.",
        )
    if dry_run:
        return replace(report, dry_run=True)
    tell("Giving customers their numbers", 0.65)
    ids = "SELECT DISTINCT customer FROM staged WHERE reason IS NULL"
    made = identities.map_customers(session, plan.account.id, ids, plan.work)
    report = _count_forgotten(session, report)
    with ledger.watched(session, tell, "Writing the orders", 0.75, 0.95):
        target = _write(session, plan)
    refused = write_errors(session, plan.account.id, plan.key) if report.rejected else None
    report = replace(report, new_customers=made, errors=refused)
    return ledger.finish(plan.account.id, report, target, clock)


def _words(reasons: dict[str, int]) -> str:
    return ", ".join(f"{reason} ({n})" for reason, n in reasons.items())


def _stage(session: duckdb.DuckDBPyConnection, plan: Plan, target: Path) -> None:
    """One pass over the file into a Parquet file of rows with a reason where refused."""
    f = plan.fields
    made = target.with_suffix(".making")
    forget_rejects(session)
    session.execute(
        f"""COPY (SELECT line, reason, customer, moment, amount::DECIMAL(18,2) AS value, quantity::DOUBLE AS
          quantity, category, country,
          CASE WHEN cancelled OR amount < 0 OR quantity < 0 THEN 'return' ELSE 'sale' END AS kind,
          CASE WHEN reason IS NOT NULL THEN raw_at END AS raw_at, CASE WHEN reason IS NOT NULL THEN raw_value
            END AS raw_value
        FROM (SELECT *, {f.reason} AS reason FROM (SELECT line, broken, {f.customer} AS customer, {f.at} AS moment,
          {f.amount} AS amount, {f.quantity} AS quantity, {f.price} AS price, {f.category} AS category,
          {f.cancelled} AS cancelled, {f.currency} AS currency, {f.country} AS country,
          {f.raw_at} AS raw_at, {f.raw_value} AS raw_value
        FROM {plan.source.relation} AS source))) TO {literal(made)} (FORMAT parquet, COMPRESSION zstd)"""
    )
    broken = target.with_suffix(".broken.csv")
    write_rejects(session, broken)
    storage.put(made, target)


def write_rejects(session: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Lines that the CSV reader refused, as line, reason, text."""
    session.execute(
        "CREATE TABLE IF NOT EXISTS reject_errors (line BIGINT, error_message VARCHAR, error_type "
        "VARCHAR, csv_line VARCHAR)"
    )
    session.execute(
        "COPY (SELECT line, CASE min(error_type) WHEN 'TOO MANY COLUMNS' THEN 'line has too many fields' "
        "WHEN 'MISSING COLUMNS' THEN 'line has too few fields' WHEN 'UNQUOTED VALUE' THEN 'quote not closed' "
        "WHEN 'INVALID ENCODING' THEN 'not UTF-8' ELSE lower(min(error_type)) END AS reason, "
        "any_value(csv_line) AS text "
        f"FROM reject_errors GROUP BY line ORDER BY line) TO {literal(target)} (FORMAT csv, HEADER)"
    )


def _count(session: duckdb.DuckDBPyConnection, plan: Plan) -> ImportReport:
    broken = plan.work / f"{plan.key}.broken.csv"
    session.execute(
        "CREATE OR REPLACE TEMP TABLE broken AS SELECT * FROM read_csv("
        f"{literal(broken)}, header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', "
        "strict_mode = false, "
        "columns = {'line': 'BIGINT', 'reason': 'VARCHAR', 'text': 'VARCHAR'})"
    )
    reasons: dict[str, int] = dict(
        session.execute(
            "SELECT reason, count(*) AS n FROM (SELECT reason FROM staged WHERE reason IS NOT NULL UNION ALL "
            "SELECT reason FROM broken) GROUP BY reason ORDER BY n DESC, reason"
        ).fetchall()
    )
    row: Any = session.execute(
        "SELECT count(*), count(*) FILTER (kind = 'sale'), count(DISTINCT customer), "
        "count(DISTINCT customer) FILTER (kind = 'sale'), min(moment)::DATE, max(moment)::DATE, "
        "coalesce(sum(value) FILTER (kind = 'sale'), 0) FROM staged WHERE reason IS NULL"
    ).fetchone()
    taken, sales, customers, buyers, first, last, amount = row
    rejected = sum(reasons.values())
    return ImportReport(
        id=None, what="orders", file=plan.file.name, sha256=plan.sha256, mapping=plan.mapping, guessed=plan.guessed,
        rows=taken + rejected, taken=taken, rejected=rejected, reasons=reasons, sales=sales, returns=taken - sales,
        customers=customers, buyers=buyers, first_day=first, last_day=last, amount=Decimal(amount),
    )  # fmt: skip


def _count_forgotten(session: duckdb.DuckDBPyConnection, report: ImportReport) -> ImportReport:
    row: Any = session.execute(
        "SELECT count(*) FROM staged WHERE reason IS NULL AND customer NOT IN (SELECT customer_id FROM map)"
    ).fetchone()
    if not row[0]:
        return report
    reasons = {**report.reasons, "person asked to be forgotten": row[0]}
    return replace(report, taken=report.taken - row[0], rejected=report.rejected + row[0], reasons=reasons)


def _write(session: duckdb.DuckDBPyConnection, plan: Plan) -> Path:
    target = storage.folder(plan.account.id, "orders") / f"{plan.key}.parquet"
    made = plan.work / "orders.parquet"
    session.execute(
        'COPY (SELECT m.customer, s.moment AS "at", s.moment::DATE AS day, '
        "abs(s.value)::DECIMAL(18,2) AS value, abs(s.quantity) AS quantity, s.category, s.kind, s.country "
        "FROM staged s JOIN map m ON m.customer_id = s.customer WHERE s.reason IS NULL) "
        f"TO {literal(made)} (FORMAT parquet, COMPRESSION zstd)"
    )
    storage.put(made, target)
    return target


def write_errors(session: duckdb.DuckDBPyConnection, account_id: int, key: str) -> Path:
    """The error file: one line per refused row with its line number in the file and the reason."""
    target = storage.folder(account_id, "errors") / f"{key}.csv"
    made = target.with_suffix(".making")
    session.execute(
        "COPY (WITH gap AS (SELECT line - row_number() OVER (ORDER BY line) + 1 AS upto, "
        "row_number() OVER (ORDER BY line) AS n FROM broken), steps AS (SELECT upto, max(n) AS n FROM gap "
        "GROUP BY upto) "
        "SELECT e.line + coalesce(g.n, 0) AS line, e.reason, e.customer, e.raw_at AS date, e.raw_value AS amount, "
        "NULL AS text FROM (SELECT * FROM staged WHERE reason IS NOT NULL) e ASOF LEFT JOIN steps g ON "
        "e.line >= g.upto "
        "UNION ALL SELECT line, reason, NULL, NULL, NULL, text FROM broken ORDER BY 1) "
        f"TO {literal(made)} (FORMAT csv, HEADER)"
    )
    storage.put(made, target)
    return target
