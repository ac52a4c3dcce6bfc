"""`tandem counting`: whose openings and clicks are counted."""

from typing import TYPE_CHECKING, Annotated

import typer

from tandem.kit.commands import command, data, print_json, words

if TYPE_CHECKING:
    from tandem.messenger.contacts.domain import Applies

app = typer.Typer(
    no_args_is_help=True, help="Whose openings and clicks are counted: of the account, a list, a contact."
)
AccountOption = Annotated[str | None, typer.Option("--account", help="Name or id; the only one if left out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
ListOption = Annotated[int | None, typer.Option("--list", help="Of this list; of the account if left out.")]
ContactOption = Annotated[
    str | None, typer.Option("--contact", help="Of this contact of the list: the shop's own id.")
]


@app.command("show")
@command("messenger")
def show(
    list_id: ListOption = None,
    contact: ContactOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is counted, and which switches make it so."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.contacts import counting

    chosen = find_account(account).id
    _say(counting.applies(chosen, **_place(chosen, list_id, contact)), as_json=as_json)


@app.command("switch")
@command("messenger")
def switch(
    opens: Annotated[bool | None, typer.Option("--opens/--no-opens", help="A picture in each email.")] = None,
    clicks: Annotated[
        bool | None, typer.Option("--clicks/--no-clicks", help="Links lead through this server.")
    ] = None,
    list_id: ListOption = None,
    contact: ContactOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Switch openings, clicks or both, for messages made from now on; what is left out stays as it is."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.contacts import counting

    if opens is None and clicks is None:
        raise typer.BadParameter("Name --opens, --no-opens, --clicks or --no-clicks.")
    chosen = find_account(account).id
    applies = counting.change(
        chosen, opens=opens, clicks=clicks, actor="command line", clock=clock.from_environment(),
        **_place(chosen, list_id, contact),
    )  # fmt: skip
    _say(applies, as_json=as_json)


def _place(account_id: int, list_id: int | None, contact: str | None) -> dict[str, int]:
    """Of whom it is. Raises UnknownList, UnknownContact."""
    from tandem.messenger.contacts import service as contacts

    if contact is not None and list_id is None:
        raise typer.BadParameter("A contact is one of a list: name --list too.")
    if list_id is None:
        return {}
    if contact is not None:
        return {"contact_id": contacts.get_contact(account_id, list_id, contact).id}
    return {"list_id": contacts.get_list(account_id, list_id).id}


def _say(applies: "Applies", *, as_json: bool) -> None:
    names = ("opens", "clicks")
    if as_json:
        print_json(
            {
                **{name: getattr(applies.own, name) for name in names},
                "counted": {name: getattr(applies.counted, name) for name in names},
                "off_by": {name: list(applies.off_by(name)) for name in names},
            }
        )
        return
    for name, shown in (("opens", "openings"), ("clicks", "clicks")):
        off = applies.off_by(name)
        data.print(f"{shown}\t{'not counted, off for the ' + ' and '.join(off) if off else 'counted'}")
    words.print("Switches hold for messages made from now on.")
