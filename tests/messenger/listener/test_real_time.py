"""Event 11: what comes in, what leaves, what is told back."""

import importlib
import json
from datetime import timedelta

import pytest
from tests.fixtures.sendings import CLOCK, HTML, change_contact, create_contacts, create_house, send_until

from tandem.clients import planner_problems as problems
from tandem.kit.clock import FrozenClock
from tandem.messenger.contacts import service as contacts
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.models import Attempt, Sending
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.sender import life as sender
from tandem.messenger.engagement import service as engagement
from tandem.messenger.engagement.domain import Happened, Kind
from tandem.messenger.listener import service
from tandem.messenger.listener.models import ListenerCall, TriggeredInbox
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import EmailSource
from tandem.messenger.reporting import realtime as reporting
from tandem.messenger.reporting import responses, unsubscribes
from tandem.messenger.reporting.models import MetricReport

pytestmark = pytest.mark.django_db
CAMPAIGN = "0b5c2b9e-6a3f-4a0e-9a53-0f8a36a3c1de"


class Planner:
    """A planner that takes metrics and registrations."""

    def __init__(self):
        self.counts_once, self.metrics, self.problem, self.registered = True, [], None, []
        self.refuses_11 = False

    def get_last_data_update(self):
        return None

    def register_event_listener(self, event_type, url, channel_id=None):
        if event_type == 11 and self.refuses_11:
            raise problems.wrong("No such event.")
        self.registered.append((event_type, channel_id))

    def update_campaign_metrics(self, rows, key=""):
        if self.problem:
            raise self.problem
        self.metrics.append((key, [(row.campaign_id, row.metric_id, row.value) for row in rows]))


@pytest.fixture
def planner(monkeypatch):
    made = Planner()
    monkeypatch.setattr(
        importlib.import_module("tandem.messenger.listener.service.register"), "client_of", lambda _: made
    )
    return made


@pytest.fixture
def sent(monkeypatch):
    """What leaves, kept in memory."""
    memory = MemoryProvider()
    monkeypatch.setattr(sender, "way_out_for", lambda *_: memory)
    return memory


@pytest.fixture
def house(unconnected, planner, settings, tmp_path):
    settings.TANDEM_HOME, made = tmp_path, unconnected
    service.connect_planner(
        made.account_id, planner_url="http://127.0.0.1:1", zone="Europe/Stockholm", user="u", password="p"
    )
    service.bind_channel(made.account_id, 504, "email")
    service.bind_channel(made.account_id, 505, "sms")
    create_contacts(made, 3)
    return made


def body(house, **changed):
    said = {
        "campaignID": CAMPAIGN, "channelID": 504, "templateID": house.email_trigger, "customerID": "c1",
        "promoCode": "SPRING", "EventTypeID": 11, "eventID": "e1",
    }  # fmt: skip
    return json.dumps({name: value for name, value in (said | changed).items() if value is not None}).encode()


def post(client, house, content, **headers):
    secret = service.listener_url(house.account_id, clock=CLOCK).rpartition("/")[2]
    answer = client.post(
        f"/listener/{secret}", data=content, content_type="application/json", headers=headers
    )
    return answer.status_code, answer.json()["detail"]


