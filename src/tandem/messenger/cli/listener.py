"""`tandem listener`: the address at which the planner announces campaigns."""

from dataclasses import asdict
from typing import Annotated

import typer

from tandem.kit.commands import command, data, print_json, words

app = typer.Typer(no_args_is_help=True, help="The address at which the planner announces campaigns.")

Account = Annotated[str | None, typer.Option(help="Account by name or id; may be left out if there is one.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command()
@command("messenger")
def connect(
    planner_url: Annotated[str, typer.Option(help="Address of the planner.")],
    zone: Annotated[str, typer.Option(help="Time zone of the planner's account, an IANA name.")],
    user: Annotated[str, typer.Option(help="User name at the planner.")] = "",
    password: Annotated[str, typer.Option(help="Its password.", envvar="TANDEM_PLANNER_PASSWORD")] = "",
    api_key: Annotated[str, typer.Option(help="API key instead.", envvar="TANDEM_PLANNER_API_KEY")] = "",
    channel: Annotated[
        list[str] | None, typer.Option(help="Channel as ID:email or ID:sms; repeatable.")
    ] = None,
    hears: Annotated[
        str | None, typer.Option(help="events = the planner calls; polling = it is only asked.")
    ] = None,
    poll_seconds: Annotated[int | None, typer.Option(help="Seconds between two questions.")] = None,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Keep where the planner is, how to sign in there, and its channel ids."""
    from tandem.kit.problems import Refused
    from tandem.messenger.listener import service

    channels = []
    for text in channel or []:
        number, _, kind = text.partition(":")
        if not number.isdigit() or kind not in {"email", "sms"}:
            raise Refused(f"{text!r} is no channel.", "Write it as 504:email or 505:sms.")
        channels.append((int(number), kind))
    chosen = service.find_account(account)
    view = service.connect_planner(
        chosen,
        planner_url=planner_url,
        zone=zone,
        user=user,
        password=password,
        api_key=api_key,
        hears=hears,
        poll_seconds=poll_seconds,
    )
    for channel_id, kind in channels:
        service.bind_channel(chosen, channel_id, kind)
    if as_json:
        print_json(asdict(view))
    else:
        words.print(f"The planner at {view.planner_url} is connected. Next: tandem listener register")


@app.command()
@command("messenger")
def show(account: Account = None, as_json: Json = False) -> None:
    """The listener as a whole: address, channels, last calls, campaigns heard of."""
    from tandem.kit import clock
    from tandem.messenger.listener import service

    view = service.overview(service.find_account(account), clock=clock.from_environment())
    if as_json:
        print_json(asdict(view))
        return
    data.print(f"Address   {view.url}", soft_wrap=True)
    for old in view.old_urls:
        data.print(f"Old       {old.url} until {old.valid_until:%Y-%m-%d %H:%M} UTC", soft_wrap=True)
    _print_channels(view.bindings)
    for call in view.calls[:10]:
        data.print(
            f"Call      {call.at:%Y-%m-%d %H:%M:%S} campaign {call.campaign_id} -> {call.answer} {call.words}"
        )
    for row in view.inbox[:10]:
        data.print(f"Campaign  {row.campaign_id} channel {row.channel_id}: {row.state} {row.problem}")
    for gone in view.cancellations[:10]:
        data.print(
            f"Cancelled {gone.campaign_id}: {gone.state}, {gone.problem or gone.outcome}", soft_wrap=True
        )


@app.command()
@command("messenger")
def register(account: Account = None, as_json: Json = False) -> None:
    """Tell the planner where campaigns are announced, for each channel."""
    from tandem.kit import clock
    from tandem.messenger.listener import service

    _report(service.register(service.find_account(account), clock=clock.from_environment()), as_json)


@app.command()
@command("messenger")
def unregister(account: Account = None, as_json: Json = False) -> None:
    """Take the registrations back at the planner."""
    from tandem.kit import clock
    from tandem.messenger.listener import service

    _report(service.unregister(service.find_account(account), clock=clock.from_environment()), as_json)


@app.command()
@command("messenger")
def rotate(
    overlap: Annotated[int | None, typer.Option(help="Seconds the old address still answers.")] = None,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Make a new address and register it; the old one answers for the overlap."""
    from tandem.kit import clock
    from tandem.messenger.listener import service

    url = service.rotate(
        service.find_account(account), clock=clock.from_environment(), overlap_seconds=overlap
    )
    if as_json:
        print_json({"url": url})
    else:
        data.print(url, soft_wrap=True)


@app.command()
@command("messenger")
def test(account: Account = None, as_json: Json = False) -> None:
    """Check the way to the planner in three steps."""
    from tandem.kit import clock
    from tandem.messenger.listener import service

    steps = service.check(service.find_account(account), clock=clock.from_environment())
    if as_json:
        print_json([asdict(step) for step in steps])
    for step in [] if as_json else steps:
        data.print(f"{'ok  ' if step.ok else 'FAIL'} {step.name}: {step.words}", soft_wrap=True)
    if not all(step.ok for step in steps):
        raise SystemExit(5)


@app.command()
@command("messenger")
def profile(
    file: Annotated[
        str | None,
        typer.Argument(help="TOML file to keep, - for standard input; none = show the stored one."),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="The planner differs in nothing.")] = False,
    account: Account = None,
) -> None:
    """Show or set how this planner differs from the contract; `tandem conform planner` can write it."""
    import sys
    from pathlib import Path

    from tandem.kit.problems import Refused
    from tandem.messenger.listener import service

    chosen = service.find_account(account)
    if file is None and not clear:
        sys.stdout.write(service.planner_connection(chosen).profile + "\n")
        return
    try:
        text = "" if clear or file is None else sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read.", "Give a TOML file.") from error
    service.set_profile(chosen, text)
    words.print("Cleared." if clear else "The profile is kept. Try it: tandem listener test")


@app.command()
@command("messenger")
def retry(inbox_id: int, account: Account = None) -> None:
    """Fetch a held campaign again."""
    from tandem.kit import clock
    from tandem.messenger.listener import service

    service.retry(service.find_account(account), inbox_id, clock=clock.from_environment())
    words.print("The campaign is fetched again by the running worker.")


def _report(views: list, as_json: bool) -> None:
    if as_json:
        print_json([asdict(view) for view in views])
    else:
        _print_channels(views)
    if any(view.problem for view in views):
        raise SystemExit(5)


def _print_channels(views: object) -> None:
    for view in views:  # type: ignore[attr-defined]
        standing = (
            f"registered {view.registered_at:%Y-%m-%d %H:%M} UTC" if view.registered_at else "not registered"
        )
        data.print(
            f"Channel   {view.channel_id} {view.kind}: {standing} {view.problem}".rstrip(), soft_wrap=True
        )
