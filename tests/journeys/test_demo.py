"""The demonstration's numbers, and what it leaves behind."""

import json
import stat

import pytest
from tests.journeys.conftest import Home

from tandem.kit import embedded_postgres

KEYS = {"listed", "control", "sent", "skipped", "failed", "uncertain", "outbox", "seconds"}


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_the_numbers_add_up(demo, channel):
    _, document = demo
    part = document if channel == "email" else document["sms"]
    assert set(part) - {"sms"} == KEYS
    total = (
        part["control"] + part["sent"] + sum(part["skipped"].values()) + part["failed"] + part["uncertain"]
    )
    assert part["listed"] == total
    assert part["outbox"] == part["sent"] > 0
    assert part["control"] > 0
    assert part["failed"] == part["uncertain"] == 0


def test_both_halves_say_whom_they_skipped(demo):
    _, document = demo
    assert document["skipped"].get("unsubscribed", 0) > 0  # opted out after the planner read consent
    assert document["skipped"].get("no consent", 0) > 0


def test_no_message_left_before_its_minute(demo):
    _, document = demo
    for part in (document, document["sms"]):
        assert 0 <= part["seconds"]["after its minute"] <= 5


def test_demo_json_is_private_and_whole(demo):
    home, _ = demo
    file = home.home / "demo.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    facts = json.loads(file.read_text())
    assert set(facts) == {
        "planner_url", "planner_user", "planner_password", "planner_api_key", "messenger_url", "customer_id",
        "messenger_user", "messenger_password", "messenger_token", "list_id", "trigger_ids", "channel_id",
        "campaign_id", "date", "web_user", "web_password",
    }  # fmt: skip
    assert facts["messenger_url"].endswith("/rest")


def test_made_up_addresses_are_not_left_in_files(demo):
    home, _ = demo
    assert not (home.home / "demo-contacts").exists()


def test_other_data_into_the_same_home_is_refused(demo, tmp_path):
    home, _ = demo
    log = tmp_path / "orders.csv"
    log.write_text("customer,date,amount\n1,2026-01-01,10\n")
    said = home.run("demo", "run", "--no-serve", "--data", str(log), check=False)
    assert said == ""


def test_a_run_that_fails_while_setting_up_leaves_no_server(tmp_path):
    home = Home(tmp_path / "home")
    log = tmp_path / "orders.csv"
    log.write_text("customer,date,amount\n1,no day,10\n")
    try:
        assert home.run("demo", "run", "--no-serve", "--data", str(log), check=False) == ""
        server = embedded_postgres.find(home.home)
        assert server is not None
        assert not embedded_postgres.is_running(server)
    finally:
        home.close()
