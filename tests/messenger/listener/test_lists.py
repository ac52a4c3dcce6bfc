"""Lists fetched over HTTP from a planner that answers wrongly: the ledger holds the whole list, or nothing."""

import hashlib
import importlib
from functools import partial

import orjson
import pytest
from django.db import connection
from tests.fixtures.planner_server import row, running
from tests.fixtures.sendings import CLOCK, create_contacts

from tandem.clients.planner import PlannerClient
from tandem.messenger.delivery.models import Attempt, Block, Sending
from tandem.messenger.listener import service
from tandem.messenger.listener.models import Inbox
from tandem.messenger.listener.service.receive import hear

pytestmark = pytest.mark.django_db
DETAILS = "GetCustomerExecutionDetailsByCampaign"


@pytest.fixture
def planner(unconnected, settings, tmp_path, monkeypatch):
    """A planner over HTTP with five customers on a list, two to a page; the house has contacts of three of them."""
    connect = importlib.import_module("tandem.messenger.listener.service.connect")
    monkeypatch.setattr(connect, "PlannerClient", partial(PlannerClient, page=2))
    settings.TANDEM_HOME = tmp_path
    with running() as made:
        settings.TANDEM_ALLOW_PRIVATE = (made.pair,)
        made.house, trigger = unconnected, unconnected.sms_trigger
        service.connect_planner(
            unconnected.account_id, planner_url=f"http://{made.pair}", zone="UTC", user="u", password="p"
        )
        service.bind_channel(unconnected.account_id, 505, "sms")
        create_contacts(unconnected, 3)
        made.rows = [row(n, TemplateID=trigger) for n in range(5)]
        told = [{"SendID": "", "TemplateID": trigger, "ScheduledTime": "2027-03-01 10:00:00"}]
        made.answers["GetExecutedCampaignChannelDetails"] = (200, orjson.dumps(told))
        yield made


def fetch(planner) -> Inbox:
    """Hear of the campaign and fetch it; its row afterwards."""
    hear(planner.house.account_id, 9, 505, "event", CLOCK)
    service.fetch_due(CLOCK)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relname = 'tandem_list' AND pg_table_is_visible(oid)"
        )
        assert cursor.fetchone() == (0,), "nothing of a list stays beside the ledger"
    return Inbox.objects.get()


def pages(planner, *answered: list[dict]) -> None:
    """What the planner answers to each call for the list, whatever was asked."""
    planner.answers[DETAILS] = [(200, orjson.dumps(page)) for page in answered]


def test_all_pages_are_in_the_ledger_in_order(planner):
    row_ = fetch(planner)
    sending = Sending.objects.get()
    assert (row_.state, row_.sending_id, sending.expected) == ("taken", sending.id, 5)
    rows = Attempt.objects.order_by("seq").values_list("seq", "customer", "reason")
    assert list(rows) == [
        (1, "c0", "no contact"), (2, "c1", ""), (3, "c2", ""), (4, "c3", ""), (5, "c4", "no contact"),
    ]  # fmt: skip
    assert [query.get("$skip") for name, query, *_ in planner.asked if name == DETAILS] == [
        None, ["2"], ["4"], ["5"],
    ]  # fmt: skip
    trigger = planner.house.sms_trigger
    lines = "".join(f"c{n}\t{trigger}\n" for n in range(5))
    assert sending.list_hash == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize(
    ("answered", "words"),
    [
        (lambda r: [r[:2], r[:2]], "The planner repeated a page"),
        (lambda r: [r[:2], r[2:4], []], "has 4 customers instead of 5"),
        (lambda r: [r[:2], r[2:], [row(9)]], "has 6 customers instead of 5"),
        (lambda r: [r[:2], [r[2], r[0]]], "names a customer twice"),
        (lambda r: [[r[0], r[0]]], "names a customer twice"),
        (lambda r: [r[:2], r[2:4], r[:2]], "names a customer twice"),
        (lambda r: [r[:2], [*r[2:4], row(4, TemplateID=77)], []], "names template 77"),
        (lambda r: [r[:2], [*r[2:4], row(4, TemplateID=None)], []], "names template None"),
    ],
    ids=[
        "page twice", "too short", "too long", "customer twice", "twice on a page", "pages in a circle",
        "foreign template", "no template",
    ],
)  # fmt: skip
def test_a_list_that_is_wrong_leaves_nothing(planner, answered, words):
    good = list(planner.rows)
    pages(planner, *answered(good))
    found = fetch(planner)
    assert words in found.problem
    assert (found.state, found.tries) == ("waiting", 1)
    assert not Sending.objects.exists()
    assert not Attempt.objects.exists()
    assert not Block.objects.exists()

    del planner.answers[DETAILS]
    Inbox.objects.update(next_try_at=CLOCK.system())
    assert service.fetch_due(CLOCK) == 1
    assert Attempt.objects.count() == 5


@pytest.mark.parametrize(
    "answer",
    [(200, b'[{"CustomerID":"a"'), (500, b'"Internal Server Error"'), (200, b"<!DOCTYPE html>")],
    ids=["truncated", "failed", "page of a website"],
)
def test_an_answer_that_breaks_off_after_a_good_page_leaves_nothing(planner, answer):
    planner.answers[DETAILS] = [(200, orjson.dumps(planner.rows[:2])), answer]
    assert fetch(planner).tries == 1
    assert not Attempt.objects.exists()


class TestNoCount:
    """Where the planner tells no count the list is read twice."""

    @pytest.fixture(autouse=True)
    def untold(self, planner):
        planner.details["TestGroupSize"] = None

    def test_the_same_list_twice_is_taken(self, planner):
        assert fetch(planner).state == "taken"
        assert Attempt.objects.count() == 5
        assert sum(name == DETAILS for name, *_ in planner.asked) == 8

    def test_a_list_that_changes_leaves_nothing(self, planner):
        good = planner.rows
        pages(planner, good[:2], [], good[1:3], [])
        assert "is incomplete" in fetch(planner).problem
        assert not Attempt.objects.exists()

    def test_pages_in_a_circle_end(self, planner):
        good = planner.rows
        pages(planner, good[:2], good[2:4], good[:2])
        assert "names a customer twice" in fetch(planner).problem
