"""Sendings over the REST API: how they stand, and every button of their page."""

from datetime import timedelta

import pytest
from tests.fixtures.sendings import CLOCK, turn_once

from tandem.messenger.delivery import ledger
from tandem.messenger.delivery.domain import Channel, PlannedTemplate
from tandem.messenger.delivery.models import Attempt, Sending
from tandem.messenger.projects import service as projects

pytestmark = pytest.mark.django_db


@pytest.fixture
def sending(desk):
    target = projects.send_target(desk.account, desk.mail)
    return ledger.open_sending(
        desk.account,
        source_key="campaign:42:504",
        channel=Channel.EMAIL,
        templates=[
            PlannedTemplate(
                template_id=desk.mail,
                version_id=target.version_id,
                list_id=target.list_id,
                due_at=CLOCK.business() - timedelta(seconds=1),
            )
        ],
        rows=[("bo", desk.mail), ("a b/c@d", desk.mail)],
        clock=CLOCK,
        campaign_id=42,
        channel_id=504,
    )


def test_paused_nothing_leaves_and_resumed_it_does(desk, sending, memory):
    path = f"/sendings/{sending}"
    assert desk.call("POST", f"{path}/pause")["state"] == "paused"
    turn_once()
    assert desk.get(path)["counts"] == {"pending": 2}
    assert desk.call("POST", f"{path}/rate", body={"perSecond": 50})["perSecond"] == 50
    assert desk.call("POST", f"{path}/resume")["state"] == "scheduled"
    turn_once()
    found = desk.get(path)
    assert (found["state"], found["counts"], found["campaignId"]) == ("finished", {"accepted": 2}, 42)
    assert [one["id"] for one in desk.get("/sendings")] == [sending]
    assert "error" in desk.call("POST", f"{path}/cancel", 409)
    assert "error" in desk.call("POST", f"{path}/retry", 409)


def test_cancelled_it_is_over_and_failed_ones_get_another_turn(desk, sending, memory):
    Attempt.objects.filter(sending_id=sending, customer="bo").update(state=11, detail="554 no")
    done = desk.call("POST", f"/sendings/{sending}/retry", 409)
    assert "scheduled" in done["error"]
    assert desk.call("POST", f"/sendings/{sending}/cancel")["state"] == "cancelled"
    assert desk.get(f"/sendings/{sending}")["counts"] == {"rejected": 1, "cancelled": 1}


@pytest.mark.parametrize("body", [None, {}, {"perSecond": "3"}, {"perSecond": True}, {"perSecond": -1}, [1]])
def test_a_rate_that_is_none(desk, sending, body):
    if body == {}:
        assert desk.call("POST", f"/sendings/{sending}/rate", body=body)["perSecond"] is None
    else:
        assert "error" in desk.call(
            "POST", f"/sendings/{sending}/rate", 400 if body != {"perSecond": -1} else 422, body
        )


def test_nobody_elses(desk, sending):
    assert "error" in desk.get(f"/sendings/{sending + 1000}", 404)


def test_what_becomes_of_messages_in_doubt_is_chosen_per_sending_and_for_new_ones(desk, sending):
    path = f"/sendings/{sending}/policy"
    assert desk.get(f"/sendings/{sending}")["policy"] == "hold"
    assert desk.call("POST", path, body={"policy": "resend"})["policy"] == "resend"
    assert "error" in desk.call("POST", path, 422, body={"policy": "twice"})
    Sending.objects.filter(pk=sending).update(policy="hold", channel="sms")
    assert "may have cost money" in desk.call("POST", path, 422, body={"policy": "resend"})["error"]
    assert desk.get("/policy") == {"policy": "hold", "by": ""}
    assert desk.call("POST", "/policy", body={"policy": "resend"}) == {"policy": "resend", "by": "REST API"}
    assert "error" in desk.call("POST", "/policy", 400, body=[])
