import json

import pytest

from tandem.contract.events import CampaignEvent, build, parse
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
