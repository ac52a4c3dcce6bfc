"""`init`, `doctor`, `db dump` and `db restore` on a home of their own."""

import mailbox
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from tests.fixtures.doors import python
from tests.fixtures.hooks import receiver
from tests.fixtures.processes import Stack

ANSWERS = (
    "--planner-url", "http://127.0.0.1:8100", "--messenger-url", "http://127.0.0.1:8200",
    "--tracking-url", "http://127.0.0.1:8300", "--admin", "admin@example.com", "--name", "Example",
    "--zone", "Europe/Stockholm", "--currency", "SEK",
)  # fmt: skip


@pytest.fixture(scope="module")
def installed():
    home = Stack(Path(tempfile.mkdtemp(prefix="tandem-init-")))
    try:
        yield home, home.run("init", *ANSWERS, "--json")
    finally:
        home.close()


def test_init_writes_private_settings_and_a_first_administrator(installed):
    home, document = installed
    assert document["admin"] == "admin@example.com"
    assert document["planner"]["account"] and document["messenger"]["account"]
    for name in ("tandem.env", "key"):
        assert stat.S_IMODE((home.home / name).stat().st_mode) == 0o600
    assert document["password"] not in (home.home / "tandem.env").read_text()


def test_init_leaves_an_installation_alone(installed):
    home, _ = installed
    before = (home.home / "tandem.env").read_text()
    assert home.run("init", *ANSWERS, check=False) == ""
    assert (home.home / "tandem.env").read_text() == before


@pytest.mark.parametrize(
    "wrong", [("--zone", "Mars/Olympus"), ("--admin", "nobody"), ("--planner-url", "ftp://x")]
)
def test_a_wrong_answer_leaves_nothing(wrong, tmp_path):
    home = Stack(tmp_path / "home")
    words = list(ANSWERS)
    words[words.index(wrong[0]) + 1] = wrong[1]
    assert home.run("init", *words, check=False) == ""
    assert not (tmp_path / "home" / "tandem.env").exists()


def test_doctor_names_what_is_down_and_how_to_mend_it(installed):
    home, _ = installed
    findings = {finding["check"]: finding for finding in home.run("doctor", "--json", check=False)}
    assert findings["planner database"]["ok"] and findings["messenger tables"]["ok"] and findings["key"]["ok"]
    assert not findings["planner"]["ok"]
    assert findings["planner"]["mend"] == "tandem up"


SWITCH_OFF = """
import django; django.setup()
from django.utils import timezone
from tandem.messenger.accounts.service import find_account
from tandem.messenger.webhooks.models import Subscription
Subscription.objects.create(account_id=find_account(None).id, url="https://x.example/s3cret", events=[], way="signed",
                            seconds=5, created_at=timezone.now(), enabled=False, problem="It failed for five days.")
print("done")
"""


def _until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert true()


def test_the_watch_tells_by_two_paths_within_a_minute_and_once_though_it_is_killed(installed):
    home, _ = installed
    python(home, SWITCH_OFF, "messenger")
    with receiver() as hook:
        told = {
            "TANDEM_ALARM_URL": hook.url(),
            "TANDEM_ALARM_MAIL": "ops@shop.example",
            "TANDEM_ALLOW_PRIVATE": f"{home.environment['TANDEM_ALLOW_PRIVATE']},{hook.pair}",
        }

        def kinds():
            return [one.json["data"]["kind"] for one in hook.got]

        home.start("run-alarms", "messenger", **told)
        _until(lambda: "webhook" in kinds())
        home.stop("run-alarms-messenger", signal.SIGKILL)
        home.start("run-alarms", "messenger", **told)
        _until(lambda: "worker" in kinds(), 120)  # no worker runs here
        home.stop("run-alarms-messenger")
        assert sorted(kinds()) == ["webhook", "worker"]
    mails = mailbox.Maildir(home.home / "outbox-alarms" / "messenger")
    assert sorted(mail["Subject"].split(" (")[0] for mail in mails) == [
        "[Tandem messenger] Alarm: A webhook was switched off", "[Tandem messenger] Alarm: No worker is running",
    ]  # fmt: skip
    assert not any("s3cret" in str(mail) for mail in mails)
    listed = home.run("alarms", "list", "--json")
    assert {(one["half"], one["kind"]) for one in listed} == {
        ("messenger", "webhook"),
        ("messenger", "worker"),
    }
    findings = {one["check"]: one for one in home.run("doctor", "--json", check=False)}
    assert findings["messenger watch"]["ok"] and "2 alarms are open" in findings["messenger watch"]["seen"]
    assert not findings["planner watch"]["ok"] and "nobody is told" in findings["planner alarms"]["seen"]


def _refused(home, folder):
    """Whether a restore is refused because somebody works there: the watch connects soon after its start."""
    done = subprocess.run(
        [sys.executable, "-m", "tandem", "db", "restore", str(folder), "--yes"],
        env=home.environment, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0 or "database is in use" in " ".join(done.stderr.split())
    return done.returncode != 0


def test_a_dump_comes_back_as_it_was(installed):
    home, _ = installed
    folder = home.home / "dump"
    home.run("db", "dump", str(folder))
    assert {file.name for file in folder.iterdir()} == {"planner.dump", "messenger.dump"}
    accounts = home.run("users", "list", "--json")
    home.start("run-alarms", "messenger")
    _until(lambda: _refused(home, folder))
    home.stop("run-alarms-messenger")
    home.run("db", "restore", str(folder), "--yes")
    assert home.run("users", "list", "--json") == accounts
    held = {one["check"] for one in home.run("doctor", "--json", check=False) if not one["ok"]}
    assert {"planner installation", "messenger installation"} <= held
    released = {one["check"] for one in home.run("doctor", "--release", "--json", check=False) if one["ok"]}
    assert {"planner installation", "messenger installation"} <= released
    assert home.run("db", "restore", str(folder), check=False) == ""
