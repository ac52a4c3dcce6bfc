"""`tandem realtime`: campaigns that an event triggers."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from tandem.kit.commands import command, data, print_json, words
from tandem.kit.problems import NotFound, Refused

app = typer.Typer(
    no_args_is_help=True, help="Real-time campaigns: save, start, pause, list, show, log; tell of an event."
)
Account = Annotated[str, typer.Option(help="The planner's account, by name or id")]
Json = Annotated[bool, typer.Option("--json")]
Campaign = Annotated[int, typer.Argument(help="The real-time campaign's id")]


@app.command()
@command("planner")
def save(
    name: Annotated[str, typer.Option(help="A name for people")],
    event: Annotated[str, typer.Option(help="The event's name, as the sender gives it")],
    project: Annotated[str, typer.Option(help="Project, by name or id")],
    template: Annotated[str, typer.Option(help="Template of the project, by name or id")],
    where: Annotated[
        list[str] | None, typer.Option(help="Condition on a property, as 'amount >= 100'; may be repeated")
    ] = None,
    group: Annotated[str, typer.Option(help="Only members of this target group, by name or id")] = "",
    channel: Annotated[str, typer.Option(help="email or sms")] = "email",
    channel_account: Annotated[
        int | None, typer.Option(help="Account at a messenger; default the only one")
    ] = None,
    promo_code: Annotated[str, typer.Option(help="A promotion's code")] = "",
    cap_hours: Annotated[
        int, typer.Option(help="At most once per customer in so many hours; 0 = no cap")
    ] = 24,
    control: Annotated[str, typer.Option(help="Control group, percent")] = "0",
    late_minutes: Annotated[int, typer.Option(help="An event older than this triggers nobody")] = 15,
    start_it: Annotated[bool, typer.Option("--start", help="Start it at once.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be saved.")] = False,
    account: Account = "",
    as_json: Json = False,
) -> None:
    """Save a real-time campaign: on which event, who, and what they get. Paused unless --start is given."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.channels import service as channels
    from tandem.planner.realtime import conditions, service
    from tandem.planner.realtime.domain import RealTimePlan, check_plan
    from tandem.planner.targeting import service as targeting

    owner = find_account(account or None)
    messenger = channels.get_account(owner.id, channel_account)
    project_id = _named(channels.list_projects(owner.id, messenger.id), project, "project")
    templates = channels.list_templates(owner.id, messenger.id, project_id=project_id)
    plan = RealTimePlan(
        name=name,
        event_name=event,
        conditions=tuple(conditions.read(line) for line in where or ()),
        group_id=targeting.find_group(owner.id, group).id if group else None,
        channel=channel,
        channel_account_id=messenger.id,
        project_id=project_id,
        template_id=_named(templates, template, "template"),
        promo_code=promo_code,
        cap_hours=cap_hours,
        control_percent=_percent(control),
        late_minutes=late_minutes,
    )
    check_plan(plan)
    if dry_run:
        words.print(f"On {event} template {plan.template_id} would be sent by {channel}.", markup=False)
        return
    now = clock.from_environment()
    view = service.save_campaign(owner.id, plan, actor="cli", clock=now)
    if start_it:
        view = service.set_active(owner.id, view.id, True, actor="cli", clock=now)
    _say(view, as_json)


@app.command("list")
@command("planner")
def list_them(account: Account = "", as_json: Json = False) -> None:
    """List the real-time campaigns."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.realtime import service

    views = service.list_campaigns(find_account(account or None).id)
    if as_json:
        print_json([asdict(view) for view in views])
        return
    for view in views:
        counts = ", ".join(f"{name} {number:,}" for name, number in view.counts.items()) or "nobody yet"
        data.print(f"{view.id}  {view.state:7} {view.event_name}  {view.name}: {counts}", markup=False)


@app.command()
@command("planner")
def show(campaign: Campaign, account: Account = "", as_json: Json = False) -> None:
    """Show one with its conditions and counts."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.realtime import service

    view = service.get_campaign(find_account(account or None).id, campaign)
    _say(view, as_json)
    if not as_json:
        for one in view.conditions:
            data.print(f"  {one.text}", markup=False)
        for name, number in view.counts.items():
            data.print(f"  {name}: {number:,}", markup=False)


