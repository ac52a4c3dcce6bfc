"""PostgreSQL over a snapshot's tables in a schema of their own: the second engine, and the proof of the seam.

Text is compared byte by byte, as DuckDB does; sessions may read only.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import psycopg
from psycopg import sql
from sqlglot import exp

from tandem.planner.engine.dialects import for_postgres
from tandem.planner.engine.domain import Named

_TYPES = {
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "SMALLINT": "smallint",
    "TINYINT": "smallint",
    "HUGEINT": "numeric(38,0)",
    "DOUBLE": "double precision",
    "FLOAT": "real",
    "VARCHAR": 'text COLLATE "C"',
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
}
_CHUNK = 1 << 18
_BOOLEAN = 16


class PostgresEngine:
    """Answers questions about one snapshot. Safe to share between threads: each question has a connection."""

    #: no sets of customers as bits: who is found is asked with IN
    bits = False

    def __init__(self, connection: Mapping[str, Any], schema: str) -> None:
        """connection: what psycopg connects by; schema: where `load` put the tables."""
        self._connection, self._schema = dict(connection), schema
        self._idle: list[psycopg.Connection[Any]] = []
        self._lock = Lock()
        named = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
        with self._session() as session:
            self._tables = frozenset(row[0] for row in session.execute(named, [schema]).fetchall())

    @property
    def tables(self) -> frozenset[str]:
        """The names of the snapshot's tables."""
        return self._tables

    @contextmanager
    def _session(self) -> Iterator[psycopg.Connection[Any]]:
        with self._lock:
            session = self._idle.pop() if self._idle else None
        session = session or self._opened()
        try:
            yield session
        except BaseException:
            session.close()
            raise
        with self._lock:
            self._idle.append(session)

    def _opened(self) -> psycopg.Connection[Any]:
        session = _connect(self._connection)
        session.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(self._schema)))
        session.execute("SET default_transaction_read_only TO on")
        return session

    def rows(self, query: exp.Expr, first: Named = None) -> list[tuple[Any, ...]]:
        """All rows of a query. Values of `first` are found before it, and named in it by `getvariable`."""
        with self._session() as session:
            return session.execute(_text(session, query, first)).fetchall()

    def value(self, query: exp.Expr, first: Named = None) -> Any:
        """The one value of a query with one row and one column."""
        return self.rows(query, first)[0][0]

    def write_csv(self, query: exp.Expr, target: Path, first: Named = None) -> int:
        """Write a query's rows to a CSV file without header; the number of rows."""
        with self._session() as session, target.open("wb") as file:
            cursor = session.cursor()
            asked = _plain(cursor, _text(session, query, first))
            with cursor.copy(sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(asked)) as source:
                for chunk in source:
                    file.write(chunk)
            return cursor.rowcount

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()


def _connect(connection: Mapping[str, Any]) -> psycopg.Connection[Any]:
    return psycopg.connect(**{**connection, "autocommit": True})


def _text(session: psycopg.Connection[Any], query: exp.Expr, first: Named) -> sql.SQL:
    found = {name: _one(session, one) for name, one in (first or {}).items()}
    return _sql(for_postgres(query, found))


def _one(session: psycopg.Connection[Any], query: exp.Expr) -> Any:
    row = session.execute(_sql(for_postgres(query, {}))).fetchone()
    return row[0] if row else None


def _sql(text: str) -> sql.SQL:
    return sql.SQL(text)  # type: ignore[arg-type]  # made by sqlglot from a tree, never from what somebody typed


def _plain(cursor: psycopg.Cursor[Any], asked: sql.SQL) -> sql.Composed:
    """The query with flags written as true and false."""
    cursor.execute(sql.SQL("SELECT * FROM ({}) AS q LIMIT 0").format(asked))
    columns = [
        sql.SQL("{}::text" if one.type_code == _BOOLEAN else "{}").format(sql.Identifier(one.name))
        for one in cursor.description or ()
    ]
    return sql.SQL("SELECT {} FROM ({}) AS q").format(sql.SQL(", ").join(columns), asked)


def load(file: Path, connection: Mapping[str, Any], schema: str) -> PostgresEngine:
    """Copy all tables of a snapshot's file into a new schema, in one transaction."""
    with (
        duckdb.connect(str(file), read_only=True) as source,
        _connect(connection) as session,
        session.transaction(),
        tempfile.TemporaryDirectory() as work,
    ):
        session.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
        session.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        for (table,) in source.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall():
            _load_table(source, session, sql.Identifier(schema, table), table, Path(work) / "rows.csv")
    return PostgresEngine(connection, schema)


def _load_table(
    source: duckdb.DuckDBPyConnection,
    session: psycopg.Connection[Any],
    into: sql.Identifier,
    table: str,
    rows: Path,
) -> None:
    quoted = exp.to_identifier(table, quoted=True).sql(dialect="duckdb")
    columns = [(row[0], str(row[1])) for row in source.execute(f"DESCRIBE {quoted}").fetchall()]
    made = [sql.SQL("{} {}").format(sql.Identifier(name), _sql(_type(kind))) for name, kind in columns]
    session.execute(sql.SQL("CREATE TABLE {} ({})").format(into, sql.SQL(", ").join(made)))
    texts = [
        exp.to_identifier(name, quoted=True).sql(dialect="duckdb")
        for name, kind in columns
        if kind == "VARCHAR"
    ]
    forced = f", FORCE_QUOTE ({', '.join(texts)})" if texts else ""
    target = exp.Literal.string(str(rows)).sql(dialect="duckdb")
    source.execute(f"COPY {quoted} TO {target} (FORMAT csv, HEADER false, QUOTE '\"', ESCAPE '\"'{forced})")
    asked = sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(into)
    with rows.open("rb") as file, session.cursor().copy(asked) as copy:
        while chunk := file.read(_CHUNK):
            copy.write(chunk)
    if "customer" in dict(columns):
        session.execute(sql.SQL("CREATE INDEX ON {} (customer)").format(into))
    session.execute(sql.SQL("ANALYZE {}").format(into))


def _type(kind: str) -> str:
    if kind.startswith("DECIMAL("):
        return f"numeric{kind.removeprefix('DECIMAL')}"
    return _TYPES[kind]


def unload(connection: Mapping[str, Any], schema: str) -> None:
    """Drop a snapshot's schema with its tables."""
    with _connect(connection) as session:
        session.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
