"""The messenger's half of the demonstration: two projects, their templates, the listener, the counts."""

import csv
from datetime import datetime
from email import message_from_bytes
from pathlib import Path
from typing import Any

from tandem.kit import clock
from tandem.site.demo.side import serve

HERE = Path(__file__).resolve().parent / "templates"
ZONE = "Europe/Stockholm"
CUSTOMER_ID = 5004
SENDER = {"from_name": "Tandem Shop", "from_address": "hello@shop.example", "sms_sender": "TandemShop"}
#: project -> (description, ((template, channel, subject, file), ...))
PROJECTS = {
    "Spring win-back": (
        "For customers who have not ordered for a while.",
        (
            ("We miss you", "email", '{{print contact.firstName "Hello"}}, we miss you', "we_miss_you.html"),
            (
                "A small gift",
                "email",
                'A small gift for {{print contact.firstName "you"}}',
                "small_gift.mjml",
            ),
            ("Come back by SMS", "sms", "", "come_back.txt"),
        ),
    ),
    "Loyalty club": (
        "News for members.",
        (
            ("Points statement", "email", 'Your points, {{print contact.firstName "member"}}', "points.html"),
            ("Members' day by SMS", "sms", "", "members_day.txt"),
        ),
    ),
}
LATE_OPT_OUTS = 20
FLAGS = ("unsubscribed", "mobileUnsubscribed")


def prepare(facts: dict[str, Any]) -> dict[str, Any]:
    """The account, its user, its API user, one list, two projects with five templates."""
    from tandem.messenger.accounts import service as accounts
    from tandem.messenger.contacts import service as contacts
    from tandem.messenger.projects import service as projects

    now = clock.from_environment()
    account = accounts.create_account(name="Tandem Shop", zone=ZONE, currency="EUR", customer_id=CUSTOMER_ID)
    accounts.create_user(account.id, email=facts["web_user"], password=facts["web_password"], name="Demo")
    program = accounts.create_api_user(account.id, "planner@shop.example")
    people = contacts.create_list(
        account.id, name="Customers", description="Everybody who shops with us.", clock=now
    )
    triggers: dict[str, list[int]] = {}
    for name, (description, templates) in PROJECTS.items():
        project = projects.create_project(account.id, name=name, description=description, clock=now, **SENDER)
        for title, channel, subject, file in templates:
            trigger = projects.create_trigger(
                account.id, project_id=project.id, list_id=people.id, name=title, channel=channel, clock=now
            )
            projects.add_active_version(account.id, trigger.id, _source(channel, subject, file), clock=now)
            triggers.setdefault(f"{name}/{channel}", []).append(trigger.id)
    return {
        "customer_id": str(account.id),
        "messenger_user": program.user_name,
        "messenger_password": program.password,
        "messenger_token": program.token,
        "list_id": people.id,
        "trigger_ids": triggers["Spring win-back/email"],
        "sms_trigger_ids": triggers["Spring win-back/sms"],
    }


def listen(facts: dict[str, Any]) -> dict[str, Any]:
    """Connect to the planner's API and register one listener per channel."""
    from tandem.messenger.listener import service

    account_id = int(facts["customer_id"])
    service.connect_planner(
        account_id,
        planner_url=facts["planner_url"],
        user=facts["planner_user"],
        password=facts["planner_password"],
        zone=ZONE,
    )
    for kind in ("email", "sms"):
        service.bind_channel(account_id, facts[f"{kind}_channel_id"], kind)
    registered = service.register(account_id, clock=clock.from_environment())
    return {"registered": [view.channel_id for view in registered]}


def opt_out(facts: dict[str, Any]) -> dict[str, Any]:
    """The people of the file who have opted out, before the planner reads consent."""
    from tandem.messenger.contacts import service

    contacts = Path(facts["contacts"])
    gone = contacts.with_name("opted-out.csv")
    with contacts.open(newline="") as source, gone.open("w", newline="") as target:
        writer = csv.DictWriter(target, ("originalId", *FLAGS), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row for row in csv.DictReader(source) if "1" in [row[flag] for flag in FLAGS])
    now = clock.from_environment()
    batch = service.import_file(
        int(facts["customer_id"]), facts["list_id"], gone, kind="UNSUBSCRIBE", clock=now
    )
    return {"opted_out": batch.affected}


def opt_out_late(facts: dict[str, Any]) -> dict[str, Any]:
    """A few people opt out after the planner read consent; the messenger must still not write to them."""
    from tandem.messenger.contacts import service

    account_id = int(facts["customer_id"])
    page = service.page_contacts(account_id, facts["list_id"], mode="all", size=LATE_OPT_OUTS)
    for contact in page:
        service.unsubscribe(account_id, contact.id, "email", source="demo", clock=clock.from_environment())
    return {"opted_out": len(page)}


def outcome(facts: dict[str, Any]) -> dict[str, Any]:
    """Per channel: the ledger's counts of its occurrence and what the outbox really holds."""
    return {
        channel: _outcome(int(facts["customer_id"]), occurrence, channel, facts["channels"][channel])
        for channel, occurrence in facts["campaigns"].items()
    }


def _outcome(account_id: int, occurrence: int, channel: str, channel_id: int) -> dict[str, Any]:
    from tandem.messenger.delivery import service as delivery
    from tandem.messenger.reporting import service as reporting

    sending = delivery.find_sending(account_id, occurrence, channel_id)
    counts = reporting.summary(account_id, sending.id)
    return {
        "sent": counts.sent,
        "skipped": counts.skipped,
        "failed": counts.failed,
        "uncertain": counts.uncertain,
        "outbox": delivery.outbox_count(account_id, occurrence, channel),
        "way_out": _way_out(account_id, occurrence) if channel == "email" else "",
        "seconds": _seconds(sending.started_at, sending.finished_at),
        "lateness": _seconds(sending.due_at, sending.started_at),
    }


def _way_out(account_id: int, occurrence: int) -> str:
    """The unsubscribe link of one message of the campaign, as its recipient's mail program reads it."""
    from tandem.messenger.delivery import service as delivery

    for shown in delivery.outbox(account_id, "email", limit=1):
        message = message_from_bytes(delivery.outbox_message(account_id, "email", shown.name).raw)
        if message["X-Tandem-Campaign"] == str(occurrence):
            return str(message["List-Unsubscribe"]).strip("<>")
    return ""


def _source(channel: str, subject: str, file: str) -> Any:
    from tandem.messenger.projects.domain import EmailSource, SmsSource

    text = (HERE / file).read_text()
    if channel == "sms":
        return SmsSource(text=text.strip())
    return (
        EmailSource(subject=subject, mjml=text)
        if file.endswith(".mjml")
        else EmailSource(subject=subject, html=text)
    )


def _seconds(start: datetime | None, end: datetime | None) -> float:
    return (end - start).total_seconds() if start and end else 0.0


if __name__ == "__main__":
    serve(
        "messenger",
        {
            "prepare": prepare,
            "listen": listen,
            "opt_out": opt_out,
            "opt_out_late": opt_out_late,
            "outcome": outcome,
        },
    )
