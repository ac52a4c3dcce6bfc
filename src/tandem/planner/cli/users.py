"""`tandem users`: people who sign in."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tandem.kit import clock as clocks
from tandem.kit.commands import command, data, print_json, words
from tandem.kit.problems import Refused
from tandem.kit.secrets import new_token

app = typer.Typer(no_args_is_help=True, help="People who sign in to the planner.")

Account = Annotated[str, typer.Option(help="Account by name or id; needed if there are several.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("list")
@command("planner")
def list_(account: Account = "", json: Json = False) -> None:
    """Show the people of an account."""
    from tandem.planner.accounts import service

    users = service.list_users(service.find_account(account).id)
    if json:
        print_json(
            [{"id": user.id, "email": user.email, "name": user.name, "role": user.role} for user in users]
        )
        return
    for user in users:
        data.print(f"{user.id}  {user.email}  {user.role}", markup=False)


@app.command()
@command("planner")
def add(
    email: str,
    role: Annotated[
        str, typer.Option(help="administrator, marketer, approver, engineer or viewer.")
    ] = "viewer",
    name: str = "",
    password_file: Annotated[Path | None, typer.Option(help="File with the password; - reads stdin.")] = None,
    account: Account = "",
    json: Json = False,
) -> None:
    """Add a person. Without --password-file (or TANDEM_NEW_PASSWORD) a random password is made and shown once."""
    from tandem.planner.accounts import service

    given = _secret(password_file)
    password = given or new_token(15)
    tenant = service.find_account(account)
    user = service.create_user(
        tenant.id,
        email=email,
        password=password,
        name=name,
        role=role,
        actor="cli",
        clock=clocks.from_environment(),
    )
    if json:
        print_json(
            {"id": user.id, "email": user.email, "role": user.role, "password": None if given else password}
        )
        return
    words.print(f"{user.email} may sign in to {tenant.name} as {user.role}.", markup=False)
    if not given:
        data.print(f"Password (shown once): {password}", markup=False)


@app.command("password")
@command("planner")
def change_password(
    email: str,
    password_file: Annotated[Path | None, typer.Option(help="File with the password; - reads stdin.")] = None,
    account: Account = "",
) -> None:
    """Give a person a new password; sessions end."""
    from tandem.planner.accounts import service

    tenant = service.find_account(account)
    user = next((user for user in service.list_users(tenant.id) if user.email.lower() == email.lower()), None)
    if user is None:
        raise Refused(f"There is no user {email} in {tenant.name}.", "See `tandem users list`.")
    given = _secret(password_file)
    password = given or new_token(15)
    service.set_password(
        tenant.id, user_id=user.id, password=password, actor="cli", clock=clocks.from_environment()
    )
    words.print(f"The password of {user.email} is changed.", markup=False)
    if not given:
        data.print(f"Password (shown once): {password}", markup=False)


def _secret(file: Path | None) -> str:
    if file is None:
        return os.environ.get("TANDEM_NEW_PASSWORD", "")
    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    return text.strip()
