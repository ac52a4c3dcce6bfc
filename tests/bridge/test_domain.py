from datetime import UTC, datetime

import pytest

from tandem.bridge.domain import (
    AT_REST,
    MOVES,
    PartState,
    between,
    due,
    from_records,
    job_file,
    record_of,
    totals_of,
)

STOCKHOLM = "Europe/Stockholm"


@pytest.mark.parametrize(
    ("wall", "text", "utc"),
    [
        ("2027-01-15 10:00:00", "2027-01-15T10:00:00+0100", "2027-01-15T09:00"),
        ("2027-07-15 10:00:00", "2027-07-15T10:00:00+0200", "2027-07-15T08:00"),
        ("2027-03-28 01:59:59", "2027-03-28T01:59:59+0100", "2027-03-28T00:59:59"),
        ("2027-03-28 02:30:00", "2027-03-28T03:30:00+0200", "2027-03-28T01:30"),  # clocks go forward: later
        ("2027-10-31 02:30:00", "2027-10-31T02:30:00+0200", "2027-10-31T00:30"),  # twice there: the first
        ("2027-10-31 03:00:00", "2027-10-31T03:00:00+0100", "2027-10-31T02:00"),
        ("2027-07-15 10:00:00+00:00", "2027-07-15T12:00:00+0200", "2027-07-15T10:00"),
    ],
)
def test_a_send_time_has_the_offset_of_its_own_date(wall, text, utc):
    found = due(wall, STOCKHOLM)
    assert found.text == text
    assert found.at == datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize("wall", ["", "soon", "2027-13-01 10:00:00"])
def test_what_is_no_time_is_none(wall):
    with pytest.raises(ValueError):
        due(wall, STOCKHOLM)


def test_no_way_leads_back_from_an_upload_but_what_never_left():
    assert MOVES[PartState.UPLOADING] == {PartState.CREATED, PartState.HANDED, PartState.UNCERTAIN}
    assert not MOVES[PartState.HANDED]
    assert set(MOVES) == set(PartState)
    assert all(not MOVES[state] for state in AT_REST - {PartState.UNCERTAIN})


def test_a_job_file_has_a_line_per_contact():
    rows = [("a+b", {"promoCode": "X\tY\nZ"}), ("c", {})]
    assert job_file(rows, ("promoCode",)) == b"originalid\tpromoCode\na+b\tX Y Z\nc\t\n"


def test_statistics_become_metrics():
    found = totals_of({"sent": 9, "notbounced": 8, "softbounced": 1, "hardbounced": 0, "clicked": 2})
    assert found == {0: 9, 1: 8, 3: 2, 9: 1}
    assert between({0: 5}, found) == {0: 4, 1: 8, 3: 2, 9: 1}
    assert between({0: 12}, {0: 9}) == {0: 0}


def test_records_become_metrics():
    found = {"SENT": {"a", "b", "c"}, "HARD_BOUNCES": {"c"}, "SOFT_BOUNCES": {"c"}, "OPENS": {"a"}}
    assert from_records(found) == {0: 3, 1: 2, 2: 1, 9: 1}


@pytest.mark.parametrize(
    ("document", "contact", "version", "at"),
    [
        (
            {"contactId": "7", "campaignId": 5, "sentTimestamp": "2027-03-01T12:00:00.000+01:00"},
            "7",
            5,
            1803898800,
        ),
        ({"OriginalID": "x", "deliveryId": "5", "sentTimestamp": 1803898800000}, "x", 5, 1803898800),
        ({"contactId": 7}, "7", 0, None),
    ],
)
def test_records_are_read_with_care(document, contact, version, at):
    found = record_of(document)
    assert found is not None
    assert (found.contact, found.version, found.at) == (contact, version, at)


def test_a_record_of_nobody_is_none():
    assert record_of({"campaignId": 5}) is None
    assert record_of("text") is None
