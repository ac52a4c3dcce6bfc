"""`tandem contacts`: lists, imports, erasure and export in the messenger."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from tandem.kit.commands import command, print_json, words

app = typer.Typer(no_args_is_help=True, help="Contacts of the messenger: lists, imports, erasure, export.")
AccountOption = Annotated[str | None, typer.Option("--account", help="Name or id; the only one if left out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")]


@app.command("lists")
@command("messenger")
def lists(account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the lists with their counts."""
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.contacts import service

    found = [asdict(view) for view in service.list_lists(find_account(account).id)]
    if as_json:
        print_json(found)
    for view in found if not as_json else ():
        typer.echo(
            f"{view['id']}\t{view['name']}\t{view['contacts']} contacts\t{view['unsubscribed']} unsubscribed"
        )


@app.command("create-list")
@command("messenger")
def create_list(name: str, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """Make a list."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.contacts import service

    made = service.create_list(find_account(account).id, name=name, clock=clock.from_environment())
    if as_json:
        print_json(asdict(made))
    else:
        words.print(f"List {made.name} has the id {made.id}.", markup=False)


@app.command("import")
@command("messenger")
def import_contacts(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    list_id: Annotated[int, typer.Option("--list", help="Id of the list.")],
    kind: Annotated[str, typer.Option(help="ADD, REPLACE or UNSUBSCRIBE.")] = "ADD",
    delimiter: Annotated[
        str | None, typer.Option(help="One character; seen from the file if left out.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", help="COLUMN=ATTRIBUTE, COLUMN= to leave out, COLUMN=+ to make it."),
    ] = None,
    guess: Annotated[
        bool, typer.Option("--guess", help="Guess columns whose name is no attribute's.")
    ] = False,
    inactive: Annotated[
        int | None,
        typer.Option(help="With REPLACE: the number of contacts that become inactive, as the dry run says."),
    ] = None,
    refused: Annotated[Path | None, typer.Option(help="Write the refused rows to this file.")] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
    dry_run: DryRun = False,
) -> None:
    """Import a CSV or TSV file with a header line. Nobody is subscribed again by an import.

    --dry-run says what would happen; REPLACE wants its number of contacts that become inactive back.
    """
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.cli import imports

    wanted = imports.Wanted(
        file=file, kind=kind.upper(), delimiter=delimiter, columns=tuple(columns or ()), inactive=inactive,
        refused=refused, guess=guess, dry_run=dry_run,
    )  # fmt: skip
    done = imports.run(find_account(account).id, list_id, wanted, clock.from_environment())
    if as_json:
        print_json(done)
    else:
        imports.tell(done)
    if done["status"] == "ERROR":
        raise SystemExit(1)


@app.command("consent")
@command("messenger")
def consent(
    original_id: str,
    account: AccountOption = None,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A CSV file on stdout.")] = False,
) -> None:
    """Show how a customer's consent changed, when, where and in which words; also after the customer was forgotten."""
    import csv
    import sys

    from tandem.messenger.contacts import service
    from tandem.messenger.contacts.mapping import safe_cell

    lines = [
        {"account": owner.name, **service.proof_line(view)}
        for owner in _owners(account)
        for view in service.proofs_of(owner.id, original_id)
    ]
    if as_json:
        print_json(lines)
    elif as_csv:
        names = ("account", *service.PROOF_COLUMNS)
        sheet = csv.writer(sys.stdout)
        sheet.writerow(names)
        sheet.writerows([safe_cell(str(line[name] or "")) for name in names] for line in lines)
    for line in lines if not (as_json or as_csv) else ():
        where = line["door"] or line["source"]
        typer.echo(f"{line['at']}\t{line['list_name']}\t{line['channel']}\t{line['change']}\t{where}")


@app.command("unsubscribe")
@command("messenger")
def unsubscribe(
    original_id: str,
    list_id: Annotated[int, typer.Option("--list", help="Id of the list.")],
    reason: Annotated[str, typer.Option(help="Why; part of the proof.")],
    channel: Annotated[str, typer.Option(help="email or sms.")] = "email",
    account: AccountOption = None,
    as_json: JsonOption = False,
    dry_run: DryRun = False,
) -> None:
    """End one channel of a list for a contact. Only the person can start it again."""
    import getpass

    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.contacts import service
    from tandem.messenger.contacts.proofs import Door, Proof

    owner = find_account(account).id
    found = service.get_contact(owner, list_id, original_id)
    proof = Proof(door=Door.CLI, actor=getpass.getuser(), detail=reason)
    ended = not dry_run and service.unsubscribe(
        owner, found.id, channel, source="command line", proof=proof, clock=clock.from_environment()
    )
    if as_json:
        print_json({"unsubscribed": ended})
    else:
        words.print(
            "Would unsubscribe." if dry_run else "Unsubscribed." if ended else "It had ended already."
        )


@app.command("forget")
@command("messenger")
def forget(
    original_id: str, account: AccountOption = None, as_json: JsonOption = False, dry_run: DryRun = False
) -> None:
    """Erase a customer from lists, ledger and outbox of every account (or one), and say what remains."""
    from tandem.kit import clock
    from tandem.messenger.bounces import service as bounces
    from tandem.messenger.contacts import service
    from tandem.messenger.delivery import forgetting
    from tandem.messenger.engagement import service as engagement
    from tandem.messenger.eventhub import service as hub
    from tandem.messenger.reporting import unsubscribes
    from tandem.messenger.sms import service as sms
    from tandem.messenger.testsends import service as testsends

    now = clock.from_environment()
    reports = []
    for owner in _owners(account):
        gone = unsubscribes.forget(owner.id, original_id, dry_run=dry_run)
        gone |= engagement.forget(owner.id, original_id, dry_run=dry_run)
        gone |= bounces.forget(owner.id, original_id, dry_run=dry_run)
        gone |= forgetting.forget(owner.id, original_id, dry_run=dry_run)
        gone |= testsends.forget(owner.id, original_id, dry_run=dry_run)
        gone |= sms.forget(owner.id, original_id, dry_run=dry_run)
        gone |= hub.forget(owner.id, original_id, dry_run=dry_run)
        report = service.forget(owner.id, original_id, dry_run=dry_run, clock=now)
        found = {**report.places, **gone}
        reports.append({"account": owner.name, "found": list(found.items()), "remains": report.remains})
    if as_json:
        print_json(reports)
        return
    for told in reports:
        for place, count in told["found"]:
            words.print(f"{told['account']}: {count} in {place}", markup=False)
        for line in told["remains"]:
            words.print(f"Remains: {line}.", markup=False)


@app.command("export")
@command("messenger")
def export(original_id: str, account: AccountOption = None) -> None:
    """Everything that is stored of a customer, as JSON on stdout."""
    from tandem.messenger.contacts import service
    from tandem.messenger.delivery import forgetting
    from tandem.messenger.engagement import service as engagement
    from tandem.messenger.reporting import unsubscribes
    from tandem.messenger.sms import service as sms

    print_json(
        [
            {
                "account": owner.name,
                **service.export(owner.id, original_id),
                "messages": forgetting.export(owner.id, original_id),
                "unsubscribes": unsubscribes.export(owner.id, original_id),
                "reactions": engagement.export(owner.id, original_id),
                "incoming_sms": sms.export(owner.id, original_id),
            }
            for owner in _owners(account)
        ]
    )


def _owners(account: str | None) -> Any:
    from tandem.messenger.accounts import service

    return [service.find_account(account)] if account else service.list_accounts()
