"""`tandem customers forget|export`: one person, in both halves."""

import dataclasses
import subprocess
import sys
from typing import Annotated, Any

import orjson
import typer

from tandem.kit import clock
from tandem.kit.commands import command, data, print_json, words
from tandem.kit.problems import NotFound, OtherSideFailed, Refused

REMAINS = (
    "Dumps made before now, and your backups: as long as you keep them. After `tandem db restore` of such a dump run "
    "this command again.",
    "Your own files that were imported: they are yours to change.",
    "The database server's own files: freed pages until they are written over (VACUUM ran just now), and its log of "
    "changes (pg_wal) until the server recycles it, which two checkpoints (10 minutes of work) do.",
    "Messages that were handed to a relay or a gateway, and the logs kept there.",
)


def add_to(group: typer.Typer) -> None:
    """Register the commands beside the planner's own."""
    group.command()(forget)
    group.command()(export)


AccountOption = Annotated[
    str,
    typer.Option(
        "--account",
        help="The planner's account, by name or id, and its accounts at this messenger; all if left out.",
    ),
]


@command("planner")
def forget(
    customer_id: Annotated[str, typer.Argument(help="The customer's id")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Really erase; without it only what would go is shown.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show where data is, change nothing.")] = False,
    account: AccountOption = "",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Erase one person in the planner and the messenger; prints where data was and what remains."""
    if not yes and not dry_run:
        raise Refused(
            "Forgetting cannot be undone.", "Add --yes to do it, or --dry-run to see where data is."
        )
    planner_accounts, numbers = _scope(account)
    if dry_run:
        print_json(_everywhere(customer_id, planner_accounts, numbers))
        return
    planner = _forget_here(customer_id, planner_accounts)
    if not planner and not _known_to_messenger(customer_id, numbers):
        raise _unknown(customer_id, account)
    report = {
        "customer_id": customer_id,
        "planner": planner,
        "messenger": _messenger("forget", customer_id, numbers, "--json"),
        "remains": list(REMAINS),
    }
    if as_json:
        print_json(report)
        return
    _print_report(report)


@command("planner")
def export(
    customer_id: Annotated[str, typer.Argument(help="The customer's id")],
    account: AccountOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="It is JSON either way.")] = False,
) -> None:
    """Print everything both halves know about one person, as one JSON document."""
    found = _everywhere(customer_id, *_scope(account))
    if not found["planner"] and not _holds_anything(found["messenger"]):
        raise _unknown(customer_id, account)
    print_json(found)


def _scope(account: str) -> tuple[tuple[Any, ...], tuple[str, ...] | None]:
    """The planner's accounts that are meant, and the messenger's: None = all of them."""
    from tandem.planner.accounts import service as accounts
    from tandem.planner.channels import service as channels

    if not account:
        return accounts.list_accounts(), None
    chosen = accounts.find_account(account)
    return (chosen,), tuple(sorted({view.customer_id for view in channels.list_accounts(chosen.id)}))


def _forget_here(customer_id: str, planner_accounts: tuple[Any, ...]) -> list[dict[str, Any]]:
    from tandem.planner.customers import service

    reports = []
    for one in planner_accounts:
        try:
            gone = service.forget(one.id, customer_id, clock=clock.from_environment())
        except NotFound:
            continue
        reports.append({"account": one.name, **dataclasses.asdict(gone)})
    return reports


def _everywhere(
    customer_id: str, planner_accounts: tuple[Any, ...], numbers: tuple[str, ...] | None
) -> dict[str, Any]:
    from tandem.planner.customers import service

    planner = []
    for one in planner_accounts:
        try:
            planner.append({"account": one.name, **service.export(one.id, customer_id)})
        except NotFound:
            continue
    messenger = _messenger("export", customer_id, numbers)
    return {"customer_id": customer_id, "planner": planner, "messenger": messenger}


def _known_to_messenger(customer_id: str, numbers: tuple[str, ...] | None) -> bool:
    return _holds_anything(_messenger("export", customer_id, numbers))


def _holds_anything(exported: list[dict[str, Any]]) -> bool:
    return any(one[part] for one in exported for part in ("contacts", "consent", "suppressed", "messages"))


def _unknown(customer_id: str, account: str) -> NotFound:
    where = f"the account {account}" if account else "either half"
    return NotFound(f"No customer {customer_id} is known in {where}.", "Check the id.")


def _messenger(
    verb: str, customer_id: str, numbers: tuple[str, ...] | None, *more: str
) -> list[dict[str, Any]]:
    """What `tandem contacts VERB` answers of all accounts, or of those numbers that are of this messenger."""
    if numbers is None:
        return _contacts(verb, *more, "--", customer_id)
    return [
        one for number in numbers for one in _contacts(verb, *more, "--account", number, "--", customer_id)
    ]


def _contacts(verb: str, *arguments: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tandem", "contacts", verb, *arguments], capture_output=True, check=False
    )
    if done.returncode == NotFound.exit_code:
        return []  # the connection leads to a messenger elsewhere
    if done.returncode != 0:
        raise OtherSideFailed(
            f"The messenger's half was not reached: {done.stderr.decode(errors='replace').strip()[-500:]}",
            "The planner's half is done; run this again when the messenger's database answers.",
        )
    return list(orjson.loads(done.stdout))


def _print_report(report: dict[str, Any]) -> None:
    words.print(f"Forgotten: {report['customer_id']}", markup=False)
    for half in ("planner", "messenger"):
        for entry in report[half]:
            for place, count in entry["found"]:
                data.print(f"{half}, {entry['account']}: {count} in {place}", markup=False, soft_wrap=True)
            for sentence in entry["remains"]:
                data.print(f"{half}, {entry['account']}, remains: {sentence}", markup=False, soft_wrap=True)
    for sentence in report["remains"]:
        data.print(f"Remains: {sentence}", markup=False, soft_wrap=True)
