"""An event is told to the planner and one message leaves the messenger within seconds; both halves are processes.

TANDEM_EVENTS=100 sets how many events are measured; the figures are printed.
"""

import email
import json
import os
import subprocess
import sys
import time

import httpx
import pytest

EVENTS = int(os.environ.get("TANDEM_EVENTS", "10"))
WITHIN = 60.0
NAME = "Thank you for the order"
REACHABLE = """
import sys, django
django.setup()
from tandem.messenger.contacts.models import Contact
rows = Contact.objects.filter(account_id=int(sys.argv[1]), list_id=int(sys.argv[2]), active=True, unsubscribed=False)
rows = rows.exclude(email="").order_by("-pk").values_list("original_id", flat=True)
print(*rows[: int(sys.argv[3])])
"""
UNSUBSCRIBE = """
import sys, django
django.setup()
from tandem.kit import clock
from tandem.messenger.contacts.models import Contact
row = Contact.objects.get(account_id=int(sys.argv[1]), list_id=int(sys.argv[2]), original_id=sys.argv[3])
from tandem.messenger.contacts import service
service.unsubscribe(row.account_id, row.pk, "email", source="test", clock=clock.from_environment())
"""


class Shop:
    """The running stack, the campaign, and the doors an event goes through."""

    def __init__(self, home):
        self.home, self.facts = home, home.facts()
        self.http = httpx.Client(
            base_url=home.url("planner"), headers={"X-API-KEY": self.facts["planner_api_key"]}, timeout=30
        )
        self.key = self.home.run(
            "realtime", "save", "--name", NAME, "--event", "purchase", "--where", "amount >= 100",
            "--project", "Spring win-back", "--template", "We miss you", "--cap-hours", "0", "--start", "--json",
        )["key"]  # fmt: skip

    def tell(self, number, customer, **properties):
        """POST one event; what the planner answered."""
        body = {
            "event_id": f"order-{number}", "event": "purchase", "customer_id": customer,
            "properties": {"amount": 250, **properties},
        }  # fmt: skip
        for _ in range(20):
            answer = self.http.post("/api/v1/events", json=body)
            if answer.status_code != 429:
                break
            time.sleep(float(answer.headers["Retry-After"]))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reachable(self, count):
        """Ids of contacts of the messenger's list who may get email."""
        arguments = [str(self.facts["customer_id"]), str(self.facts["list_id"]), str(count)]
        return self.messenger(REACHABLE, *arguments).split()

    def messenger(self, program, *arguments):
        """What a program in a process of the messenger's half printed."""
        environment = {**self.home.environment, "DJANGO_SETTINGS_MODULE": "tandem.site.settings.messenger"}
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=environment, check=True, timeout=60, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout

    @property
    def box(self):
        """Where email of the account comes out."""
        return self.home.home / "outbox" / str(self.facts["customer_id"]) / "email" / "new"

    def files(self):
        """Names of all messages."""
        return set(os.listdir(self.box))

    def messages(self):
        """Real-time messages in the outbox."""
        found = []
        for file in map(self.box.joinpath, self.files()):
            text = file.read_bytes()
            if self.key.encode() in text:
                found.append(email.message_from_bytes(text))
        return found

    def wait(self, count, seconds=WITHIN):
        deadline = time.monotonic() + seconds
        while len(self.messages()) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return len(self.messages())

    def sendings(self):
        """Real-time sendings of the messenger."""
        return self.home.run("sendings", "list", "--real-time", "--json")


@pytest.fixture(scope="module")
def shop(demo):
    home, _ = demo
    made = Shop(home)
    home.up()
    made.customers = made.reachable(EVENTS + 4)
    yield made
    home.stop("up")


@pytest.mark.slow
def test_an_event_becomes_one_message_within_seconds(shop):
    before = len(shop.messages())
    taken = shop.tell("first", shop.customers[0])
    assert [one["outcome"] for one in taken["triggered"]] == ["told"]
    assert shop.wait(before + 1) == before + 1
    again = shop.tell("first", shop.customers[0])
    assert again["repeated"] is True
    cheap = shop.tell("cheap", shop.customers[0], amount=99)
    assert cheap["triggered"] == []
    time.sleep(3)
    assert len(shop.messages()) == before + 1


@pytest.mark.slow
def test_a_messenger_that_is_down_sends_once_when_it_is_back(shop):
    before = len(shop.messages())
    shop.home.kill("up")
    for words in (("planner",), ("worker", "planner")):
        shop.home.start(*words)
    wait_for_planner(shop)
    shop.tell("while-down", shop.customers[1])
    shop.tell("while-down", shop.customers[1])
    time.sleep(2)
    assert len(shop.messages()) == before
    shop.home.kill("planner", "worker-planner")
    shop.home.up()
    assert shop.wait(before + 1, 120) == before + 1
    time.sleep(3)
    assert len(shop.messages()) == before + 1


@pytest.mark.slow
def test_without_consent_nothing_leaves_and_it_is_said(shop):
    refused, before = shop.customers[2], len(shop.messages())
    shop.messenger(UNSUBSCRIBE, str(shop.facts["customer_id"]), str(shop.facts["list_id"]), refused)
    shop.tell("refused", refused)
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        counts = [one["counts"] for one in shop.sendings()]
        if {"suppressed": 1} in counts:
            break
        time.sleep(0.5)
    assert {"suppressed": 1} in counts
    assert len(shop.messages()) == before
    deadline, reported = time.monotonic() + WITHIN, {}
    while (reported.get("5") != 1 or reported.get("0", 0) != before) and time.monotonic() < deadline:
        campaigns = shop.home.run("realtime", "list", "--json")
        reported = next(one["reported"] for one in campaigns if one["key"] == shop.key)
        time.sleep(0.5)
    assert reported == ({"0": before, "5": 1} if before else {"5": 1})


@pytest.mark.slow
def test_seconds_from_event_to_message(shop, capsys):
    seconds = []
    for number, customer in enumerate(shop.customers[4:]):
        before, began = shop.files(), time.monotonic()
        shop.tell(f"measured-{number}", customer)
        while shop.files() == before and time.monotonic() - began < WITHIN:
            time.sleep(0.01)
        seconds.append(time.monotonic() - began)
    seconds.sort()
    middle, most = seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.95)]
    with capsys.disabled():
        print(json.dumps({"events": len(seconds), "p50_s": round(middle, 3), "p95_s": round(most, 3)}))
    assert seconds[-1] < WITHIN


def wait_for_planner(shop):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if shop.http.get("/api/v1/health").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise TimeoutError
