"""The planner's processes die at each step from the due check to the list's pages; everybody gets one message."""

import time
from collections import Counter
from datetime import timedelta

import psycopg
import pytest
from tests.fixtures.days import LEAD_SECONDS, schedule, wait_until_all_settled

from tandem.kit import embedded_postgres

pytestmark = pytest.mark.slow
#: in their order; the messenger asks for no page before its worker is there, which is when p8 is armed
STEPS = ("p1", "p2", "p3", "p5", "p4", "p6", "p7")
PAGE = "p8"
#: both events may have been claimed by the process that died at p6: their lease is a minute
REACHED = 100
_STATES = """
SELECT a.state, count(*) FROM messenger_delivery_attempt a
JOIN messenger_delivery_sending s ON s.id = a.sending_id WHERE s.campaign_id = %s GROUP BY a.state
"""
_LISTED = (
    "SELECT count(*) FROM planner_execution_listrow WHERE occurrence_id = %s AND action = 2 AND reason = ''"
)
ACCEPTED, UNCERTAIN = 10, 12


def test_the_planner_dies_at_each_step(demo, tmp_path):
    home, _ = demo
    armed = tmp_path / "failpoint"
    views = [schedule(home, f"Planner killed {number}") for number in (1, 2)]
    send_at = views[0][1]
    home.set_clock(send_at - timedelta(seconds=LEAD_SECONDS + 12))
    never = []
    try:
        _arm(armed, STEPS[0])
        for words in (["messenger"], ["planner"], ["worker", "planner"]):
            home.start(*words, TANDEM_FAILPOINT_FILE=str(armed))
        for step in (*STEPS, PAGE):
            _arm(armed, step)
            if step == PAGE:
                home.start("worker", "messenger", TANDEM_FAILPOINT_FILE=str(armed))
            if not _reached(armed):
                never.append(step)
                armed.unlink(missing_ok=True)
        states = wait_until_all_settled(home, [view["id"] for view, _ in views], send_at, 90)
    finally:
        for name in list(home.services):
            home.stop(name)
    assert never == [], "a step that nobody came to proves nothing"
    assert states == {"sent"}
    for view, _ in views:
        _check(home, view["occurrence_id"])


def _check(home, occurrence_id):
    server = embedded_postgres.find(home.home)
    with psycopg.connect(server.url("tandem_planner")) as connection:
        listed = connection.execute(_LISTED, [occurrence_id]).fetchone()[0]
    with psycopg.connect(server.url("tandem_messenger")) as connection:
        states = Counter(dict(connection.execute(_STATES, [occurrence_id]).fetchall()))
    assert sum(states.values()) == listed > 0
    assert states[UNCERTAIN] == 0
    assert (
        home.run("sendings", "outbox", "--campaign", str(occurrence_id), "--json")["outbox"]
        == states[ACCEPTED]
        > 0
    )


def _arm(armed, step):
    fresh = armed.with_suffix(".new")
    fresh.write_text(f"{step}:1:kill")
    fresh.rename(armed)


def _reached(armed):
    deadline = time.monotonic() + REACHED
    while armed.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
