"""Imports customer attributes: what names a person goes to PostgreSQL, the rest into one merged Parquet."""

import hashlib
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.planner.customers import identities, storage
from tandem.planner.customers.domain import Column, ImportReport, Progress, silent
from tandem.planner.customers.errors import BadMapping, BadPurpose, NothingUsable
from tandem.planner.customers.mapping import (
    OBJECTION,
    RESERVED,
    attribute_name,
    guess_attributes,
    is_identity,
    read_mapping,
    write_mapping,
)
from tandem.planner.customers.models import FileImport, ProfileAttribute
from tandem.planner.customers.purposes import Purpose, suggested
from tandem.planner.customers.reading import Source, forget_rejects, open_source, profile
from tandem.planner.customers.service import ledger, overlay
from tandem.planner.customers.service.expressions import customer_id, moment, number, text
from tandem.planner.customers.service.objections import object_all
from tandem.planner.customers.service.orders import write_rejects
from tandem.planner.customers.service.purposes import checked, set_purpose
from tandem.planner.customers.service.snapshot import latest_profile
from tandem.planner.customers.storage import literal, name, pattern


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be read and how; kinds of the attributes by name."""

    account_id: int
    file: Path
    sha256: str
    source: Source
    columns: dict[str, Column]
    roles: dict[str, str]
    kinds: dict[str, str]
    guessed: tuple[str, ...]
    zone: str
    work: Path
    purposes: dict[str, Purpose]

    @property
    def mapping(self) -> str:
        """The mapping's text form."""
        return write_mapping(self.roles)

    @property
    def identity(self) -> list[str]:
        """The roles that name a person."""
        return [role for role in self.roles if is_identity(role)]


