from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples

from tandem.kit.zones import to_local
from tandem.messenger.gateways.quiet import Hours, wait_for, zones_of

ZONES = ["Europe/Stockholm", "America/New_York", "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kathmandu",
         "Pacific/Apia", "Pacific/Pago_Pago", "America/Santiago", "Africa/Casablanca", "UTC"]  # fmt: skip
INSTANTS = st.integers(1_767_225_600, 2_114_380_800).map(lambda one: datetime.fromtimestamp(one, UTC))
HOURS = st.sampled_from(
    [Hours(), Hours(opens=time(9, 30), closes=time(20)), Hours(opens=time(2, 15), closes=time(23))]
)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(INSTANTS, st.sampled_from(ZONES), HOURS)
@settings(max_examples=examples(40))
def test_nothing_reaches_anybody_at_night(now, zone, hours):
    wait = wait_for(now, (zone,), hours)
    sent = wait.until if wait else now
    assert sent >= now
    assert hours.opens <= to_local(sent, zone).time() < hours.closes
    assert sent - now <= timedelta(hours=26)


@given(INSTANTS, st.lists(st.sampled_from([*ZONES[:3], "UTC"]), min_size=1, max_size=4), HOURS)
@settings(max_examples=examples(40))
def test_several_zones_are_all_awake(now, zones, hours):
    wait = wait_for(now, zones, hours)
    sent = wait.until if wait else now
    assert all(hours.are_open(sent, zone) for zone in zones)


@given(INSTANTS, st.sampled_from(ZONES))
@settings(max_examples=examples(40))
def test_nobody_waits_longer_than_needed(now, zone):
    hours = Hours()
    wait = wait_for(now, (zone,), hours)
    between = now
    while wait and between < wait.until:
        assert not hours.are_open(between, zone)
        between += timedelta(minutes=30)


def test_zones_that_are_never_awake_together_get_the_most():
    zones, hours = ("Asia/Tokyo", "Europe/London", "America/New_York"), Hours(opens=time(9), closes=time(16))
    wait = wait_for(at("2026-06-01T05:00"), zones, hours)
    assert [zone for zone in zones if hours.are_open(wait.until, zone)] == [
        "Europe/London",
        "America/New_York",
    ]


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2027-03-28T03:00", "2027-03-28T06:00"),  # clocks went forward: 08:00 is 06:00Z
        ("2027-03-27T03:00", "2027-03-27T07:00"),
        ("2027-10-31T03:00", "2027-10-31T07:00"),
        ("2027-10-30T03:00", "2027-10-30T06:00"),
        ("2027-06-01T19:00", "2027-06-02T06:00"),  # 21:00 local is too late
        ("2027-06-01T18:59", None),
    ],
)
def test_stockholm(now, until):
    wait = wait_for(at(now), ("Europe/Stockholm",), Hours())
    assert (wait and wait.until) == (until and at(until))


def test_the_zones_of_a_number():
    assert zones_of("+46701740001") == ("Europe/Stockholm",)
    assert zones_of("+12125550100") == ("America/New_York",)
    assert zones_of("+13105550100") == ("America/Los_Angeles",)
    assert len(zones_of("+61412345678")) > 1
    assert zones_of("0701740001", otherwise="Europe/Oslo") == ("Europe/Oslo",)
    assert zones_of("+46701740001", own="Asia/Tokyo") == ("Asia/Tokyo",)
    assert zones_of("+46701740001", own="Mars/Olympus") == ("Europe/Stockholm",)
    assert zones_of("rubbish", otherwise="UTC") == ("UTC",)
