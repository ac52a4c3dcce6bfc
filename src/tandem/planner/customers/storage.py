"""Where an account's files lie, and how they get there whole or not at all."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
from django.conf import settings
from django.db import connection

_LOCK = 0x7A4D01
#: megabytes that DuckDB may take for work of any size
_LEAST_MEMORY = 1500


def root(account_id: int) -> Path:
    """The account's folder."""
    return Path(settings.TANDEM_STORAGE) / str(account_id)


def folder(account_id: int, name: str) -> Path:
    """A folder of the account, made if new: orders, attributes, snapshots, cache, errors, work."""
    path = root(account_id) / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def put(made: Path, target: Path) -> None:
    """Move a finished file to its place in one step, durable before it is visible."""
    with made.open("rb+") as file:
        os.fsync(file.fileno())
    made.replace(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def link(made: Path, target: Path) -> None:
    """Give a finished file its place beside the one it was made at, durable before it is visible."""
    with made.open("rb+") as file:
        os.fsync(file.fileno())
    target.unlink(missing_ok=True)
    try:
        os.link(made, target)
    except OSError:  # a file system without links
        copied = target.with_suffix(".making")
        shutil.copyfile(made, copied)
        put(copied, target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def one_at_a_time(account_id: int) -> Iterator[None]:
    """Hold the account's files; another import, build or erasure waits. Ends with the process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [_LOCK, account_id % 2**31])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, account_id % 2**31])


def memory_for(size: int) -> int:
    """Megabytes for work on so many bytes of compressed files: eight times as many, within a quarter of the machine's.

    Never less than 1,500: a smaller machine would have to swap, or to give up.
    """
    quarter = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4
    return max(_LEAST_MEMORY, min(8 * size, quarter) // 2**20)


@contextlib.contextmanager
def duck(
    work: Path, database: Path | None = None, *, read_only: bool = False, size: int = 0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB connection of bounded memory that spills into `work` and loads nothing from elsewhere.

    size: of the compressed files that are worked on, in bytes.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_for(size)}MB",
        "temp_directory": str(work / "spill"),
        "autoinstall_known_extensions": "false",
        "TimeZone": "UTC",
    }
    session = duckdb.connect(str(database) if database else ":memory:", read_only=read_only, config=config)
    try:
        session.execute("SET preserve_insertion_order = false")
        yield session
    finally:
        session.close()
        shutil.rmtree(work / "spill", ignore_errors=True)


def name(text: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + text.replace('"', '""') + '"'


def literal(text: str | Path) -> str:
    """An SQL string, quoted."""
    return "'" + str(text).replace("'", "''") + "'"


def pattern(path: Path) -> str:
    """An SQL string of exactly this path, glob characters made harmless."""
    text = "".join(f"[{c}]" if c in "*?[" else c for c in str(path))
    return literal(text)
