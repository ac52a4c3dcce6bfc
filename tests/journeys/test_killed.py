"""The sender is killed with SIGKILL at 20 random points; the relay's own log says what really arrived."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.fixtures import smtp_sink
from tests.fixtures.processes import Stack, free_port

pytestmark = pytest.mark.slow
CUSTOMERS = 600
KILLS = 20
IN_FLIGHT = 1
SECONDS_AFTER_RESTART = 60

PREPARE = f"""
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.fixtures.sendings import create_contacts, create_house, create_sending
house = create_house()
print(house.account_id, create_sending(house, create_contacts(house, {CUSTOMERS})))
"""


@pytest.fixture
def relay(tmp_path):
    """A relay with its own truth; refuses one customer of the list."""
    port, log = free_port(), tmp_path / "truth.jsonl"
    log.touch()
    program = [sys.executable, smtp_sink.__file__, str(port), str(log), "--delay", "0.002"]
    process = subprocess.Popen([*program, "--refuse", "c7@people.example"])
    yield port, log
    process.kill()
    process.wait()


@pytest.fixture
def stack(tmp_path, relay):
    """A messenger of its own whose mail leaves through the relay."""
    home = tmp_path / "home"
    home.mkdir()
    made = Stack(
        home,
        {
            "TANDEM_PROVIDER_LOCK": "0",
            "TANDEM_PROVIDER": "smtp",
            "TANDEM_SMTP_PORT": str(relay[0]),
            "TANDEM_SMTP_STARTTLS": "0",
        },
    )
    yield made
    made.close()


def prepare(stack: Stack) -> tuple[str, str]:
    """Account and sending, made as the product makes them."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", PREPARE],
        env={
            **stack.environment,
            "DJANGO_SETTINGS_MODULE": "tandem.site.settings.messenger",
            "PYTHONPATH": str(root),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    account_id, sending_id = done.stdout.split()[-2:]
    return account_id, sending_id


def arrived(log: Path) -> Counter:
    return Counter(json.loads(line)["to"] for line in log.read_text().splitlines())


def test_nobody_gets_two_and_nobody_is_lost(stack, relay):
    _, log = relay
    account_id, sending_id = prepare(stack)
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    kills = 0
    while kills < KILLS:
        before = sum(arrived(log).values())
        sender = stack.start("run-sender")
        if before < CUSTOMERS - 100:
            _wait_for_more(stack, log, before)
        time.sleep(chance.uniform(0, 0.12))
        sender.send_signal(signal.SIGKILL)
        sender.wait()
        kills += 1

    restarted = time.monotonic()
    stack.start("run-sender")
    facts = _wait_until_finished(stack, account_id, sending_id)
    took = time.monotonic() - restarted

    copies = arrived(log)
    numbers = facts["summary"]
    said = f"seed {seed}, {numbers}, {took:.1f} s"
    assert max(copies.values()) == 1, said
    assert numbers["uncertain"] <= kills * IN_FLIGHT, said
    assert numbers["failed"] == 1, said
    assert numbers["sent"] + numbers["uncertain"] + numbers["failed"] == numbers["listed"] == CUSTOMERS, said
    assert took < SECONDS_AFTER_RESTART, said
    accepted = _customers(stack, account_id, sending_id, "accepted")
    uncertain = _customers(stack, account_id, sending_id, "uncertain")
    assert accepted <= set(copies), said
    assert set(copies) <= accepted | uncertain, said
    print(said)


def _wait_for_more(stack: Stack, log: Path, before: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while sum(arrived(log).values()) <= before:
        assert time.monotonic() < deadline, (stack.home / "run-sender.out").read_text()
        time.sleep(0.01)


def _wait_until_finished(stack: Stack, account_id: str, sending_id: str) -> dict:
    deadline = time.monotonic() + SECONDS_AFTER_RESTART + 10
    while time.monotonic() < deadline:
        facts = stack.run("sendings", "show", sending_id, "--account", account_id, "--json")
        if facts["summary"]["finished"]:
            return facts
        time.sleep(0.5)
    raise AssertionError(f"Not finished: {facts}")


def _customers(stack: Stack, account_id: str, sending_id: str, state: str) -> set[str]:
    words = ["ledger", sending_id, "--state", state, "--limit", "100000", "--account", account_id, "--json"]
    return {f"{row['customer']}@people.example" for row in stack.run("sendings", *words)}
