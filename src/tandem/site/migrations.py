"""Brings a half's tables to this release, each half in a process of its own.

The release that a database is at stands as a comment on its table of migrations, so a start with nothing to do costs
one question.
"""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path

import psycopg
from psycopg import sql

from tandem.kit.problems import Problem
from tandem.site.settings.base import database

PACKAGE = Path(__file__).resolve().parent.parent
HALVES = ("planner", "messenger")
ADVISORY_CLASS = 7261090
_TRY = "SELECT pg_try_advisory_lock(%s, %s)"


class MigrationFailed(Problem):
    """The tables could not be brought to this release."""

    title = "The database could not be brought up to date"
    status = 500


def migrate(halves: tuple[str, ...]) -> None:
    """Migrate the halves side by side. Raises MigrationFailed with what the database said.

    Services that start at the same moment take turns: the first one does it, the others find it done.
    """
    release = _release()
    behind = [half for half in halves if _at(half) != release]
    with ExitStack() as held:
        for half in behind:
            held.enter_context(_alone(half))
        running = {half: _start(half) for half in behind if _at(half) != release}
        for half, process in running.items():
            output, _ = process.communicate()
            if process.returncode != 0:
                raise MigrationFailed(
                    f"{half}: {output.decode(errors='replace').strip()[-1500:]}",
                    "Nothing was started. See `tandem doctor`.",
                )
            _note(half, release)


def differ(half: str) -> bool:
    """Whether a half's tables are of another release than this program."""
    return _at(half) != _release()


def _release() -> str:
    """A name for the set of migrations of this release."""
    own = (str(file.relative_to(PACKAGE)) for file in PACKAGE.glob("*/*/migrations/*.py"))
    words = [*sorted(own), *(f"{name} {version(name)}" for name in ("django", "procrastinate"))]
    return f"tandem {hashlib.sha256(chr(10).join(words).encode()).hexdigest()[:16]}"


def _at(half: str) -> str | None:
    with _connection(half) as connection:
        row = connection.execute(
            "SELECT obj_description(to_regclass('django_migrations'), 'pg_class')"
        ).fetchone()
    return row[0] if row else None


@contextmanager
def _alone(half: str) -> Iterator[None]:
    """Nobody else migrates this half meanwhile.

    Asked for again and again, not waited for in the database: there a statement that waits holds up the index that is
    built beside the work (CREATE INDEX CONCURRENTLY), and that the lock.
    """
    with _connection(half) as connection:
        connection.autocommit = True
        while not connection.execute(_TRY, [ADVISORY_CLASS, HALVES.index(half)]).fetchone()[0]:  # type: ignore[index]
            time.sleep(0.2)
        yield


def _note(half: str, release: str) -> None:
    with _connection(half) as connection:
        connection.execute(sql.SQL("COMMENT ON TABLE django_migrations IS {}").format(sql.Literal(release)))


def _connection(half: str) -> psycopg.Connection:
    """A connection of this half; the embedded server is started if it is down."""
    place = database(half)
    return psycopg.connect(
        dbname=place["NAME"],
        user=place["USER"],
        password=place["PASSWORD"],
        host=place["HOST"],
        port=place["PORT"],
        **{name: text for name, text in place["OPTIONS"].items() if name != "options"},
    )


def _start(half: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "django", "migrate", "--skip-checks", "--verbosity", "0", "--no-input"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": f"tandem.site.settings.{half}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
