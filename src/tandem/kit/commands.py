"""What every command shares: the half it speaks to, one JSON document or words, errors as a line and a code."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import orjson
from rich.console import Console

from tandem.kit.problems import Problem

words = Console(stderr=True, highlight=False)
data = Console(highlight=False)


#: asked whether a half's tables are of another release than this program; the site adds it, the kit cannot know
tables_differ: list[Callable[[str], bool]] = []


class TablesOfAnotherRelease(Problem):
    """A table or column is missing because nothing has migrated yet."""

    title = "The database is of another release"


def use_half(half: str) -> None:
    """Set up Django as one half; a process is one half for its whole life."""
    os.environ["DJANGO_SETTINGS_MODULE"] = f"tandem.site.settings.{half}"
    import django

    django.setup()


def print_json(document: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS).decode() + "\n")
    sys.stdout.flush()


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A Problem becomes a line on stderr and its exit code; so do tables that nothing has migrated yet."""

    @wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except Problem as problem:
            _end(problem)
        except Exception as error:
            older = _of_another_release(error)
            if older is None:
                raise
            _end(older)

    return run


def _end(problem: Problem) -> NoReturn:
    words.print(f"[bold red]{problem.title}.[/] ", end="")
    words.print(f"{problem.detail} {problem.advice}".strip(), markup=False)
    raise SystemExit(problem.exit_code) from None


def _of_another_release(error: Exception) -> Problem | None:
    """What a missing table or column means, if this program's tables were not made yet."""
    half = os.environ.get("DJANGO_SETTINGS_MODULE", "").rpartition(".")[2]
    missing = {type(one).__name__ for one in (error, error.__cause__)} & {"UndefinedTable", "UndefinedColumn"}
    if not missing or not any(differ(half) for differ in tables_differ):
        return None
    return TablesOfAnotherRelease(
        f"The {half}'s tables are not of this release.",
        "Run `tandem up`: it brings them up to date before it starts. `tandem doctor` says what else is wrong.",
    )


def command(half: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Run a typer command inside one half; a Problem becomes a line on stderr and its exit code."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            use_half(half)
            return function(*arguments, **named)

        return guarded(run)

    return decorate
