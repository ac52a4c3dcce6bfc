"""An unsubscribe on its way back: the door, what is kept, and what a planner over HTTP hears of it."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.test import Client
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending
from typer.testing import CliRunner

from tandem.kit.clock import FrozenClock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.cli import contacts as contacts_command
from tandem.messenger.cli import sendings as sendings_command
from tandem.messenger.contacts.models import ConsentEvent, Contact
from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.models import Attempt, Sending
from tandem.messenger.listener import service as listener
from tandem.messenger.reporting import telling, unsubscribes
from tandem.messenger.reporting.models import Unsubscribe, UnsubscribeReport
from tandem.simulators.server import Reply, Server, Simulator, fault_of, json_reply

pytestmark = pytest.mark.django_db(transaction=True)
METRICS, INTERACTIONS = "UpdateCampaignMetrics", "UpdateCampaignInteractions"


class Told:
    """A planner that adds what it is told. offers: a key counts once; silent: counts, and answers nothing."""

    def __init__(self):
        self.offers, self.silent, self.statuses = True, set(), {}
        self.asked, self.keys, self.sum, self.people = [], set(), 0, []

    def answer(self, request):
        name = request.path.rsplit("/", 1)[1]
        offered = {"Tandem-Idempotency-Key": "1"} if self.offers else {}
        if name == "login":
            return json_reply("token", **offered)
        if name == "GetLastDataUpdate":
            return json_reply({"Date": "2026-11-22"}, **offered)
        self.asked.append(name)
        if name in self.statuses:
            return json_reply("No", self.statuses[name], **offered)
        self.add(name, request.json(), request.headers.get("idempotency-key", ""))
        return Reply(hang_up=True) if name in self.silent else Reply(headers=offered)

    def add(self, name, body, key):
        if self.offers and key in self.keys:
            return
        self.keys.add(key)
        if name == METRICS:
            assert [one["MetricID"] for one in body] == [4]
            self.sum += sum(one["MetricValue"] for one in body)
        else:
            self.people.append(body)

    def ids(self):
        return [one for body in self.people for one in body["CustomerIDs"]]

    def control(self, verb, fields):
        raise KeyError(verb)


class House:
    """An account, a sending to three people, its planner; time moves by hand."""

    def __init__(self, client, key, name="Northwind"):
        self.made = create_house(name)
        self.account_id = self.made.account_id
        self.sending_id = create_sending(self.made, create_contacts(self.made, 3))
        self.clock = FrozenClock(CLOCK.system())
        self.door, self.key = client, key

    def connect(self, url):
        listener.connect_planner(
            self.account_id, planner_url=url, zone="Europe/Stockholm", user="u", password="p"
        )

    def token(self, customer):
        attempt = Attempt.objects.get(sending_id=self.sending_id, customer=customer)
        return tokens.make(self.key, tokens.UNSUBSCRIBE, attempt.sending_id, attempt.id)

    def click(self, *customers):
        links = [f"/u/{self.token(customer)}" for customer in customers]
        return [self.door.post(one, data={"List-Unsubscribe": "One-Click"}).status_code for one in links]

    def report(self, **later):
        self.clock.move(**later)
        return listener.report_due(self.clock)

    def page(self):
        user = accounts.create_user(
            self.account_id, email="a@b.example", password="a long enough password", role="administrator"
        )
        browser = Client()
        browser.force_login(get_user_model().objects.get(pk=user.id))
        return " ".join(browser.get(f"/ui/sendings/{self.sending_id}").content.decode().split())


@pytest.fixture
def planner():
    return Told()


@pytest.fixture
def server(planner, settings):
    with Server(Simulator(planner)) as running:
        settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{running.port}",)
        yield running


@pytest.fixture
def house(client, server, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    made = House(client, settings.SECRET_KEY)
    made.connect(server.url)
    return made


def states():
    return dict(UnsubscribeReport.objects.values_list("part", "state"))


def test_it_is_told_once_however_often_it_is_posted(house, planner):
    for _ in range(3):
        assert house.click("c1") == [200]
        house.report(minutes=1)
    assert (planner.sum, planner.asked) == (1, [METRICS, INTERACTIONS])
    [body] = planner.people
    assert body == {
        "CampaignID": 42, "ChannelID": 504, "TemplateID": house.made.email_trigger, "EventID": 4,
        "RecipientGroupID": 1, "CustomerIDs": ["c1"],
        "InteractionDate": body["InteractionDate"],
    }  # fmt: skip
    page = house.page()
    assert "1 person unsubscribed by the link" in page
    assert page.count("1 told, last at") == 2


def test_a_link_that_was_only_fetched_is_not_told(house, planner):
    house.door.get(f"/u/{house.token('c1')}")
    house.report()
    assert planner.asked == []
    assert "unsubscribed by the link" not in house.page()


def test_who_had_unsubscribed_before_is_not_counted_again(house, planner):
    Contact.objects.filter(original_id="c1").update(unsubscribed=True)
    house.click("c1")
    house.report()
    assert planner.asked == []


def test_a_sending_without_a_campaign_is_not_told(house, planner):
    Sending.objects.update(campaign_id=None)
    house.click("c1")
    house.report()
    assert planner.asked == []
    assert Contact.objects.get(original_id="c1").unsubscribed


def test_the_first_at_once_those_that_follow_together(house, planner):
    house.click("c1")
    house.report()
    house.click("c2", "c3")
    house.report(seconds=5)
    assert planner.ids() == ["c1"]
    house.report(seconds=30)
    assert (planner.sum, planner.ids()) == (3, ["c1", "c2", "c3"])
    assert planner.asked == [METRICS, INTERACTIONS] * 2


def test_days_are_the_planners(house, planner):
    for customer, at in (("c1", "2026-07-01T21:59:00"), ("c2", "2026-07-01T22:01:00")):
        clock = FrozenClock(datetime.fromisoformat(at).replace(tzinfo=UTC))
        unsubscribes.unsubscribe_by_token(house.token(customer), clock=clock)
    house.report()
    told = {body["InteractionDate"]: body["CustomerIDs"] for body in planner.people}
    assert told == {"2026-07-01": ["c1"], "2026-07-02": ["c2"]}


def test_kept_with_the_suppression_or_neither(house, planner, monkeypatch):
    def fails(*_, **__):
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(Unsubscribe.objects, "bulk_create", fails)
        assert house.click("c1") == [503]
    assert not Contact.objects.get(original_id="c1").unsubscribed
    assert not ConsentEvent.objects.exists()
    assert house.click("c1") == [200]
    house.report()
    assert planner.ids() == ["c1"]


@pytest.mark.parametrize("kind", ["500", "429", "html", "401"])
def test_a_planner_that_fails_is_told_later(house, planner, server, kind):
    house.click("c1")
    server.simulator.faults += [fault_of(kind, function=METRICS), fault_of(kind, function=INTERACTIONS)]
    house.report()
    house.report(seconds=6)
    assert planner.sum == 0
    assert "Tried again at" in house.page()
    server.simulator.faults.clear()
    house.report(minutes=1)
    assert (planner.sum, planner.ids()) == (1, ["c1"])


def test_nobody_connected_waits(client, planner, server, settings):
    house = House(client, settings.SECRET_KEY)
    house.click("c1")
    house.report()
    assert planner.asked == []
    house.connect(server.url)
    house.report()
    assert planner.ids() == ["c1"]


def test_an_answer_that_was_not_heard_is_asked_for_under_the_same_key(house, planner):
    house.click("c1")
    planner.silent = {METRICS, INTERACTIONS}
    house.report()
    assert states() == {"metric": "doubtful", "interactions": "doubtful"}
    planner.silent = set()
    house.report(minutes=1)
    assert states() == {"metric": "posted", "interactions": "posted"}
    assert (planner.sum, planner.ids()) == (1, ["c1"])


def test_a_planner_without_keys_gets_a_sum_once_and_the_ids_at_least_once(house, planner):
    planner.offers, planner.silent = False, {METRICS, INTERACTIONS}
    house.click("c1")
    house.report()
    planner.silent = set()
    for _ in range(3):
        house.report(hours=3)
    assert states() == {"metric": "uncertain", "interactions": "posted"}
    assert (planner.sum, planner.ids()) == (1, ["c1", "c1"])


def test_a_planner_without_keys_is_told_once_where_it_answers(house, planner):
    planner.offers = False
    house.click("c1", "c2")
    for _ in range(3):
        house.report(minutes=1)
    assert (planner.sum, planner.ids(), planner.keys) == (2, ["c1", "c2"], {""})


@pytest.mark.parametrize(("offers", "metric"), [(True, "posted"), (False, "uncertain")])
def test_a_process_that_ended_before_the_answer(house, planner, monkeypatch, offers, metric):
    planner.offers = offers
    house.click("c1")
    tell = telling._tell

    def ends(report, client):
        tell(report, client)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(telling, "_tell", ends)
        with pytest.raises(KeyboardInterrupt):
            house.report()
    assert planner.sum == 1
    house.report(seconds=5)
    house.report(minutes=2)
    assert (planner.sum, planner.ids()) == (1, ["c1"])
    assert states() == {"metric": metric, "interactions": "posted"}


@pytest.mark.parametrize("status", [404, 403, 400, 405])
def test_what_a_planner_will_not_take_is_said_and_not_asked_forever(house, planner, status):
    planner.statuses = {INTERACTIONS: status}
    house.click("c1")
    house.report()
    assert "The planner does not take unsubscribes by customer: The planner" in house.page()
    for _ in range(8):
        house.report(days=1)
    assert planner.asked.count(INTERACTIONS) == telling.REFUSED_TRIES
    assert (planner.sum, states()["interactions"]) == (1, "refused")
    shown = unsubscribes.unsubscribes_of(house.account_id, house.sending_id)
    assert str(status) in shown.parts[1].problem
    assert shown.parts[1].again_at is None


def test_those_that_come_while_it_refuses_wait_with_it(house, planner):
    planner.statuses = {INTERACTIONS: 403}
    house.click("c1")
    house.report()
    house.click("c2", "c3")
    house.report(hours=1)
    assert planner.asked == [METRICS, INTERACTIONS]
    planner.statuses = {}
    house.report(days=1)
    house.report(minutes=1)
    assert (planner.sum, planner.ids()) == (3, ["c1", "c2", "c3"])


def test_a_forgotten_person_is_told_as_a_number_only(house, planner, monkeypatch):
    monkeypatch.setattr("tandem.kit.commands.use_half", lambda half: None)
    run = CliRunner()
    house.click("c1", "c2")
    exported = orjson.loads(run.invoke(contacts_command.app, ["export", "c1"]).stdout)
    assert [one["campaign_id"] for one in exported[0]["unsubscribes"]] == [42]
    said = orjson.loads(run.invoke(contacts_command.app, ["forget", "c1", "--json"]).stdout)
    assert ["unsubscribes by a link", 1] in said[0]["found"]
    house.report()
    assert (planner.sum, planner.ids()) == (2, ["c2"])
    assert Unsubscribe.objects.count() == 2


def test_where_all_were_forgotten_no_ids_are_posted(house, planner):
    house.click("c1")
    unsubscribes.forget(house.account_id, "c1")
    house.report()
    assert (planner.asked, planner.sum) == ([METRICS], 1)
    assert states()["interactions"] == "withdrawn"


def test_each_account_tells_its_own_planner_its_own(house, planner, client, settings):
    other_planner = Told()
    with Server(Simulator(other_planner)) as server:
        settings.TANDEM_ALLOW_PRIVATE = (*settings.TANDEM_ALLOW_PRIVATE, f"127.0.0.1:{server.port}")
        other = House(client, settings.SECRET_KEY, "Southwind")
        other.connect(server.url)
        house.click("c1")
        other.click("c2", "c3")
        house.report(seconds=5)
        assert (planner.ids(), other_planner.ids()) == (["c1"], ["c2", "c3"])
        assert unsubscribes.unsubscribes_of(other.account_id, house.sending_id).number == 0


def test_the_command_shows_it(house, planner, monkeypatch):
    monkeypatch.setattr("tandem.kit.commands.use_half", lambda half: None)
    house.click("c1", "c2")
    house.report()
    answer = CliRunner().invoke(sendings_command.app, ["show", str(house.sending_id), "--json"])
    found = orjson.loads(answer.stdout)["unsubscribes"]
    assert found["number"] == 2
    assert {one["part"]: one["told"] for one in found["parts"]} == {"metric": 2, "interactions": 2}
    words = CliRunner().invoke(sendings_command.app, ["show", str(house.sending_id)]).stdout
    assert "unsubscribed by a link 2" in words


def test_a_great_many_go_in_calls_of_ten_thousand(house, planner, monkeypatch):
    monkeypatch.setattr(telling, "MOST_AT_ONCE", 2)
    house.click("c1", "c2", "c3")
    house.report()
    house.report(seconds=31)
    assert [body["CustomerIDs"] for body in planner.people] == [["c1", "c2"], ["c3"]]
    assert house.clock.system() - CLOCK.system() < timedelta(minutes=1)
