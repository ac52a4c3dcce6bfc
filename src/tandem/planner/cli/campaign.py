"""`tandem campaign`: plan, schedule, watch, cancel."""

from dataclasses import asdict
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tandem.kit.commands import command, data, print_json, words
from tandem.kit.problems import NotFound, Refused

if TYPE_CHECKING:
    from tandem.planner.campaigns.domain import CampaignPlan, TemplateShare

app = typer.Typer(no_args_is_help=True, help="Campaigns: plan, schedule, list, show, run, cancel.")
Account = Annotated[str, typer.Option(help="The planner's account, by name or id")]
Json = Annotated[bool, typer.Option("--json")]
Campaign = Annotated[int, typer.Argument(help="The campaign's id")]


@app.command()
@command("planner")
def plan(
    name: Annotated[str, typer.Option(help="A name for people")],
    group: Annotated[str, typer.Option(help="Target group, by name or id")],
    project: Annotated[str, typer.Option(help="Project, by name or id")],
    template: Annotated[
        list[str], typer.Option(help="Template of the project, by name or id; may be repeated")
    ],
    on: Annotated[str, typer.Option("--date", help="Day, as 2026-11-30")],
    at: Annotated[str, typer.Option("--time", help="Time of day, as 09:30")] = "10:00",
    zone: Annotated[str, typer.Option(help="Time zone; default the account's")] = "",
    channel: Annotated[str, typer.Option(help="email or sms")] = "email",
    channel_account: Annotated[
        int | None, typer.Option(help="Account at a messenger; default the only one")
    ] = None,
    control: Annotated[str, typer.Option(help="Control group, percent")] = "10",
    lead_minutes: Annotated[
        str, typer.Option(help="Minutes before the send time at which the list is made")
    ] = "15",
    late_minutes: Annotated[int, typer.Option(help="How late it may still be sent")] = 60,
    action: Annotated[str, typer.Option(help="What is offered; default the campaign's name")] = "",
    duration: Annotated[int, typer.Option(help="Days in which responses are counted")] = 14,
    notes: Annotated[str, typer.Option(help="For people; stands in both APIs")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated")] = None,
    promo: Annotated[list[str] | None, typer.Option(help="A promo code; may be repeated")] = None,
    conditional: Annotated[
        bool, typer.Option("--conditional", help="A third party clears customers before they are scheduled.")
    ] = False,
    clearance_minutes: Annotated[
        str, typer.Option(help="Minutes before the send time at which clearance ends")
    ] = "5",
    schedule: Annotated[bool, typer.Option("--schedule", help="Schedule it at once.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check it and say what would happen.")] = False,
    account: Account = "",
    as_json: Json = False,
) -> None:
    """Plan a campaign: who, what, when. A draft unless --schedule is given."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.campaigns import service
    from tandem.planner.campaigns.domain import CampaignPlan
    from tandem.planner.channels import service as channels
    from tandem.planner.channels.domain import ChannelKind
    from tandem.planner.targeting import service as targeting

    owner = find_account(account or None)
    where = channels.get_account(owner.id, channel_account)
    if channel not in tuple(ChannelKind):
        raise Refused(f"{channel!r} is no channel.", "Choose email or sms.", field="channel")
    project_id = _project(channels.list_projects(owner.id, where.id), project)
    wanted = CampaignPlan(
        name=name,
        group_id=targeting.find_group(owner.id, group).id,
        channel=ChannelKind(channel),
        channel_account_id=where.id,
        project_id=project_id,
        templates=_shares(channels.list_templates(owner.id, where.id), project_id, template),
        day=_day(on),
        time=_time(at),
        zone=zone or owner.zone,
        control_percent=_decimal(control, "control"),
        lead_minutes=_decimal(lead_minutes, "lead_minutes"),
        late_minutes=late_minutes,
        action=action,
        duration_days=duration,
        notes=notes,
        tags=tuple(tag or ()),
        promo_codes=tuple(promo or ()),
        clearance_minutes=_decimal(clearance_minutes, "clearance_minutes") if conditional else None,
    )
    now = clock.from_environment()
    _plan(service, owner.id, wanted, schedule, dry_run, as_json, now)


def _plan(
    service: Any, account_id: int, wanted: "CampaignPlan", schedule: bool, dry: bool, as_json: bool, now: Any
) -> None:
    review = service.review(account_id, wanted, clock=now)
    words.print(review.sentence, markup=False)
    for warning in review.warnings:
        words.print(warning, markup=False)
    if dry:
        if as_json:
            print_json(asdict(review))
        return
    view = service.plan_campaign(account_id, wanted, clock=now)
    if schedule:
        view = service.schedule_campaign(account_id, view.id, clock=now)
    words.print(f"Campaign {view.id}: {view.state}.")
    if as_json:
        print_json(asdict(view))


@app.command("schedule")
@command("planner")
def schedule_it(campaign: Campaign, account: Account = "", as_json: Json = False) -> None:
    """Schedule a draft."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.campaigns import service

    view = service.schedule_campaign(
        find_account(account or None).id, campaign, clock=clock.from_environment()
    )
    words.print(f"Campaign {view.id}: {view.state}, to be sent at {view.send_at} UTC.")
    if as_json:
        print_json(asdict(view))


@app.command("list")
@command("planner")
def list_them(account: Account = "", as_json: Json = False) -> None:
    """List the campaigns, newest first."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.campaigns import service

    views = service.list_campaigns(find_account(account or None).id)
    if as_json:
        print_json([asdict(view) for view in views])
        return
    for view in views:
        data.print(f"{view.id}  {view.day} {view.time:%H:%M}  {view.state:22}  {view.name}", markup=False)


@app.command()
@command("planner")
def show(campaign: Campaign, account: Account = "", as_json: Json = False) -> None:
    """Show one campaign: its steps, its list and its numbers."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.campaigns import service
    from tandem.planner.execution import service as execution

    owner = find_account(account or None)
    view = service.get_campaign(owner.id, campaign)
    line = execution.timeline(owner.id, view.occurrence_id) if view.occurrence_id else None
    if as_json:
        print_json({**asdict(view), "timeline": asdict(line) if line else None})
        return
    data.print(f"{view.name}: {view.state}", markup=False)
    data.print(f"  offers {_offer(view)}", markup=False)
    for step in line.steps if line else ():
        data.print(f"  {step.state:8} {step.name}  {step.at or ''}  {step.detail}", markup=False)
    if line and line.outcome:
        n = line.outcome
        skipped = ", ".join(f"{reason} {count:,}" for reason, count in n.skipped.items()) or "nobody"
        data.print(
            f"  listed {n.listed:,} = control {n.control:,} + sent {n.sent:,} + skipped ({skipped}) "
            f"+ failed {n.failed:,} + uncertain {n.uncertain:,}",
            markup=False,
        )


@app.command()
@command("planner")
def run(
    campaign: Campaign,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count who would be listed, send nothing.")
    ] = False,
    account: Account = "",
    as_json: Json = False,
) -> None:
    """Run a campaign that was not run, now; or count its list with --dry-run."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.campaigns import service
    from tandem.planner.execution import service as execution

    owner, now = find_account(account or None), clock.from_environment()
    if dry_run:
        made = execution.dry_run(owner.id, campaign, clock=now)
    else:
        occurrence = service.get_campaign(owner.id, campaign).occurrence_id
        if occurrence is None:
            raise Refused("This campaign is a draft.", "Schedule it first with `tandem campaign schedule`.")
        made = execution.run_now(owner.id, occurrence, clock=now)
    words.print(
        f"{made.listed:,} listed: {made.targeted:,} get the message, {made.control:,} are the control group."
    )
    if as_json:
        print_json(asdict(made))


@app.command()
@command("planner")
def cancel(
    campaign: Campaign,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be cancelled.")] = False,
    account: Account = "",
    as_json: Json = False,
) -> None:
    """Cancel a campaign before its send time; a messenger that has its list is told to send nothing."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.campaigns import service

    owner, now = find_account(account or None), clock.from_environment()
    if dry_run:
        view = service.get_campaign(owner.id, campaign)
        after = service.cancelling(owner.id, campaign, clock=now)
        words.print(
            f"Campaign {view.id}, {view.name}: {view.state}. Cancelling would leave it {after}.", markup=False
        )
    else:
        view = service.cancel_campaign(owner.id, campaign, clock=now)
        words.print(f"Campaign {view.id}, {view.name}: {view.state}. {view.cause}", markup=False)
    if as_json:
        print_json(asdict(view))