def import_attributes(
    account_id: int,
    file: Path,
    *,
    clock: Clock,
    mapping: str = "",
    purposes: Mapping[str, str] | None = None,
    actor: str = "an import",
    progress: Progress | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Import a customer file; a later file's value wins, an empty one leaves the earlier value.

    purposes: what its attributes may be used for, by name; those left out keep theirs, new ones get the purpose their
    name suggests. Raises UnreadableFile, AmbiguousFile, BadMapping, BadPurpose, NothingUsable; then nothing was
    changed.
    """
    started, tell = time.monotonic(), progress or silent
    wanted = checked(purposes or {})
    account = ledger.account(account_id)
    sha256 = ledger.file_hash(file)
    with storage.one_at_a_time(account_id):
        work = storage.folder(account_id, "work") / f"attributes-{sha256[:16]}{'-dry' if dry_run else ''}"
        work.mkdir(parents=True, exist_ok=True)
        with storage.duck(work) as session:
            plan = _plan(session, account_id, file, sha256, mapping, account.zone, work, wanted)
            before = ledger.find(account_id, "attributes", sha256, plan.mapping)
            newest = (
                FileImport.objects.filter(account_id=account_id, what="attributes")
                .order_by("-finished_at", "-id")
                .first()
            )
            if before and newest and newest.id == before.id and not dry_run:
                _remember(plan, actor, clock)
                report = before
            else:
                report = _run(session, plan, actor, clock, tell, dry_run=dry_run)
        shutil.rmtree(work, ignore_errors=True)
    tell("Done", 1.0)
    return replace(report, seconds=round(time.monotonic() - started, 3))


def _plan(
    session: duckdb.DuckDBPyConnection,
    account_id: int,
    file: Path,
    sha256: str,
    mapping: str,
    zone: str,
    work: Path,
    purposes: dict[str, Purpose],
) -> Plan:
    source = open_source(session, file)
    columns = profile(session, source)
    roles, guessed = _roles(columns, mapping)
    unknown = sorted(set(purposes) - set(roles))
    if unknown:
        raise BadPurpose(f"The file gives no attribute {', '.join(unknown)}.", "Name those of its mapping.")
    roles = {
        (f"text_{role}" if purposes.get(role) is Purpose.IDENTITY and not is_identity(role) else role): column
        for role, column in roles.items()
    }
    of = {c.name: c for c in columns}
    known = dict(ProfileAttribute.objects.filter(account_id=account_id).values_list("name", "kind"))
    attributes = [r for r in roles if r not in ("customer", OBJECTION) and not is_identity(r)]
    kinds = {r: known.get(r) or _kind(of[roles[r]]) for r in attributes}
    return Plan(
        account_id=account_id, file=file, sha256=sha256, source=source, columns=of, roles=roles, kinds=kinds,
        guessed=guessed, zone=zone, work=work, purposes=purposes,
    )  # fmt: skip


def _roles(columns: tuple[Column, ...], mapping: str) -> tuple[dict[str, str], tuple[str, ...]]:
    if not mapping:
        guess = guess_attributes(columns)
        return guess.roles, guess.why
    roles = read_mapping(mapping, columns, roles=None)
    if "customer" not in roles or len(roles) < 2:
        raise BadMapping(
            "The mapping needs customer=COLUMN and at least one attribute.", "Add them to the mapping."
        )
    wrong = [
        r
        for r in roles
        if r not in ("customer", OBJECTION)
        and (r in RESERVED or (attribute_name(r, ()) != r and not is_identity(r)))
    ]
    if wrong:
        raise BadMapping(
            f"{', '.join(wrong)} cannot be the name of an attribute.",
            "Use small letters, digits and underscores, and no name that snapshots compute themselves.",
        )
    return roles, ()


def _kind(column: Column) -> str:
    if column.type == "boolean" or (column.flags >= 0.99 and column.distinct <= 2 and column.numbers < 0.9):
        return "flag"
    if column.dates >= 0.95 and column.decimals < 0.05:
        return "date"
    return "number" if column.numbers >= 0.95 and not _code(column) else "text"


def _code(column: Column) -> bool:
    """Digits with a leading zero are a code, not a number."""
    return column.example.startswith("0") and len(column.example) > 1 and column.digits > 0.95


def _run(
    session: duckdb.DuckDBPyConnection, plan: Plan, actor: str, clock: Clock, tell: Progress, *, dry_run: bool
) -> ImportReport:
    with ledger.watched(session, tell, "Reading the rows", 0.05, 0.5):
        _stage(session, plan)
    report = _count(session, plan)
    if not report.taken:
        raise NothingUsable(
            f"None of the {report.rows} rows of {plan.file.name} can be used.",
            f"The mapping was {plan.mapping}.",
        )
    if dry_run:
        return replace(report, dry_run=True)
    tell("Giving customers their numbers", 0.55)
    ids = "SELECT DISTINCT customer FROM staged WHERE reason IS NULL"
    made = identities.map_customers(session, plan.account_id, ids, plan.work)
    if plan.identity:
        _write_identity(session, plan)
    tell("Writing the attributes", 0.8)
    target = _write(session, plan)
    _remember(plan, actor, clock)
    if OBJECTION in plan.roles:
        _object(session, plan, actor, clock)
    overlay.supersede(session, plan.account_id, list(plan.kinds), _given_at(plan, clock), plan.work)
    errors = _write_errors(session, plan) if report.rejected or report.reasons else None
    return ledger.finish(plan.account_id, replace(report, new_customers=made, errors=errors), target, clock)


def _given_at(plan: Plan, clock: Clock) -> datetime:
    """Since when the file's values are known: from its first import on, or from now."""
    earlier = FileImport.objects.filter(account_id=plan.account_id, what="attributes", sha256=plan.sha256)
    known = earlier.values_list("finished_at", flat=True).first()
    return known or clock.system()


def _value(plan: Plan, role: str) -> str:
    column = plan.columns[plan.roles[role]]
    kind = "flag" if role == OBJECTION else plan.kinds.get(role, "text")
    if kind in ("number", "money"):
        return f"{number(plan.source, column)}::{overlay.TYPES[kind]}"
    if kind == "date":
        return f"{moment(plan.source, column, column.date_format.split('|')[0], plan.zone)}::DATE"
    if kind == "flag":
        small = f"lower({text(column)})"
        yes, no = "('true','yes','1','t','y')", "('false','no','0','f','n')"
        return f"CASE WHEN {small} IN {yes} THEN true WHEN {small} IN {no} THEN false END"
    return text(column)


def _typed(plan: Plan) -> list[tuple[str, str]]:
    return [*plan.kinds.items(), *([(OBJECTION, "flag")] if OBJECTION in plan.roles else [])]


def _stage(session: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Staged rows; `wrong` names the attribute whose value was not understood and left out."""
    values = ", ".join(f"{_value(plan, role)} AS {name(role)}" for role in plan.roles if role != "customer")
    wrong = " ".join(
        f"WHEN {_value(plan, role)} IS NULL AND {text(plan.columns[plan.roles[role]])} IS NOT NULL THEN "
        f"{literal(f'{role} is not a {kind}, left out')}"
        for role, kind in _typed(plan)
        if kind != "text"
    )
    who = customer_id(plan.source, plan.columns[plan.roles["customer"]])
    forget_rejects(session)
    session.execute(
        f"""CREATE OR REPLACE TEMP TABLE staged AS SELECT *, CASE WHEN broken IS NOT NULL THEN broken
          WHEN customer IS NULL THEN 'no customer' WHEN length(customer) > 200
          OR regexp_matches(customer, '[\\x00-\\x1f]') THEN 'customer id is not usable' END AS reason
        FROM (SELECT line, broken, {f"CASE {wrong} END" if wrong else "NULL::VARCHAR"} AS wrong, {who} AS
          customer, {values}
        FROM {plan.source.relation} AS source)"""
    )
    broken = plan.work / "broken.csv"
    write_rejects(session, broken)
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE broken AS SELECT line, reason FROM read_csv({literal(broken)}, header = true, "
        "auto_detect = false, delim = ',', quote = '\"', escape = '\"', strict_mode = false, "
        "columns = {'line': 'BIGINT', 'reason': 'VARCHAR', 'text': 'VARCHAR'})"
    )


_REFUSED = "SELECT reason FROM staged WHERE reason IS NOT NULL UNION ALL SELECT reason FROM broken"


def _count(session: duckdb.DuckDBPyConnection, plan: Plan) -> ImportReport:
    rows = session.execute(
        f"SELECT reason, count(*) FROM ({_REFUSED} UNION ALL SELECT wrong FROM staged WHERE reason IS NULL "
        "AND wrong IS NOT NULL) GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    counted: Any = session.execute(
        f"SELECT (SELECT count(*) FROM staged WHERE reason IS NULL), (SELECT count(*) FROM ({_REFUSED})), "
        "(SELECT count(DISTINCT customer) FROM staged WHERE reason IS NULL)"
    ).fetchone()
    taken, rejected, customers = counted
    return ImportReport(
        id=None, what="attributes", file=plan.file.name, sha256=plan.sha256, mapping=plan.mapping, guessed=plan.guessed,
        rows=taken + rejected, taken=taken, rejected=rejected, reasons=dict(rows), customers=customers,
    )  # fmt: skip


def _write_identity(session: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Merge what names a person into PostgreSQL, set by set."""
    given = plan.work / "identity.csv"
    made = ", ".join(f"{literal(role)}: last({name(role)} ORDER BY line)" for role in plan.identity)
    identities.write_csv(
        session,
        f"SELECT m.customer AS surrogate, to_json({{{made}}})::VARCHAR AS customer FROM staged s JOIN map m "
        "ON m.customer_id = s.customer WHERE s.reason IS NULL GROUP BY m.customer",
        given,
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "DROP TABLE IF EXISTS pg_temp.identity_given; CREATE TEMP TABLE identity_given (id bigint, "
            "identity jsonb) ON COMMIT DROP"
        )
        identities.copy_in(cursor, given, "identity_given")
        cursor.execute(
            "UPDATE planner_customers_customer c SET identity = c.identity || jsonb_strip_nulls(g.identity) "
            "FROM identity_given g WHERE c.account_id = %s AND c.id = g.id AND NOT c.forgotten",
            [plan.account_id],
        )
    given.unlink()


def _write(session: duckdb.DuckDBPyConnection, plan: Plan) -> Path:
    """The merged Parquet: earlier attributes and this file's, the newer value winning where there is one."""
    old = latest_profile(plan.account_id)
    before = (
        [row[0] for row in session.execute(f"DESCRIBE SELECT * FROM read_parquet({pattern(old)})").fetchall()]
        if old
        else []
    )
    mine = list(plan.kinds)
    newest = "".join(
        f", last({name(n)} ORDER BY line) FILTER ({name(n)} IS NOT NULL) AS {name(n)}" for n in mine
    )
    new = (
        f"SELECT m.customer{newest} FROM staged s JOIN map m ON m.customer_id = s.customer WHERE s.reason IS NULL "
        "GROUP BY m.customer"
    )
    names = [n for n in before if n != "customer"] + [n for n in mine if n not in before]
    columns = "".join(f", {_merged(n, n in before, n in mine)} AS {name(n)}" for n in names)
    earlier = f"FULL JOIN read_parquet({pattern(old)}) o ON o.customer = n.customer" if old else ""
    who = "coalesce(n.customer, o.customer)" if old else "n.customer"
    made = plan.work / "attributes.parquet"
    session.execute(
        f"COPY (SELECT {who} AS customer{columns} FROM ({new}) n {earlier} ORDER BY 1) TO {literal(made)} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    key = hashlib.sha256(f"{plan.sha256} {plan.mapping} {old.name if old else ''}".encode()).hexdigest()[:24]
    target = storage.folder(plan.account_id, "attributes") / f"{key}.parquet"
    storage.put(made, target)
    return target


def _merged(column: str, old: bool, new: bool) -> str:
    if old and new:
        return f"coalesce(n.{name(column)}, o.{name(column)})"
    return f"{'n' if new else 'o'}.{name(column)}"


def _remember(plan: Plan, actor: str, clock: Clock) -> None:
    """The attributes' kinds and what they may be used for; a purpose once given stays unless another is wished."""
    known = dict(ProfileAttribute.objects.filter(account_id=plan.account_id).values_list("name", "purpose"))
    for role, kind in plan.kinds.items():
        label = plan.roles[role]
        likely, _ = suggested(f"{role} {label}")
        ProfileAttribute.objects.get_or_create(
            account_id=plan.account_id,
            name=role,
            defaults={"label": label, "kind": kind, "purpose": str(likely)},
        )
    for role, purpose in plan.purposes.items():
        if role in plan.kinds or role in known:
            set_purpose(plan.account_id, role, str(purpose), actor=actor, clock=clock)


def _object(session: duckdb.DuckDBPyConnection, plan: Plan, actor: str, clock: Clock) -> None:
    """Yes in the column is an objection; no lifts none: only the person's own wish does."""
    rows = session.execute(
        f"SELECT DISTINCT m.customer FROM staged s JOIN map m ON m.customer_id = s.customer WHERE s.reason IS NULL "
        f"AND s.{name(OBJECTION)}"
    ).fetchall()
    how = f"column {plan.roles[OBJECTION]} of the file {plan.file.name}"
    object_all(plan.account_id, [row[0] for row in rows], how=how, actor=actor, clock=clock)


def _write_errors(session: duckdb.DuckDBPyConnection, plan: Plan) -> Path:
    target = storage.folder(plan.account_id, "errors") / f"attributes-{plan.sha256[:16]}.csv"
    made = target.with_suffix(".making")
    session.execute(
        "COPY (SELECT line, coalesce(reason, wrong) AS reason, customer FROM staged WHERE "
        "coalesce(reason, wrong) IS NOT NULL "
        f"UNION ALL SELECT line, reason, NULL FROM broken ORDER BY 1) TO {literal(made)} (FORMAT csv, HEADER)"
    )
    storage.put(made, target)
    return target
