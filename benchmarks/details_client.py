"""The messenger's side of the benchmark of details: `prepare`, or `fetch URL KEY ACCOUNT CAMPAIGN CHANNEL`."""

import json
import os
import sys
from datetime import UTC, datetime
from typing import Any

from benchmarks import measure


def main() -> None:
    """One JSON document as the last line."""
    url = sys.argv[2] if len(sys.argv) > 2 else ""
    os.environ["TANDEM_ALLOW_PRIVATE"] = url.removeprefix("http://")
    measure.set_up("messenger")
    print(json.dumps(prepare() if sys.argv[1] == "prepare" else fetch(url, *sys.argv[3:])))


def prepare() -> dict[str, Any]:
    """A new account with two active email templates."""
    from tandem.kit import clock
    from tandem.messenger.accounts import service as accounts
    from tandem.messenger.contacts import service as contacts
    from tandem.messenger.projects import service as projects
    from tandem.messenger.projects.domain import EmailSource

    now = clock.from_environment()
    account = accounts.create_account(
        name=f"benchmark details {datetime.now(UTC):%Y%m%d %H%M%S.%f}", zone="UTC"
    )
    people = contacts.create_list(account.id, name="People", clock=now)
    project = projects.create_project(
        account.id,
        name="Letters",
        from_name="Shop",
        from_address="news@shop.example",
        sms_sender="Shop",
        clock=now,
    )
    triggers = []
    for name in ("One", "Two"):
        trigger = projects.create_trigger(
            account.id, project_id=project.id, list_id=people.id, name=name, channel="email", clock=now
        )
        source = EmailSource(
            subject="Hello",
            html='<html><body><p>Hello</p><p><a href="{{message.unsubscribeUrl}}">Unsubscribe</a></p></body></html>',
        )
        projects.add_active_version(account.id, trigger.id, source, clock=now)
        triggers.append(trigger.id)
    return {"account": account.id, "templates": triggers}


def fetch(url: str, key: str, account: str, campaign: str, channel: str) -> dict[str, Any]:
    """From a heard campaign to the ledger, as the worker does it; the measured part."""
    from tandem.kit import clock
    from tandem.messenger.delivery.models import Attempt
    from tandem.messenger.listener import service
    from tandem.messenger.listener.models import Inbox
    from tandem.messenger.listener.service.receive import hear

    account_id, now = int(account), clock.from_environment()
    service.connect_planner(account_id, planner_url=url, zone="UTC", api_key=key)
    service.bind_channel(account_id, int(channel), "email")
    hear(account_id, int(campaign), int(channel), "event", now)
    row = Inbox.objects.get(account_id=account_id, campaign_id=int(campaign))
    with measure.part():
        done = service.fetch(account_id, row.id, clock=now)
    if not done:
        raise SystemExit(Inbox.objects.get(account_id=account_id, id=row.id).problem)
    sending_id = Inbox.objects.get(account_id=account_id, id=row.id).sending_id
    ledger = Attempt.objects.filter(account_id=account_id, sending_id=sending_id)
    return {**measure.figures(), "ledger": ledger.values("customer").distinct().count()}


if __name__ == "__main__":
    main()
