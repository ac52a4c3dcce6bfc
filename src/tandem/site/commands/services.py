"""`tandem up`, `planner`, `messenger`, `tracking`, `worker`: the processes."""

from typing import Annotated, Literal

import typer

from tandem.kit.commands import guarded, words
from tandem.site import migrations
from tandem.site.processes import Supervisor
from tandem.site.services import HALVES, children_of, run_alarms, run_inbound, run_sender, run_worker
from tandem.site.settings.base import public_url
from tandem.site.settings.environment import home

Half = Literal["planner", "messenger"]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(up)
    app.command()(planner)
    app.command()(messenger)
    app.command()(tracking)
    app.command()(worker)
    app.command("run-worker", hidden=True)(run_worker)
    app.command("run-sender", hidden=True)(run_sender)
    app.command("run-inbound", hidden=True)(run_inbound)
    app.command("run-alarms", hidden=True)(run_alarms)


@guarded
def up() -> None:
    """Run everything: both halves, their workers, the sender, the recipients' door. Ctrl-C stops it."""
    migrations.migrate(HALVES)
    _announce("planner", "messenger")
    _run("up")


@guarded
def planner() -> None:
    """Run the planner's pages and APIs alone."""
    migrations.migrate(("planner",))
    _announce("planner")
    _run("planner")


@guarded
def messenger() -> None:
    """Run the messenger's pages, API and recipients' door alone."""
    migrations.migrate(("messenger",))
    _announce("messenger")
    _run("messenger")


@guarded
def tracking() -> None:
    """Run the recipients' door alone: counted links and pictures, unsubscribing. TANDEM_TRACKING_WORKERS processes."""
    migrations.migrate(("messenger",))
    words.print(f"Recipients' door: [bold]{public_url('tracking')}[/]")
    _run("tracking")


@guarded
def worker(half: Annotated[Half, typer.Argument(help="planner or messenger")]) -> None:
    """Run the background work of one half and the watch over it; the messenger's includes its sender processes."""
    migrations.migrate((half,))
    words.print(f"Working for the {half}. Ctrl-C stops it.")
    _run(f"worker-{half}")


def _announce(*halves: str) -> None:
    for half in halves:
        words.print(f"{half.capitalize()}: [bold]{public_url(half)}/ui/[/]")
    words.print(f"Data and logs: {home()}. Ctrl-C stops everything.")


def _run(service: str) -> None:
    Supervisor(children_of(service), logs=home() / "logs").run_until_signal()
