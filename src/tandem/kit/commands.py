"""What every command shares: the half it speaks to, one JSON document or words, errors as a line and a code."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from rich.console import Console

from tandem.kit.problems import Problem

words = Console(stderr=True, highlight=False)
data = Console(highlight=False)


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
    """A Problem becomes a line on stderr and its exit code."""

    @wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except Problem as problem:
            words.print(f"[bold red]{problem.title}.[/] ", end="")
            words.print(f"{problem.detail} {problem.advice}".strip(), markup=False)
            raise SystemExit(problem.exit_code) from None

    return run


def command(half: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Run a typer command inside one half; a Problem becomes a line on stderr and its exit code."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            use_half(half)
            return function(*arguments, **named)

        return guarded(run)

    return decorate
