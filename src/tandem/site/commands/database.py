"""`tandem db`: dump, restore, stop."""

import os
import subprocess
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from tandem.kit import embedded_postgres, installation
from tandem.kit.commands import guarded, print_json, words
from tandem.kit.problems import Problem, Refused
from tandem.site import migrations
from tandem.site.services import HALVES
from tandem.site.settings.environment import home, value

_OTHERS = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_OPEN = {
    "planner": "SELECT count(*) FROM planner_campaigns_occurrence "
    "WHERE state IN ('scheduled', 'making list', 'waiting for messenger', 'sending')",
    "messenger": "SELECT count(*) FROM messenger_delivery_sending WHERE finished_at IS NULL",
}
_HELD = """Everything is held: no list is made, nobody is told, nothing is sent.
What left after the dump was made is not known here and would leave again. Look at `tandem sendings list` and the
planner's campaigns, cancel what people have already, then let it go on with `tandem doctor --release`."""
app = typer.Typer(no_args_is_help=True, help="The two databases: dump, restore, stop.")


class DumpFailed(Problem):
    """pg_dump or pg_restore did not finish."""

    title = "The database tool failed"


@app.command()
@guarded
def dump(
    folder: Annotated[Path, typer.Argument(help="New folder for planner.dump and messenger.dump")],
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Write both databases into FOLDER; works while everything runs."""
    if folder.exists() and any(folder.iterdir()):
        raise Refused(f"{folder} is not empty.", "Give a new folder.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = []
    for half in HALVES:
        file = folder / f"{half}.dump"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            _tool("pg_dump", "--format=custom", "--no-owner", f"--dbname={_url(half)}", stdout=out)
        files.append({"half": half, "file": str(file), "bytes": file.stat().st_size})
        words.print(f"{half}: {file} ({file.stat().st_size:,} bytes)")
    if as_json:
        print_json(files)


@app.command()
@guarded
def restore(
    folder: Annotated[Path, typer.Argument(help="Folder made by `tandem db dump`")],
    yes: Annotated[bool, typer.Option("--yes", help="Replace what is in the databases now.")] = False,
) -> None:
    """Put both databases back from FOLDER; stop Tandem first. Nothing is sent until `tandem doctor --release`."""
    dumps = {half: folder / f"{half}.dump" for half in HALVES}
    for file in dumps.values():
        if not file.is_file():
            raise Refused(f"{file} is missing.", "Give the folder that `tandem db dump` wrote.")
    if not yes:
        raise Refused("This replaces what is in both databases now.", "Stop Tandem, then add --yes.")
    for half in HALVES:
        _check_nobody_is_there(half)
    for half, file in dumps.items():
        _tool(
            "pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error",
            f"--dbname={_url(half)}", str(file),
        )  # fmt: skip
        words.print(f"{half}: restored from {file}")
    migrations.migrate(HALVES)
    for half in HALVES:
        _hold(half)
    words.print(_HELD)


@app.command()
@guarded
def stop() -> None:
    """Stop the embedded server of this home."""
    server = embedded_postgres.find(home())
    if server is None or not embedded_postgres.is_running(server):
        words.print("No embedded server is running for this home.")
        return
    embedded_postgres.stop(server)
    words.print(f"Stopped the server of {server.data}.")


def _check_nobody_is_there(half: str) -> None:
    """Whoever works on the database would go on with what is put back, in the middle of it."""
    with psycopg.connect(_url(half), connect_timeout=5) as connection:
        others = connection.execute(_OTHERS).fetchall()
    if others:
        names = ", ".join(sorted({name or "somebody" for (name,) in others}))
        raise Refused(
            f"The {half}'s database is in use ({names}).",
            "Stop every process of Tandem on every host, and other clients, then try again.",
        )


def _hold(half: str) -> None:
    with psycopg.connect(_url(half)) as connection, connection.cursor() as cursor:
        installation.hold(cursor)
        [count] = cursor.execute(_OPEN[half]).fetchone() or (0,)
    words.print(f"{half}: {count} {'campaigns' if half == 'planner' else 'sendings'} are open in it")


def _url(half: str) -> str:
    return value(f"TANDEM_{half.upper()}_DATABASE_URL") or embedded_postgres.ensure(home()).url(
        f"tandem_{half}"
    )


def _tool(name: str, *arguments: str, stdout: object = None) -> None:
    binary = embedded_postgres.client_binary(home(), name)
    done = subprocess.run(
        [str(binary), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,  # type: ignore[call-overload]
    )
    if done.returncode != 0:
        raise DumpFailed(done.stderr.decode(errors="replace").strip()[-1500:], "Nothing else was changed.")
