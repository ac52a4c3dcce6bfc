"""What is not known to have been done is held, shown, and never done again by itself."""

import pytest
from tests.fixtures.joined import JOB_STATUS, shown, turn

from tandem.bridge.operate import NothingUncertain, overview, resolve

UPLOAD = "automapping"


def settle(house, bridge, campaign, *, sent):
    pair = bridge.config.pairs[0]
    return resolve(
        bridge.state,
        pair,
        campaign,
        channel=None,
        template=None,
        sent=sent,
        by="ann",
        now=house.clock.business().timestamp(),
    )


def held(house, kind, function=UPLOAD, *, ask=False):
    """A campaign whose upload went wrong, at a messenger that does not tell of jobs unless it is asked to."""
    house.without(*(() if ask else (JOB_STATUS,)))
    bridge = house.bridge()
    campaign = house.execute()
    house.fault(kind, function)
    turn(house, bridge)
    return bridge, campaign


@pytest.mark.parametrize(
    ("kind", "made"),
    [("truncated", True), ("hangup", False), ("500", False), ("html", False), ("401", False)],
)
def test_an_upload_without_a_yes_is_held_whatever_came_instead(house, kind, made):
    bridge, campaign = held(house, kind)
    assert bool(house.half.world.messages) is made
    for _ in range(5):
        turn(house, bridge, minutes=10)
    found = shown(bridge, campaign)
    assert found["state"] == "uncertain"
    assert house.calls(UPLOAD) == 1
    assert len(house.copies()) == (found["parts"][0]["customers"]["found"] if made else 0)
    assert f"resolve --config FILE shop {campaign} " in overview(bridge.config, bridge.state)["uncertain"][0]
    assert bridge.standing()[1] == {"shop": "1 uncertain"}


def test_a_job_that_was_perhaps_created_is_held_too(house):
    bridge, campaign = held(house, "truncated", "generation/fixed")
    for _ in range(3):
        turn(house, bridge, minutes=5)
    assert shown(bridge, campaign)["state"] == "uncertain"
    assert len(house.half.world.jobs) == 1
    settle(house, bridge, campaign, sent=False)
    turn(house, bridge)
    assert shown(bridge, campaign)["state"] == "handed over"
    assert set(house.copies().values()) == {1}


def test_nothing_that_never_left_is_held(house):
    house.half.world.contacts = 1000
    bridge = house.bridge()
    campaign = house.execute(lead_seconds=60)
    turn(house, bridge)
    messenger = bridge.pairs["shop"].messenger
    there, messenger._base = messenger._base, "http://127.0.0.1:9/rest/5004"
    turn(house, bridge, seconds=70)
    assert shown(bridge, campaign)["state"] == "created"
    messenger._base = there
    turn(house, bridge, seconds=30)
    assert shown(bridge, campaign)["state"] == "handed over"
    assert house.calls(UPLOAD) == 1


def test_what_breaks_off_in_an_unforeseen_way_is_held(house, monkeypatch):
    house.without(JOB_STATUS)
    bridge = house.bridge()
    campaign = house.execute()

    def broken(*_):
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(bridge.pairs["shop"].messenger, "upload_list", broken)
    turn(house, bridge)
    monkeypatch.undo()
    turn(house, bridge, minutes=5)
    assert shown(bridge, campaign)["state"] == "uncertain"
    assert not house.half.world.messages


def test_a_messenger_that_says_it_has_the_list_settles_it(house):
    bridge, campaign = held(house, "truncated", ask=True)
    found = shown(bridge, campaign)
    assert found["state"] == "handed over"
    assert "has the list" in found["parts"][0]["problem"]
    assert set(house.copies().values()) == {1}


def test_a_messenger_that_says_it_has_no_list_proves_nothing(house):
    bridge, campaign = held(house, "hangup", ask=True)
    turn(house, bridge, minutes=5)
    found = shown(bridge, campaign)
    assert found["state"] == "uncertain"
    assert "which is no proof" in found["parts"][0]["problem"]
    assert not house.half.world.messages


def test_sent_says_a_person(house):
    bridge, campaign = held(house, "truncated")
    assert settle(house, bridge, campaign, sent=True) == 1
    turn(house, bridge)
    part = shown(bridge, campaign)["parts"][0]
    assert (part["state"], part["resolved_by"]) == ("handed over", "ann")
    assert part["customers"]["sent"] == len(house.copies())
    turn(house, bridge, hours=25)
    assert house.metrics(campaign)[0] == len(house.copies())


def test_not_sent_says_a_person_and_it_is_handed_over_by_a_new_job(house):
    bridge, campaign = held(house, "hangup")
    settle(house, bridge, campaign, sent=False)
    turn(house, bridge)
    assert shown(bridge, campaign)["state"] == "handed over"
    assert len(house.half.world.jobs) == 2
    assert set(house.copies().values()) == {1}


def test_not_sent_and_too_late_is_missed(house):
    bridge, campaign = held(house, "hangup")
    turn(house, bridge, hours=2)
    settle(house, bridge, campaign, sent=False)
    turn(house, bridge)
    assert shown(bridge, campaign)["state"] == "missed"
    assert not house.half.world.messages


def test_what_is_not_uncertain_cannot_be_resolved(house):
    bridge = house.bridge()
    campaign = house.execute()
    turn(house, bridge)
    with pytest.raises(NothingUncertain):
        settle(house, bridge, campaign, sent=False)
    turn(house, bridge)
    assert set(house.copies().values()) == {1}