class TestIn:
    def test_becomes_a_sending_of_one_row_at_once(self, house, client):
        assert post(client, house, body(house)) == (200, "Accepted.")
        sending = Sending.objects.get(account_id=house.account_id)
        assert (sending.kind, sending.campaign_key, sending.expected) == ("realtime", CAMPAIGN, 1)
        assert sending.values == {"promocode": "SPRING"}
        row = Attempt.objects.get(account_id=house.account_id, sending=sending)
        assert (row.customer, row.state) == ("c1", 0)
        assert TriggeredInbox.objects.get(account_id=house.account_id).sending_id == sending.pk

    @pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title])
    def test_any_spelling_and_no_type_will_do(self, house, client, spelling):
        document = json.loads(body(house, EventTypeID=None))
        content = json.dumps({spelling(key): value for key, value in document.items()}).encode()
        assert post(client, house, content) == (200, "Accepted.")

    def test_the_same_event_again_changes_nothing(self, house, client):
        post(client, house, body(house))
        assert post(client, house, body(house)) == (200, "Heard before. Nothing changes.")
        assert TriggeredInbox.objects.get(account_id=house.account_id).times_received == 2
        assert Sending.objects.filter(account_id=house.account_id).count() == 1

    def test_without_an_id_the_calls_own_id_counts(self, house, client):
        content = body(house, eventID=None)
        assert post(client, house, content, **{"webhook-id": "m1"})[1] == "Accepted."
        assert post(client, house, content, **{"webhook-id": "m1"})[1] == "Heard before. Nothing changes."
        assert post(client, house, content, **{"webhook-id": "m2"})[1] == "Accepted."

    def test_without_any_id_the_same_words_within_an_hour_are_the_same_event(self, house):
        content, clock = body(house, eventID=None), FrozenClock(CLOCK.system())
        secret = service.listener_url(house.account_id, clock=CLOCK).rpartition("/")[2]
        said = []
        for _ in range(3):
            said.append(service.receive_event(secret, content, clock=clock).words)
            clock.move(minutes=40)
        assert said == ["Accepted.", "Heard before. Nothing changes.", "Accepted."]

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"channelID": 604}, "Channel 604 is not of this account"), ({"templateID": 999999}, "no trigger"),
            ({"channelID": 505}, "is for email, the channel for sms"),
            ({"campaignID": "x\r\nBcc: y"}, "characters that no id has"),
        ],
    )  # fmt: skip
    def test_what_is_not_ours_is_refused_and_said(self, house, client, changed, words):
        status, said = post(client, house, body(house, **changed))
        assert (status, said.startswith("Refused: "), said.endswith("Nothing is sent.")) == (200, True, True)
        assert words.lower() in said.lower()
        assert not Sending.objects.filter(account_id=house.account_id).exists()
        assert TriggeredInbox.objects.get(account_id=house.account_id).state == "refused"
        assert ListenerCall.objects.get(account_id=house.account_id).event_type == 11

    def test_another_accounts_template_is_not_ours(self, house, client):
        other = create_house("Other")
        assert post(client, house, body(house, templateID=other.email_trigger))[1].startswith("Refused")

    def test_a_test_event_sends_nothing(self, house, client):
        content = body(house, campaignID="0", templateID=0, customerID="TEST")
        assert post(client, house, content) == (200, "A test was heard. Nothing is sent.")
        assert not Sending.objects.filter(account_id=house.account_id).exists()

    def test_a_broken_event_is_400(self, house, client):
        assert post(client, house, body(house, customerID=None, EventTypeID=None))[0] == 400


class TestOut:
    def test_one_message_leaves_with_the_campaign_in_its_header(self, house, client, sent):
        post(client, house, body(house))
        sending = delivery.list_sendings(house.account_id, real_time=True)[0]
        done = send_until(house, sending.id)
        assert (str(done.state), done.counts) == ("finished", {"accepted": 1})
        assert [message.recipient for message in sent.messages] == ["c1@people.example"]
        assert f"X-Tandem-Campaign: {CAMPAIGN}".encode() in sent.messages[0].content
        assert delivery.list_sendings(house.account_id) == []

    @pytest.mark.parametrize(
        ("changes", "reason"), [({"unsubscribed": True}, "unsubscribed"), ({"email": ""}, "no address")]
    )
    def test_consent_is_asked_before_it_leaves(self, house, client, sent, changes, reason):
        post(client, house, body(house))
        change_contact(house, "c1", **changes)
        sending = delivery.list_sendings(house.account_id, real_time=True)[0]
        send_until(house, sending.id)
        assert sent.messages == []
        assert delivery.reasons(house.account_id, sending.id) == {reason: 1}

    def test_nobody_we_know_gets_nothing_and_it_is_said(self, house, client):
        post(client, house, body(house, customerID="stranger"))
        sending = delivery.list_sendings(house.account_id, real_time=True)[0]
        assert delivery.reasons(house.account_id, sending.id) == {"no contact": 1}

    def test_a_message_that_could_not_leave_in_15_minutes_is_missed(self, house, client):
        post(client, house, body(house))
        assert Sending.objects.get(account_id=house.account_id).cut_off == timedelta(minutes=15)

    def test_the_promo_code_stands_where_the_template_names_it(self, house, client, sent):
        contacts.define_property(house.account_id, name="promoCode", clock=CLOCK)
        source = EmailSource(subject="Yours: {{contact.promoCode}}", html=HTML)
        projects.add_active_version(house.account_id, house.email_trigger, source, clock=CLOCK)
        post(client, house, body(house))
        send_until(house, delivery.list_sendings(house.account_id, real_time=True)[0].id)
        assert b"Subject: Yours: SPRING" in sent.messages[0].content


