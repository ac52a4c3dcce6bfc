"""The bridge's durable state: one SQLite file, WAL, every commit on disk before anything rests on it.

Every row names its pair. One running bridge per file, held by a lock that ends with its process; commands beside it
(status, resolve, rotate) write in transactions of their own.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tandem.bridge.domain import MOVES, PartState
from tandem.kit.problems import Conflict, Problem
from tandem.kit.secrets import Vault, make_key

RELEASE = 1
_SCHEMA = """
CREATE TABLE pairs (
  pair TEXT PRIMARY KEY, begun_at REAL, next_poll REAL NOT NULL DEFAULT 0, polled_at REAL,
  registered_at REAL, next_registration REAL NOT NULL DEFAULT 0, next_catalogue REAL NOT NULL DEFAULT 0,
  catalogue_at REAL, problem TEXT NOT NULL DEFAULT '', catalogue_problem TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE intents (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL) STRICT;
INSERT INTO intents VALUES (1, 0);
CREATE TABLE listeners (
  pair TEXT NOT NULL, secret_hash TEXT NOT NULL UNIQUE, sealed TEXT NOT NULL, made_at REAL NOT NULL,
  valid_until REAL, PRIMARY KEY (pair, secret_hash)
) STRICT;
CREATE TABLE campaigns (
  pair TEXT NOT NULL, campaign INTEGER NOT NULL, channel INTEGER NOT NULL, state TEXT NOT NULL, source TEXT NOT NULL,
  heard_at REAL NOT NULL, day TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL DEFAULT 0,
  problem TEXT NOT NULL DEFAULT '', doubted INTEGER NOT NULL DEFAULT 0, customers INTEGER NOT NULL DEFAULT 0,
  listed_at REAL, PRIMARY KEY (pair, campaign, channel)
) STRICT;
CREATE TABLE parts (
  id INTEGER PRIMARY KEY, pair TEXT NOT NULL, campaign INTEGER NOT NULL, channel INTEGER NOT NULL,
  template INTEGER NOT NULL, send_at INTEGER NOT NULL, delivery_time TEXT NOT NULL, state TEXT NOT NULL,
  list_id INTEGER, version INTEGER NOT NULL DEFAULT 0, looked INTEGER NOT NULL DEFAULT 0,
  way TEXT NOT NULL DEFAULT '', job INTEGER, baseline TEXT, totals TEXT, tries INTEGER NOT NULL DEFAULT 0,
  next_try REAL NOT NULL DEFAULT 0, problem TEXT NOT NULL DEFAULT '', asked INTEGER NOT NULL DEFAULT 0,
  resolved_by TEXT NOT NULL DEFAULT '', handed_at REAL, reports INTEGER NOT NULL DEFAULT 0,
  next_report REAL NOT NULL DEFAULT 0, UNIQUE (pair, campaign, channel, template, send_at)
) STRICT;
CREATE TABLE customers (
  pair TEXT NOT NULL, campaign INTEGER NOT NULL, channel INTEGER NOT NULL, customer TEXT NOT NULL,
  template INTEGER, wall TEXT NOT NULL, promo TEXT NOT NULL, attributes TEXT NOT NULL, part INTEGER,
  original_id TEXT, state TEXT NOT NULL DEFAULT 'listed', PRIMARY KEY (pair, campaign, channel, customer)
) STRICT, WITHOUT ROWID;
CREATE INDEX customers_part ON customers (pair, part, state);
CREATE INDEX customers_contact ON customers (pair, original_id) WHERE original_id IS NOT NULL;
CREATE TABLE counts (
  pair TEXT NOT NULL, part INTEGER NOT NULL, state TEXT NOT NULL, customers INTEGER NOT NULL,
  PRIMARY KEY (pair, part, state)
) STRICT;
CREATE TABLE told (
  id INTEGER PRIMARY KEY, pair TEXT NOT NULL, campaign INTEGER NOT NULL, channel INTEGER NOT NULL,
  template INTEGER NOT NULL, metric INTEGER NOT NULL, value INTEGER NOT NULL, batch TEXT NOT NULL,
  once INTEGER NOT NULL, state TEXT NOT NULL, at REAL NOT NULL, problem TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX told_of ON told (pair, campaign, channel);
CREATE TABLE catalogue (
  pair TEXT NOT NULL, channel INTEGER NOT NULL, kind TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,
  app INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (pair, channel, kind, number)
) STRICT, WITHOUT ROWID;
"""


class StateBusy(Conflict):
    """Another bridge runs on this state."""

    title = "Another bridge runs on this state"


class StateUnusable(Problem):
    """The file is not a state of this release."""

    title = "The state cannot be used"
    status = 500


class StateOld(Conflict):
    """The file is an old copy: more was told to messengers than it knows of."""

    title = "The state is an old copy"


class State:
    """One open state file; safe to share between threads, each with its own connection."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        key = path.with_suffix(path.suffix + ".key")
        make_key(key)
        self.vault = Vault.from_file(key)
        self._local = threading.local()
        self._lock: IO[bytes] | None = None
        self._prepare()

    def _prepare(self) -> None:
        if not self.path.exists():
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        try:
            with self.write() as connection:
                release = connection.execute("PRAGMA user_version").fetchone()[0]
                if release == 0:
                    for statement in _SCHEMA.split(";"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {RELEASE}")
        except sqlite3.DatabaseError as error:
            raise StateUnusable(
                f"{self.path} is not a bridge's state: {error}.", "Check the path."
            ) from error
        if release not in (0, RELEASE):
            raise StateUnusable(
                f"{self.path} is of another release ({release}).", "Run the release that made it."
            )

    def take(self) -> None:
        """Become the one bridge of this state. Raises StateBusy, StateOld."""
        self.lock()
        self.check_age()

    def lock(self) -> None:
        """Keep every other bridge off. Raises StateBusy."""
        self._lock = self.path.with_suffix(self.path.suffix + ".lock").open("ab")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StateBusy(f"A bridge already runs on {self.path}.", "Stop it first.") from None

    @property
    def _mark(self) -> Path:
        return self.path.with_suffix(self.path.suffix + ".mark")

    def intend(self, connection: sqlite3.Connection) -> None:
        """Something is about to be told to a messenger: the intent's transaction counts it."""
        connection.execute("UPDATE intents SET number = number + 1")

    def mark(self) -> None:
        """After the intent's transaction, before the call: the count stands beside the file too."""
        handle = os.open(self._mark, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.pwrite(handle, b"%020d\n" % self._counted(), 0)
            os.fsync(handle)
        finally:
            os.close(handle)

    def check_age(self) -> None:
        """Raises StateOld where the file knows of fewer intents than were counted beside it."""
        counted = self._counted()
        try:
            marked = int(self._mark.read_bytes() or b"0")
        except FileNotFoundError:
            marked = counted + 1 if counted else 0  # who has told anything has left a mark
            if not counted:
                self.mark()
        if counted < marked:
            raise StateOld(
                f"{self.path} does not know all that was handed over: it is an old copy, or lacks its .mark.",
                "Look at today's campaigns in the messenger, then run `tandem bridge adopt --config FILE`.",
            )

    def adopt(self) -> None:
        """A person takes an old copy for what it is: whatever it thinks is still to be done is uncertain.

        Campaigns that it has heard of and not taken, and those that planners list now, are somebody else's.
        """
        with self.write() as connection:
            connection.execute(
                "UPDATE parts SET state = 'uncertain', asked = 1, problem = 'The state was an old copy.' "
                "WHERE state IN ('waiting', 'creating', 'created', 'uploading', 'sending')"
            )
            connection.execute("UPDATE customers SET state = 'uncertain' WHERE state = 'sending'")
            connection.execute("UPDATE campaigns SET state = 'before' WHERE state = 'heard'")
            connection.execute("UPDATE pairs SET begun_at = NULL")
            try:
                marked = int(self._mark.read_bytes() or b"0")
            except FileNotFoundError:
                marked = 0
            connection.execute("UPDATE intents SET number = max(number, ?)", (marked,))
        self.mark()

    def _counted(self) -> int:
        found = self.row("SELECT number FROM intents")
        return 0 if found is None else int(found["number"])

    def close(self) -> None:
        """Give the lock and this thread's connection back."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        found = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            found.row_factory = sqlite3.Row
            found.execute("PRAGMA journal_mode = WAL")
            found.execute("PRAGMA synchronous = FULL")
            self._local.connection = found
        return found  # type: ignore[no-any-return]

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; on disk when it ends."""
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """What a query finds."""
        return self.connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        """The first row a query finds."""
        found: sqlite3.Row | None = self.connection.execute(sql, values).fetchone()
        return found

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """One statement in a transaction of its own; how many rows it changed."""
        with self.write() as connection:
            return connection.execute(sql, values).rowcount


def move(
    connection: sqlite3.Connection, part: sqlite3.Row, to: PartState, problem: str = "", **more: Any
) -> None:
    """Move a part on, with whatever else changes; only if it still stands where it was read.

    Raises Conflict where another has moved it, ValueError for a move that does not exist.
    """
    if to not in MOVES[PartState(part["state"])]:
        raise ValueError(f"{part['state']} -> {to}")
    fields = {"state": to.value, "problem": problem[:500], **more}
    places = ", ".join(f"{name} = ?" for name in fields)
    found = connection.execute(
        f"UPDATE parts SET {places} WHERE pair = ? AND id = ? AND state = ?",
        (*fields.values(), part["pair"], part["id"], part["state"]),
    )
    if found.rowcount != 1:
        raise Conflict(f"Part {part['id']} was moved by another.", "Look at its state.")
