"""A campaign of the next day is listed, notified, fetched and sent by the running services alone."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from tests.fixtures.days import LEAD_SECONDS, schedule, wait_until_settled

AHEAD_SECONDS = 22


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


def test_up_and_nothing_else(demo):
    home, _ = demo
    view, send_at = schedule(home, "By itself")
    home.set_clock(send_at - timedelta(seconds=AHEAD_SECONDS))
    home.up()
    try:
        assert_on_time(home, wait_until_settled(home, view["id"], send_at), send_at)
    finally:
        home.stop("up")


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
