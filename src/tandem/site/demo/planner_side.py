"""The planner's half of the demonstration: data in, connection, groups, two campaigns, their outcome."""

import csv
import shutil
import time as seconds
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tandem.kit import clock
from tandem.kit.commands import words
from tandem.kit.problems import Refused
from tandem.site.demo.side import serve

ZONE = "Europe/Stockholm"
SEND_AT = time(10, 0)
PROMOTION = ("BACK10", "10 % off the next order")
ACTIONS = {"email": "Win-back with 10 % off", "sms": "A word to the best"}
GROUPS = {
    "email": ("Quiet for a month", "orders is at least 1 and days_since_last_order is at least 30"),
    "sms": (
        "Best and recent",
        "rfm_monetary is exactly 5 and rfm_recency is exactly 5 and orders is at least 2",
    ),
}


def prepare(facts: dict[str, Any]) -> dict[str, Any]:
    """The account, its user, its API credential, its customers and their orders."""
    from tandem.planner.accounts import service as accounts
    from tandem.planner.customers import service as customers

    now = clock.from_environment()
    account = accounts.create_account(name="Tandem Shop", zone=ZONE, currency="EUR", clock=now)
    accounts.create_user(
        account.id, email=facts["web_user"], password=facts["web_password"], name="Demo", clock=now
    )
    program = accounts.create_api_credential(account.id, user_name="messenger@shop.example", clock=now)
    last_day, notes, contacts = _bring_customers(account.id, facts)
    return {
        "account_id": account.id,
        "planner_user": program.user_name,
        "planner_password": program.password,
        "planner_api_key": program.api_key,
        "email_channel_id": 504,
        "sms_channel_id": 505,
        "contacts": str(contacts),
        "customers": customers.count_customers(account.id),
        "first_send_at": _first_send(last_day).isoformat(),
        "notes": notes,
    }


def connect(facts: dict[str, Any]) -> dict[str, Any]:
    """The five fields, the check, the templates, and the contacts through the imports API."""
    from tandem.planner.channels import service as channels

    now = clock.from_environment()
    account_id = facts["account_id"]
    if channels.list_accounts(account_id):
        return {}
    channel = channels.add_account(
        account_id,
        name="Tandem Shop",
        api_url=facts["messenger_url"],
        customer_id=facts["customer_id"],
        user_name=facts["messenger_user"],
        password=facts["messenger_password"],
        token=facts["messenger_token"],
        email_channel_id=facts["email_channel_id"],
        sms_channel_id=facts["sms_channel_id"],
        list_id=facts["list_id"],
    )
    for step in channels.check_connection(account_id, channel.id, clock=now).steps:
        words.print(f"  {'ok ' if step.ok else '-- '} {step.name}: {step.detail}", markup=False)
    channels.read_templates(account_id, channel.id, clock=now)
    pushed = channels.push_contacts(account_id, channel.id, _rows(Path(facts["contacts"])), clock=now)
    words.print(f"  {pushed.rows:,} contacts handed to the messenger")
    return {}


def plan(facts: dict[str, Any]) -> dict[str, Any]:
    """Consent, snapshot, two target groups, two campaigns, scheduled."""
    from tandem.planner.channels import service as channels
    from tandem.planner.modelling import service as modelling

    now = clock.from_environment()
    account_id = facts["account_id"]
    channel = channels.get_account(account_id, None)
    channels.refresh_consent(account_id, channel.id, clock=now, full=not facts["again"])
    shutil.rmtree(
        Path(facts["contacts"]).parent, ignore_errors=True
    )  # addresses are the messenger's from here
    send_at = _still_possible(datetime.fromisoformat(facts["send_at"]), facts["lead_seconds"])
    day = _local(send_at).date()
    modelling.build_snapshot(account_id, day - timedelta(days=1), clock=now)
    triggers = {"email": facts["trigger_ids"], "sms": facts["sms_trigger_ids"]}
    send_at = _still_possible(send_at, facts["lead_seconds"])
    occurrences = {
        kind: _campaign(facts, channel, kind, triggers[kind], send_at) for kind in ("email", "sms")
    }
    return {
        "campaigns": occurrences,
        "channels": {"email": channel.email_channel_id, "sms": channel.sms_channel_id},
        "date": day.isoformat(),
    }


def wait(facts: dict[str, Any]) -> dict[str, Any]:
    """Follow both occurrences until they are settled; their last states."""
    from tandem.planner.campaigns import service as campaigns

    deadline = seconds.monotonic() + facts["seconds"]
    told: dict[str, str] = {}
    unsettled = {
        "draft",
        "scheduled",
        "making list",
        "waiting for clearance",
        "waiting for messenger",
        "sending",
        "being cancelled",
    }
    while True:
        states = {
            str(view.channel): str(view.state)
            for view in campaigns.list_campaigns(facts["account_id"])
            if view.occurrence_id in facts["campaigns"].values()
        }
        for channel, state in states.items():
            if told.get(channel) != state:
                words.print(f"  {channel}: {state}")
        told = states
        if not unsettled & set(states.values()) or seconds.monotonic() > deadline:
            return {str(channel): state for channel, state in states.items()}
        seconds.sleep(0.3)