class TestTold:
    def finished(self, house, client, count=3):
        for number in range(count):
            post(client, house, body(house, eventID=f"e{number}", customerID=f"c{number + 1}"))
        for sending in delivery.list_sendings(house.account_id, real_time=True):
            send_until(house, sending.id)

    def test_totals_of_many_messages_go_in_one_call_once(self, house, client, sent, planner):
        change_contact(house, "c3", unsubscribed=True)
        self.finished(house, client)
        assert reporting.prepare(CLOCK) == 3
        assert reporting.post_due(lambda _: planner, clock=CLOCK) == 4
        assert reporting.prepare(CLOCK) == 0
        assert reporting.post_due(lambda _: planner, clock=CLOCK) == 0
        assert [rows for _, rows in planner.metrics] == [[(CAMPAIGN, 0, 2), (CAMPAIGN, 5, 1)]]

    def test_what_came_back_is_told_once_a_message(self, house, client, sent, planner, settings):
        self.finished(house, client, 2)
        rows = Attempt.objects.filter(account_id=house.account_id).order_by("id")
        clock, ((sending, first), (_, second)) = (
            FrozenClock(CLOCK.system()),
            rows.values_list("sending_id", "id"),
        )
        for row, kind, source in (
            (first, Kind.OPENED, "1"), (first, Kind.CLICKED, "2"), (first, Kind.OPENED, "3"),
            (second, Kind.BOUNCED_HARD, "4"),
        ):  # fmt: skip
            one = Happened(
                account_id=house.account_id, attempt_id=row, kind=kind, at=clock.business(), source=source
            )
            engagement.record([one], clock=clock)
        token = tokens.make(settings.SECRET_KEY, tokens.UNSUBSCRIBE, sending, first)
        unsubscribes.unsubscribe_by_token(token, clock=clock)
        for _ in range(2):
            clock.move(minutes=2)
            responses.prepare(clock=clock)
            reporting.prepare(clock)
            reporting.post_due(lambda _: planner, clock=clock)
        told = [(CAMPAIGN, metric, value) for metric, value in ((0, 2), (2, 1), (3, 1), (4, 1), (9, 1))]
        assert [rows for _, rows in planner.metrics] == [told]

    def test_an_answer_that_was_not_heard_is_told_again_under_the_same_key(
        self, house, client, sent, planner
    ):
        self.finished(house, client, 1)
        reporting.prepare(CLOCK)
        planner.problem = problems.PlannerUnreachable("Nothing was answered.")
        assert reporting.post_due(lambda _: planner, clock=CLOCK) == 0
        batch = MetricReport.objects.get(account_id=house.account_id)
        assert batch.state == "doubtful"
        planner.problem, later = None, FrozenClock(CLOCK.system() + timedelta(minutes=2))
        assert reporting.post_due(lambda _: planner, clock=later) == 1
        assert [key for key, _ in planner.metrics] == [batch.batch]

    def test_where_a_key_does_not_count_once_it_is_uncertain(self, house, client, sent, planner):
        self.finished(house, client, 1)
        planner.counts_once, planner.problem = False, problems.PlannerUnreachable("Nothing was answered.")
        reporting.prepare(CLOCK)
        reporting.post_due(lambda _: planner, clock=CLOCK)
        assert MetricReport.objects.get(account_id=house.account_id).state == "uncertain"


class TestRegister:
    def test_each_channel_hears_of_each_event(self, house, planner):
        views = service.register(house.account_id, clock=CLOCK)
        assert planner.registered == [(event, channel) for channel in (504, 505) for event in (13, 11, 4)]
        assert [view.problem for view in views] == ["", ""]

    def test_a_planner_without_event_11_is_said_and_the_rest_stands(self, house, planner):
        planner.refuses_11 = True
        views = service.register(house.account_id, clock=CLOCK)
        assert all(view.registered_at for view in views)
        assert all(view.problem.startswith("Real-time campaigns are not announced here.") for view in views)
