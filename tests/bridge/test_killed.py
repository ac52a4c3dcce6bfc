"""kill -9 at every step: a list is handed over at most once, and nobody is lost without a word.

TANDEM_KILLS=20 kills twenty times at each step; the suite kills once.
"""

import os
import signal

import pytest
from tests.fixtures import joined
from tests.fixtures.joined import EMAIL, ENVIRONMENT, JOB, JOB_STATUS, SMS, process, shown

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


def test_an_event_is_told_again_and_once_is_enough(house):
    campaign = house.execute(EMAIL)
    body = build(CampaignEvent(event_type=13, timestamp="", campaign_id=campaign, channel_id=EMAIL))
    bridge = started(house)
    for _ in range(3):
        assert listen.receive(bridge.pairs["shop"], body)[0] == 200
    bridge.once()
    assert set(house.copies().values()) == {1}
