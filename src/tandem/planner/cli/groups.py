"""`tandem groups`: save, list, count and look into target groups."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from tandem.kit import clock
from tandem.kit.commands import command, data, print_json, words
from tandem.kit.problems import Refused

app = typer.Typer(no_args_is_help=True, help="Target groups: conditions to count, sample and explain.")

AccountOption = Annotated[
    str | None, typer.Option("--account", help="Name or id; needed if there are several.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
GroupArgument = Annotated[str | None, typer.Argument(help="Name or id of a target group.")]
TextOption = Annotated[
    str, typer.Option("--text", help='A condition, as "spent more than 300 in the last 90 days".')
]
FileOption = Annotated[
    Path | None, typer.Option("--condition", help="A file that holds a condition in the stored form (JSON).")
]


@app.command("save")
@command("planner")
def save(
    name: Annotated[str, typer.Argument(help="Name of the group.")],
    text: TextOption = "",
    condition: FileOption = None,
    replace: Annotated[
        str | None, typer.Option("--replace", help="Name or id of the group to change.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count, save nothing.")] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Save a target group, or with --replace a new version of one."""
    from tandem.planner.targeting import service

    account_id = _account(account)
    asked = _condition(account_id, None, text, condition)
    if dry_run:
        _tell_count(account_id, asked, json)
        return
    known = service.find_group(account_id, replace).id if replace else None
    group = service.save_group(
        account_id, name=name, condition=asked, group_id=known, clock=clock.from_environment()
    )
    if json:
        print_json(asdict(group))
        return
    data.print(f"Saved as group {group.id}, version {group.version}: {group.text}", markup=False)
    words.print(f"Next: tandem groups count {group.id}")


@app.command("list")
@command("planner")
def list_all(account: AccountOption = None, json: JsonOption = False) -> None:
    """All target groups."""
    from tandem.planner.targeting import service

    groups = service.list_groups(_account(account))
    if json:
        print_json([asdict(group) for group in groups])
        return
    table = Table("priority", "id", "name", "version", "condition")
    for group in groups:
        table.add_row(str(group.priority), str(group.id), group.name, str(group.version), group.text)
    data.print(table)


@app.command("priority")
@command("planner")
def priority(
    group: GroupArgument,
    place: Annotated[int, typer.Argument(min=1, help="1 = highest; the others close up.")],
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Give a group its place: who is in several groups counts in the highest."""
    from tandem.planner.targeting import service

    account_id = _account(account)
    found = service.find_group(account_id, group or "")
    moved = service.set_priority(
        account_id, found.id, place, actor="tandem groups", clock=clock.from_environment()
    )
    if json:
        print_json(asdict(moved))
        return
    data.print(f"{moved.name} has priority {moved.priority}.", markup=False)


@app.command("show")
@command("planner")
def show(group: GroupArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """One target group: its text and its stored form."""
    from tandem.planner.targeting import service

    found = service.find_group(_account(account), group or "")
    if json:
        print_json(asdict(found))
        return
    data.print(f"{found.id} {found.name}, version {found.version}\n{found.text}", markup=False)


@app.command("count")
@command("planner")
def count(
    group: GroupArgument = None,
    text: TextOption = "",
    condition: FileOption = None,
    why: Annotated[bool, typer.Option("--why", help="Also how many are left after each condition.")] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """How many customers are in a group, or meet a condition, on the latest snapshot's day."""
    from tandem.planner.targeting import service

    account_id = _account(account)
    asked = _condition(account_id, group, text, condition)
    _tell_count(account_id, asked, json, service.why_nobody(account_id, asked) if why else ())


def _tell_count(account_id: int, asked: dict[str, Any], json: bool, why: tuple[Any, ...] = ()) -> None:
    from tandem.planner.targeting import service

    found = service.count(account_id, asked)
    if json:
        print_json({**asdict(found), "share": found.share, "why": [asdict(step) for step in why]})
        return
    data.print(
        f"{found.members:,} of {found.customers:,} customers ({found.share:.1%}) on {found.as_of}",
        markup=False,
    )
    for name, figure in (("email", found.email), ("SMS", found.sms)):
        if figure is not None:
            data.print(f"  may receive {name}: {figure:,}", markup=False)
    for stage, figure in found.stages:
        data.print(f"  {stage}: {figure:,}", markup=False)
    for step in why:
        data.print(f"  {step.text}: {step.alone:,} alone, {step.after:,} left", markup=False)


@app.command("expected")
@command("planner")
def expected(
    group: GroupArgument = None,
    text: TextOption = "",
    condition: FileOption = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """What a group will spend in a year and how many of it will be in Churn, with the ranges of 8 times of 10."""
    from tandem.planner.targeting import service

    account_id = _account(account)
    found = service.expectation(account_id, _condition(account_id, group, text, condition))
    if json:
        print_json(asdict(found) if found else None)
    elif found is None:
        data.print("Nothing is said of fewer than 50 customers, or before there are scores.")
    else:
        data.print(f"{found.members:,} customers on {found.as_of}")
        if found.value:
            data.print(f"will spend {found.value.low:,.0f} to {found.value.high:,.0f} in a year, together")
        if found.churn:
            data.print(f"{found.churn.low:.1%} to {found.churn.high:.1%} will be in Churn in 28 days")
        if not found.value and not found.churn:
            data.print("Too few past days can be looked back at to say how far off figures may be.")


@app.command("sample")
@command("planner")
def sample(
    group: GroupArgument = None,
    text: TextOption = "",
    condition: FileOption = None,
    size: Annotated[int, typer.Option("--size", min=1, max=50, help="How many people.")] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another number shows other people.")] = 0,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """A few members of a group."""
    from tandem.planner.targeting import service

    account_id = _account(account)
    people = service.sample(account_id, _condition(account_id, group, text, condition), size=size, seed=seed)
    if json:
        print_json([asdict(person) for person in people])
        return
    for person in people:
        told = ", ".join(f"{name} {value}" for name, value in person.values.items() if value is not None)
        data.print(f"{person.customer_id}: {told}", markup=False)


@app.command("explain")
@command("planner")
def explain(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    group: GroupArgument = None,
    text: TextOption = "",
    condition: FileOption = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Why a customer is, or is not, in a group."""
    from tandem.planner.targeting import service

    account_id = _account(account)
    found = service.explain(account_id, _condition(account_id, group, text, condition), customer_id)
    if json:
        print_json(asdict(found))
        return
    data.print(f"{customer_id} is {'' if found.member else 'not '}in the group.", markup=False)
    for step in found.steps:
        own = f": {step.value}" if step.value else ""
        data.print(f"{'  ' * step.depth}{'yes' if step.met else 'NO '} {step.text}{own}", markup=False)


def _account(name_or_id: str | None) -> int:
    from tandem.planner.accounts.service import find_account

    return find_account(name_or_id).id


def _condition(account_id: int, group: str | None, text: str, file: Path | None) -> dict[str, Any]:
    from tandem.planner.targeting import service

    if sum((bool(group), bool(text), file is not None)) != 1:
        raise Refused("Say which people are meant.", "Give one of: a group, --text or --condition.")
    if group:
        return service.find_group(account_id, group).condition
    if text:
        return service.to_condition(account_id, text)
    try:
        stored = orjson.loads((file or Path()).read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise Refused(
            f"{file} cannot be read as JSON: {error}.", "Give a condition in the stored form."
        ) from None
    return service.checked(account_id, stored)