@app.command("promotions")
@command("planner")
def list_promotions(account: Account = "", as_json: Json = False) -> None:
    """List the promo codes that campaigns may offer."""
    from tandem.planner.accounts.service import find_account
    from tandem.planner.campaigns import service

    found = service.list_promotions(find_account(account or None).id)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        data.print(f"{one.code}  {one.name}", markup=False)


@app.command("add-promotion")
@command("planner")
def add_promotion(
    code: Annotated[str, typer.Argument(help="The promo code, without spaces and commas")],
    name: Annotated[str, typer.Argument(help="A name for people")],
    account: Account = "",
) -> None:
    """Add a promo code that campaigns may offer; a known one gets the new name."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.campaigns import service
    from tandem.planner.campaigns.offer import PromotionView

    owner = find_account(account or None)
    service.add_promotions(
        owner.id, [PromotionView(code=code, name=name)], clock=clock.from_environment(), actor="command line"
    )
    words.print(f"Campaigns may offer {code}.", markup=False)


@app.command("delete-promotion")
@command("planner")
def delete_promotion(
    code: Annotated[str, typer.Argument(help="The promo code")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted.")] = False,
    account: Account = "",
) -> None:
    """Delete a promo code; refused while a campaign still to come offers it."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import find_account
    from tandem.planner.campaigns import service

    owner = find_account(account or None)
    if code not in {one.code for one in service.list_promotions(owner.id)}:
        raise NotFound(f"There is no promotion {code!r}.", "List them with `tandem campaign promotions`.")
    if not dry_run:
        service.delete_promotions(owner.id, [code], clock=clock.from_environment(), actor="command line")
    words.print(f"{code} {'would be' if dry_run else 'is'} deleted.", markup=False)


