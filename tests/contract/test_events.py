import json

import pytest

from tandem.contract.events import (
    CampaignEvent,
    TriggeredEvent,
    build,
    build_triggered,
    parse,
    parse_any,
)
from tandem.contract.reading import ContractBroken

EVENT = CampaignEvent(event_type=13, timestamp="2022-09-19 05:04:54", campaign_id=1234, channel_id=505)


def test_build_is_the_documented_body():
    assert json.loads(build(EVENT)) == {
        "EventTypeID": 13, "TimeStamp": "2022-09-19 05:04:54", "CampaignID": 1234, "ChannelID": 505,
    }  # fmt: skip


def test_events_of_the_day_name_no_campaign():
    body = json.loads(build(CampaignEvent(event_type=3, timestamp="2022-09-19 05:04:54")))
    assert set(body) == {"EventTypeID", "TimeStamp"}


@pytest.mark.parametrize(
    "body",
    [
        build(EVENT),
        b'{"eventTypeId":13,"timeStamp":"2022-09-19 05:04:54","campaignId":1234,"channelId":505,"more":[1]}',
        b'{"EVENTTYPEID":"13","TIMESTAMP":"2022-09-19 05:04:54","CAMPAIGNID":"1234","CHANNELID":"505"}',
    ],
)
def test_parse_ignores_case_and_unknown_keys(body):
    assert parse(body) == EVENT


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"<html>", b"\xff", b"{}", b'{"EventTypeID":true}', b'{"EventTypeID":-1}',
     b'{"EventTypeID":1.5}',
     b'{"EventTypeID":13,"eventtypeid":1}', b'{"EventTypeID":13,"CampaignID":"x"}', b'{"EventTypeID":1e400}',
     b'{"EventTypeID":99999999999999999999}', b"[" * 100_000],
)  # fmt: skip
def test_parse_refuses_the_rest(body):
    with pytest.raises(ContractBroken):
        parse(body)


TRIGGERED = TriggeredEvent(
    campaign_id="0b5c2b9e-6a3f-4a0e-9a53-0f8a36a3c1de", channel_id=504, template_id=14, customer_id="A1",
    promo_codes=("SPRING",), timestamp="2026-07-01 10:00:00", event_id="e1",
)  # fmt: skip


def test_event_11_is_built_with_the_keys_that_live_listeners_read():
    body = json.loads(build_triggered(TRIGGERED))
    assert body == {
        "EventTypeID": 11, "TimeStamp": "2026-07-01 10:00:00", "campaignID": TRIGGERED.campaign_id,
        "channelID": 504, "templateID": 14, "customerID": "A1", "promoCode": "SPRING", "eventID": "e1",
    }  # fmt: skip


def test_several_promo_codes_are_an_array():
    event = TriggeredEvent(**{**vars(TRIGGERED), "promo_codes": ("A", "B")})
    assert json.loads(build_triggered(event))["promoCode"] == ["A", "B"]
    assert parse_any(build_triggered(event)) == event


@pytest.mark.parametrize("spelling", [str, str.lower, str.upper, str.title])
def test_event_11_is_read_in_any_spelling(spelling):
    document = json.loads(build_triggered(TRIGGERED))
    assert (
        parse_any(json.dumps({spelling(key): value for key, value in document.items()}).encode()) == TRIGGERED
    )


def test_a_body_without_a_type_that_names_a_customer_is_event_11():
    body = b'{"CampaignID":"X","ChannelID":"504","templateid":9,"customerid":77}'
    found = parse_any(body)
    assert (found.campaign_id, found.channel_id, found.template_id, found.customer_id) == ("X", 504, 9, "77")


def test_other_events_are_read_as_before():
    assert parse_any(build(EVENT)) == EVENT


@pytest.mark.parametrize(
    "body",
    [b'{"EventTypeID":11,"customerID":"a","channelID":1}', b'{"customerID":"","channelID":1,"templateID":1}',
     b'{"customerID":"\\ud800","channelID":1,"templateID":1}',
     b'{"customerID":"a\\u0000","channelID":1,"templateID":1}',
     b'{"customerID":"a","channelID":1,"templateID":1,"promoCode":[[]]}',
     b'{"customerID":"a","channelID":1,"templateID":1,"promoCode":{"a":1}}',
     b'{"customerID":"a","channelID":true,"templateID":1}'],
)  # fmt: skip
def test_a_broken_event_11_is_said_to_be(body):
    with pytest.raises(ContractBroken):
        parse_any(body)
