"""`tandem demo run`: the main job, from an empty home to a read-back outbox."""

from pathlib import Path
from typing import Annotated

import typer

from tandem.kit.commands import guarded

app = typer.Typer(no_args_is_help=True, help="The demonstration: one campaign the whole way.")


@app.command()
@guarded
def run(
    data: Annotated[
        Path | None, typer.Option(help="Your own transaction log: CSV, Parquet or text columns")
    ] = None,
    mapping: Annotated[str, typer.Option(help="Which column is what, as customer=...,at=...,value=...")] = "",
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Leave the pages running.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document as the last line.")] = False,
    customers: Annotated[
        int, typer.Option(help="How many customers to make up when no log is given")
    ] = 50_000,
) -> None:
    """Import, plan, list, notify, fetch, send into the built-in outbox, count what arrived."""
    from tandem.site.demo.run import run_demo

    run_demo(data=data, mapping=mapping, serve=serve, as_json=as_json, customers=customers)


@app.callback()
def about() -> None:
    """Safe by default: this machine only, made-up addresses, no relay."""
