"""I11: no address of a person and no password in anything that is written for people who run it."""

from pathlib import Path

from faults.report import Tally
from faults.world import PASSWORD, PEOPLE, World

CANARIES = {"an address": f"@{PEOPLE}".encode(), "the planner's password": PASSWORD.encode()}


def found(world: World) -> list[str]:
    """Where a canary is: services' output, journals, logs of the database."""
    broken = []
    for path in _written(world.home):
        content = path.read_bytes()
        broken += [
            f"I11: {what} in {path.name}, {content.count(canary)} times"
            for what, canary in CANARIES.items()
            if canary in content
        ]
    return broken


def size(world: World) -> int:
    """Bytes that were looked through."""
    return sum(path.stat().st_size for path in _written(world.home))


def look(world: World, tally: Tally) -> None:
    """A row, and how much was looked through."""
    tally.looked_through += size(world)
    tally.row("I11", "addresses and secrets in output, logs, journals").break_off(*found(world))


def _written(home: Path) -> list[Path]:
    paths = [*home.glob("*.out"), *home.glob("*.log"), *home.glob("journal/*"), *home.glob("logs/**/*")]
    paths += [
        path for path in (home / "postgres").rglob("*log*") if path.suffix == ".log" or path.name == "log"
    ]
    return sorted({path for path in paths if path.is_file()})
