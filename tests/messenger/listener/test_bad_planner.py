"""A planner that answers badly, met at the listener's own doors: the event's address and the listener page."""

import json
from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from tests.fixtures.planner_server import running
from tests.fixtures.sendings import CLOCK, create_contacts

from tandem.kit.clock import FrozenClock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.delivery.models import Attempt, Sending
from tandem.messenger.listener import service
from tandem.messenger.listener.models import Inbox

pytestmark = pytest.mark.django_db

PAGES = "GetCustomerExecutionDetailsByCampaign"
CHANNELS = "GetExecutedCampaignChannelDetails"


@pytest.fixture
def planner():
    with running() as made:
        yield made


@pytest.fixture
def house(unconnected, planner, settings):
    """An account whose planner lists its five contacts for channel 505."""
    settings.TANDEM_ALLOW_PRIVATE, made = (planner.pair,), unconnected
    create_contacts(made, 4)
    service.connect_planner(
        made.account_id, planner_url=f"http://{planner.pair}", zone="Europe/Stockholm", user="u", password="p"
    )
    service.bind_channel(made.account_id, 505, "sms")
    trigger = made.sms_trigger
    planner.rows = [{**one, "TemplateID": trigger} for one in planner.rows]
    when = f'[{{"SendID":"","templateId":"{trigger}","scheduledtime":"2026-03-02 09:00:00"}}]'
    planner.answers[CHANNELS] = (200, when.encode())
    return made


def announce(house):
    """The event at the account's address, three times: duplicates change nothing."""
    url = service.listener_url(house.account_id, clock=CLOCK)
    body = {"EventTypeID": 13, "TimeStamp": "2026-03-02 08:45:00", "CampaignID": 42, "ChannelID": 505}
    for words in ("Accepted.", "Heard before. Nothing changes.", "Heard before. Nothing changes."):
        answer = Client().post(
            "/listener/" + url.rpartition("/")[2], data=json.dumps(body), content_type="application/json"
        )
        assert (answer.status_code, answer.json()["detail"]) == (200, words)


def page_of(house):
    """The listener page as the account's administrator sees it."""
    user = accounts.create_user(house.account_id, email="a@house.example", password="a long password")
    client = Client()
    client.force_login(get_user_model().objects.get(pk=user.id))
    return client.get("/ui/listener").content.decode()


@pytest.mark.parametrize(
    ("function", "answer", "words"),
    [
        (PAGES, (200, b"<!DOCTYPE html><title>Sign in"), "not as Optimove&#x27;s API does (HTML page)."),
        ("GetCampaignDetails", (500, b'"Internal Server Error"'), "The planner failed (500"),
        (PAGES, (200, b'[{"CustomerID":"c0","Action'), "cut off or is not JSON."),
        (PAGES, "the same page twice", "The planner answered the same page twice"),
        (PAGES, (200, b"[]"), "0 customers instead of 5."),
        ("login", (401, b'"Unauthorized"'), "refused the user name or the password (401)."),
    ],
)
def test_nothing_is_sent_the_words_are_shown_and_it_is_fetched_when_it_is_mended(
    house, planner, function, answer, words
):
    clock = FrozenClock(datetime.now(UTC))
    announce(house)
    if answer == "the same page twice":
        page = json.dumps(planner.rows).encode()
        answer = [(200, page), (200, page), (200, b"[]")]
        planner.details["TestGroupSize"], planner.details["IsMultiChannel"] = 10, True
    planner.answers[function] = answer
    assert service.fetch_due(FrozenClock(datetime.now(UTC))) == 0
    row = Inbox.objects.get()
    assert (row.state, row.tries, row.times_received) == ("waiting", 1, 3)
    assert not Sending.objects.exists() and not Attempt.objects.exists()
    assert words in page_of(house)

    planner.answers.pop(function)
    planner.details |= {"TestGroupSize": 5, "IsMultiChannel": False}
    clock.now = row.next_try_at
    assert service.fetch_due(clock) == 1
    assert service.fetch_due(clock) == 0
    assert (Sending.objects.count(), Attempt.objects.count()) == (1, 5)


def test_a_planner_that_is_not_there_is_said_and_nothing_stays(house, planner, settings):
    settings.TANDEM_ALLOW_PRIVATE = ("127.0.0.1:1",)
    service.connect_planner(house.account_id, planner_url="http://127.0.0.1:1", zone="UTC", user="u")
    announce(house)
    assert service.fetch_due(FrozenClock(datetime.now(UTC))) == 0
    assert "The planner did not answer" in page_of(house)
    assert not Sending.objects.exists()