def _offer(view: Any) -> str:
    parts = [f"{view.action} (action {view.action_id}) for {view.duration_days} days"]
    parts += [f"promo codes {', '.join(view.promo_codes)}"] if view.promo_codes else []
    parts += [f"tags {', '.join(view.tags)}"] if view.tags else []
    parts += [f"cleared by {view.clearance_at:%Y-%m-%d %H:%M:%S} UTC"] if view.clearance_at else []
    parts += [f"notes: {view.notes}"] if view.notes else []
    return "; ".join(parts)


def _project(projects: Any, chosen: str) -> int:
    for project in projects:
        if chosen in (str(project.id), project.name):
            return int(project.id)
    names = ", ".join(project.name for project in projects) or "none were read"
    raise NotFound(
        f"There is no project {chosen!r}; there are: {names}.",
        "Read them again with `tandem templates read`.",
    )


def _shares(templates: Any, project_id: int, chosen: list[str]) -> "tuple[TemplateShare, ...]":
    from tandem.planner.campaigns.domain import TemplateShare

    found = []
    for word in chosen:
        fits = [t for t in templates if word == str(t.id) or (word == t.name and t.project_id == project_id)]
        fits = fits or [t for t in templates if word == t.name]
        if not fits:
            raise NotFound(f"There is no template {word!r}.", "List them with `tandem templates list`.")
        found.append(fits[0].id)
    share, rest = divmod(100, len(found))
    return tuple(TemplateShare(t, share + (1 if n < rest else 0)) for n, t in enumerate(found))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text!r} is no date.", "Give it as 2026-11-30.", field="date") from None


def _time(text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a wall time has no zone
    except ValueError:
        raise Refused(f"{text!r} is no time of day.", "Give it as 09:30.", field="time") from None


def _decimal(text: str, field: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Refused(f"{text!r} is no number.", "Give a plain number.", field=field) from None
