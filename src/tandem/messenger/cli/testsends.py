"""`tandem tests`: test messages, and the addresses that they may go to."""

from dataclasses import asdict
from typing import Annotated

import typer

from tandem.kit.commands import command, print_json, words

app = typer.Typer(no_args_is_help=True, help="Test messages of the messenger, to verified addresses only.")
AccountOption = Annotated[str | None, typer.Option("--account", help="Name or id; the only one if left out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
ACTOR = "command line"


@app.command("send")
@command("messenger")
def send(
    trigger: int,
    to: Annotated[list[str], typer.Option("--to", help="A verified address or number; up to 20 of them.")],
    original_id: Annotated[str, typer.Option("--as", help="originalId of a contact of the list.")] = "",
    version: Annotated[
        int | None, typer.Option(help="Id of a version, also of a draft; the active one if left out.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a test of a version. It is of no campaign and stands in no statistics."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.projects import service as projects
    from tandem.messenger.testsends import service
    from tandem.messenger.testsends.domain import Wish

    chosen = find_account(account)
    version_id = version or projects.send_target(chosen.id, trigger).version_id
    if dry_run:
        projects.check_version(chosen.id, trigger, version_id)
        words.print(f"Version {version_id} would go to {len(to)} address(es).", markup=False)
        return
    wish = Wish(trigger_id=trigger, version_id=version_id, to=tuple(to), original_id=original_id)
    done = service.send_test(chosen.id, wish, actor=ACTOR, clock=clock.from_environment())
    if as_json:
        print_json(asdict(done))
        return
    for line in done.lines:
        note = f" ({line.note}; the test goes there all the same)" if line.note else ""
        typer.echo(f"{line.to}\t{line.fate}\t{line.answer}{note}")


@app.command("addresses")
@command("messenger")
def addresses(account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the addresses that tests may go to."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.testsends import service

    found = service.list_addresses(find_account(account).id)
    if as_json:
        print_json([asdict(one) for one in found])
    for one in found if not as_json else ():
        state = "verified" if one.verified_at else "waits for its code"
        typer.echo(f"{one.id}\t{one.channel}\t{one.address}\t{state}")


@app.command("add")
@command("messenger")
def add(address: str, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """Add an address or number, and send its code there."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.testsends import service

    chosen = find_account(account)
    made, line = service.add_address(chosen.id, address, actor=ACTOR, clock=clock.from_environment())
    if as_json:
        print_json({**asdict(made), "code": {"state": line.fate, "answer": line.answer}})
        return
    words.print(
        f"A code goes to {made.address}: {line.fate}, {line.answer or 'no answer yet'}.", markup=False
    )
    words.print(f"Then: tandem tests verify {made.id} CODE", markup=False)


@app.command("verify")
@command("messenger")
def verify(address: int, code: str, account: AccountOption = None) -> None:
    """Give the code of an address, named by its number; then tests may go there."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.testsends import service

    chosen, now = find_account(account), clock.from_environment()
    done = service.verify_address(chosen.id, address, code, actor=ACTOR, clock=now)
    words.print(f"{done.address} is verified.", markup=False)


@app.command("remove")
@command("messenger")
def remove(
    address: int,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    account: AccountOption = None,
) -> None:
    """Take an address, named by its number, off the list."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.testsends import service

    chosen, now = find_account(account), clock.from_environment()
    if not dry_run:
        service.remove_address(chosen.id, address, actor=ACTOR, clock=now)
    words.print(f"Address {address} {'would be' if dry_run else 'is'} removed.", markup=False)


@app.command("sms-price")
@command("messenger")
def sms_price(
    price: Annotated[str, typer.Argument(help="Of one part, in the account's currency; empty = not known.")],
    account: AccountOption = None,
) -> None:
    """Say what one part of an SMS costs; previews then show what a message costs."""
    from tandem.kit import clock
    from tandem.messenger.accounts import prices
    from tandem.messenger.accounts.service import find_account

    chosen = find_account(account)
    found = prices.set_sms_price(chosen.id, price, actor=ACTOR, clock=clock.from_environment())
    words.print(f"{found.amount:f} {found.currency} a part." if found else "No price is set.", markup=False)


@app.command("list")
@command("messenger")
def list_all(account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the latest tests."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.testsends import service

    found = service.recent(find_account(account).id, clock=clock.from_environment())
    if as_json:
        print_json([asdict(one) for one in found])
    for one in found if not as_json else ():
        for line in one.lines:
            typer.echo(
                f"{one.at:%Y-%m-%d %H:%M:%S}\t{one.trigger_id}/{one.version_id}\t{line.to}\t{line.fate}"
            )
