"""`tandem pacing`: how fast an account may send."""

from dataclasses import asdict, replace
from typing import Annotated

import typer

from tandem.kit.commands import command, data, print_json, words

app = typer.Typer(
    no_args_is_help=True, help="Limits of pace, warm-up of new senders, rules that pause sendings."
)
AccountOption = Annotated[str | None, typer.Option("--account", help="Name or id; the only one if left out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Sender = Annotated[str, typer.Option(help="Domain of the sender, or its number; every sender if left out.")]
ACTOR = "command line"


@app.command("show")
@command("messenger")
def show(account: AccountOption = None, as_json: JsonOption = False) -> None:
    """Limits, warm-ups and pause rules as they are."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.pacing import service

    chosen = find_account(account).id
    limits = service.list_limits(chosen)
    warm_ups = service.list_warm_ups(chosen, clock=clock.from_environment())
    rules = service.pause_rules(chosen)
    if as_json:
        print_json(
            {
                "limits": [asdict(one) for one in limits],
                "warm_ups": [{**asdict(one), "started": one.started.isoformat()} for one in warm_ups],
                "pause_rules": asdict(rules),
            }
        )
        return
    for one in limits:
        said = [
            f"{one.per_second:g} a second" if one.per_second else "",
            f"{one.per_day} a day" if one.per_day else "",
        ]
        to = f"to mailboxes of {one.provider_name}" if one.provider else "to everybody"
        data.print(
            f"{one.id}\t{one.sender or 'every sender'}\t{to}\t{', '.join(filter(None, said))}", markup=False
        )
    for warm in warm_ups:
        today = f"{warm.used} of {warm.today} today" if warm.today is not None else "over, no limit"
        data.print(
            f"warm-up\t{warm.sender}\t{warm.schedule}\tday {warm.day} of {warm.days}\t{today}", markup=False
        )
    data.print(
        f"pauses after {rules.least} messages above: bounces {rules.bounces:g} %, complaints {rules.complaints:g} %, "
        f"errors {rules.errors:g} %"
    )


@app.command("limit")
@command("messenger")
def limit(
    sender: Sender = "",
    provider: Annotated[str, typer.Option(help="A mailbox provider, as Google; everybody if left out.")] = "",
    per_second: Annotated[float | None, typer.Option(help="Messages a second.")] = None,
    per_day: Annotated[int | None, typer.Option(help="Messages a day.")] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set a limit, or change the one that is there. It counts within a second."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.pacing import service

    made = service.set_limit(
        find_account(account).id,
        sender=sender,
        provider=provider,
        per_second=per_second,
        per_day=per_day,
        actor=ACTOR,
        clock=clock.from_environment(),
    )
    if as_json:
        print_json(asdict(made))
    else:
        words.print(f"Limit {made.id} is set.")


@app.command("remove")
@command("messenger")
def remove(limit_id: int, account: AccountOption = None) -> None:
    """Take a limit away."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.pacing import service

    service.remove_limit(find_account(account).id, limit_id, actor=ACTOR, clock=clock.from_environment())
    words.print("Removed.")


@app.command("warm-up")
@command("messenger")
def warm_up(
    sender: str,
    schedule: Annotated[str, typer.Option(help="careful (30 days) or fast (14 days).")] = "careful",
    stop: Annotated[
        bool, typer.Option("--stop", help="End it: its numbers limit the sender no more.")
    ] = False,
    account: AccountOption = None,
) -> None:
    """Send with a new sender in growing numbers from today on."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.pacing import service

    chosen, now = find_account(account).id, clock.from_environment()
    if stop:
        service.stop_warm_up(chosen, sender, actor=ACTOR, clock=now)
        words.print("Ended.")
    else:
        service.start_warm_up(chosen, sender, schedule, actor=ACTOR, clock=now)
        words.print("Started. The numbers: tandem pacing show")


@app.command("rules")
@command("messenger")
def rules(
    bounces: Annotated[float | None, typer.Option(help="Percent of undeliverable ones; 0 = off.")] = None,
    complaints: Annotated[float | None, typer.Option(help="Percent of complaints; 0 = off.")] = None,
    errors: Annotated[float | None, typer.Option(help="Percent refused or put off; 0 = off.")] = None,
    least: Annotated[int | None, typer.Option(help="Judge after so many messages.")] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """When a sending pauses by itself; what is left out stays as it is."""
    from tandem.kit import clock
    from tandem.messenger.accounts.service import find_account
    from tandem.messenger.pacing import service

    chosen = find_account(account).id
    said = {"bounces": bounces, "complaints": complaints, "errors": errors, "least": least}
    changed = {name: value for name, value in said.items() if value is not None}
    kept = service.pause_rules(chosen)
    if changed:
        wanted = replace(kept, **changed)  # type: ignore[arg-type]
        kept = service.set_pause_rules(chosen, wanted, actor=ACTOR, clock=clock.from_environment())
    if as_json:
        print_json(asdict(kept))
    else:
        words.print(
            f"Sendings pause after {kept.least} messages above: bounces {kept.bounces:g} %, "
            f"complaints {kept.complaints:g} %, errors {kept.errors:g} %."
        )
