"""Any transaction log in a file, looked back at: no account, nothing kept."""

import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from tandem.kit.clock import Clock
from tandem.kit.problems import Refused
from tandem.planner.accounts.models import Account
from tandem.planner.customers import storage
from tandem.planner.customers.errors import NothingUsable
from tandem.planner.customers.mapping import write_mapping
from tandem.planner.customers.reading import Source, open_source, profile
from tandem.planner.customers.service.expressions import Fields, order_fields
from tandem.planner.customers.service.orders import choose_roles
from tandem.planner.modelling.learning.domain import Evidence, Fingerprint, Model, Rung
from tandem.planner.modelling.learning.learning import LIFE, SEED
from tandem.planner.modelling.learning.running import Tell, Wish, run
from tandem.planner.modelling.lifecycle.domain import StageRules, rules_from_curve
from tandem.planner.modelling.lifecycle.queries import return_curve

#: of a file that names no currency
UNNAMED = "EUR"
FUTURE = "date in the future"


class MixedCurrencies(Refused):
    """Amounts in several currencies would be added up."""

    title = "The file holds several currencies"


@dataclass(frozen=True, kw_only=True)
class LogReport:
    """How a log was read, what is odd about it, and what was found out; beats_past_spend: None if not to be judged."""

    file: str
    mapping: str
    guessed: tuple[str, ...]
    currency: str
    rows: int
    taken: int
    reasons: dict[str, int]
    returns: int
    duplicates: int
    customers: int
    buyers: int
    first_day: date | None
    last_day: date | None
    rules: StageRules
    evidence: Evidence
    notes: tuple[str, ...]
    beats_past_spend: bool | None
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """A plain object."""
        return {**asdict(self), "notes": list(self.notes)}


def backtest_file(
    file: Path,
    *,
    clock: Clock,
    mapping: str = "",
    currency: str = "",
    pareto: bool = False,
    seed: int = SEED,
    progress: Tell | None = None,
) -> LogReport:
    """Gates, models and back-test of the log in a file, read as an import would read it.

    Raises UnreadableFile, AmbiguousFile, BadMapping, NothingUsable, MixedCurrencies.
    """
    started, tell = time.monotonic(), progress or (lambda _words, _share: None)
    tell("Reading the file", 0.0)
    with tempfile.TemporaryDirectory() as work, storage.duck(Path(work)) as session:
        source = open_source(session, file)
        columns = profile(session, source)
        roles, guessed = choose_roles(columns, mapping)
        one = Account(zone="UTC", currency=currency.upper() or UNNAMED)
        found = _currency(session, source, order_fields(source, columns, roles, one), currency.upper())
        one = Account(zone="UTC", currency=found or UNNAMED)
        _stage(session, source, order_fields(source, columns, roles, one), clock.business().date())
        report = _counted(session, file, write_mapping(roles), guessed, found)
        _tables(session)
        day = report.last_day or clock.business().date()
        rules = rules_from_curve(return_curve(session, day))
        life = (*LIFE, Rung.LIFE_PARETO) if pareto else LIFE
        wish = Wish(rules=rules, seed=seed, currency=found, life=life, tell=tell)
        evidence = run(session, day, wish).evidence
    notes = (*_odd(report), *filter(None, (rules.note,)), *evidence.notes)
    return replace(
        report, rules=rules, evidence=evidence, notes=notes, beats_past_spend=_beats(evidence),
        seconds=round(time.monotonic() - started, 2),
    )  # fmt: skip


def _currency(session: duckdb.DuckDBPyConnection, source: Source, fields: Fields, wanted: str) -> str:
    rows = session.execute(
        f"SELECT upper({fields.currency}) AS currency, count(*) AS n FROM {source.relation} AS source "
        "WHERE broken IS NULL GROUP BY 1 HAVING currency IS NOT NULL ORDER BY n DESC, 1"
    ).fetchall()
    if wanted or len(rows) < 2:
        return wanted or (rows[0][0] if rows else "")
    listed = ", ".join(f"{name} ({n:,})" for name, n in rows[:5])
    raise MixedCurrencies(
        f"Its lines are in {listed}; added up they would mean nothing.",
        f"Give --currency {rows[0][0]} to look at those alone; the others are left out and counted.",
    )


