"""The orders of a snapshot being built, read whole or only what is new, and whose data that touches.

After either, the table `orders` holds the same rows. `touched` holds the customers of new lines, whatever their day:
a late line changes its customer's past as a new one does.
"""

from datetime import date
from pathlib import Path

import duckdb

from tandem.planner.customers import past
from tandem.planner.customers.state import State
from tandem.planner.customers.storage import pattern
from tandem.planner.customers.trees import WINDOWS, duck

_COLUMNS = 'customer, "at", day, value, quantity, category, kind'
_NONE = (
    'SELECT NULL::BIGINT AS customer, NULL::TIMESTAMP AS "at", NULL::DATE AS day, NULL::DECIMAL(18,2) AS value, '
    "NULL::DOUBLE AS quantity, NULL::VARCHAR AS category, NULL::VARCHAR AS kind WHERE false"
)


def load_orders(session: duckdb.DuckDBPyConnection, files: list[Path], as_of: date) -> None:
    """Make the table `orders`, sorted by day, of the files' orders to the end of a day."""
    source = (
        f"SELECT {_COLUMNS} FROM {_read(files)} WHERE day <= DATE '{as_of}' ORDER BY day" if files else _NONE
    )
    session.execute("SET preserve_insertion_order = true")
    session.execute(f"CREATE OR REPLACE TABLE orders AS {source}")
    session.execute("SET preserve_insertion_order = false")


def add_orders(session: duckdb.DuckDBPyConnection, state: State, files: list[Path], as_of: date) -> int:
    """Bring `orders` to a later day or to more files; how many lines came. Makes `touched` and `moved`."""
    session.execute(f"CREATE OR REPLACE TABLE arrived AS {_arrived(state, files, as_of)}")
    session.execute("INSERT INTO orders SELECT * EXCLUDE (country) FROM arrived ORDER BY day")
    session.execute("CREATE OR REPLACE TABLE touched AS SELECT DISTINCT customer FROM arrived")
    moved = past.moved(state.as_of, as_of, WINDOWS)
    session.execute(f"CREATE OR REPLACE TABLE moved AS {duck(moved)}")
    return _one(session, "SELECT count(*) FROM arrived")


def _arrived(state: State, files: list[Path], as_of: date) -> str:
    """Lines of new files to the end of the day, and lines of old ones that lay after the earlier day."""
    known = {mark.name for mark in state.files}
    columns = f"{_COLUMNS}, country"
    parts = [f"SELECT {columns} FROM ({_NONE}) CROSS JOIN (SELECT NULL::VARCHAR AS country)"]
    for file in files:
        since = f"AND day > DATE '{state.as_of}'" if file.name in known else ""
        parts.append(f"SELECT {columns} FROM {_with_country(file)} WHERE day <= DATE '{as_of}' {since}")
    return " UNION ALL ".join(parts)


def _with_country(file: Path) -> str:
    """A file as a relation that has the column `country`, be it of an import before countries were kept."""
    given = f"SELECT * FROM read_parquet({pattern(file)})"
    return f"(SELECT NULL::VARCHAR AS country WHERE false UNION ALL BY NAME {given})"


def missing(session: duckdb.DuckDBPyConnection, files: list[Path], as_of: date) -> int:
    """How many lines the files have to the end of the day beyond those in `orders`; 0 = all is as it should be."""
    if not files:
        return -_one(session, "SELECT count(*) FROM orders")
    return _one(session, f"SELECT count(*) FROM {_read(files)} WHERE day <= DATE '{as_of}'") - _one(
        session, "SELECT count(*) FROM orders"
    )


def load_homes(session: duckdb.DuckDBPyConnection, files: list[Path], as_of: date) -> None:
    """Make `home_kept(customer, country, at)`: the country of each one's last order, where order files name it."""
    session.execute('CREATE OR REPLACE TABLE home_kept (customer BIGINT, country VARCHAR, "at" TIMESTAMP)')
    named = (
        f"SELECT count(*) > 0 FROM parquet_schema([{', '.join(map(pattern, files))}]) WHERE name = 'country'"
    )
    if files and _one(session, named):
        source = f"read_parquet([{', '.join(map(pattern, files))}], union_by_name = true)"
        session.execute(
            f"CREATE OR REPLACE TEMP VIEW named AS SELECT * FROM {source} WHERE day <= DATE '{as_of}'"
        )
        session.execute(f"INSERT INTO home_kept {duck(past.homes('named'))}")
        session.execute("DROP VIEW named")


def add_homes(session: duckdb.DuckDBPyConnection) -> None:
    """Bring `home_kept` up to the lines that arrived; lines only come, so the later of both is the last."""
    session.execute(
        'CREATE OR REPLACE TEMP VIEW named AS SELECT customer, country, "at" FROM home_kept WHERE customer IN (SELECT '
        'customer FROM touched) UNION ALL SELECT customer, country, "at" FROM arrived'
    )
    session.execute(f"CREATE OR REPLACE TEMP TABLE homes AS {duck(past.homes('named'))}")
    session.execute("DELETE FROM home_kept WHERE customer IN (SELECT customer FROM touched)")
    session.execute('INSERT INTO home_kept SELECT customer, country, "at" FROM homes')
    session.execute("DROP TABLE homes")
    session.execute("DROP VIEW named")


def _read(files: list[Path]) -> str:
    return f"read_parquet([{', '.join(map(pattern, files))}])"


def _one(session: duckdb.DuckDBPyConnection, query: str) -> int:
    row = session.execute(query).fetchone()
    return int(row[0]) if row else 0
