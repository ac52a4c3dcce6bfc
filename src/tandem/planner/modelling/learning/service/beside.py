"""Where the account's own attributes and contact are to be had, today and on past days."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb

from tandem.planner.customers import service as customers
from tandem.planner.customers import storage
from tandem.planner.customers.catalogue import ORDER_FEATURES
from tandem.planner.customers.service import assembling, snapshot
from tandem.planner.customers.storage import literal, pattern
from tandem.planner.modelling.learning import contact
from tandem.planner.modelling.learning.beside import CONTACT, MOST_COLUMNS, OWN, Beside, Column, Stood
from tandem.planner.modelling.learning.frames import among

#: a snapshot tells of a day up to so long after its own; one made later than this after its day tells of a later one
NEAR, LATE = timedelta(days=28), timedelta(days=7)
_PROFILE = "Profile"
_NOW = dict.fromkeys(contact.FIGURES, "DOUBLE")
_THEN = {"day": "DATE", "what": "VARCHAR", "times": "BIGINT"}


def beside_of(session: duckdb.DuckDBPyConnection, account_id: int, day: date, ahead: timedelta) -> Beside:
    """For a snapshot of `day` being built in `session`; ahead: how far business time is before the machine's."""
    wanted = columns_of(account_id)

    def stood(on: date) -> Stood:
        return _now(session, account_id, wanted) if on == day else then(account_id, on, wanted, ahead)

    return Beside(stood=stood, contact=_contact(session, account_id, day))


def columns_of(account_id: int) -> tuple[Column, ...]:
    """The account's own attributes that may be learnt from."""
    kinds = {one.name: one.kind for one in customers.dictionary(account_id)}
    own = (one for one in customers.model_columns(account_id) if one not in ORDER_FEATURES)
    return tuple(Column(name=one, kind=kinds.get(one, "text")) for one in own)[:MOST_COLUMNS]


def label_of(account_id: int) -> Callable[[str], str]:
    """What readers call a column that models go by."""
    known = {OWN + one.name: one.label for one in customers.dictionary(account_id)}
    known |= {CONTACT + one: label for one, label in contact.FIGURES.items()}
    known["days_known"] = "days since registration"
    return lambda column: known.get(column) or column.removeprefix(OWN).replace("_", " ")


def then(account_id: int, day: date, wanted: tuple[Column, ...], ahead: timedelta) -> Stood:
    """By the snapshot of a past day or shortly before it, if it was made in its time: never by what came later."""
    ref = snapshot.snapshot_on(account_id, day)
    if ref is None or day - ref.as_of > NEAR or (ref.published_at + ahead).date() - ref.as_of > LATE:
        return Stood()
    file = ref.parquet / snapshot.CUSTOMERS_FILE
    known = {
        one.name: str(one.kind)
        for one in snapshot.snapshot_catalogue(account_id, ref.id)
        if one.set == _PROFILE
    }
    there = tuple(one for one in wanted if known.get(one.name) == one.kind)
    return Stood(relation=f"read_parquet({pattern(file)})", columns=there) if file.is_file() else Stood()


def _now(session: duckdb.DuckDBPyConnection, account_id: int, wanted: tuple[Column, ...]) -> Stood:
    relation = f"({assembling.own_values(session, account_id)})"
    there = {row[0] for row in session.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
    return Stood(relation=relation, columns=tuple(one for one in wanted if one.name in there))


def _contact(session: duckdb.DuckDBPyConnection, account_id: int, day: date) -> Callable[[date, float], str]:
    """Of today everybody's figures, of past days those of the customers that back-tests look at; each read once."""
    source, tables = contact.source(), set[str]()
    known = source is not None and source.any(account_id)

    def tell(on: date, share: float) -> str:
        if source is None or not known:
            return ""
        table = "contact_now" if on == day else "contact_then"
        if table not in tables:
            file = storage.folder(account_id, "work") / f"{table}.csv"
            try:
                if on == day:
                    source.figures(account_id, day, file)
                else:
                    source.events(account_id, day, among(share), file)
                _load(session, table, file, _NOW if on == day else _THEN)
            finally:
                file.unlink(missing_ok=True)
            tables.add(table)
        return f"SELECT * FROM {table}" if on == day else contact.figures(table, on)

    return tell


def _load(session: duckdb.DuckDBPyConnection, table: str, file: Path, types: dict[str, str]) -> None:
    columns = ", ".join(f"'{column}': '{kind}'" for column, kind in {"customer": "BIGINT", **types}.items())
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM read_csv({literal(file)}, auto_detect = false, "
        f"header = false, delim = ',', columns = {{{columns}}})"
    )
