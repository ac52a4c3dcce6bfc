"""`tandem account`: accounts at a messenger."""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tandem.kit.commands import command, data, print_json, words
from tandem.kit.problems import OtherSideFailed, Refused

app = typer.Typer(no_args_is_help=True, help="Accounts at a messenger: connect, check, list.")
Account = Annotated[
    str, typer.Option(help="The planner's account, by name or id; needed if there are several")
]
Json = Annotated[bool, typer.Option("--json")]


@app.command()
@command("planner")
def add(
    name: Annotated[str, typer.Option(help="A name for people")],
    api_url: Annotated[str, typer.Option(help="Usually ends in /rest")],
    customer_id: Annotated[str, typer.Option(help="The messenger's customer id")],
    user_name: Annotated[
        str, typer.Option(help="User name of the API; may be left out where there is a token.")
    ] = "",
    email_channel: Annotated[
        int | None, typer.Option(help="ChannelID of email; default the next free")
    ] = None,
    sms_channel: Annotated[int | None, typer.Option(help="ChannelID of SMS; default the next free")] = None,
    list_id: Annotated[int | None, typer.Option(help="List that contacts are pushed to")] = None,
    secrets_file: Annotated[
        Path | None,
        typer.Option(
            help="File with two lines: password, token; one may be empty. Or TANDEM_ACCOUNT_PASSWORD, _TOKEN."
        ),
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="TOML file that says how the messenger differs from the contract")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the values, save nothing.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Save it even if the check fails.")] = False,
    account: Account = "",
    as_json: Json = False,
) -> None:
    """Check the five fields of the integration, and connect the account if they work."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.channels import service

    owner = find_account(account or None)
    password, token = _secrets(secrets_file)
    differs = _text_of(profile) if profile else ""
    tried = service.check_values(api_url, customer_id, user_name, password, token, differs)
    if dry_run or not (tried.ok or anyway):
        _report(tried, as_json, None)
        return
    more = {} if email_channel is None else {"email_channel_id": email_channel, "sms_channel_id": sms_channel}
    made = service.add_account(
        owner.id, name=name, api_url=api_url, customer_id=customer_id, user_name=user_name, password=password,
        token=token, list_id=list_id, profile=differs, **more,
    )  # fmt: skip
    _report(service.check_connection(owner.id, made.id, clock=clock.from_environment()), as_json, made)


@app.command()
@command("planner")
def check(
    channel_account: Annotated[int | None, typer.Argument(help="Its id; default the only one")] = None,
    account: Account = "",
    as_json: Json = False,
) -> None:
    """Check one account at a messenger in four steps."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.channels import service

    owner = find_account(account or None)
    view = service.get_account(owner.id, channel_account)
    _report(service.check_connection(owner.id, view.id, clock=clock.from_environment()), as_json, view)


@app.command("profile")
@command("planner")
def set_profile(
    file: Annotated[
        Path | None,
        typer.Argument(help="TOML file to keep, - for standard input; none = show the stored one."),
    ] = None,
    channel_account: Annotated[int | None, typer.Option(help="Its id; default the only one")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="The messenger differs in nothing.")] = False,
    account: Account = "",
) -> None:
    """Show or set how a messenger differs from the contract; `tandem conform messenger` can write it."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.channels import service

    owner = find_account(account or None)
    if file is None and not clear:
        sys.stdout.write(service.get_account(owner.id, channel_account).profile + "\n")
        return
    service.set_profile(owner.id, channel_account, "" if clear or file is None else _text_of(file))
    words.print("Cleared." if clear else "The profile is kept. Try it: tandem account check")


@app.command("add-channel")
@command("planner")
def add_channel(
    name: Annotated[str, typer.Option(help="A name for people")],
    email_channel: Annotated[int | None, typer.Option(help="ChannelID, reached by email")] = None,
    sms_channel: Annotated[int | None, typer.Option(help="ChannelID, reached by SMS")] = None,
    account: Account = "",
    as_json: Json = False,
) -> None:
    """Add a channel without a messenger: a program pushes its templates and hears its events."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.channels import service

    made = service.add_pushed_account(
        find_account(account or None).id, name=name, email_channel_id=email_channel, sms_channel_id=sms_channel,
        actor="cli", clock=clock.from_environment(),
    )  # fmt: skip
    if as_json:
        print_json(asdict(made))
        return
    words.print(f"{made.name} is saved; templates are pushed with AddChannelTemplates.", markup=False)


@app.command("list")
@command("planner")
def list_them(account: Account = "", as_json: Json = False) -> None:
    """List the accounts at messengers."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.channels import service

    views = service.list_accounts(find_account(account or None).id)
    if as_json:
        print_json([asdict(view) for view in views])
        return
    for view in views:
        data.print(
            f"{view.id}  {view.name}  {view.api_url}  email {view.email_channel_id}, SMS {view.sms_channel_id}",
            markup=False,
        )
    if not views:
        words.print("No account at a messenger yet. Connect one with `tandem account add`.")


def _text_of(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read.", "Give a TOML file.", field="profile") from error


def _secrets(file: Path | None) -> tuple[str, str]:
    if file is not None:
        lines = [line.strip() for line in file.read_text().splitlines()] if file.is_file() else []
        if not any(lines[:2]):
            raise Refused(
                f"{file} holds neither a password nor a token.",
                "Write the password in the first line, the token in the second; one may be empty.",
                field="secrets_file",
            )
        return lines[0], lines[1] if len(lines) > 1 else ""
    password, token = (os.environ.get(f"TANDEM_ACCOUNT_{name}", "") for name in ("PASSWORD", "TOKEN"))
    if not password and not token:
        raise Refused(
            "Neither a password nor a token was given.",
            "Give --secrets-file, or set TANDEM_ACCOUNT_PASSWORD or TANDEM_ACCOUNT_TOKEN.",
        )
    return password, token


def _report(check: object, as_json: bool, view: object | None) -> None:
    from tandem.planner.channels.domain import ConnectionCheck

    assert isinstance(check, ConnectionCheck)  # noqa: S101 - narrows the type
    for step in check.steps:
        mark = {True: "ok", False: "NO", None: "--"}[step.ok]
        words.print(f"{mark}  {step.name}: {step.detail}", markup=False)
    if as_json:
        print_json({"account": asdict(view) if view else None, "check": asdict(check)})  # type: ignore[call-overload]
    if not check.ok:
        saved = "" if view else " Nothing was saved."
        raise OtherSideFailed(
            f"The connection does not work yet.{saved}", "Mend the step marked NO and check again."
        )
