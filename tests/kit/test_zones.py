"""Wall times and instants: never early, the first of two, gaps refused for fixed dates."""

# ruff: noqa: DTZ001 - wall times have no zone

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.kit import zones

walls = st.datetimes(datetime(2026, 1, 1), datetime(2036, 12, 31)).map(lambda one: one.replace(microsecond=0))
names = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"}))


@given(walls, names)
def test_a_resolved_time_is_never_early_and_comes_back(wall, zone):
    found = zones.resolve_local(wall, zone)
    back = zones.to_local(found.utc, zone)
    assert back >= wall
    assert (back == wall) != found.gap
    assert not (found.gap and found.overlap)


@given(walls, names)
def test_of_two_the_first_is_meant(wall, zone):
    found = zones.resolve_local(wall, zone)
    for minutes in (30, 60, 120):
        assert found.gap or zones.to_local(found.utc - timedelta(minutes=minutes), zone) != wall


@given(st.datetimes(datetime(2001, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), names)
def test_the_wire_writes_the_wall(instant, zone):
    text = zones.wire_time(instant, zone)
    assert datetime.strptime(text, zones.WIRE) == zones.to_local(instant, zone).replace(microsecond=0)  # noqa: DTZ007


@pytest.mark.parametrize(
    ("day", "at", "zone", "utc"),
    [
        (date(2027, 10, 31), time(2, 30), "Europe/Stockholm", "2027-10-31T00:30:00+00:00"),
        (date(2026, 11, 30), time(9, 30), "Europe/Stockholm", "2026-11-30T08:30:00+00:00"),
        (date(2026, 11, 30), time(9, 30), "Asia/Kolkata", "2026-11-30T04:00:00+00:00"),
    ],
)
def test_known_instants(day, at, zone, utc):
    assert zones.fixed_instant(day, at, zone).isoformat() == utc


def test_a_gap_is_refused_in_words():
    with pytest.raises(zones.NoSuchLocalTime) as refused:
        zones.fixed_instant(date(2027, 3, 28), time(2, 30), "Europe/Stockholm")
    assert str(refused.value) == (
        "At 02:30 on 28 March clocks go forward in Stockholm, so that time does not exist. "
        "Choose 03:30 or another day."
    )


@pytest.mark.parametrize(
    ("wall", "zone"),
    [
        (datetime(2027, 10, 3, 2, 15), "Australia/Lord_Howe"),
        (datetime(2011, 12, 30, 12, 0), "Pacific/Apia"),
        (datetime(2022, 9, 11, 0, 0), "America/Santiago"),
    ],
)
def test_odd_gaps_are_known(wall, zone):
    found = zones.resolve_local(wall, zone)
    assert found.gap
    assert found.later > wall
    with pytest.raises(zones.NoSuchLocalTime):
        zones.fixed_instant(wall.date(), wall.time(), zone)


def test_a_gap_is_sent_later_in_recurrences():
    found = zones.resolve_local(datetime(2027, 3, 28, 2, 30), "Europe/Stockholm")
    assert found.utc.isoformat() == "2027-03-28T01:30:00+00:00"
    assert found.later == datetime(2027, 3, 28, 3, 30)


def test_an_unknown_zone_is_refused():
    assert not zones.known_zone("Mars/Olympus")
    with pytest.raises(zones.UnknownZone):
        zones.resolve_local(datetime(2026, 1, 1), "../etc/passwd")
