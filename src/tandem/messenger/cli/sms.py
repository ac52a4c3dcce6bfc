"""`tandem sms`: the gateway, the rules, and what people write."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from tandem.kit.commands import command, data, print_json, words

app = typer.Typer(no_args_is_help=True, help="SMS: the gateway, quiet hours, answers, incoming messages.")
gateway_app = typer.Typer(no_args_is_help=True, help="Where SMS are handed over; without one, by file.")
app.add_typer(gateway_app, name="gateway")

Account = Annotated[str | None, typer.Option(help="Account by name or id; may be left out if there is one.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
ACTOR = "command line"


def _account(chosen: str | None) -> int:
    from tandem.messenger.accounts import service

    return service.find_account(chosen).id


@gateway_app.command("set")
@command("messenger")
def set_gateway(
    profile: Annotated[str, typer.Argument(help="twilio, 46elks, template or smpp.")],
    url: Annotated[
        str, typer.Option(help="Its address; smpp://host:2775 or smpps://; empty = the profile's own.")
    ] = "",
    user: Annotated[str, typer.Option(help="User name, account SID or system id.")] = "",
    secret: Annotated[
        str, typer.Option(help="Password or token; it is not shown again.", envvar="TANDEM_SMS_SECRET")
    ] = "",
    sender: Annotated[str, typer.Option(help="Sender id where a project has none.")] = "",
    country_sender: Annotated[
        list[str] | None, typer.Option(help="A country's own sender id, as SE=+46766000000. Repeatable.")
    ] = None,
    options: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Options of the profile, a JSON object."),
    ] = None,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Hand SMS over to a gateway from now on."""
    from tandem.kit import clock
    from tandem.messenger.gateways import service

    view = service.set_gateway(
        _account(account),
        profile=profile,
        url=url,
        user=user,
        secret=secret,
        default_sender=sender,
        senders=_pairs(country_sender or []),
        options=_options(options),
        actor=ACTOR,
        clock=clock.from_environment(),
    )
    _show(view, as_json)


@gateway_app.command("show")
@command("messenger")
def show(account: Account = None, as_json: Json = False) -> None:
    """The gateway, and the addresses it is to call; never its secret."""
    from tandem.messenger.gateways import service

    _show(service.gateway(_account(account)), as_json)


@gateway_app.command("close")
@command("messenger")
def close(account: Account = None, dry_run: DryRun = False) -> None:
    """Hand nothing over any more: SMS leave by file again."""
    from tandem.kit import clock
    from tandem.messenger.gateways import service

    chosen = _account(account)
    if dry_run:
        words.print(f"SMS would no longer go to {service.gateway(chosen).profile}.", markup=False)
        return
    service.close_gateway(chosen, actor=ACTOR, clock=clock.from_environment())
    words.print("SMS leave by file.", markup=False)


@gateway_app.command("test")
@command("messenger")
def test(
    to: Annotated[str, typer.Option(help="A verified test number; an SMSC is bound to without one.")] = "",
    account: Account = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Bind to the SMSC, or hand one test message over. Exit code 1 unless it was taken."""
    from tandem.kit import clock
    from tandem.messenger.sms import service
    from tandem.messenger.testsends import service as testsends

    chosen = _account(account)
    number = testsends.verified_number(chosen, to) if to else ""
    if dry_run:
        words.print("One test message would leave." if number else "It would be bound to.", markup=False)
        return
    outcome = service.send_test(chosen, number, actor=ACTOR, clock=clock.from_environment())
    if as_json:
        print_json({"state": outcome.state.words, "detail": outcome.detail})
    else:
        words.print(f"{outcome.state.words}: {outcome.detail}", markup=False)
    if outcome.state.words != "accepted":
        raise SystemExit(1)


@app.command("gateways")
@command("messenger")
def gateways(as_json: Json = False) -> None:
    """Every account's gateway, and what keeps it from taking messages."""
    from tandem.messenger.gateways import service

    found = [
        {"account": account, "profile": profile, "problem": problem}
        for account, profile, problem in service.active()
    ]
    if as_json:
        print_json(found)
        return
    for one in found:
        data.print(f"{one['account']:>6}  {one['profile']}  {one['problem'] or 'fine'}", markup=False)


@app.command("rules")
@command("messenger")
def rules(
    quiet: Annotated[
        bool | None, typer.Option("--quiet/--no-quiet", help="Whether SMS of campaigns wait at night.")
    ] = None,
    opens: Annotated[str | None, typer.Option(help="From when, in the recipient's time: 08:00.")] = None,
    closes: Annotated[str | None, typer.Option(help="Until when: 21:00.")] = None,
    zone_attribute: Annotated[
        str | None, typer.Option(help="Attribute that holds a person's time zone.")
    ] = None,
    answers: Annotated[
        bool | None, typer.Option("--answers/--no-answers", help="Whether keywords are answered.")
    ] = None,
    stop_text: Annotated[str | None, typer.Option(help="What is answered to STOP.")] = None,
    start_text: Annotated[str | None, typer.Option(help="What is answered to START.")] = None,
    help_text: Annotated[str | None, typer.Option(help="What is answered to HELP.")] = None,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Show quiet hours and answers; change those that are named."""
    from tandem.kit import clock
    from tandem.messenger.gateways import rules as service

    chosen = _account(account)
    said: dict[str, Any] = {
        "quiet": quiet, "opens": opens, "closes": closes, "zone_attribute": zone_attribute, "answers": answers,
        "stop_text": stop_text, "start_text": start_text, "help_text": help_text,
    }  # fmt: skip
    named = {name: value for name, value in said.items() if value is not None}
    if named:
        service.set_rules(chosen, actor=ACTOR, clock=clock.from_environment(), **named)
    found = asdict(service.rules(chosen))
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        data.print(f"{name:<15} {value}", markup=False)


@app.command("inbox")
@command("messenger")
def inbox(
    unread: Annotated[bool, typer.Option("--unread", help="Only what waits for a person.")] = False,
    limit: int = 50,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """What people wrote, newest first."""
    from tandem.messenger.sms import service

    found = service.list_incoming(_account(account), limit=limit, unread_only=unread)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        said = " ".join(one.text.split())[:80]
        what = f"{one.keyword or '-'}  {one.acted or '-'}"
        data.print(
            f"{one.id:>6}  {one.came_at:%Y-%m-%d %H:%M} UTC  {one.number}  {what}  {said}", markup=False
        )


@app.command("act")
@command("messenger")
def act(
    incoming_id: int,
    verb: Annotated[str, typer.Argument(help="unsubscribe or dismiss.")],
    account: Account = None,
    dry_run: DryRun = False,
) -> None:
    """Unsubscribe the number of a message from all SMS of the account, or put the message aside."""
    from tandem.kit import clock
    from tandem.messenger.sms import service

    if dry_run:
        words.print(f"Message {incoming_id} would be acted on: {verb}.", markup=False)
        return
    done = service.act(_account(account), incoming_id, verb, actor=ACTOR, clock=clock.from_environment())
    words.print(f"Message {done.id}: {done.acted}.", markup=False)


def _pairs(said: list[str]) -> dict[str, str]:
    pairs = {}
    for text in said:
        country, equals, sender = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r} is no sender of a country; write SE=+46766000000.")
        pairs[country.strip().upper()] = sender.strip()
    return pairs


def _options(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{path} holds no JSON object.")
    return found


def _show(view: Any, as_json: bool) -> None:
    if as_json:
        print_json(asdict(view))
        return
    for name, value in asdict(view).items():
        data.print(f"{name:<15} {value}", markup=False, soft_wrap=True)
