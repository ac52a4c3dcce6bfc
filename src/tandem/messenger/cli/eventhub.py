"""`tandem eventhub`: what is done with events that the shop posts here."""

from dataclasses import asdict
from typing import Annotated

import typer

from tandem.kit.commands import command, data, print_json, words

app = typer.Typer(no_args_is_help=True, help="Event hub: events from the shop become contacts or messages.")

Account = Annotated[str | None, typer.Option(help="Account by name or id; may be left out if there is one.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command()
@command("messenger")
def mappings(account: Account = None, as_json: Json = False) -> None:
    """Which selector does what."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.eventhub import service

    found = service.mappings(find_account(account).id)
    if as_json:
        print_json([asdict(one) for one in found])
    for one in found if not as_json else ():
        data.print(f"{one.id:>4}  {one.selector}  {one.action.value} {one.target}", markup=False)


@app.command("map")
@command("messenger")
def map_selector(
    selector: str,
    action: Annotated[str, typer.Argument(help="create-user, update-user or send-trigger.")],
    target: Annotated[int, typer.Argument(help="Id of a list; of send-trigger, of a trigger.")],
    account: Account = None,
    as_json: Json = False,
) -> None:
    """From now on do this with events of the selector."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.eventhub import service

    view = service.add_mapping(
        find_account(account).id,
        selector=selector,
        action=action,
        target=target,
        clock=clock.from_environment(),
    )
    if as_json:
        print_json(asdict(view))
    else:
        words.print(f"Events of {view.selector}: {view.action.words} {view.target}.", markup=False)


@app.command()
@command("messenger")
def unmap(mapping_id: int, account: Account = None) -> None:
    """Take a mapping away."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.eventhub import service

    service.remove_mapping(find_account(account).id, mapping_id)
    words.print(f"Mapping {mapping_id} is removed.")


@app.command()
@command("messenger")
def events(
    state: Annotated[str, typer.Option(help="done, kept or failed; all if left out.")] = "",
    limit: int = 50,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """The newest events and what became of each."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.eventhub import service

    found = service.events(find_account(account).id, state=state, limit=limit)
    if as_json:
        print_json([asdict(one) for one in found])
    for one in found if not as_json else ():
        data.print(
            f"{one.id:>6}  {one.received_at:%Y-%m-%d %H:%M:%S} UTC  {one.selector}  {one.state.value}  {one.words}",
            soft_wrap=True,
            markup=False,
        )


@app.command("take-up")
@command("messenger")
def take_up(event_number: int, account: Account = None) -> None:
    """Try a kept or failed event again, as things are mapped now."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.eventhub import service

    view = service.take_up(find_account(account).id, event_number, clock=clock.from_environment())
    words.print(f"Event {view.id}: {view.state.value}. {view.words}", markup=False)
