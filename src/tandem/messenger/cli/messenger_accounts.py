"""`tandem messenger-account`: accounts, people and programs of the messenger."""

from dataclasses import asdict
from typing import Annotated

import typer

from tandem.kit.commands import command, print_json, words

app = typer.Typer(no_args_is_help=True, help="Accounts of the messenger, their users and API users.")
AccountOption = Annotated[str | None, typer.Option("--account", help="Name or id; the only one if left out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command("create")
@command("messenger")
def create(
    name: str,
    zone: Annotated[str, typer.Option(help="IANA time zone.")] = "Europe/Stockholm",
    currency: Annotated[str, typer.Option(help="Three letters.")] = "EUR",
    customer_id: Annotated[
        int | None, typer.Option(help="Symplify customer id; the next free one if left out.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an account."""
    from tandem.messenger.accounts import service

    made = service.create_account(name=name, zone=zone, currency=currency, customer_id=customer_id)
    _show(asdict(made), f"Account {made.name} has the Symplify customer id {made.id}.", as_json)


@app.command("list")
@command("messenger")
def list_all(as_json: JsonOption = False) -> None:
    """List the accounts."""
    from tandem.messenger.accounts import service

    accounts = [asdict(account) for account in service.list_accounts()]
    if as_json:
        print_json(accounts)
    for account in accounts if not as_json else ():
        typer.echo(f"{account['id']}\t{account['name']}\t{account['zone']}\t{account['currency']}")


@app.command("user")
@command("messenger")
def user(
    email: str,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    name: str = "",
    role: str = "administrator",
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a person who signs in to the pages."""
    from tandem.messenger.accounts import service

    chosen = service.find_account(account)
    made = service.create_user(chosen.id, email=email, password=password, name=name, role=role)
    _show(asdict(made), f"{made.email} may sign in as {made.role}.", as_json)


@app.command("api-user")
@command("messenger")
def api_user(user_name: str, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """Make a program's way in; password and token are shown this once."""
    from tandem.messenger.accounts import service

    made = service.create_api_user(service.find_account(account).id, user_name)
    line = f"User name {made.user_name}\nPassword  {made.password}\nToken     {made.token}"
    _show(asdict(made), line, as_json)


@app.command("api-users")
@command("messenger")
def api_users(account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the programs' ways in."""
    from tandem.messenger.accounts import service

    found = [asdict(view) for view in service.list_api_users(service.find_account(account).id)]
    if as_json:
        print_json(found)
    for view in found if not as_json else ():
        typer.echo(f"{view['id']}\t{view['user_name']}\t{'open' if view['is_active'] else 'closed'}")


def _show(document: object, line: str, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        words.print(line, markup=False)
