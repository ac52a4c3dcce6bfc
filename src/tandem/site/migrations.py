"""Brings a half's tables to this release, each half in a process of its own."""

import os
import subprocess
import sys

from tandem.kit.problems import Problem
from tandem.site.settings.base import database


class MigrationFailed(Problem):
    """The tables could not be brought to this release."""

    title = "The database could not be brought up to date"
    status = 500


def migrate(halves: tuple[str, ...]) -> None:
    """Migrate the halves side by side. Raises MigrationFailed with what the database said."""
    for half in halves:
        database(half)  # starts the embedded server once, before the processes race for it
    running = {half: _start(half) for half in halves}
    for half, process in running.items():
        output, _ = process.communicate()
        if process.returncode != 0:
            raise MigrationFailed(
                f"{half}: {output.decode(errors='replace').strip()[-1500:]}",
                "Nothing was started. See `tandem doctor`.",
            )


def _start(half: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "django", "migrate", "--skip-checks", "--verbosity", "0", "--no-input"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": f"tandem.site.settings.{half}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