def outcome(facts: dict[str, Any]) -> dict[str, Any]:
    """Per channel: listed, control, and whom the planner did not target and why."""
    from tandem.planner.execution import service as execution

    lists = {
        channel: execution.list_summary(facts["account_id"], occurrence)
        for channel, occurrence in facts["campaigns"].items()
    }
    return {
        channel: {"listed": made.listed, "control": made.control, "skipped": made.skipped}
        for channel, made in lists.items()
    }


def _bring_customers(account_id: int, facts: dict[str, Any]) -> tuple[date, list[str], Path]:
    from django.conf import settings

    from tandem.planner.customers import service as customers
    from tandem.site.demo import generate

    now = clock.from_environment()
    folder = Path(settings.TANDEM_HOME) / "demo-contacts"
    folder.mkdir(mode=0o700, exist_ok=True)
    contacts = folder / "contacts.csv"
    if not facts["data"]:
        made = generate.generate(folder, customers=facts["customers"])
        customers.import_attributes(account_id, made.attributes, clock=now)
        report = customers.import_orders(account_id, made.orders, clock=now)
        if made.contacts != contacts:
            made.contacts.replace(contacts)
        notes = [
            "Customers, orders, addresses and numbers are made up, in reserved ranges; nothing can be delivered."
        ]
    else:
        report = customers.import_orders(account_id, Path(facts["data"]), clock=now, mapping=facts["mapping"])
        generate.make_contacts_for(customers.customer_ids(account_id), contacts)
        notes = ["The log holds no contact data: addresses and numbers are made up, in reserved ranges."]
    for sentence in (*report.guessed, f"Columns: {report.mapping}"):
        words.print(f"  {sentence}", markup=False)
    words.print(
        f"  {report.taken:,} of {report.rows:,} rows taken, {report.customers:,} customers", markup=False
    )
    if report.rejected:
        notes.append(f"{report.rejected:,} rows were rejected ({report.reasons}); see {report.errors}.")
    days = customers.order_days(account_id)
    if days is None:
        raise Refused("The log holds no orders.", "Give a file with at least one sale.")
    return days[1], notes, contacts


def _campaign(facts: dict[str, Any], channel: Any, kind: str, templates: list[int], send_at: datetime) -> int:
    from tandem.planner.campaigns import service as campaigns
    from tandem.planner.campaigns.domain import CampaignPlan, TemplateShare
    from tandem.planner.campaigns.offer import PromotionView
    from tandem.planner.channels.service import list_templates

    now = clock.from_environment()
    code, name = PROMOTION
    campaigns.add_promotions(facts["account_id"], [PromotionView(code=code, name=name)], clock=now)
    local = _local(send_at)
    project = next(
        t.project_id for t in list_templates(facts["account_id"], channel.id) if t.id == templates[0]
    )
    share, rest = divmod(100, len(templates))
    plan = CampaignPlan(
        name=f"{GROUPS[kind][0]} {local:%d %b %H:%M}",
        group_id=_group(facts["account_id"], kind),
        channel=kind,
        channel_account_id=channel.id,
        project_id=project,
        templates=tuple(TemplateShare(t, share + (rest if n == 0 else 0)) for n, t in enumerate(templates)),
        day=local.date(),
        time=local.time(),
        zone=ZONE,
        control_percent=Decimal(10),
        lead_minutes=Decimal(facts["lead_seconds"]) / 60,
        late_minutes=60,
        action=ACTIONS[kind],
        tags=("demonstration",),
        promo_codes=(code,) if kind == "email" else (),
    )
    draft = campaigns.plan_campaign(facts["account_id"], plan, clock=now)
    return campaigns.schedule_campaign(facts["account_id"], draft.id, clock=now).occurrence_id


def _group(account_id: int, kind: str) -> int:
    from tandem.planner.targeting import service as targeting

    name, text = GROUPS[kind]
    for group in targeting.list_groups(account_id):
        if group.name == name:
            return group.id
    return targeting.save_group(account_id, name=name, text=text, clock=clock.from_environment()).id


def _rows(file: Path) -> Any:
    columns = ("originalId", "emailAddress", "mobileNumber", "firstName", "lastName")
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            yield {name: row[name] for name in columns}


def _still_possible(send_at: datetime, lead_seconds: int) -> datetime:
    """This minute, or the next one that leaves the lead time and five seconds to schedule."""
    earliest = clock.from_environment().business() + timedelta(seconds=lead_seconds + 5)
    while send_at < earliest:
        send_at += timedelta(minutes=1)
    return send_at


def _first_send(last_day: date) -> datetime:
    from tandem.kit.zones import fixed_instant

    return fixed_instant(last_day + timedelta(days=1), SEND_AT, ZONE)


def _local(instant: datetime) -> datetime:
    from tandem.kit.zones import to_local

    return to_local(instant, ZONE)


if __name__ == "__main__":
    serve("planner", {"prepare": prepare, "connect": connect, "plan": plan, "wait": wait, "outcome": outcome})
