"""`tandem rights`: what attributes may be used for, and objections to profiling."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from tandem.kit import clock
from tandem.kit.commands import command, data, print_json

app = typer.Typer(no_args_is_help=True, help="What attributes may be used for, and who objects to profiling.")

AccountOption = Annotated[
    str | None, typer.Option("--account", help="Name or id; needed if there are several.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
CustomerArgument = Annotated[str, typer.Argument(help="The customer's id.")]
HowOption = Annotated[str, typer.Option("--how", help="How the person said it, as: by letter of 3 May.")]
_ACTOR = "tandem rights"


@app.command()
@command("planner")
def attributes(account: AccountOption = None, json: JsonOption = False) -> None:
    """List the account's own attributes, product category and country, with what each may be used for."""
    from tandem.planner.customers import service

    chosen = _account(account)
    rows = (*service.dictionary(chosen), *service.order_dictionary(chosen))
    if json:
        print_json([asdict(one) for one in rows])
        return
    table = Table("name", "label", "kind", "purpose", "its name suggests")
    for one in rows:
        table.add_row(one.name, one.label, one.kind, one.purpose, f"{one.suggested} {one.why}".strip())
    data.print(table)


@app.command()
@command("planner")
def purpose(
    name: Annotated[str, typer.Argument(help="The attribute's name.")],
    purpose: Annotated[str, typer.Argument(help="models, targeting, sensitive or identity.")],
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Say what an attribute may be used for, from the next snapshot on."""
    from tandem.planner.customers import service

    made = service.set_purpose(_account(account), name, purpose, actor=_ACTOR, clock=clock.from_environment())
    if json:
        print_json(asdict(made))
        return
    data.print(f"{made.name}: {made.purpose}, from the next snapshot on.", markup=False)


@app.command()
@command("planner")
def show(customer_id: CustomerArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """Show what a person said of profiling, newest first."""
    from tandem.planner.customers import service

    rows = service.objections_of(_account(account), customer_id)
    if json:
        print_json([asdict(one) for one in rows])
        return
    for one in rows:
        data.print(_words(one), markup=False, soft_wrap=True)
    if not rows:
        data.print("This customer has not objected to profiling.")


@app.command("object")
@command("planner")
def object_(
    customer_id: CustomerArgument, how: HowOption, account: AccountOption = None, json: JsonOption = False
) -> None:
    """Write down that a person objects to profiling."""
    from tandem.planner.customers import service

    _tell(service.object_to_profiling, customer_id, how, account, json=json)


@app.command()
@command("planner")
def lift(
    customer_id: CustomerArgument, how: HowOption, account: AccountOption = None, json: JsonOption = False
) -> None:
    """Write down that a person wishes to be profiled again."""
    from tandem.planner.customers import service

    _tell(service.lift_objection, customer_id, how, account, json=json)


def _tell(verb: Any, customer_id: str, how: str, account: str | None, *, json: bool) -> None:
    made = verb(_account(account), customer_id, how=how, actor=_ACTOR, clock=clock.from_environment())
    if json:
        print_json(asdict(made))
        return
    data.print(f"{_words(made)} It counts from the next daily cycle on.", markup=False, soft_wrap=True)


def _words(one: Any) -> str:
    said = f"Objected {one.at:%Y-%m-%d %H:%M} ({one.how}; written down by {one.by})."
    if one.lifted_at is None:
        return said
    lifted = f"{one.lifted_at:%Y-%m-%d %H:%M} ({one.lifted_how}; written down by {one.lifted_by})"
    return f"{said} Wished otherwise {lifted}."


def _account(chosen: str | None) -> int:
    from tandem.planner.accounts.service import find_account

    return find_account(chosen).id
