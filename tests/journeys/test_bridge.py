"""The bridge between Tandem's own two halves, which do not know of each other: four processes and one file.

The email's template has the whole list, that of the SMS a list of its own which lacks some of those customers.
"""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.fixtures.days import ZONE, wait_until_all_settled
from tests.fixtures.doors import documents, python
from tests.fixtures.processes import free_port, wait_for
from tests.journeys.conftest import Home

PEOPLE, ON_THE_SHORT_LIST = 120, 70
GONE = 3
AHEAD_SECONDS, LEAD_SECONDS = 26, 16
MAPPING = ("--mapping", "customer=customer,at=date,value=amount")
CONFIG = """
listen = "127.0.0.1:{port}"
allow_private = ["{planner_at}", "{messenger_at}"]
tick_seconds = 0.2

[[pair]]
name = "house"
zone = "Europe/Stockholm"
poll_seconds = 4
report_hours = [0.002]

[pair.planner]
url = "{planner}"
user_env = "PLANNER_USER"
password_env = "PLANNER_PASSWORD"

[pair.messenger]
url = "{messenger}/rest"
customer_id = "1"
token_env = "MESSENGER_TOKEN"

[[pair.channel]]
id = 504
kind = "email"

[[pair.channel]]
id = 505
kind = "sms"
"""
READ_CONSENT = """
import django
django.setup()
from tandem.kit import clock
from tandem.planner.channels.service import refresh_consent
refresh_consent(1, 1, clock=clock.from_environment(), full=True)
print("read")
"""


@pytest.fixture(scope="module")
def house():
    """Both halves with customers and templates; the messenger has no listener of its own."""
    home = Home(Path(tempfile.mkdtemp(prefix="tandem-bridge-")), migrated=True)
    home.bridge_port = free_port()
    home.environment["TANDEM_ALLOW_PRIVATE"] += f",127.0.0.1:{home.bridge_port}"
    try:
        urls = ["--planner-url", home.url("planner"), "--messenger-url", home.url("messenger")]
        home.run(
            "init", *urls, "--admin", "admin@house.example", "--name", "House", "--zone", str(ZONE), "--json"
        )
        secrets = _messenger_side(home)
        home.start("messenger")
        wait_for(home.url("messenger") + "/ui/sign-in")
        key = _planner_side(home, secrets)
        home.start("planner")
        wait_for(home.url("planner") + "/ui/sign-in")
        bridge = Bridge(home, key, secrets)
        bridge.begin()
        for name in ("messenger", "planner"):
            home.stop(name)
        yield home, bridge
    finally:
        home.close()


def _messenger_side(home):
    letter, words = home.home / "letter.html", home.home / "words.txt"
    letter.write_text("<html><body><p>Hello {{contact.firstName}}</p></body></html>")
    words.write_text("Hello {{contact.firstName}}")
    files = {name: home.home / f"{name}.csv" for name in ("all", "some")}
    for name, count in (("all", PEOPLE), ("some", ON_THE_SHORT_LIST)):
        lines = (f"c{n},c{n}@people.example,+467012345{n:03},Person {n}\n" for n in range(count))
        files[name].write_text("originalId,emailAddress,mobileNumber,firstName\n" + "".join(lines))
    *_, program = documents(home, "messenger", [
        ["contacts", "create-list", "Customers", "--json"],
        ["contacts", "create-list", "Club", "--json"],
        ["contacts", "import", str(files["all"]), "--list", "1", "--json"],
        ["contacts", "import", str(files["some"]), "--list", "2", "--json"],
        ["triggers", "create-project", "Spring", "--from-address", "hello@house.example", "--sms-sender", "House",
         "--json"],
        ["triggers", "create", "Letter", str(letter), "--project", "1", "--list", "1", "--subject", "Hello", "--json"],
        ["triggers", "create", "Words", str(words), "--project", "1", "--list", "2", "--json"],
        ["messenger-account", "api-user", "planner", "--json"],
    ])  # fmt: skip
    return {"TANDEM_ACCOUNT_PASSWORD": program["password"], "TANDEM_ACCOUNT_TOKEN": program["token"]}


def _planner_side(home, secrets):
    orders = home.home / "orders.csv"
    rows = "".join(f"c{n},2026-01-0{n % 9 + 1},{n + 5}\n" for n in range(PEOPLE + GONE))
    orders.write_text("customer,date,amount\n" + rows)
    connection = [
        "--api-url",
        home.url("messenger") + "/rest",
        "--customer-id",
        "1",
        "--user-name",
        "planner",
    ]
    *_, key = documents(home, "planner", [
        ["account", "add", "--name", "House", *connection, "--list-id", "1", "--anyway"],
        ["templates", "read"],
        ["customers", "import", str(orders), *MAPPING, "--json"],
        ["customers", "snapshot", "--json"],
        ["groups", "save", "Buyers", "--text", "orders is at least 1", "--json"],
        ["keys", "add", "--user-name", "bridge", "--rights", "third party", "--json"],
    ], **secrets)  # fmt: skip
    python(home, READ_CONSENT, "planner")
    return key


