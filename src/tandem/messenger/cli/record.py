"""`tandem record`: who got what, when, why not; whether the numbers add up; how long rows are kept."""

import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated

import typer

from tandem.kit.commands import command, data, print_json, words
from tandem.messenger.record.domain import RecordLine

app = typer.Typer(no_args_is_help=True, help="Who got what, when, why not.")

Account = Annotated[str | None, typer.Option(help="Account by name or id; may be left out if there is one.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Csv = Annotated[bool, typer.Option("--csv", help="All of it as a CSV file on stdout.")]


def _account(chosen: str | None) -> int:
    from tandem.messenger.accounts import service

    return service.find_account(chosen).id


@app.command()
@command("messenger")
def customer(
    customer_id: str,
    sending: Annotated[int | None, typer.Option(help="Only this sending.")] = None,
    before: Annotated[int | None, typer.Option(help="Sendings with a lower number.")] = None,
    limit: int = 100,
    account: Account = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """All that a customer was listed for, the newest first."""
    from tandem.messenger.record import service

    chosen = _account(account)
    if as_csv:
        _csv(service.lines(service.all_of_customer(chosen, customer_id)))
        return
    if sending is not None:
        one = service.of_customer_in(chosen, sending, customer_id)
        found = [one] if one else []
    else:
        found = service.of_customer(chosen, customer_id, before=before, limit=limit)
    if as_json:
        print_json([asdict(row) for row in found])
        return
    for row in found:
        data.print(f"{row.sending_id:>8}  {row.channel}  {row.sending}  {_told(row)}", markup=False)


@app.command()
@command("messenger")
def sending(
    sending_id: int,
    state: Annotated[str | None, typer.Option(help="Only rows of this state.")] = None,
    after: Annotated[int, typer.Option(help="Rows after this number.")] = 0,
    limit: int = 100,
    account: Account = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """A sending row by row, in the order of its list."""
    from tandem.kit.problems import Refused
    from tandem.messenger.delivery import service as delivery
    from tandem.messenger.delivery.domain import AttemptState
    from tandem.messenger.record import service

    chosen = _account(account)
    delivery.get_sending(chosen, sending_id)
    if state and state not in [one.words for one in AttemptState]:
        raise Refused(
            f"No state is named {state!r}.", f"Use one of {', '.join(s.words for s in AttemptState)}."
        )
    if as_csv:
        _csv(service.lines(service.all_of_sending(chosen, sending_id)))
        return
    found = service.of_sending(chosen, sending_id, state=state, after=after, limit=limit)
    if as_json:
        print_json([asdict(row) for row in found])
        return
    for row in found:
        data.print(f"{row.seq:>8}  {row.customer}  {_told(row)}", markup=False)


@app.command()
@command("messenger")
def check(sending_id: int, account: Account = None, as_json: Json = False) -> None:
    """Count a sending's rows now; exit code 1 if the numbers do not add up."""
    from tandem.kit import clock
    from tandem.messenger.delivery import service as delivery
    from tandem.messenger.record import service

    chosen = _account(account)
    delivery.get_sending(chosen, sending_id)
    found = service.check(chosen, sending_id, clock=clock.from_environment())
    if as_json:
        print_json(asdict(found))
    else:
        data.print(", ".join(f"{rows} {state}" for state, rows in found.counted.items()) or "no rows")
        for line in found.breaches or ("All of it adds up.",):
            words.print(line, markup=False)
    if found.breaches:
        raise SystemExit(1)


@app.command()
@command("messenger")
def breaches(
    account: Account = None,
    all_: Annotated[bool, typer.Option("--all", help="Of every account.")] = False,
    as_json: Json = False,
) -> None:
    """Sendings whose numbers did not add up when they were last counted; exit code 1 if there are any."""
    from tandem.messenger.accounts import service as accounts
    from tandem.messenger.record import service

    chosen = [one.id for one in accounts.list_accounts()] if all_ else [_account(account)]
    found = [one for each in chosen for one in service.breached(each)]
    if as_json:
        print_json([asdict(one) for one in found])
    for one in found if not as_json else []:
        data.print(f"{one.sending_id:>8}  {' '.join(one.breaches)}", markup=False)
    if found:
        raise SystemExit(1)


@app.command()
@command("messenger")
def keep(
    months: Annotated[int | None, typer.Argument(help="For how many months; shown if left out.")] = None,
    account: Account = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")
    ] = False,
) -> None:
    """For how long single rows of ended sendings are kept; sums are kept for ever."""
    from tandem.messenger.record import service

    chosen = _account(account)
    if months is not None and not dry_run:
        service.keep_for(chosen, months)
    shown = months if months is not None else service.months_kept(chosen)
    words.print(f"{'Would keep rows' if dry_run else 'Rows are kept'} for {shown} months.")


def _told(row: RecordLine) -> str:
    done = f"{row.done_at:%Y-%m-%d %H:%M} UTC" if row.done_at else ""
    back = "; ".join(f"{kind} {category}".strip() for kind, category in row.back)
    cells = (row.template, row.state, row.reason, row.detail, done, back)
    return "  ".join(str(cell) for cell in cells if cell)


def _csv(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(line)
