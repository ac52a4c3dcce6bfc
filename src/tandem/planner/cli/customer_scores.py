"""`tandem customers explain` and `movement`: one customer against the stage, and who moved between segments."""

from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer
from rich.table import Table

from tandem.kit.commands import command, data, print_json
from tandem.kit.problems import Refused

AccountOption = Annotated[
    str | None, typer.Option("--account", help="Name or id; needed if there are several.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@command("planner")
def explain(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Say why a customer has the scores it has, against the others of the stage."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.modelling.scoring.service import explain_customer

    told = explain_customer(find_account(account).id, customer_id)
    if json:
        print_json(asdict(told) if told else None)
        return
    if told is None:
        data.print("Not in a snapshot yet: run `tandem customers snapshot`.")
        return
    data.print(f"{told.customer_id}, {told.stage} on {told.as_of}", markup=False)
    data.print(told.rhythm, markup=False, soft_wrap=True)
    for reason in told.differs:
        data.print(f"  {reason.words}", markup=False, soft_wrap=True)
    for line in told.scores:
        inside = f", {line.percentile_in_stage} in the stage" if line.percentile_in_stage else ""
        rank = f" Rank {line.percentile} of 100{inside}." if line.percentile else ""
        data.print(f"\n{line.label}: {line.words}{rank} {line.right}".rstrip(), markup=False, soft_wrap=True)
        for reason in line.reasons:
            data.print(f"  {reason.words}", markup=False, soft_wrap=True)
    for note in told.notes:
        data.print(f"\n{note}", markup=False, soft_wrap=True)


@command("planner")
def movement(
    what: Annotated[str, typer.Option(help="stage, value_segment or microsegment.")] = "stage",
    over: Annotated[str, typer.Option(help="day, week or month.")] = "week",
    day: Annotated[
        str, typer.Option(help="Up to this day, YYYY-MM-DD; the newest snapshot when left out.")
    ] = "",
    csv: Annotated[bool, typer.Option("--csv", help="The table as CSV.")] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show who moved between stages or segments: customers, rates and what they spent meanwhile."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.modelling.segments import movement as moving

    found = moving.movement(find_account(account).id, what, over, day=_day(day))
    if json:
        print_json(asdict(found))
    elif csv:
        data.print(moving.movement_csv(found), markup=False, soft_wrap=True, end="")
    else:
        table = Table("before", "now", "customers", "of those before", "spent meanwhile", title=found.words)
        for flow in found.flows:
            names = flow.before or moving.NONE, flow.after or moving.NONE
            share = "" if flow.share is None else f"{flow.share:.1%}"
            spent = "" if flow.revenue is None else f"{flow.revenue:,.2f}"
            table.add_row(*names, f"{flow.customers:,}", share, spent)
        data.print(table)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Refused(f"{text} is no day.", "Write it as 2026-06-30.") from error
