"""DuckDB over a snapshot's file: one read-only connection per file, one cursor per question."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
from sqlglot import exp

from tandem.kit.problems import NotFound
from tandem.planner.engine.domain import Named

KEPT_OPEN = 4
MEMORY = "1GB"
THREADS = 2
#: groups are counted in an array of up to 2^22 places (keyed by the dense surrogates) before a hash table is used
ARRAY_BITS = 22


class SnapshotFileMissing(NotFound):
    """The cache file of a snapshot is gone."""

    title = "The snapshot's file is missing"


class DuckEngine:
    """Answers questions about one snapshot. Safe to share between threads; counts who is asking."""

    bits = True

    def __init__(self, path: Path, *, memory: str = MEMORY, threads: int = THREADS) -> None:
        if not path.is_file():
            raise SnapshotFileMissing(
                f"The snapshot's file {path.name} is not there.",
                "Make a new snapshot: tandem customers snapshot.",
            )
        self.path = path
        # Attached, not opened: the same process may have the file open elsewhere with other settings.
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": memory,
                "threads": threads,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        written = exp.Literal.string(str(path)).sql(dialect="duckdb")
        self._connection.execute(f"ATTACH {written} AS snapshot (READ_ONLY)")
        self._connection.execute(f"SET GLOBAL perfect_ht_threshold = {ARRAY_BITS}")
        named = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'snapshot'"
        self._tables = frozenset(row[0] for row in self._connection.execute(named).fetchall())
        self._lock = Lock()
        self._asking = 0
        self._retired = False

    @property
    def tables(self) -> frozenset[str]:
        """The names of the snapshot's tables."""
        return self._tables

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._lock:
            cursor = self._connection.cursor()
            self._asking += 1
        try:
            cursor.execute("USE snapshot")
            yield cursor
        finally:
            cursor.close()
            with self._lock:
                self._asking -= 1
                self._close_if_idle()

    def rows(
        self, query: exp.Expr, first: Named = None, *, values: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """All rows of a query. Values of `first` are found before it, and named in it by `getvariable`.

        values: those of its placeholders.
        """
        with self._cursor() as cursor:
            for name, one in (first or {}).items():
                cursor.execute(f"SET VARIABLE {name} = ({one.sql(dialect='duckdb')})")
            return cursor.execute(query.sql(dialect="duckdb"), list(values) or None).fetchall()

    def value(self, query: exp.Expr, first: Named = None) -> Any:
        """The one value of a query with one row and one column."""
        return self.rows(query, first)[0][0]

    def write_csv(self, query: exp.Expr, target: Path, first: Named = None) -> int:
        """Write a query's rows to a CSV file without header; the number of rows."""
        options = [
            exp.CopyParameter(this=exp.var("FORMAT"), expression=exp.var("CSV")),
            exp.CopyParameter(this=exp.var("HEADER"), expression=exp.false()),
        ]
        copy = exp.Copy(
            this=exp.Subquery(this=query), kind=False, files=[exp.Literal.string(str(target))], params=options
        )
        return int(self.value(copy, first))

    def retire(self) -> None:
        """Close once nobody is asking any more."""
        with self._lock:
            self._retired = True
            self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._retired and self._asking == 0:
            self._connection.close()


_open: OrderedDict[Path, DuckEngine] = OrderedDict()
_open_lock = Lock()


def open_snapshot(path: Path) -> DuckEngine:
    """The engine of a snapshot's file, kept open; the longest unused beyond four are closed.

    A published file never changes, a new snapshot has a new name; so a path is enough to know it by.
    """
    with _open_lock:
        engine = _open.get(path)
        if engine is None:
            engine = _open[path] = DuckEngine(path)
        _open.move_to_end(path)
        while len(_open) > KEPT_OPEN:
            _open.popitem(last=False)[1].retire()
        return engine


def forget_snapshot(path: Path) -> None:
    """Close a file before it is deleted; later questions to it fail."""
    with _open_lock:
        engine = _open.pop(path, None)
    if engine is not None:
        engine.retire()
