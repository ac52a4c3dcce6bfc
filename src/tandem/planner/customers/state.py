"""What a snapshot's DuckDB file was made from: the state that the next day's build goes on from, or why it cannot."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import orjson

from tandem.planner.customers.storage import pattern

#: counts up when what a build keeps changes its form; a file of another form is not gone on from
FORM = 1
WHOLE_EVERY = timedelta(days=7)
TABLE = "build_state"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """An order file as it was read: its name tells the bytes it was imported from and the mapping."""

    name: str
    size: int


@dataclass(frozen=True, kw_only=True)
class State:
    """Which files were read to the end of which day, and the day of the last build from nothing."""

    as_of: date
    whole_on: date
    files: tuple[Mark, ...]
    form: int = FORM


def marks(files: list[Path]) -> tuple[Mark, ...]:
    """The files as they are now."""
    return tuple(Mark(name=file.name, size=file.stat().st_size) for file in files)


def write(session: duckdb.DuckDBPyConnection, state: State) -> None:
    """Keep the state in the file itself."""
    document = {
        "form": state.form, "as_of": state.as_of.isoformat(), "whole_on": state.whole_on.isoformat(),
        "files": [[mark.name, mark.size] for mark in state.files],
    }  # fmt: skip
    session.execute(
        f"CREATE OR REPLACE TABLE {TABLE} AS SELECT ?::VARCHAR AS document", [orjson.dumps(document).decode()]
    )


def read(cache: Path) -> State | None:
    """The state of a published file; None where it has none that can be read."""
    try:
        with duckdb.connect(":memory:") as session:
            session.execute(f"ATTACH {pattern(cache)} AS kept (READ_ONLY)")
            row = session.execute(f"SELECT document FROM kept.{TABLE}").fetchone()
        stored = orjson.loads(row[0]) if row else {}
        return State(
            as_of=date.fromisoformat(stored["as_of"]), whole_on=date.fromisoformat(stored["whole_on"]),
            files=tuple(Mark(name=name, size=size) for name, size in stored["files"]), form=stored["form"],
        )  # fmt: skip
    except (duckdb.Error, ValueError, KeyError, TypeError):
        return None


def doubt(state: State | None, now: tuple[Mark, ...], as_of: date) -> str:
    """Why a build cannot go on from this state, in words; empty where it can."""
    if state is None or state.form != FORM:
        return "There is no earlier snapshot to go on from."
    if as_of < state.as_of:
        return f"The day lies before that of the earlier snapshot, {state.as_of}."
    if as_of - state.whole_on >= WHOLE_EVERY:
        return "Everything is read anew once a week."
    if not set(state.files) <= set(now):
        return "An order file was taken out or written again."
    return ""