def _stage(session: duckdb.DuckDBPyConnection, source: Source, fields: Fields, today: date) -> None:
    f = fields
    session.execute(
        f"""CREATE TABLE staged AS SELECT CASE WHEN reason IS NULL AND moment::DATE > DATE '{today.isoformat()}'
            THEN '{FUTURE}' ELSE reason END AS reason, customer, moment, abs(amount)::DECIMAL(18,2) AS value,
          cancelled OR amount < 0 OR quantity < 0 AS returned, hash(moment, amount, quantity, category) AS content
        FROM (SELECT *, {f.reason} AS reason FROM (SELECT line, broken, {f.customer} AS customer, {f.at} AS moment,
          {f.amount} AS amount, {f.quantity} AS quantity, {f.price} AS price, {f.category} AS category,
          {f.cancelled} AS cancelled, {f.currency} AS currency, {f.country} AS country,
          {f.raw_at} AS raw_at, {f.raw_value} AS raw_value FROM {source.relation} AS source))"""
    )


def _counted(
    session: duckdb.DuckDBPyConnection, file: Path, mapping: str, guessed: tuple[str, ...], currency: str
) -> LogReport:
    reasons = dict(
        session.execute(
            "SELECT reason, count(*) AS n FROM staged WHERE reason IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1"
        ).fetchall()
    )
    row: Any = session.execute(
        """SELECT count(*), count(*) FILTER (returned), count(DISTINCT customer),
          count(DISTINCT customer) FILTER (NOT returned), min(moment)::DATE, max(moment)::DATE,
          count(*) - count(DISTINCT (customer, content)) FROM staged WHERE reason IS NULL"""
    ).fetchone()
    taken, returns, customers, buyers, first, last, duplicates = row
    if not taken:
        listed = ", ".join(f"{reason} ({n:,})" for reason, n in reasons.items())
        raise NothingUsable(
            f"None of the {sum(reasons.values()):,} rows of {file.name} can be used: {listed}.",
            f"Give another mapping; this one was {mapping}.",
        )
    data = Fingerprint(
        as_of=last, customers=buyers, purchase_days=0, value=0, first_day=first, sha256=""
    )  # fmt: skip
    nothing = Evidence(day=last, trained_on=last, seed=0, code="", data=data)
    return LogReport(
        file=file.name, mapping=mapping, guessed=guessed, currency=currency, rows=taken + sum(reasons.values()),
        taken=taken, reasons=reasons, returns=returns, duplicates=duplicates, customers=customers, buyers=buyers,
        first_day=first, last_day=last, rules=StageRules(), evidence=nothing, notes=(), beats_past_spend=None,
        seconds=0.0,
    )  # fmt: skip


def _tables(session: duckdb.DuckDBPyConnection) -> None:
    """`daily` and `people` as a snapshot has them; customers are numbered in the order of their ids."""
    session.execute(
        """CREATE TABLE people AS SELECT customer AS id, row_number() OVER (ORDER BY customer)::BIGINT AS customer
        FROM (SELECT DISTINCT customer FROM staged WHERE reason IS NULL)"""
    )
    session.execute(
        """CREATE TABLE daily AS SELECT p.customer, s.moment::DATE AS day, sum(s.value)::DECIMAL(18,2) AS value
        FROM staged s JOIN people p ON p.id = s.customer WHERE s.reason IS NULL AND NOT s.returned GROUP BY 1, 2"""
    )
    session.execute("DROP TABLE staged")


def _odd(report: LogReport) -> tuple[str, ...]:
    found = [f"{n:,} lines are left out: {reason}." for reason, n in report.reasons.items()]
    if report.returns:
        found.append(
            f"{report.returns:,} lines are returns: no purchases, and not taken off the value of others."
        )
    if report.duplicates:
        found.append(
            f"{report.duplicates:,} lines equal another one: both count towards the amount of the day, "
            "which is one purchase day all the same."
        )
    return tuple(found)


def _beats(evidence: Evidence) -> bool | None:
    value = evidence.of(Model.VALUE)
    if value is None or value.capture is None or value.past_capture is None:
        return None
    return value.capture > value.past_capture
