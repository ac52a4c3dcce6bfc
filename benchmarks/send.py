"""One email sending to n contacts: ledger, rendering, outbox, outcome rows, by one sender of the product."""

import csv
import random
import threading
import time
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from benchmarks import data, measure

HALF = "messenger"
SAMPLE = 200
OPTED_OUT = 20
ITEMS = "".join(
    f'<tr><td><a href="https://shop.example/item/{number}?from=letter">Item number {number}</a></td>'
    f"<td>One of the things that many people like you chose this week, and that we think fits well with what "
    f"{{{{contact.firstName}}}} already has. Price &euro; {number * 7}.90, delivered to "
    f"{{{{contact.city}}}} within three days.</td></tr>\n"
    for number in range(1, 15)
)
HTML = f"""<!doctype html>
<html><head><meta charset="utf-8"><title>Letter</title></head><body>
<h1>{{{{print contact.firstName "Hello"}}}}, this is your week</h1>
<p>Dear {{{{contact.firstName}}}} {{{{contact.lastName}}}} of {{{{upper contact.country}}}}, your level is
{{{{contact.level}}}}.</p>
<table>{ITEMS}</table>
<p>We wrote to {{{{contact.emailAddress}}}} as customer {{{{contact.originalId}}}}.</p>
<p><a href="{{{{message.unsubscribeUrl}}}}">Unsubscribe</a></p>
</body></html>
"""


def run(n: int) -> dict[str, Any]:
    """Send once with the `file` provider; then read the outbox back and compare it with the ledger."""
    from tandem.kit import clock
    from tandem.messenger.delivery import service as delivery
    from tandem.messenger.reporting import service as reporting

    now = clock.from_environment()
    account_id, list_id, trigger_id = _prepared(n, now)
    sending_id = _opened(account_id, trigger_id, n, now)
    with measure.part():
        view = _sent(account_id, sending_id)
    found = reporting.summary(account_id, sending_id)
    outbox = delivery.outbox_count(account_id)
    suppressed = found.skipped.get("unsubscribed", 0)
    if (view.expected, found.sent, suppressed, outbox) != (n, n - OPTED_OUT, OPTED_OUT, found.sent):
        raise SystemExit(f"{n} listed, {OPTED_OUT} opted out, {outbox} in the outbox, but {found}")
    size = _check_sample(account_id, list_id, sending_id)
    return {
        "messages_per_s": round(found.sent / measure.figures()["wall_s"]),
        "message_bytes": size,
        "checked": f"{n} listed = {found.sent} accepted + {suppressed} unsubscribed; {outbox} distinct messages read "
        f"back; {SAMPLE} of them parsed: recipient, name and unsubscribe link are the contact's own",
    }


def _prepared(n: int, now: Any) -> tuple[int, int, int]:
    """A new account with n contacts imported from a file, some opted out, and one active template."""
    from tandem.messenger.accounts import service as accounts
    from tandem.messenger.contacts import service as contacts
    from tandem.messenger.projects import service as projects
    from tandem.messenger.projects.domain import EmailSource

    name = f"benchmark send {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
    account = accounts.create_account(name=name, zone="UTC")
    people = contacts.create_list(account.id, name="People", clock=now)
    contacts.define_property(account.id, name="level", clock=now)
    contacts.import_file(account.id, people.id, contact_file(n), clock=now)
    for number in range(OPTED_OUT):
        one = contacts.get_contact(account.id, people.id, f"B{number * (n // OPTED_OUT)}")
        contacts.unsubscribe(account.id, one.id, "email", source="benchmark", clock=now)
    project = projects.create_project(
        account.id,
        name="Letters",
        from_name="Shop",
        from_address="news@shop.example",
        sms_sender="Shop",
        clock=now,
    )
    trigger = projects.create_trigger(
        account.id, project_id=project.id, list_id=people.id, name="Week", channel="email", clock=now
    )
    source = EmailSource(subject="{{contact.firstName}}, your week in {{contact.city}}", html=HTML)
    projects.add_active_version(account.id, trigger.id, source, clock=now)
    return account.id, people.id, trigger.id


def contact_file(n: int) -> Path:
    """A CSV file of n made-up contacts in reserved names, made once."""
    target = data.home() / f"contacts-{n}.csv"
    chance = random.Random(3)
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["originalId", "emailAddress", "firstName", "lastName", "city", "country", "level"])
        for number in range(n):
            city = chance.choice(["Malmö", "Oslo", "Aarhus", "Göteborg", "Tampere"])
            writer.writerow(
                [f"B{number}", f"b{number}@people.example", f"Åsa {number}", "Öberg", city, "se", "gold"]
            )
    return target


def _opened(account_id: int, trigger_id: int, n: int, now: Any, source: str = "benchmark") -> int:
    from tandem.messenger.delivery import ledger
    from tandem.messenger.delivery.domain import Channel, PlannedTemplate
    from tandem.messenger.projects import service as projects

    target = projects.send_target(account_id, trigger_id)
    planned = PlannedTemplate(
        template_id=trigger_id, version_id=target.version_id, list_id=target.list_id, due_at=now.business()
    )
    return ledger.open_sending(
        account_id,
        source_key=source,
        channel=Channel.EMAIL,
        templates=[planned],
        rows=((f"B{number}", trigger_id) for number in range(n)),
        campaign_id=1,
        channel_id=504,
        clock=now,
    )


def _sent(account_id: int, sending_id: int) -> Any:
    """Run one sender until the sending has ended; its view."""
    from tandem.kit import clock
    from tandem.messenger.delivery import service as delivery
    from tandem.messenger.delivery.sender.life import Life

    life = Life(clock.from_environment(), threading.Event())
    try:
        while True:
            if not life.turn():
                view = delivery.get_sending(account_id, sending_id)
                if view.finished_at is not None:
                    return view
                time.sleep(0.05)
    finally:
        life.close()


def _check_sample(account_id: int, list_id: int, sending_id: int) -> int:
    """Parse messages with the standard library; bytes of the last one."""
    from tandem.messenger.contacts import service as contacts
    from tandem.messenger.delivery import service as delivery

    raw = b""
    for shown in delivery.outbox(account_id, limit=SAMPLE):
        raw = delivery.outbox_message(account_id, "email", shown.name).raw
        message = message_from_bytes(raw, policy=policy.default)
        address = str(message["To"])
        one = contacts.get_contact(account_id, list_id, address.split("@")[0].upper())
        link = str(message["List-Unsubscribe"]).strip("<>")
        for kind in ("plain", "html"):
            body = message.get_body((kind,)).get_content()
            if one.email != address or body.count(one.first_name) < 16 or link not in body:
                raise SystemExit(f"A message of sending {sending_id} is not its recipient's own.")
    return len(raw)
