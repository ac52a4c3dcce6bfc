"""`tandem sendings`: what was sent to whom, and stopping it."""

import getpass
from dataclasses import asdict
from typing import Annotated

import typer

from tandem.kit.commands import command, data, print_json, words

app = typer.Typer(no_args_is_help=True, help="Sendings and their ledger.")

Account = Annotated[str | None, typer.Option(help="Account by name or id; may be left out if there is one.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")]


def _account(chosen: str | None) -> int:
    from tandem.messenger.accounts import service

    return service.find_account(chosen).id


@app.command("list")
@command("messenger")
def list_(
    limit: int = 50,
    real_time: Annotated[bool, typer.Option("--real-time", help="Those of one message each.")] = False,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """The newest sendings with their counts."""
    from tandem.messenger.delivery import service

    views = service.list_sendings(_account(account), limit=limit, real_time=real_time)
    if as_json:
        print_json([asdict(view) for view in views])
        return
    for view in views:
        counts = ", ".join(f"{rows} {state}" for state, rows in view.counts.items())
        data.print(f"{view.id:>6}  {view.due_at:%Y-%m-%d %H:%M} UTC  {view.channel}  {view.state}  {counts}")


@app.command()
@command("messenger")
def show(sending_id: int, account: Account = None, as_json: Json = False) -> None:
    """The numbers of one sending, and what was told to the planner."""
    from tandem.messenger.delivery import service
    from tandem.messenger.reporting import service as reporting
    from tandem.messenger.reporting import unsubscribes

    chosen = _account(account)
    view = service.get_sending(chosen, sending_id)
    numbers = reporting.summary(chosen, sending_id)
    reports = reporting.reports(chosen, sending_id)
    gone = unsubscribes.unsubscribes_of(chosen, sending_id)
    if as_json:
        told = {"summary": asdict(numbers), "reports": [asdict(r) for r in reports]}
        print_json({**asdict(view), **told, "unsubscribes": asdict(gone)})
        return
    data.print(f"Sending {view.id}, {view.channel}, {view.state}, due {view.due_at:%Y-%m-%d %H:%M} UTC")
    by = f", chosen by {view.policy_by}" if view.policy_by else ""
    data.print(f"in doubt: {view.policy}{by}")
    data.print(
        f"listed {numbers.listed}  sent {numbers.sent}  failed {numbers.failed}  uncertain {numbers.uncertain}"
    )
    for reason, rows in sorted(numbers.skipped.items()):
        data.print(f"  skipped, {reason}: {rows}")
    if gone.number:
        data.print(f"unsubscribed by a link {gone.number}")
    for part in gone.parts:
        at = f" at {part.posted_at:%Y-%m-%d %H:%M} UTC" if part.posted_at else ""
        data.print(f"  told the planner, {part.part}: {part.told}{at}  {part.problem}".rstrip(), markup=False)


@app.command()
@command("messenger")
def ledger(
    sending_id: int,
    state: Annotated[str | None, typer.Option(help="Only rows of this state.")] = None,
    after: Annotated[int, typer.Option(help="Rows after this number.")] = 0,
    limit: int = 100,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Who got what: one row per listed customer."""
    from tandem.messenger.delivery import service

    rows = service.ledger(_account(account), sending_id, state=state, after=after, limit=limit)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    for row in rows:
        data.print(
            f"{row.seq:>8}  {row.customer}  template {row.template_id}  {row.state}  {row.reason} {row.detail}"
        )


@app.command()
@command("messenger")
def pause(sending_id: int, account: Account = None, dry_run: DryRun = False) -> None:
    """Let nothing more leave until it is resumed."""
    _change("pause", sending_id, account, dry_run)


@app.command()
@command("messenger")
def resume(sending_id: int, account: Account = None, dry_run: DryRun = False) -> None:
    """Go on after a pause."""
    _change("resume", sending_id, account, dry_run)


@app.command()
@command("messenger")
def cancel(sending_id: int, account: Account = None, dry_run: DryRun = False) -> None:
    """End a sending; rows that wait are not sent."""
    _change("cancel", sending_id, account, dry_run)


@app.command()
@command("messenger")
def retry(sending_id: int, account: Account = None, dry_run: DryRun = False) -> None:
    """Try the failed messages of a sending again; what left is never sent again."""
    from tandem.kit import clock
    from tandem.messenger.delivery import service

    chosen = _account(account)
    if dry_run:
        counts = service.get_sending(chosen, sending_id).counts
        rows = counts.get("rejected", 0) + counts.get("render_error", 0)
    else:
        rows = service.retry_failed(chosen, sending_id, clock=clock.from_environment())
    words.print(f"{rows} failed messages {'would get' if dry_run else 'get'} another turn.")


@app.command()
@command("messenger")
def rate(
    sending_id: int,
    per_second: Annotated[float, typer.Argument(help="Messages a second; 0 = as fast as possible.")],
    account: Account = None,
    dry_run: DryRun = False,
) -> None:
    """Set the pace of one sending; it counts for what is not in hand yet."""
    from tandem.messenger.delivery import service

    chosen = _account(account)
    if not dry_run:
        service.set_rate(chosen, sending_id, per_second or None)
    limit = f"{per_second:g} a second" if per_second else "no limit of its own"
    words.print(f"Sending {sending_id} {'would have' if dry_run else 'has'} {limit}.")


@app.command()
@command("messenger")
def policy(
    sending_id: int,
    choice: Annotated[str, typer.Argument(help="hold = never twice; resend = never lost (email only).")],
    by: Annotated[str, typer.Option(help="Who decides.")] = "",
    account: Account = None,
    dry_run: DryRun = False,
) -> None:
    """Choose what becomes of messages in doubt: the sender stopped between handing over and the answer."""
    from tandem.messenger.delivery import policies, service

    chosen, wanted = _account(account), policies.policy_named(choice)
    service.get_sending(chosen, sending_id)
    if not dry_run:
        policies.choose(chosen, sending_id, wanted, by=by or getpass.getuser())
    words.print(
        f"Messages in doubt of sending {sending_id} {'would be' if dry_run else 'are'} under: {choice}."
    )


@app.command("policy-default")
@command("messenger")
def policy_default(
    choice: Annotated[str, typer.Argument(help="hold or resend; left out, it is only shown.")] = "",
    by: Annotated[str, typer.Option(help="Who decides.")] = "",
    account: Account = None,
    as_json: Json = False,
) -> None:
    """What new email sendings of the account begin with; SMS are never sent again in doubt."""
    from tandem.messenger.delivery import policies

    chosen = _account(account)
    if choice:
        policies.choose_default(chosen, policies.policy_named(choice), by=by or getpass.getuser())
    found = policies.default_of(chosen)
    if as_json:
        print_json({"policy": found.policy, "by": found.by})
        return
    data.print(f"in doubt: {found.policy}{f', chosen by {found.by}' if found.by else ''}", markup=False)


@app.command()
@command("messenger")
def resolve(
    sending_id: int,
    row: Annotated[int, typer.Argument(help="The row's number in the ledger.")],
    outcome: Annotated[str, typer.Argument(help="accepted or rejected.")],
    account: Account = None,
    dry_run: DryRun = False,
) -> None:
    """Say what became of an uncertain message, after a look into the relay's log."""
    from tandem.messenger.delivery import resolving, service
    from tandem.messenger.delivery.domain import AttemptState

    chosen = _account(account)
    service.get_sending(chosen, sending_id)
    if outcome not in ("accepted", "rejected"):
        raise typer.BadParameter("accepted or rejected")
    if dry_run:
        words.print(f"Row {row} would be {outcome}, if it is uncertain.")
        return
    state = AttemptState[outcome.upper()]
    done = resolving.resolve_row(chosen, sending_id, row, state, source=f"said by {getpass.getuser()}")
    words.print(f"Row {row} is {outcome}." if done else f"Row {row} is not uncertain; nothing was changed.")


@app.command()
@command("messenger")
def stop(account: Account = None, dry_run: DryRun = False) -> None:
    """The account's kill switch: nothing leaves from now on."""
    from tandem.messenger.delivery import service

    chosen = _account(account)
    if not dry_run:
        service.hold_all(chosen)
    words.print(
        "Nothing leaves any more. Undo with: tandem sendings start"
        if not dry_run
        else "Would stop everything."
    )


@app.command()
@command("messenger")
def start(account: Account = None) -> None:
    """Let the account send again after `stop`."""
    from tandem.messenger.delivery import service

    service.release_all(_account(account))
    words.print("The account sends again.")


@app.command()
@command("messenger")
def outbox(
    campaign: Annotated[int | None, typer.Option(help="Only messages of this campaign.")] = None,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Count the distinct messages in the built-in outbox, read back from its files."""
    from tandem.messenger.delivery import service

    number = service.outbox_count(_account(account), campaign)
    if as_json:
        print_json({"outbox": number})
    else:
        data.print(f"{number} messages")


def _change(verb: str, sending_id: int, account: str | None, dry_run: bool) -> None:
    from tandem.kit import clock
    from tandem.messenger.delivery import service

    chosen = _account(account)
    view = service.get_sending(chosen, sending_id)
    if dry_run:
        words.print(f"Would {verb} sending {sending_id}, which is {view.state}.")
        return
    if verb == "cancel":
        view = service.cancel(chosen, sending_id, clock=clock.from_environment())
    else:
        view = getattr(service, verb)(chosen, sending_id)
    words.print(f"Sending {sending_id} is {view.state}.")
