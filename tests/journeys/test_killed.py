"""The whole messenger is killed with SIGKILL at random points of a campaign; the relay's own log is the truth.

Both halves are separate processes; the planner lives and makes the list. A kill takes every process of the messenger
at once: pages and API, recipients' door, worker, sender. TANDEM_KILLS=20 sets how many kills there are in all,
TANDEM_SEED which ones.
"""

import json
import os
import random
import time
from collections import Counter
from datetime import timedelta

import psycopg
import pytest
from tests.fixtures.days import LEAD_SECONDS, schedule, wait_until_settled

from tandem.kit import embedded_postgres
from tandem.simulators.relay import Relay
from tandem.simulators.relay_script import Rule, Script

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("TANDEM_KILLS", "3"))
KILLS_PER_CAMPAIGN = 7
#: the connections of the one sender, as TANDEM_SMTP_CONNECTIONS has them if nothing is said
IN_FLIGHT = 8
AHEAD_SECONDS = LEAD_SECONDS + 8
SECONDS_AFTER_RESTART = 60
MESSENGER = ("messenger", "worker-messenger")
_ROWS = """
SELECT c.email, a.state FROM messenger_delivery_attempt a
JOIN messenger_delivery_sending s ON s.id = a.sending_id
LEFT JOIN messenger_contacts_contact c ON c.id = a.contact_id
WHERE s.campaign_id = %s
"""
ACCEPTED, UNCERTAIN = 10, 12


class Run:
    """One campaign with its kills."""

    def __init__(self, home, relay, seed, name):
        self.home, self.chance = home, random.Random(f"{seed} {name}")
        self.port, self.log = relay
        self.kills, self.said = 0, []
        self.view, self.send_at = schedule(home, name)
        self.restarted = 0.0

    def start_messenger(self):
        """Both services of the messenger, their mail through the relay."""
        relay = {"TANDEM_PROVIDER_LOCK": "0", "TANDEM_PROVIDER": "smtp", "TANDEM_SMTP_STARTTLS": "0"}
        for words in (("messenger",), ("worker", "messenger")):
            self.home.start(*words, **relay, TANDEM_SMTP_PORT=str(self.port))
        self.restarted = time.monotonic()

    def kill(self, words):
        """Everything of the messenger, and at once again."""
        self.home.kill(*MESSENGER)
        self.kills += 1
        self.said.append(f"{words} ({self.arrived()} at the relay)")
        self.start_messenger()

    def arrived(self):
        """Messages of this campaign at the relay."""
        return len(self.copies(whole=False))

    def copies(self, *, whole=True):
        """(recipient, Message-ID) of each message at the relay; a line that is being written counts when whole."""
        lines = self.log.read_text().splitlines(keepends=True)
        facts = [json.loads(line) for line in lines if whole or line.endswith("\n")]
        mark = str(self.view["occurrence_id"])
        return [(fact["to"], fact["id"]) for fact in facts if fact["campaign"] == mark]

    def until_listed(self):
        """A moment between the lead time and the ledger."""
        moment = self.send_at - timedelta(seconds=LEAD_SECONDS - self.chance.uniform(0, 4))
        time.sleep(max(0.0, (moment - self.home.business_now()).total_seconds()))
        return "after the lead time"

    def until_sending(self):
        """A moment between two messages."""
        wanted = self.arrived() + self.chance.randint(1, 60)
        self._wait(lambda: self.arrived() >= wanted, still=4.0)
        time.sleep(self.chance.uniform(0, 0.05))
        return "while sending"

    def until_sent(self):
        """A moment around the end of the sending and the report."""
        self._wait(lambda: False, still=1.0)
        time.sleep(self.chance.uniform(0, 2))
        return "around the report"

    def _wait(self, reached, still, seconds=60):
        """Until it is reached, or nothing has arrived for `still` seconds after the first arrival."""
        deadline, last, since = time.monotonic() + seconds, self.arrived(), None
        while not reached() and time.monotonic() < deadline:
            count = self.arrived()
            if count != last:
                last, since = count, time.monotonic()
            if since is not None and time.monotonic() - since > still:
                return
            time.sleep(0.02)


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    """A relay that writes down what it takes before it answers."""
    log = tmp_path_factory.mktemp("relay") / "truth.jsonl"
    with Relay(log=log, script=Script(rules=(Rule(at="dot", seconds=0.003),))) as relay:
        yield relay.port, log


def campaigns_of(kills):
    """Kills per campaign, each campaign with several."""
    while kills > 0:
        yield min(KILLS_PER_CAMPAIGN, kills)
        kills -= KILLS_PER_CAMPAIGN


def test_the_whole_messenger_at_random_points(demo, relay):
    home, _ = demo
    seed = int(os.environ.get("TANDEM_SEED") or random.randrange(10**6))
    print(f"seed {seed}")
    for number, kills in enumerate(campaigns_of(KILLS), 1):
        run = Run(home, relay, seed, f"Killed {seed} {number}")
        home.set_clock(run.send_at - timedelta(seconds=AHEAD_SECONDS))
        try:
            home.start("planner")
            home.start("worker", "planner")
            run.start_messenger()
            for place in range(kills):
                last = place == kills - 1 and kills > 1
                until = run.until_listed if place == 0 else run.until_sent if last else run.until_sending
                run.kill(until())
            check(home, run)
        finally:
            home.kill(*MESSENGER)
            for name in list(home.services):
                home.stop(name)


def check(home, run):
    """The promise, by the relay's log, the ledger, the planner and what an operator sees."""
    state = wait_until_settled(home, run.view["id"], run.send_at, SECONDS_AFTER_RESTART + 10)
    took = time.monotonic() - run.restarted
    said = f"{state}, {took:.1f} s after the last restart; killed {'; '.join(run.said)}"
    assert state["state"] in ("sent", "sent with failures"), said
    assert took < SECONDS_AFTER_RESTART, said

    sending = next(
        one
        for one in home.run("sendings", "list", "--json")
        if one["campaign_id"] == run.view["occurrence_id"]
    )
    numbers = home.run("sendings", "show", str(sending["id"]), "--json")["summary"]
    copies = run.copies()
    print(f"{len(copies)} at the relay, {numbers}, {took:.1f} s; killed {'; '.join(run.said)}")
    assert len(copies) > 0
    assert max(Counter(to for to, _ in copies).values()) == 1, said
    assert numbers["finished"], said
    assert numbers["uncertain"] <= run.kills * IN_FLIGHT, said
    assert numbers["failed"] == 0, said
    parts = numbers["sent"] + numbers["uncertain"] + sum(numbers["skipped"].values())
    assert parts == numbers["listed"], said
    assert sending["uncertain"] == numbers["uncertain"], "in sight of an operator"
    uncertain = home.run("sendings", "ledger", str(sending["id"]), "--state", "uncertain", "--json")
    assert len(uncertain) == numbers["uncertain"], "by name"

    by_state = ledger(home, run.view["occurrence_id"])
    there = {to for to, _ in copies}
    assert by_state[ACCEPTED] <= there <= by_state[ACCEPTED] | by_state[UNCERTAIN], said
    assert (state["state"] == "sent") == (numbers["uncertain"] == 0), said


def ledger(home, campaign_id):
    """Addresses per state."""
    found = {ACCEPTED: set(), UNCERTAIN: set()}
    with psycopg.connect(embedded_postgres.find(home.home).url("tandem_messenger")) as connection:
        for address, state in connection.execute(_ROWS, [campaign_id]):
            found.setdefault(state, set()).add(address)
    return found