def _plan(home, template, channel):
    day = home.business_now().astimezone(ZONE).date() + timedelta(days=1)
    return [
        "campaign", "plan", "--name", f"{template} by the bridge", "--group", "Buyers", "--project", "Spring",
        "--template", template, "--channel", channel, "--date", day.isoformat(), "--time", "10:00",
        "--control", "10", "--lead-minutes", str(LEAD_SECONDS / 60), "--schedule", "--json",
    ]  # fmt: skip


class Bridge:
    """`tandem bridge` as a process."""

    def __init__(self, home, key, secrets):
        self.file, port = home.home / "bridge.toml", home.bridge_port
        at = {half: home.url(half) for half in ("planner", "messenger")}
        netloc = {f"{half}_at": url.removeprefix("http://") for half, url in at.items()}
        self.file.write_text(CONFIG.format(port=port, **at, **netloc))
        self._home, self.url = home, f"http://127.0.0.1:{port}"
        self._environment = {
            "PLANNER_USER": key["user"],
            "PLANNER_PASSWORD": key["password"],
            "MESSENGER_TOKEN": secrets["TANDEM_ACCOUNT_TOKEN"],
        }

    def begin(self):
        """Begin the pair, before anything is executed: what is there then is somebody else's."""
        self._home.run("bridge", "run", "--once", "--config", str(self.file), **self._environment)

    def start(self):
        """Leave it running."""
        self._home.start("bridge", "--config", str(self.file), **self._environment)
        wait_for(self.url + "/health")

    def status(self):
        """Its campaigns."""
        [pair] = self._home.run(
            "bridge", "status", "--config", str(self.file), "--json", **self._environment
        )["pairs"]
        return pair["campaigns"]


@pytest.fixture(scope="module")
def day(house):
    """Two campaigns of one minute went the whole way; what each of the three says of them, by channel."""
    home, bridge = house
    home.set_clock(datetime.now(UTC))
    plans = documents(home, "planner", [_plan(home, "Letter", "email"), _plan(home, "Words", "sms")])
    day = home.business_now().astimezone(ZONE) + timedelta(days=1)
    send_at = day.replace(hour=10, minute=0, second=0, microsecond=0)
    home.set_clock(send_at - timedelta(seconds=AHEAD_SECONDS))
    home.up()
    bridge.start()
    try:
        states = wait_until_all_settled(home, [one["id"] for one in plans], send_at, 45)
        said = documents(home, "planner", [["campaign", "show", str(one["id"]), "--json"] for one in plans])
        sendings, lists = documents(
            home, "messenger", [["sendings", "list", "--json"], ["contacts", "lists", "--json"]]
        )
        found = SimpleNamespace(
            home=home,
            states=states,
            planner={one["channel"]: one["timeline"] for one in said},
            bridge={one["channel"]: one for one in bridge.status()},
            messenger={one["channel"]: one for one in sendings},
            lists={one["name"]: one["contacts"] for one in lists},
        )
    finally:
        for name in list(home.services):
            home.stop(name)
    return found


def outbox(day, channel):
    """The messages of the channel."""
    return [file.read_text() for file in (day.home.home / "outbox").glob(f"*/{channel}/new/*")]


def test_both_ends_tell_the_same_numbers_of_an_email(day):
    outcome, (part,) = day.planner["email"]["outcome"], day.bridge[504]["parts"]
    assert day.states == {"sent"}
    assert outcome["sent"] == day.messenger["email"]["counts"]["accepted"] == len(outbox(day, "email")) > 90
    assert (part["state"], part["way"], part["customers"]) == (
        "handed over",
        "job",
        {"sent": outcome["sent"]},
    )
    assert outcome["listed"] == outcome["control"] + outcome["sent"] + outcome["skipped"].pop("no contact")
    assert (outcome["failed"], outcome["uncertain"], outcome["skipped"]) == (0, 0, {})
    assert day.messenger["email"]["kind"] == "job"


def test_who_is_not_on_the_list_of_an_sms_is_told_as_left_out_and_is_not_added(day):
    outcome, (part,) = day.planner["sms"]["outcome"], day.bridge[505]["parts"]
    assert outcome["sent"] == day.messenger["sms"]["counts"]["accepted"] == len(outbox(day, "sms"))
    assert part["customers"] == {
        "sent": outcome["sent"],
        "missing": outcome["skipped"]["left out by the messenger"],
    }
    assert ON_THE_SHORT_LIST >= outcome["sent"] > 40
    assert outcome["listed"] == outcome["control"] + outcome["sent"] + sum(outcome["skipped"].values())
    assert (outcome["failed"], outcome["uncertain"]) == (0, 0)
    assert day.lists == {"Customers": PEOPLE, "Club": ON_THE_SHORT_LIST}


def test_the_steps_of_a_campaign_are_told_by_the_bridge(day):
    for timeline in day.planner.values():
        assert {step["state"] for step in timeline["steps"]} == {"done"}
    told = {one["metric"]: one for campaign in day.bridge.values() for one in campaign["metrics"]}
    assert {one["state"] for one in told.values()} == {"told"}
    assert set(told) >= {0, 1, 5}
