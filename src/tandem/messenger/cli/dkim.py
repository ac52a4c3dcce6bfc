"""`tandem dkim`: keys that sign an account's mail, for installations whose relay does not."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.kit.commands import command, data, print_json

if TYPE_CHECKING:
    from tandem.messenger.delivery.dkim.keys import KeyView

app = typer.Typer(no_args_is_help=True, help="Sign mail with keys of your own, if the relay does not (DKIM).")
AccountOption = Annotated[str | None, typer.Option("--account", help="Name or id; the only one if left out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Domain = Annotated[str, typer.Option(help="Domain of the senders' addresses, such as shop.example.")]
Selector = Annotated[str, typer.Option(help="Name of the key, such as t2026a; a new one for each key.")]


@app.command("make")
@command("messenger")
def make(
    domain: Domain,
    selector: Selector,
    algorithm: Annotated[
        str, typer.Option(help="rsa (2048 bits), or ed25519 beside it: not every receiver knows that.")
    ] = "rsa",
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print the DNS record to publish. It signs once `use` is called."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.delivery.dkim import service

    made = service.make_key(
        find_account(account).id,
        domain=domain,
        selector=selector,
        algorithm=algorithm,
        clock=clock.from_environment(),
    )
    _show([made], as_json)


@app.command("list")
@command("messenger")
def list_keys(account: AccountOption = None, as_json: JsonOption = False) -> None:
    """Every key with its state and its record."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.delivery.dkim import service

    _show(service.list_keys(find_account(account).id), as_json)


@app.command("check")
@command("messenger")
def check(
    domain: Domain, selector: Selector, account: AccountOption = None, as_json: JsonOption = False
) -> None:
    """Look the record up in DNS. Exit code 1 if it is not there, or is another."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.delivery.dkim import service

    wrong = service.check_key(find_account(account).id, domain=domain, selector=selector)
    if as_json:
        print_json({"published": not wrong, "problem": wrong})
    else:
        data.print(wrong or "The record is published and right.", markup=False)
    if wrong:
        raise typer.Exit(1)


@app.command("use")
@command("messenger")
def use(
    domain: Domain,
    selector: Selector,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Without a look at DNS, where this machine cannot ask it.")
    ] = False,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign with this key from the next sending on; the one until now retires."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.delivery.dkim import service

    chosen = find_account(account).id
    _show([service.use_key(chosen, domain=domain, selector=selector, check=not unchecked)], as_json)


@app.command("rotate")
@command("messenger")
def rotate(
    domain: Domain, selector: Selector, account: AccountOption = None, as_json: JsonOption = False
) -> None:
    """Make the key that follows this one and print its record. This one signs until `use` of the new one."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.delivery.dkim import service

    made = service.rotate_key(
        find_account(account).id, domain=domain, selector=selector, clock=clock.from_environment()
    )
    _show([made], as_json)


@app.command("retire")
@command("messenger")
def retire(
    domain: Domain, selector: Selector, account: AccountOption = None, as_json: JsonOption = False
) -> None:
    """Sign no more with this key. Leave its record in DNS for two weeks."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.delivery.dkim import service

    _show([service.retire_key(find_account(account).id, domain=domain, selector=selector)], as_json)


def _show(found: "list[KeyView]", as_json: bool) -> None:
    from tandem.messenger.delivery.dkim.keys import as_zone

    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        data.print(f"{one.domain}\t{one.selector}\t{one.algorithm}\t{one.state}", markup=False)
        data.print(as_zone(one.name, one.record), markup=False, soft_wrap=True)
