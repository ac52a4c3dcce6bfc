"""A sender of the product and a relay: what the ledger says is what arrived."""

from collections import Counter

import pytest
from tests.fixtures.sendings import create_contacts, create_house, create_sending, send_until

from tandem.messenger.delivery.models import Attempt
from tandem.simulators.kumomta import KumoMta
from tandem.simulators.relay import Relay
from tandem.simulators.relay_marks import mistaken
from tandem.simulators.relay_script import Rule, Script
from tandem.simulators.server import Server, Simulator

pytestmark = pytest.mark.django_db
COUNT = 60


@pytest.fixture
def house(db, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    return create_house()


@pytest.fixture
def use(settings):
    def chosen(provider, **told):
        settings.TANDEM_SENDING = {
            **settings.TANDEM_SENDING, "TANDEM_PROVIDER": provider, "TANDEM_PROVIDER_LOCK": "0",
            "TANDEM_SMTP_STARTTLS": "0", **told,
        }  # fmt: skip

    return chosen


@pytest.mark.parametrize("pipelining", [True, False])
def test_over_smtp_each_row_says_what_the_relay_says(house, use, tmp_path, pipelining):
    rules = (
        Rule(at="rcpt", to="c3@people.example", reply="550 5.1.1 c3@people.example is unknown"),
        Rule(at="dot", to="c5@people.example", do="drop", logged=True),
        Rule(at="dot", to="c7@people.example", reply="552 5.3.4 too big"),
        Rule(at="mail", nth=20, reply="421 4.3.2 down", close=True),
    )
    with Relay(log=tmp_path / "truth.jsonl", script=Script(rules=rules, pipelining=pipelining)) as relay:
        use("smtp", TANDEM_SMTP_PORT=str(relay.port), TANDEM_SMTP_CONNECTIONS="2")
        sending = create_sending(house, create_contacts(house, COUNT))
        view = send_until(house, sending)
    assert view.counts == {"accepted": COUNT - 3, "rejected": 2, "uncertain": 1}
    copies = Counter(fact["to"] for fact in relay.facts())
    assert copies == Counter(f"c{n}@people.example" for n in range(1, COUNT + 1) if n not in {3, 7})
    assert len({fact["id"] for fact in relay.facts()}) == COUNT - 2
    assert {fact["campaign"] for fact in relay.facts()} == {"42"}
    rows = Attempt.objects.filter(account_id=house.account_id, sending_id=sending)
    said = {row.customer: row.detail for row in rows}
    ids = {row.id: row.customer for row in rows}
    for fact in relay.facts():
        assert mistaken(fact, fact["to"].partition("@")[0], ids, is_marked=False) == ""
        assert mistaken(fact, "c99", ids, is_marked=False) == "links or an id of another row"
    assert said["c3"] == "550 5.1.1 (address) is unknown" and said["c7"] == "552 5.3.4 too big"


@pytest.mark.parametrize(("block", "most_requests"), [("1", COUNT), ("20", 20)])
def test_over_kumomta_each_row_says_what_it_says(house, use, block, most_requests):
    half = KumoMta(refuse={"c3@people.example": "550 5.1.1 unknown"})
    with Server(Simulator(half)) as server:
        use("kumomta", TANDEM_KUMOMTA_URL=server.url, TANDEM_KUMOMTA_BLOCK=block)
        view = send_until(house, create_sending(house, create_contacts(house, COUNT)))
    assert view.counts == {"accepted": COUNT - 1, "rejected": 1} and half.requests <= most_requests
    assert Counter(fact["to"] for fact in half.messages) == Counter(
        f"c{n}@people.example" for n in range(1, COUNT + 1) if n != 3
    )
