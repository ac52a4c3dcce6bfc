"""`tandem cycle`: run an account's daily cycle, see how far it is, and how the last days went."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import typer
from rich.table import Table

from tandem.kit import clock
from tandem.kit.commands import command, data, print_json
from tandem.kit.problems import Refused
from tandem.planner.cli.customer_scores import AccountOption, JsonOption

app = typer.Typer(no_args_is_help=True, help="The daily cycle: run it, see how far it is and how it went.")


@app.command()
@command("planner")
def run(
    day: Annotated[str, typer.Option(help="YYYY-MM-DD; yesterday of the business clock when left out.")] = "",
    whole: Annotated[
        bool, typer.Option("--whole", help="Read everything anew instead of only what is new.")
    ] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Run the cycle now, from the last finished step on if one was interrupted; it tells listeners at the end."""
    from tandem.planner.daily import cycle, queries

    chosen, now = _account(account), clock.from_environment()
    cycle.run_cycle(
        chosen, _day(day), clock=now, trigger="hand", actor="tandem cycle", force=True, whole=whole, wait=60.0
    )
    _print(queries.standing(chosen, clock=now), json=json)


@app.command()
@command("planner")
def show(account: AccountOption = None, json: JsonOption = False) -> None:
    """Show what data is in force and how far the newest run is."""
    from tandem.planner.daily import queries

    _print(queries.standing(_account(account), clock=clock.from_environment()), json=json)


@app.command()
@command("planner")
def history(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many runs.")] = 30,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """List the last runs, newest first: how long each took and what failed."""
    from tandem.planner.daily import queries

    runs = queries.history(_account(account), limit=limit, clock=clock.from_environment())
    if json:
        print_json([_run(one) for one in runs])
        return
    table = Table("day", "state", "started", "seconds", "CPU seconds", "attempts", "by", "words")
    for one in runs:
        failed = "; ".join(f"{step.label}: {step.words}" for step in one.failed_steps)
        table.add_row(
            str(one.day), one.state, f"{one.started_at:%Y-%m-%d %H:%M}",
            "" if one.seconds is None else f"{one.seconds:,.1f}", f"{one.cpu_seconds:,.1f}", str(one.attempts),
            one.actor or one.trigger, one.words or failed,
        )  # fmt: skip
    data.print(table)


def _print(standing: Any, *, json: bool) -> None:
    if json:
        run = _run(standing.run) if standing.run else None
        told = {"as_of": standing.as_of, "wanted": standing.wanted, "is_current": standing.is_current}
        print_json({**told, "words": standing.words, "failures": standing.failures, "run": run})
        return
    data.print(standing.words, markup=False, soft_wrap=True)
    for part, words in standing.failures:
        data.print(f"The {part} failed: {words}", markup=False, soft_wrap=True)
    if standing.run is None:
        return
    table = Table("step", "state", "done", "rows", "seconds", "CPU", "words", title=f"Day {standing.run.day}")
    for one in standing.run.steps:
        table.add_row(
            one.label, one.state, f"{one.share:.0%}", "" if one.rows is None else f"{one.rows:,}",
            "" if one.seconds is None else f"{one.seconds:,.1f}", f"{one.cpu_seconds:,.1f}", one.words,
        )  # fmt: skip
    data.print(table)


def _run(run: Any) -> dict[str, Any]:
    return {**asdict(run), "seconds": run.seconds, "cpu_seconds": run.cpu_seconds, "share": run.share}


def _account(name: str | None) -> int:
    from tandem.planner.accounts.service import find_account

    return find_account(name).id


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(f"{text} is not a day.", "Write it as 2026-06-30.") from None
