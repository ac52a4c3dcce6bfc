"""`tandem listeners`: who is told of events, what was told, telling again."""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tandem.kit.commands import command, data, print_json, words
from tandem.kit.problems import OtherSideFailed, Refused

if TYPE_CHECKING:
    from tandem.planner.listeners.domain import EventView, LogFilter

app = typer.Typer(no_args_is_help=True, help="Who is told of events: register, test, log, replay.")
Account = Annotated[
    str, typer.Option(help="The planner's account, by name or id; needed if there are several")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, change nothing.")]
ListenerId = Annotated[int, typer.Argument(help="The listener's id, see `list`")]
Since = Annotated[str, typer.Option(help="First day, as 2026-11-30")]
Until = Annotated[str, typer.Option(help="Last day")]
EventType = Annotated[int | None, typer.Option("--event", help="Event type: 1 to 5, 11 or 13")]
OfListener = Annotated[int | None, typer.Option("--listener", help="A listener's id")]
Campaign = Annotated[int | None, typer.Option(help="CampaignID, as on the wire")]


@app.command("list")
@command("planner")
def list_(account: Account = "", json: Json = False) -> None:
    """Show every registration."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.listeners import service

    found = service.listeners(find_account(account or None).id)
    if json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        where = "all channels" if one.channel_id is None else f"channel {one.channel_id}"
        state = "" if one.is_active else f"  switched off: {one.disabled_reason}"
        data.print(
            f"{one.id}  event {one.event_type}  {where}  {one.url}  {one.last_answer}{state}", markup=False
        )
    if not found:
        words.print("No listener is registered.")


@app.command()
@command("planner")
def add(
    url: Annotated[str, typer.Argument(help="Where events are posted")],
    event: Annotated[int, typer.Option(help="Event type: 1 to 5, 11 or 13")] = 13,
    channel: Annotated[int | None, typer.Option(help="Only of this channel; default all")] = None,
    account: Account = "",
    json: Json = False,
) -> None:
    """Register an address; the same event and channel again replaces it. Shows the signing secret this once."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.listeners import service

    owner, now = find_account(account or None), clock.from_environment()
    made = service.register(owner.id, event_type=event, channel_id=channel, url=url, actor="cli", clock=now)
    _show_secret(service.rotate_secret(owner.id, made.id, actor="cli", clock=now), json)


@app.command()
@command("planner")
def remove(listener_id: ListenerId, dry_run: DryRun = False, account: Account = "") -> None:
    """End a registration; its log goes with it."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.listeners import service

    owner = find_account(account or None)
    if dry_run:
        words.print(f"Would end the registration of listener {listener_id}.")
        return
    service.unregister_listener(owner.id, listener_id, actor="cli", clock=clock.from_environment())
    words.print(f"Listener {listener_id} is told no more.")


@app.command()
@command("planner")
def secret(
    listener_id: ListenerId,
    overlap_hours: Annotated[int, typer.Option(min=0, max=720, help="How long the old one signs too")] = 24,
    account: Account = "",
    json: Json = False,
) -> None:
    """Make a new signing secret and show it this once."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.listeners import service

    made = service.rotate_secret(
        find_account(account or None).id, listener_id, overlap=timedelta(hours=overlap_hours), actor="cli",
        clock=clock.from_environment(),
    )  # fmt: skip
    _show_secret(made, json)


@app.command()
@command("planner")
def test(listener_id: ListenerId, account: Account = "", json: Json = False) -> None:
    """Send a test event, which names no campaign, and say what came back."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.listeners import service

    owner = find_account(account or None)
    attempt = service.send_test_event(owner.id, listener_id=listener_id, clock=clock.from_environment())
    if json:
        print_json(asdict(attempt))
    if attempt.problem:
        raise OtherSideFailed(attempt.problem, "Look at the listener.")
    words.print(f"The listener answered {attempt.status} in {attempt.seconds:.2f} s.")


@app.command()
@command("planner")
def log(
    dead: Annotated[bool, typer.Option("--dead", help="Only what could not be told.")] = False,
    since: Since = "",
    until: Until = "",
    event: EventType = None,
    listener: OfListener = None,
    campaign: Campaign = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    account: Account = "",
    json: Json = False,
) -> None:
    """Show what was told, newest first, with every attempt; with --dead why it was not."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.listeners import service

    owner = find_account(account or None)
    chosen = _chosen(owner.zone, since, until, event, listener, campaign, dead=dead)
    found = service.event_log(owner.id, chosen, limit=limit)
    if json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        _print_event(one)
    if not found:
        words.print("Nothing in the log." if not dead else "Everything could be told.")


@app.command()
@command("planner")
def replay(
    event_id: Annotated[int | None, typer.Argument(help="One event of the log; or choose a range")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Only what could not be told.")] = False,
    since: Since = "",
    until: Until = "",
    event: EventType = None,
    listener: OfListener = None,
    campaign: Campaign = None,
    dry_run: DryRun = False,
    account: Account = "",
    json: Json = False,
) -> None:
    """Tell one event again, or all of a range; the late cut-off of each still holds."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.listeners import service

    owner = find_account(account or None)
    ranged = dead or any(one not in ("", None) for one in (since, until, event, listener, campaign))
    if (event_id is None) is not ranged:
        raise Refused("Say one event, or a range.", "As `replay 17`, or `replay --dead --since 2026-11-30`.")
    now = clock.from_environment()
    if event_id is not None:
        if dry_run:
            words.print(f"Would tell event {event_id} again.")
            return
        service.replay(owner.id, event_id, actor="cli", clock=now)
        words.print(f"Event {event_id} is told again.")
        return
    chosen = _chosen(owner.zone, since, until, event, listener, campaign, dead=dead)
    if dry_run:
        words.print(f"Would tell {service.count_of(owner.id, chosen)} events again, less those too late.")
        return
    done = service.replay_range(owner.id, chosen, actor="cli", clock=now)
    if json:
        print_json(asdict(done))
    words.print(
        f"{done.again} are told again; {done.late} are too late, {done.off} have a listener that is switched off."
    )


def _chosen(
    zone: str,
    since: str,
    until: str,
    event: int | None,
    listener: int | None,
    campaign: int | None,
    *,
    dead: bool,
) -> "LogFilter":
    from tandem.planner.listeners.domain import DEAD, LogFilter

    return LogFilter(
        since=_bound(since, zone, 0),
        until=_bound(until, zone, 1),
        event_type=event,
        listener_id=listener,
        occurrence_id=campaign,
        states=DEAD if dead else (),
    )


def _bound(text: str, zone: str, side: int) -> datetime | None:
    from tandem.kit.zones import day_bounds

    if not text:
        return None
    try:
        return day_bounds(date.fromisoformat(text), zone)[side]
    except ValueError as error:
        raise Refused(f"{text!r} is no date.", "Write it as 2026-11-30.") from error


def _print_event(one: "EventView") -> None:
    campaign = "" if one.occurrence_id is None else f"  campaign {one.occurrence_id}"
    cause = f"  {one.cause}" if one.cause else ""
    data.print(
        f"{one.id}  {one.happened_at:%Y-%m-%d %H:%M:%S}Z  event {one.event_type}{campaign}  {one.state}{cause}",
        markup=False,
    )
    for attempt in one.attempts:
        said = attempt.problem or f"answered {attempt.status}"
        data.print(f"    {attempt.at:%Y-%m-%d %H:%M:%S}Z  {attempt.seconds:.2f} s  {said}", markup=False)


def _show_secret(made: Any, json: bool) -> None:
    if json:
        print_json(asdict(made))
        return
    words.print("Shown once; keep it safe.")
    data.print(f"Listener: {made.listener_id}\nSigning secret: {made.secret}", markup=False)
