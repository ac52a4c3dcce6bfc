"""Tests and samples at a messenger that is not ours: what it lacks is said in words; our own words are read."""

from datetime import UTC, datetime

import pytest

from tandem.clients.messenger import NoTests
from tandem.contract import messenger_tests as wire
from tandem.contract.messenger_api import ShapeError, parse_preview
from tandem.kit.clock import FrozenClock
from tandem.kit.problems import Refused
from tandem.planner.channels import service as channels
from tandem.simulators.messenger import Messenger
from tandem.simulators.server import Server, Simulator

CLOCK = FrozenClock(datetime(2026, 11, 23, 13, 45, tzinfo=UTC))


@pytest.fixture
def connect(settings, account):
    """Connects a foreign messenger with these deviations; (connection, a template, ids of contacts)."""
    servers = []

    def start(*deviations):
        half = Messenger(clock=CLOCK, contacts=30, deviations=deviations)
        server = Server(Simulator(half))
        servers.append(server.__enter__())
        settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{server.port}",)
        made = channels.add_account(
            account.pk, name="Foreign", api_url=f"{server.url}/rest", customer_id="5004", token="simulator"
        )
        channels.read_templates(account.pk, made.id, clock=CLOCK)
        template = channels.list_templates(account.pk, made.id, channel="email", usable_only=True)[0]
        people = [str(100_001 + n) for n in range(20)]
        return made.id, template.id, people

    yield start
    for server in servers:
        server.__exit__()


@pytest.mark.django_db
def test_a_messenger_without_tests_is_said_to_be_one(account, connect):
    connection, template, people = connect()
    with pytest.raises(NoTests, match="sends no test messages"):
        channels.test_addresses(account.pk, connection, template)
    with pytest.raises(NoTests):
        channels.send_test(
            account.pk,
            connection,
            template,
            people[0],
            ["anna@shop.example"],
            key="k",
            actor="me",
            clock=CLOCK,
        )
    with pytest.raises(Refused, match="1 to 20"):
        channels.send_test(account.pk, connection, template, people[0], [], key="k", actor="me", clock=CLOCK)


@pytest.mark.django_db
def test_a_sample_is_compared_over_http(account, connect):
    connection, template, people = connect()
    found = channels.survey(account.pk, connection, template, [*people, "nobody"])
    assert (found.asked, found.seen, found.stopped) == (21, 20, "")
    assert list(found.failed) == ["nobody"]


@pytest.mark.django_db
def test_a_messenger_without_previews_is_asked_once(account, connect):
    connection, template, people = connect("no-preview")
    found = channels.survey(account.pk, connection, template, people)
    assert found.seen == 0
    assert "before it is sent" in found.stopped


def test_a_preview_of_ours_tells_fallbacks_and_cost():
    said = {"subject": "S", "missing": ["city", "firstname"], "fallbacks": ["firstname"],
            "sms": {"text": "Hi", "encoding": "GSM-7", "parts": 2, "cost": "0.09", "currency": "EUR"}}  # fmt: skip
    found = parse_preview(said)
    assert (found.gaps, found.fallbacks) == (("city",), ("firstname",))
    assert (found.sms.cost, found.sms.currency) == ("0.09", "EUR")
    bare = parse_preview({"missing": ["city"], "sms": {"text": "Hi"}})
    assert (bare.gaps, bare.fallbacks, bare.sms.cost) == (("city",), (), "")


@pytest.mark.parametrize("document", [None, [], {}, {"messages": 1}, "x"])
def test_what_is_no_test_is_refused(document):
    with pytest.raises(ShapeError):
        wire.parse_test(document)


def test_addresses_without_a_clear_yes_are_not_verified():
    said = [{"channel": "email", "address": "a@b.example", "verified": "yes"}, "x"]
    assert [one.verified for one in wire.parse_addresses(said)] == [False]
    with pytest.raises(ShapeError):
        wire.parse_addresses({})
