"""kill -9 at every step: a list is handed over at most once, and nobody is lost without a word.

TANDEM_KILLS=20 kills twenty times at each step; the suite kills once.
"""

import os
import signal
import socket

import pytest
from tests.fixtures import joined
from tests.fixtures.joined import EMAIL, ENVIRONMENT, JOB, JOB_STATUS, SMS, free_port, process, shown, until

from tandem.bridge import listen
from tandem.bridge.config_file import load
from tandem.contract.events import CampaignEvent, build
from tandem.kit.clock import OffsetClock

KILLS = int(os.environ.get("TANDEM_KILLS", "0"))
#: without TANDEM_KILLS: the steps around what is told to the messenger
SOME = ("b4", "b8", "b9", "b11", "b12", "b13", "b21", "b31")
#: steps on the way of a job; what may be uncertain after a kill there
JOB_STEPS = {
    "b3": set(), "b4": set(), "b5": set(), "b6": set(), "b7": set(), "b8": {"uncertain"}, "b9": {"uncertain"},
    "b10": set(), "b11": {"uncertain"}, "b12": {"uncertain"}, "b13": set(), "b30": set(), "b31": set(),
}  # fmt: skip
MESSAGE_STEPS = {"b20": {"uncertain"}, "b21": {"uncertain"}, "b22": set()}


def chosen(steps):
    return [step for step in steps if KILLS or step in SOME]


@pytest.fixture
def house(tmp_path):
    with joined.running(tmp_path, OffsetClock()) as found:
        found.without(JOB_STATUS)
        found.write(report_hours="[0]")
        started(found)  # it begins: what was executed before is not its own
        yield found


def started(house):
    return house.started(load(house.path, ENVIRONMENT))


def killed(house, step, channel, nth=1):
    """A process that dies at the step, one that finds what it left, and what there is to be seen then."""
    campaign = house.execute(channel, customers=60)
    failpoint = {"TANDEM_TEST_BUILD": "1", "TANDEM_FAILPOINT": f"{step}:{nth}:kill"}
    died = process(house, "run", "--once", "--config", str(house.path), **failpoint)
    output, _ = died.communicate(timeout=60)
    assert died.returncode == -signal.SIGKILL, output
    bridge = started(house)
    bridge.once()
    return campaign, shown(bridge, campaign)


def check(house, found, may):
    (part,) = found["parts"]
    counts = part["customers"]
    assert sum(counts.values()) == found["customers"] == 54  # everybody on the list is somewhere
    assert set(house.copies().values()) <= {1}
    assert found["state"] in {"handed over", *may}
    unsure = counts.get("uncertain", 0) + (counts.get("found", 0) if found["state"] == "uncertain" else 0)
    assert counts.get("sent", 0) <= len(house.copies()) <= counts.get("sent", 0) + unsure
    assert counts.get("found", 0) == 0 or found["state"] == "uncertain"


@pytest.mark.parametrize("step", chosen(JOB_STEPS))
@pytest.mark.parametrize("time", range(KILLS or 1))
def test_a_job(house, step, time):
    campaign, found = killed(house, step, (EMAIL, SMS)[time % 2])
    check(house, found, JOB_STEPS[step])
    assert sum(job["contentUploaded"] for job in house.half.world.jobs.values()) <= 1
    assert house.calls("automapping") <= 1
    told = house.metrics(campaign).get(0, 0)
    assert told == (len(house.copies()) if found["state"] == "handed over" and step != "b30" else 0)


@pytest.mark.parametrize("step", chosen(MESSAGE_STEPS))
@pytest.mark.parametrize("time", range(KILLS or 1))
def test_single_messages(house, step, time):
    house.without(JOB)
    _, found = killed(house, step, (EMAIL, SMS)[time % 2], nth=2)
    check(house, found, MESSAGE_STEPS[step])
    assert found["parts"][0]["customers"].get("uncertain", 0) <= 20


@pytest.mark.parametrize("step", ["b1", "b2"])
def test_the_door(house, step):
    """Before the event is on disk, asking finds the campaign; after, it is there. Either way once."""
    house.write(port=free_port(), hears="events", poll=600)
    started(house).state.execute("UPDATE pairs SET next_poll = 9e15")
    failpoint = {"TANDEM_TEST_BUILD": "1", "TANDEM_FAILPOINT": f"{step}:1:kill"}
    died = process(house, "--config", str(house.path), **failpoint)
    until(lambda: connects(house))
    campaign = house.execute()
    assert died.wait(30) == -signal.SIGKILL
    assert not house.copies()
    bridge = started(house)
    bridge.state.execute("UPDATE pairs SET next_poll = 0")
    bridge.once()
    found = shown(bridge, campaign)
    assert (found["state"], found["source"]) == ("handed over", {"b1": "poll", "b2": "event"}[step])
    assert set(house.copies().values()) == {1}


@pytest.mark.parametrize("step", ["b40", "b41"])
def test_the_catalogue(house, step):
    house.write(more="catalogue = true\ncatalogue_minutes = 0.01")
    failpoint = {"TANDEM_TEST_BUILD": "1", "TANDEM_FAILPOINT": f"{step}:1:kill"}
    died = process(house, "run", "--once", "--config", str(house.path), **failpoint)
    died.communicate(timeout=60)
    assert died.returncode == -signal.SIGKILL
    started(house)
    assert house.world.templates == {EMAIL: {11: "Welcome", 13: "Spring offers"}, SMS: {12: "Welcome by SMS"}}
    assert house.world.apps == {(EMAIL, "77"): "Letters", (SMS, "77"): "Letters"}


def connects(house):
    port = load(house.path, ENVIRONMENT).port
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def test_an_event_is_told_again_and_once_is_enough(house):
    campaign = house.execute(EMAIL)
    body = build(CampaignEvent(event_type=13, timestamp="", campaign_id=campaign, channel_id=EMAIL))
    bridge = started(house)
    for _ in range(3):
        assert listen.receive(bridge.pairs["shop"], body)[0] == 200
    bridge.once()
    assert set(house.copies().values()) == {1}
