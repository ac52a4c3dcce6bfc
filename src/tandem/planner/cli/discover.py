"""`tandem discover`: search for groups, look at them, make target groups of them."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from tandem.kit import clock
from tandem.kit.commands import command, data, print_json, words

app = typer.Typer(
    no_args_is_help=True, help="Discoveries: groups that differ, found by search and confirmed."
)

AccountOption = Annotated[
    str | None, typer.Option("--account", help="Name or id; needed if there are several.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
NumberArgument = Annotated[int, typer.Argument(help="Number of a discovery, as `discover show` tells it.")]


@app.command("run")
@command("planner")
def run(
    goal: Annotated[
        str,
        typer.Option(
            "--goal",
            help="surprise, orders, spends, churns; of a campaign: responds, uplift_orders, uplift_spends.",
        ),
    ] = "surprise",
    days: Annotated[
        int | None, typer.Option("--days", help="The outcome of so many days: 30, 60, 90, 180.")
    ] = None,
    campaign: Annotated[
        int | None, typer.Option("--campaign", help="CampaignID, for goals about a campaign.")
    ] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Search now and wait for it."""
    from tandem.planner.discovery import service

    account_id = _account(account)
    now = clock.from_environment()
    asked = service.ask(
        account_id,
        goal=goal,
        days=days,
        occurrence_id=campaign,
        actor="tandem discover",
        clock=now,
        wake=False,
    )
    with Progress(console=words, transient=True) as bar:
        bar.add_task(asked.label, total=None)
        done = service.run_now(account_id, asked.id, clock=now)
    _tell(account_id, done.id, json)
    if done.state == "failed":
        raise typer.Exit(1)


@app.command("list")
@command("planner")
def list_all(account: AccountOption = None, json: JsonOption = False) -> None:
    """The searches, newest first, what is not interesting, and whether earlier groups held."""
    from tandem.planner.discovery import service

    account_id = _account(account)
    runs, dismissed = service.list_runs(account_id), service.dismissals(account_id)
    record = service.record_of(account_id)
    if json:
        print_json(
            {
                "searches": [asdict(one) for one in runs],
                "dismissed": [asdict(one) for one in dismissed],
                "record": asdict(record) | {"share": record.share},
            }
        )
        return
    table = Table("id", "goal", "days", "asked", "state", "groups")
    for one in runs:
        told = f"{one.label}: {one.subject}" if one.subject else one.label
        table.add_row(
            str(one.id), told, str(one.days), f"{one.asked_at:%Y-%m-%d %H:%M}", one.state, str(one.found)
        )
    data.print(table)
    for gone in dismissed:
        data.print(f"not interesting {gone.id}: {gone.title} ({gone.label})", markup=False)
    if record.groups:
        data.print(
            f"{record.kept} of {record.groups} groups shown earlier kept their side in the days after.",
            markup=False,
        )


@app.command("show")
@command("planner")
def show(
    search: Annotated[
        int | None, typer.Argument(help="Number of a search; the last one if left out.")
    ] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Also what is not interesting.")] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """The groups of a search, the surest first, and how they were found."""
    from tandem.planner.discovery import service

    account_id = _account(account)
    newest = None if search else service.latest_run(account_id)
    if search is None and newest is None:
        if json:
            print_json(None)
        else:
            data.print("Nothing was searched yet.")
        words.print("Next: tandem discover run")
        return
    _tell(account_id, search or newest.id, json, hidden=hidden)  # type: ignore[union-attr]


@app.command("make-group")
@command("planner")
def make_group(
    discovery: NumberArgument,
    name: Annotated[str, typer.Option("--name", help="Its title if left out.")] = "",
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Make an editable target group of a discovery."""
    from tandem.planner.discovery import service

    group = service.make_group(
        _account(account), discovery, name=name, actor="tandem discover", clock=clock.from_environment()
    )
    if json:
        print_json(asdict(group))
        return
    data.print(f"Target group {group.id}, {group.name}: {group.text}", markup=False)


@app.command("dismiss")
@command("planner")
def dismiss(
    discovery: NumberArgument,
    undo: Annotated[
        bool, typer.Option("--undo", help="The number is one of `discover list`: show it again.")
    ] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Not interesting: do not show this group, nor groups much like it."""
    from tandem.planner.discovery import service

    verb: Any = service.undo_dismissal if undo else service.dismiss
    told = verb(_account(account), discovery, actor="tandem discover", clock=clock.from_environment())
    if json:
        print_json(asdict(told))
        return
    state = (
        "is shown again" if undo else f"is not shown any more; undo: tandem discover dismiss {told.id} --undo"
    )
    data.print(f"{told.title} {state}.", markup=False)


def _tell(account_id: int, run_id: int, json: bool, *, hidden: bool = False) -> None:
    from tandem.planner.discovery import service

    run = service.get_run(account_id, run_id)
    groups = service.groups_of(account_id, run_id, hidden=hidden)
    if json:
        print_json(
            {**asdict(run), "groups": [{**asdict(one), "new_to_you": one.new_to_you} for one in groups]}
        )
        return
    data.print(
        f"Search {run.id}: {run.label}, {run.state}. {run.problem or run.how.why}".rstrip(), markup=False
    )
    for one in groups:
        new = "new to you" if one.new_to_you else f"much like {one.alike_name}"
        data.print(f"{one.id}  {one.title} ({new})\n    {one.sentence}\n    {one.text}", markup=False)
        if one.alone is not None and not one.alone.better:
            end = "highest" if one.alone.top else "lowest"
            data.print(f"    No better than as many with the {end} {one.alone.label}.", markup=False)
    data.print(
        f"{run.how.candidates:,} groups looked at, {run.how.tested} tested; seed {run.seed}, "
        f"{run.how.search:,} customers to search, {run.how.confirm:,} to confirm.",
        markup=False,
    )


def _account(name_or_id: str | None) -> int:
    from tandem.planner.accounts.service import find_account

    return find_account(name_or_id).id
