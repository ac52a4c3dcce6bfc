"""The planner alone with a messenger that is not ours: the product's own stand-in, which differs and fails.

Conformance writes the profile, the account is connected with it, templates and consent are read, a campaign is planned
and its list made; the stand-in hears of it, fetches it and says what it did. Both are processes.
"""

import json
import tempfile
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.fixtures.doors import documents
from tests.fixtures.processes import Stack, free_port, wait_for

ZONE = "Europe/Stockholm"
DIFFERS = (
    "envelope", "key-original", "key-active", "id-text", "flag-text", "time-text", "channel-words", "basic-trims",
    "paging-names", "page-cap", "no-apiurl", "no-projects", "no-preview", "empty-404", "status-words",
)  # fmt: skip
PEOPLE = 300
SECRETS = {"TANDEM_ACCOUNT_PASSWORD": "simulator", "TANDEM_ACCOUNT_TOKEN": "simulator"}


class Foreign:
    """The stand-in's process."""

    def __init__(self, home, port):
        self.url = f"http://127.0.0.1:{port}"
        words = [part for name in DIFFERS for part in ("--deviation", name)]
        home.start("simulate", "messenger", "--port", str(port), "--contacts", str(PEOPLE), *words)
        wait_for(f"{self.url}/_simulator/log")

    def tell(self, verb, **fields):
        body = json.dumps(fields).encode()
        request = urllib.request.Request(f"{self.url}/_simulator/{verb}", body, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def fails(self, kind, where, times=1):
        self.tell("fault", fault=kind, function=where, times=times)


@pytest.fixture(scope="module")
def house():
    """A planner's home without a messenger, and the foreign one beside it."""
    home = Stack(Path(tempfile.mkdtemp(prefix="tandem-foreign-")), migrated=True)
    try:
        port = free_port()
        home.environment["TANDEM_ALLOW_PRIVATE"] += f",127.0.0.1:{port}"
        urls = ["--planner-url", home.url("planner"), "--messenger-url", home.url("messenger")]
        home.run("init", *urls, "--admin", "admin@house.example", "--name", "House", "--zone", ZONE, "--json")
        yield home, Foreign(home, port)
    finally:
        home.close()


def until(look, seconds=120, pause=0.3):
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(pause)
    return found


def judge(home, foreign):
    """What conformance says, and the profile it wrote."""
    file = home.home / "foreign.toml"
    told = home.run(
        "conform", "messenger", "--url", f"{foreign.url}/rest", "--customer-id", "5004", "--rate", "1000",
        "--write-profile", str(file), "--allow-writes", "--json", TANDEM_MESSENGER_TOKEN="simulator",
    )  # fmt: skip
    return {flow["name"]: flow["outcome"] for flow in told["flows"]}, file


def connect(home, foreign, profile):
    orders = home.home / "orders.csv"
    rows = "".join(f"{100_001 + n},2026-01-0{n % 9 + 1},{n + 5}\n" for n in range(PEOPLE))
    orders.write_text("customer,date,amount\n" + rows)
    account = [
        "account", "add", "--name", "Foreign", "--api-url", f"{foreign.url}/rest", "--customer-id", "5004",
        "--user-name", "simulator", "--profile", str(profile), "--anyway",
    ]  # fmt: skip
    home.run(*account, check=False, **SECRETS)  # the listener is missing still, which it says
    foreign.fails("truncated", "/triggers")
    refused = home.run("templates", "read", check=False)
    assert "Traceback" not in str(refused)
    home.run("templates", "read")
    templates, *_, key = documents(home, "planner", [
        ["templates", "list", "--json"],
        ["customers", "import", str(orders), "--mapping", "customer=customer,at=date,value=amount", "--json"],
        ["customers", "snapshot", "--json"],
        ["groups", "save", "Buyers", "--text", "orders is at least 1", "--json"],
        ["keys", "add", "--user-name", "foreign", "--rights", "third party", "--json"],
    ])  # fmt: skip
    return templates, key


def plan(home):
    """A campaign whose list is made in a few seconds."""
    now = datetime.now(UTC)
    send_at = now.replace(second=0, microsecond=0) + timedelta(minutes=3)
    lead = (send_at - now).total_seconds() - 12
    local = send_at.astimezone(ZoneInfo(ZONE))
    return home.run(
        "campaign", "plan", "--name", "To a foreign messenger", "--group", "Buyers", "--project", "Project 77",
        "--template", "Welcome", "--date", f"{local:%Y-%m-%d}", "--time", f"{local:%H:%M}", "--control", "10",
        "--lead-minutes", f"{lead / 60:.3f}", "--schedule", "--json",
    )  # fmt: skip


def test_a_campaign_reaches_a_messenger_that_differs_and_fails(house):
    home, foreign = house
    flows, profile = judge(home, foreign)
    assert flows["Offer templates"] == flows["Read consent"] == "works with the profile"
    assert "does not work" not in flows.values()
    templates, key = connect(home, foreign, profile)
    assert {one["name"]: one["channel"] for one in templates if one["active_campaign"]} == {
        "Welcome": "email", "Welcome by SMS": "sms", "Spring offers": "email",
    }  # fmt: skip

    foreign.fails("429", "/contacts/all")
    home.start("planner")
    home.start("worker", "planner")
    wait_for(home.url("planner") + "/ui/sign-in")
    foreign.tell(
        "listen", planner=home.url("planner"), user=key["user"], password=key["password"], channels=[504, 505],
        own=foreign.url,
    )  # fmt: skip
    until(lambda: home.run("account", "list", "--json")[0]["consent_read_at"], 120, 3)

    foreign.fails("500", "/_listener")
    planned = plan(home)
    [heard] = until(lambda: [one for one in foreign.tell("heard") if one["state"] == "reported"], 90)
    assert (heard["campaign"], heard["channel"]) == (planned["occurrence_id"], 504)

    shown = home.run("campaign", "show", str(planned["id"]), "--json")["timeline"]["outcome"]
    messages = foreign.tell("messages")
    kept = [one for one in messages if not one["suppressed"]]
    assert len(kept) == len({one["originalId"] for one in messages}) == heard["rows"] > PEOPLE / 2
    assert {one["trigger"] for one in kept} == {11}
    assert (shown["sent"], shown["failed"], shown["uncertain"]) == (len(kept), 0, 0)
    assert shown["listed"] == shown["control"] + shown["sent"] + sum(shown["skipped"].values())