@app.command()
@command("planner")
def start(campaign: Campaign, account: Account = "", as_json: Json = False) -> None:
    """Start it: from now on events trigger it."""
    _set_active(campaign, True, account, as_json)


@app.command()
@command("planner")
def pause(campaign: Campaign, account: Account = "", as_json: Json = False) -> None:
    """Pause it: events that come now trigger nobody, then or later."""
    _set_active(campaign, False, account, as_json)


@app.command()
@command("planner")
def log(
    campaign: Campaign,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first")] = 50,
    account: Account = "",
    as_json: Json = False,
) -> None:
    """Whom it triggered, and what came of each."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.realtime import service

    lines = service.log(find_account(account or None).id, campaign, limit=limit)
    if as_json:
        print_json([asdict(line) for line in lines])
        return
    for line in lines:
        told = f" ({line.told_state})" if line.told_state else ""
        data.print(f"{line.at:%Y-%m-%d %H:%M:%S}  {line.customer_id}  {line.outcome}{told}", markup=False)


@app.command("event")
@command("planner")
def tell(
    event_id: Annotated[str, typer.Argument(help="The event's own id; the same id again does nothing")],
    event: Annotated[str, typer.Option(help="Its name")],
    customer: Annotated[str, typer.Option(help="The customer's id")],
    given: Annotated[
        list[str] | None, typer.Option("--property", help="A property as name=value; may be repeated")
    ] = None,
    at: Annotated[str, typer.Option(help="When, ISO 8601 with an offset; default now")] = "",
    account: Account = "",
    as_json: Json = False,
) -> None:
    """Tell of one event, as a program does by POST /api/v1/events."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.realtime import service
    from tandem.planner.realtime.domain import Incoming

    incoming = Incoming(
        event_id=event_id,
        name=event,
        customer_id=customer,
        properties=_properties(given or ()),
        at=_instant(at),
    )
    taken = service.take_event(find_account(account or None).id, incoming, clock=clock.from_environment())
    if as_json:
        print_json(asdict(taken))
        return
    if taken.repeated:
        words.print("This event was here before; nothing new happens.")
    for one in taken.triggered:
        words.print(f"{one.campaign}: {one.outcome}", markup=False)
    if not taken.triggered:
        words.print("No real-time campaign waits for it.")


def _set_active(campaign: int, active: bool, account: str, as_json: bool) -> None:
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.realtime import service

    owner = find_account(account or None)
    view = service.set_active(owner.id, campaign, active, actor="cli", clock=clock.from_environment())
    _say(view, as_json)


def _say(view: Any, as_json: bool) -> None:
    if as_json:
        print_json(asdict(view))
        return
    words.print(f"Real-time campaign {view.id}, {view.name}: {view.state}.", markup=False)


def _named(rows: Any, chosen: str, what: str) -> int:
    for row in rows:
        if chosen in (str(row.id), row.name):
            return int(row.id)
    names = ", ".join(row.name for row in rows) or "none were read"
    raise NotFound(f"There is no {what} {chosen!r}; there are: {names}.", "Run `tandem templates read`.")


def _percent(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Refused(f"{text!r} is no number.", "Give a plain number.", field="control") from None


def _properties(given: Any) -> dict[str, Any]:
    from tandem.planner.realtime.conditions import typed

    found = {}
    for line in given:
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise Refused(f"{line!r} is no property.", "Give it as name=value.", field="property")
        found[name.strip()] = typed(value.strip())
    return found


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text!r} is no time.", "Give it as 2026-11-30T09:30:00+01:00.", field="at") from None
    if instant.tzinfo is None:
        raise Refused("The time names no offset.", "Give it as 2026-11-30T09:30:00+01:00.", field="at")
    return instant
