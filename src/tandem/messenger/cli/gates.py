"""`tandem gates`: who is asked before a sending leaves, and what is held."""

from dataclasses import asdict
from typing import Annotated

import typer

from tandem.kit.commands import command, data, print_json, words

app = typer.Typer(no_args_is_help=True, help="Send Gate: an address that is asked before a sending leaves.")

Account = Annotated[str | None, typer.Option(help="Account by name or id; may be left out if there is one.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
ACTOR = "command line"


@app.command("list")
@command("messenger")
def list_all(account: Account = None, as_json: Json = False) -> None:
    """The account's gates."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.webhooks import service

    found = service.list_gates(find_account(account).id)
    if as_json:
        print_json([asdict(one) for one in found])
    for one in found if not as_json else ():
        of = f"project {one.project_id}" if one.project_id else "account"
        rule = "holds" if one.holds else f"sends without an answer after {one.minutes} minutes"
        data.print(
            f"{one.id:>4}  {of}  {'on' if one.enabled else 'off'}  {rule}  {one.url}",
            soft_wrap=True,
            markup=False,
        )


@app.command("set")
@command("messenger")
def set_gate(
    url: str,
    project: Annotated[int | None, typer.Option(help="Only sendings of this project.")] = None,
    minutes: Annotated[int, typer.Option(help="Send without an answer after; 0 = hold.")] = 0,
    auth: Annotated[str, typer.Option(help="none, basic or header.")] = "none",
    auth_name: Annotated[str, typer.Option(help="User name, or the header's name.")] = "",
    auth_secret: Annotated[
        str, typer.Option(help="Password or token of the gate.", envvar="TANDEM_WEBHOOK_PASSWORD")
    ] = "",
    on: Annotated[bool, typer.Option("--on/--off", help="A project that is off has no gate.")] = True,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Ask this address before each sending of the account, or of a project."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service as projects
    from tandem.messenger.webhooks import service

    chosen = find_account(account).id
    if project is not None:
        projects.get_project(chosen, project)
    view = service.set_gate(
        chosen,
        url=url,
        project_id=project,
        minutes=minutes,
        auth=auth,
        auth_name=auth_name,
        auth_secret=auth_secret,
        enabled=on,
        clock=clock.from_environment(),
    )
    if as_json:
        print_json(asdict(view))
    else:
        words.print(f"Send Gate {view.id} asks {view.url} before sendings leave.", markup=False)


@app.command()
@command("messenger")
def remove(gate_id: int, account: Account = None, dry_run: DryRun = False) -> None:
    """Take a gate away; what it holds stays held until a person decides."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.webhooks import service

    chosen = find_account(account).id
    view = service.get_gate(chosen, gate_id)
    if dry_run:
        words.print(f"Send Gate {view.id} at {view.url} would be removed.", markup=False)
        return
    service.remove_gate(chosen, gate_id)
    words.print(f"Send Gate {view.id} is removed.")


@app.command()
@command("messenger")
def held(limit: int = 20, account: Account = None, as_json: Json = False) -> None:
    """The newest sendings that stood before a gate, and how each hold ended."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.sendgate import service

    found = service.holds(find_account(account).id, limit=limit)
    if as_json:
        print_json([asdict(one) for one in found])
    for one in found if not as_json else ():
        data.print(
            f"sending {one.sending_id}  {one.state.words}  asked {one.tries} times  {one.last_words}",
            soft_wrap=True,
            markup=False,
        )


@app.command("let-go")
@command("messenger")
def let_go(sending_id: int, account: Account = None, dry_run: DryRun = False) -> None:
    """Send a held sending without the gate's answer."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.delivery import service as delivery
    from tandem.messenger.sendgate import service

    chosen = find_account(account).id
    sending = delivery.get_sending(chosen, sending_id)
    if dry_run:
        words.print(f"Sending {sending.id} with {sending.expected} rows would leave when it is due.")
        return
    service.let_go(chosen, sending_id, actor=ACTOR, clock=clock.from_environment())
    words.print(f"Sending {sending.id} leaves when it is due.")
