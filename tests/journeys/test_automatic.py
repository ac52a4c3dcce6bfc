"""A campaign of the next day is listed, notified, fetched and sent by the running services alone."""

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import psycopg
import pytest
from tests.fixtures.days import LEAD_SECONDS, schedule, wait_until_settled

from tandem.kit import embedded_postgres

AHEAD_SECONDS = 22
FETCHED = "SELECT count(*) FROM messenger_delivery_sending WHERE campaign_id = %s"


def arrivals(home, occurrence):
    """Business times at which the outbox got this occurrence's messages."""
    offset = home.business_now() - datetime.now(UTC)
    mark = f"\nX-Tandem-Campaign: {occurrence}\n".encode()
    boxes = (home.home / "outbox").glob("*/email/new/*")
    files = [f for f in boxes if mark in f.read_bytes()[:4000].replace(b"\r\n", b"\n")]
    return sorted(datetime.fromtimestamp(f.stat().st_mtime, UTC) + offset for f in files)


def assert_on_time(home, view, send_at):
    """Everything arrived, first message within five seconds of its minute, none before."""
    assert view["state"] == "sent", view
    times = arrivals(home, view["occurrence_id"])
    assert len(times) > 0
    assert timedelta(0) <= times[0] - send_at <= timedelta(seconds=5)
    said = home.run("sendings", "list", "--json")
    ours = [s for s in said if s["campaign_id"] == view["occurrence_id"]]
    assert len(ours) == 1
    assert ours[0]["counts"]["accepted"] == len(times)


def wait_until_fetched(home, occurrence):
    """Until the messenger has the list of an occurrence in its ledger."""
    address = embedded_postgres.find(home.home).url("tandem_messenger")
    deadline = time.monotonic() + AHEAD_SECONDS
    with psycopg.connect(address, autocommit=True) as connection:
        while not connection.execute(FETCHED, [occurrence]).fetchone()[0]:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture(scope="module")
def day(demo):
    """Everything runs and nothing is done, but that one of two campaigns is cancelled once its list is fetched."""
    home, _ = demo
    sent, send_at = schedule(home, "By itself")
    cancelled, _ = schedule(home, "Cancelled by hand")
    home.set_clock(send_at - timedelta(seconds=AHEAD_SECONDS))
    home.up()
    try:
        headers = {"X-API-KEY": home.facts()["planner_api_key"]}
        with httpx.Client(base_url=home.url("planner"), headers=headers, timeout=30) as planner:
            wait_until_fetched(home, cancelled["occurrence_id"])
            answer = planner.post(f"/api/v1/campaigns/{cancelled['id']}/cancel", json={}).json()
            views = [wait_until_settled(home, one["id"], send_at) for one in (sent, cancelled)]
            timeline = planner.get(f"/api/v1/occurrences/{cancelled['occurrence_id']}").json()
        found = SimpleNamespace(
            home=home, send_at=send_at, sent=views[0], cancelled=views[1], answer=answer, timeline=timeline
        )
    finally:
        home.stop("up")
    return found


def test_up_and_nothing_else(day):
    assert_on_time(day.home, day.sent, day.send_at)


def test_a_fetched_campaign_that_is_cancelled_sends_nothing_and_both_halves_say_so(day):
    view, timeline, numbers = day.cancelled, day.timeline, day.timeline["outcome"]
    assert day.answer["state"] == "being cancelled", day.answer
    assert (view["state"], view["cause"]) == ("cancelled", "The messenger sent nothing.")
    assert arrivals(day.home, view["occurrence_id"]) == []
    assert (numbers["sent"], numbers["failed"], numbers["uncertain"]) == (0, 0, 0)
    assert numbers["listed"] == numbers["control"] + sum(numbers["skipped"].values())
    assert numbers["skipped"]["cancelled"] == timeline["list"]["targeted"] > 0
    steps = {step["name"]: step["state"] for step in timeline["steps"]}
    assert (steps["Messenger told to stop"], steps["Messenger stopped"]) == ("done", "done")
    said = day.home.run("sendings", "list", "--json")
    ours = next(one for one in said if one["campaign_id"] == view["occurrence_id"])
    assert ours["state"] == "cancelled"
    assert set(ours["counts"]) <= {"cancelled", "skipped"}
    assert sum(ours["counts"].values()) == ours["expected"] == timeline["list"]["targeted"]
    heard = day.home.run("listener", "show", "--json")["cancellations"][0]
    assert (heard["campaign_id"], heard["state"], heard["left"]) == (view["occurrence_id"], "taken", 0)


@pytest.mark.parametrize("half", ["planner", "messenger"])
def test_a_half_restarted_at_the_lead_time(demo, half):
    home, _ = demo
    view, send_at = schedule(home, f"Restarted {half}")
    home.set_clock(send_at - timedelta(seconds=AHEAD_SECONDS))
    try:
        for other in ("planner", "messenger"):
            home.start(other)
            home.start("worker", other)
        lock_at = send_at - timedelta(seconds=LEAD_SECONDS)
        time.sleep(max(0.0, (lock_at - home.business_now()).total_seconds()))
        home.stop(f"worker-{half}", 9)
        home.stop(half, 9)
        home.start(half)
        home.start("worker", half)
        assert_on_time(home, wait_until_settled(home, view["id"], send_at), send_at)
    finally:
        for name in list(home.services):
            home.stop(name)
