"""`tandem bridge`: run it, check its configuration, look, resolve. No Django, no database server."""

import getpass
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tandem.kit import clock
from tandem.kit.commands import data, guarded, print_json, words
from tandem.kit.problems import Refused

if TYPE_CHECKING:
    from tandem.bridge.config import Config
    from tandem.bridge.state import State

app = typer.Typer(
    help="Join a planner on Optimove's contract and a messenger on Symplify's; no half is needed."
)

File = Annotated[Path, typer.Option("--config", help="The configuration, TOML.", dir_okay=False)]
PairName = Annotated[str, typer.Argument(help="The pair, as the configuration names it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.callback(invoke_without_command=True)
@guarded
def bridge(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option("--config", help="The configuration, TOML.")] = None,
) -> None:
    """Run the bridge of a configuration."""
    if context.invoked_subcommand is not None:
        return
    if config is None:
        raise Refused("No configuration was given.", "Use `tandem bridge --config FILE`.")
    _serve(config)


@app.command()
@guarded
def run(
    config: File,
    once: Annotated[
        bool, typer.Option("--once", help="Do what is due now and end, without a listener.")
    ] = False,
) -> None:
    """Run it: listen, fetch, hand over, reconcile. Ctrl-C stops it."""
    _serve(config, once=once)


@app.command()
@guarded
def check(config: File, as_json: AsJson = False) -> None:
    """Check the configuration and ask both sides of every pair; nothing is changed there."""
    from tandem.bridge.checking import steps

    found = steps(*_opened(config))
    if as_json:
        print_json(found)
    else:
        for step in found:
            mark = "ok     " if step["ok"] else "FAILED "
            data.print(
                f"{mark} {step['pair']}: {step['what']}. {step['words']}", markup=False, soft_wrap=True
            )
    if not all(step["ok"] for step in found):
        raise SystemExit(5)


@app.command()
@guarded
def status(config: File, as_json: AsJson = False) -> None:
    """Every pair and its newest campaigns: where they stand, what is uncertain and how to resolve it."""
    from tandem.bridge.operate import overview

    found = overview(*_opened(config))
    if as_json:
        print_json(found)
        return
    for pair in found["pairs"]:
        data.print(_pair_line(pair), markup=False, soft_wrap=True)
        for one in pair["campaigns"]:
            _print_campaign(one)
    for line in found["uncertain"]:
        data.print(f"Uncertain: find out in the messenger, then {line.replace('FILE', str(config))}", markup=False,
                   soft_wrap=True)  # fmt: skip


@app.command()
@guarded
def resolve(
    config: File,
    pair: PairName,
    campaign: Annotated[int, typer.Argument(help="The campaign's number.")],
    sent: Annotated[
        bool, typer.Option("--sent/--not-sent", help="Whether the messenger has sent it.", show_default=False)
    ],
    channel: Annotated[int | None, typer.Option(help="Only on this channel.")] = None,
    template: Annotated[int | None, typer.Option(help="Only this template.")] = None,
) -> None:
    """Say what became of an uncertain hand-over; --not-sent hands it over anew, if it is not too late.

    With --not-sent a campaign that was executed before the pair began is taken too.
    """
    from tandem.bridge.operate import resolve as settle

    loaded, state = _opened(config)
    count = settle(
        state, loaded.pair(pair), campaign, channel=channel, template=template, sent=sent, by=getpass.getuser(),
        now=clock.from_environment().business().timestamp(),
    )  # fmt: skip
    words.print(f"{count} resolved as {'sent' if sent else 'not sent'}.")


@app.command()
@guarded
def adopt(config: File) -> None:
    """Go on with an old copy of the state: all that it thinks is still to be done becomes uncertain."""
    _, state = _opened(config)
    state.lock()
    state.adopt()
    state.close()
    words.print("The copy is adopted. What is uncertain stands in `tandem bridge status`.")


@app.command()
@guarded
def rotate(
    config: File,
    pair: PairName,
    hours: Annotated[float, typer.Option(min=0, help="How long the old address still counts.")] = 24,
) -> None:
    """Give the pair a new secret address and tell its planner."""
    from tandem.bridge import listen

    def do(loaded: "Config", joined: Any) -> None:
        listen.rotate(joined.state, pair, joined.now(), hours * 3600)
        listen.register(loaded, joined)

    _with_pair(config, pair, do)
    words.print(f"Pair {pair} has a new address; the old one counts for {hours:g} hours.")


@app.command()
@guarded
def unregister(config: File, pair: PairName) -> None:
    """Have the pair's planner post nothing any more; a bridge that runs registers again within the hour."""
    from tandem.bridge import listen

    _with_pair(config, pair, lambda _loaded, joined: listen.unregister(joined))
    words.print(f"The planner of pair {pair} posts nothing any more.")


def _serve(path: Path, *, once: bool = False) -> None:
    from tandem.bridge.run import Bridge, serve

    _log()
    loaded, state = _opened(path)
    if not once:
        serve(loaded, state, clock.from_environment())
        return
    state.take()
    at_work = Bridge(loaded, state, clock.from_environment())
    at_work.prepare()
    at_work.once()
    state.close()


def _opened(path: Path) -> "tuple[Config, State]":
    from tandem.bridge.config_file import load
    from tandem.bridge.state import State

    loaded = load(path)
    return loaded, State(loaded.state)


def _with_pair(path: Path, name: str, do: "Callable[[Config, Any], None]") -> None:
    from tandem.bridge.joined import join

    loaded, state = _opened(path)
    do(loaded, join(loaded, loaded.pair(name), state, clock.from_environment()))


def _log() -> None:
    level = os.environ.get("TANDEM_LOG_LEVEL", "INFO")
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s")
    for noisy in ("httpx", "httpcore", "_granian", "granian.access"):
        logging.getLogger(noisy).setLevel(
            logging.WARNING
        )  # their lines hold addresses with contacts and secrets


def _pair_line(pair: dict[str, Any]) -> str:
    begun = _when(pair["begun_at"]) or "never"
    problem = pair["problem"] or pair["catalogue_problem"]
    line = f"{pair['pair']}: begun {begun}, asked {_when(pair['polled_at']) or 'never'}"
    return f"{line}, listening since {_when(pair['registered_at']) or 'never'}" + (
        f". {problem}" if problem else ""
    )


def _print_campaign(one: dict[str, Any]) -> None:
    line = f"  campaign {one['campaign']} on {one['channel']}: {one['state']}, {one['customers']:,} customers"
    data.print(f"{line}. {one['problem']}".rstrip(". "), markup=False, soft_wrap=True)
    for part in one["parts"]:
        counts = ", ".join(f"{number:,} {state}" for state, number in sorted(part["customers"].items()))
        told = f"    template {part['template']} at {part['delivery_time']}: {part['state']} ({counts})"
        data.print(f"{told}. {part['problem']}".rstrip(". "), markup=False, soft_wrap=True)


def _when(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
