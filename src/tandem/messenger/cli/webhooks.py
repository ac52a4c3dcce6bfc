"""`tandem webhooks`: who is told what happens here, and what came of it."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from tandem.kit.commands import command, data, print_json, words

app = typer.Typer(no_args_is_help=True, help="Webhooks: addresses that are told what happens here.")

Account = Annotated[str | None, typer.Option(help="Account by name or id; may be left out if there is one.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Event = Annotated[
    list[str] | None, typer.Option("--event", help="A type, as opt-out; repeatable. See `webhooks types`.")
]
Auth = Annotated[str | None, typer.Option(help="none, basic or header.")]
AuthName = Annotated[str | None, typer.Option(help="User name, or the header's name.")]
AuthSecret = Annotated[
    str, typer.Option(help="Password or token of the receiver.", envvar="TANDEM_WEBHOOK_PASSWORD")
]


@app.command("types")
@command("messenger")
def types(as_json: Json = False) -> None:
    """The event types."""
    from tandem.messenger.webhooks.domain import EventType

    if as_json:
        print_json([{"type": one.value, "name": one.words} for one in EventType])
    for one in EventType if not as_json else ():
        data.print(f"{one.value:<16} {one.words}")


@app.command("list")
@command("messenger")
def list_all(account: Account = None, as_json: Json = False) -> None:
    """The account's webhooks, with what waits and what failed."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.webhooks import service

    found = service.list_all(find_account(account).id)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        state = "on" if one.enabled else f"off: {one.problem}"
        circuit = f", circuit {one.circuit}" if one.circuit else ""
        of = f"project {one.project_id}" if one.project_id else "account"
        numbers = f"{one.waiting} waiting, {one.failed} failed"
        data.print(
            f"{one.id:>4}  {one.way.value:<6}  {state}{circuit}  {of}  {numbers}  {one.url}",
            soft_wrap=True,
            markup=False,
        )
        data.print(f"      {', '.join(one.events)}", soft_wrap=True)


@app.command()
@command("messenger")
def add(
    url: str,
    event: Event = None,
    way: Annotated[str, typer.Option(help="vendor = once, as documented; signed = until heard.")] = "vendor",
    project: Annotated[int | None, typer.Option(help="Only events of this project.")] = None,
    auth: Auth = None,
    auth_name: AuthName = None,
    auth_secret: AuthSecret = "",
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Tell an address. The secret of a signed one is shown this once."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service as projects
    from tandem.messenger.webhooks import service

    chosen = find_account(account).id
    if project is not None:
        projects.get_project(chosen, project)
    view, secret = service.add(
        chosen,
        url=url,
        events=event or [],
        way=way,
        project_id=project,
        auth=auth or "none",
        auth_name=auth_name or "",
        auth_secret=auth_secret,
        clock=clock.from_environment(),
    )
    _show(view, secret, as_json)


@app.command()
@command("messenger")
def change(
    webhook_id: int,
    url: Annotated[str | None, typer.Option(help="Another address.")] = None,
    event: Event = None,
    auth: Auth = None,
    auth_name: AuthName = None,
    auth_secret: AuthSecret = "",
    on: Annotated[bool | None, typer.Option("--on/--off", help="Switch it on or off.")] = None,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Change what is given; the rest stays."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.webhooks import service

    view = service.change(
        find_account(account).id,
        webhook_id,
        url=url,
        events=event,
        auth=auth,
        auth_name=auth_name,
        auth_secret=auth_secret,
        enabled=on,
        clock=clock.from_environment(),
    )
    _show(view, "", as_json)


@app.command()
@command("messenger")
def remove(webhook_id: int, account: Account = None, dry_run: DryRun = False) -> None:
    """Take a webhook away with all that waits for it."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.webhooks import service

    chosen = find_account(account).id
    view = service.get(chosen, webhook_id)
    if dry_run:
        words.print(f"Webhook {view.id} would be removed with {view.waiting} waiting events.")
        return
    service.remove(chosen, webhook_id)
    words.print(f"Webhook {view.id} is removed.")


@app.command()
@command("messenger")
def test(webhook_id: int, account: Account = None, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Call it now with an example that holds nobody's data."""
    from tandem.kit import clock
    from tandem.kit.problems import OtherSideFailed
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.webhooks import service

    chosen = find_account(account).id
    if dry_run:
        words.print(f"{service.get(chosen, webhook_id).url} would be called.", markup=False)
        return
    heard = service.try_out(chosen, webhook_id, clock=clock.from_environment())
    if as_json:
        print_json({"status": heard.status, "words": heard.words, "acknowledged": heard.good})
    if not heard.good:
        raise OtherSideFailed(f"The receiver did not acknowledge: {heard.words}.")
    words.print(f"The receiver {heard.words}.", markup=False)


@app.command()
@command("messenger")
def latest(webhook_id: int, limit: int = 20, account: Account = None, as_json: Json = False) -> None:
    """The newest events of a webhook and what came of each."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.webhooks import service

    _rows(service.latest(find_account(account).id, webhook_id, limit=limit), as_json)


@app.command()
@command("messenger")
def failures(webhook_id: int, limit: int = 100, account: Account = None, as_json: Json = False) -> None:
    """Events that were not acknowledged, newest first."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.webhooks import service

    _rows(service.failures(find_account(account).id, webhook_id, limit=limit), as_json)


@app.command()
@command("messenger")
def replay(
    webhook_id: int,
    first: int,
    last: Annotated[int | None, typer.Argument(help="Up to this event; only the first if left out.")] = None,
    account: Account = None,
    dry_run: DryRun = False,
) -> None:
    """Tell a failed event again, or all from the first to the last."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.webhooks import service

    chosen = find_account(account).id
    if dry_run:
        until = first if last is None else last
        found = [one for one in service.failures(chosen, webhook_id) if first <= one.event_id <= until]
        words.print(f"{len(found)} events would be told again.")
        return
    again = service.replay(chosen, webhook_id, first, last, clock=clock.from_environment())
    words.print(f"{again} events are told again now.")


@app.command()
@command("messenger")
def rotate(webhook_id: int, account: Account = None, as_json: Json = False) -> None:
    """A new secret, shown this once; for a day the old one signs too."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.webhooks import service

    chosen = find_account(account).id
    secret = service.rotate(chosen, webhook_id, clock=clock.from_environment())
    _show(service.get(chosen, webhook_id), secret, as_json)


def _show(view: Any, secret: str, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(view), **({"secret": secret} if secret else {})})
        return
    words.print(f"Webhook {view.id} to {view.url}: {', '.join(view.events)}", markup=False)
    if secret:
        words.print("Its secret is shown only now; give it to the receiver:")
        data.print(secret, soft_wrap=True)


def _rows(found: list[Any], as_json: bool) -> None:
    if as_json:
        print_json([{**asdict(one), "state": one.state.words} for one in found])
        return
    for one in found:
        data.print(
            f"{one.event_id:>8}  {one.made_at:%Y-%m-%d %H:%M:%S} UTC  {one.event_type.value:<16} "
            f"{one.state.words:<16} {one.tries} tries  {one.words}",
            soft_wrap=True,
            markup=False,
        )
