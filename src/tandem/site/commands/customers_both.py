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


def add_to(group: typer.Typer) -> None:
    """Register the commands beside the planner's own."""
    group.command()(forget)
    group.command()(export)


@command("planner")
def forget(
    customer_id: Annotated[str, typer.Argument(help="The customer's id")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Really erase; without it only what would go is shown.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show where data is, change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Erase one person in the planner and the messenger; prints where data was and what remains."""
    from tandem.planner.accounts import service as accounts
    from tandem.planner.customers import service

    if not yes and not dry_run:
        raise Refused(
            "Forgetting cannot be undone.", "Add --yes to do it, or --dry-run to see where data is."
        )
    if dry_run:
        print_json(_everywhere(customer_id))
        return
    planner = []
    for account in accounts.list_accounts():
        try:
            gone = service.forget(account.id, customer_id, clock=clock.from_environment())
        except NotFound:
            continue
        planner.append({"account": account.name, **dataclasses.asdict(gone)})
    report = {
        "customer_id": customer_id,
        "planner": planner,
        "messenger": _messenger("forget", customer_id, "--json"),
    }
    if as_json:
        print_json(report)
        return
    _print_report(report)


@command("planner")
def export(customer_id: Annotated[str, typer.Argument(help="The customer's id")]) -> None:
    """Print everything both halves know about one person, as one JSON document."""
    print_json(_everywhere(customer_id))


def _everywhere(customer_id: str) -> dict[str, Any]:
    from tandem.planner.accounts import service as accounts
    from tandem.planner.customers import service

    planner = []
    for account in accounts.list_accounts():
        try:
            planner.append({"account": account.name, **service.export(account.id, customer_id)})
        except NotFound:
            continue
    messenger = _messenger("export", customer_id)
    if not planner and not messenger:
        raise NotFound(f"No customer {customer_id} is known in either half.", "Check the id.")
    return {"customer_id": customer_id, "planner": planner, "messenger": messenger}


def _messenger(verb: str, customer_id: str, *more: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "tandem", "contacts", verb, *more, "--", customer_id],
        capture_output=True,
        check=False,
    )
    if done.returncode == NotFound.exit_code:
        return []
    if done.returncode != 0:
        raise OtherSideFailed(
            f"The messenger's half was not reached: {done.stderr.decode(errors='replace').strip()[-500:]}",
            "The planner's half is done; run this again when the messenger's database answers.",
        )
    return orjson.loads(done.stdout)


def _print_report(report: dict[str, Any]) -> None:
    words.print(f"Forgotten: {report['customer_id']}")
    for half in ("planner", "messenger"):
        entries = report[half] if isinstance(report[half], list) else [report[half]]
        for entry in entries:
            for place, count in entry.get("found", ()):
                data.print(f"{half}: {count} in {place}", markup=False)
            for sentence in entry.get("remains", ()):
                data.print(f"{half}: {sentence}", markup=False)
