"""The pages of SMS: messages to act on, a gateway whose secret is never shown, rules, rows that wait."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending

from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import queries
from tandem.messenger.contacts.keys import mobile_key
from tandem.messenger.contacts.models import Contact
from tandem.messenger.delivery.domain import Channel
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.gateways import inbox, rules
from tandem.messenger.gateways import service as gateways
from tandem.messenger.gateways.domain import Incoming
from tandem.messenger.sms import service as sms
from tandem.messenger.sms.service import answering

SECRET = "a token nobody sees"
FORM = {
    "profile": "twilio", "url": "", "user": "AC1", "secret": SECRET, "default_sender": "+46766000000",
    "senders": "us=+12125550100\n\nDE = Shop", "options": "", "do": "set",
}  # fmt: skip


def signed_in(house, role="administrator"):
    user = accounts.create_user(
        house.account_id, email=f"{role}@{house.account_id}.example", password="a long enough one", role=role
    )
    client = Client()
    client.force_login(get_user_model().objects.get(pk=user.id))
    return client


@pytest.fixture(scope="module")
def kept_houses(keep):
    return keep(lambda _: [create_house(name) for name in ("Northwind", "Southwind")])


@pytest.fixture
def houses(kept_houses, db, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(answering, "send_due", lambda clock: 0)
    settings.TANDEM_PUBLIC_URL = "https://messenger.example"
    return kept_houses.take(settings, tmp_path)


@pytest.fixture
def house(houses):
    return houses[0]


@pytest.fixture
def client(house):
    return signed_in(house)


def write(house, text, sender="+46701740001"):
    inbox.keep(house.account_id, [Incoming(sender=sender, to="1000", text=text)], CLOCK.system())
    sms.work_due(CLOCK)
    return sms.list_incoming(house.account_id)[0]


def test_a_gateway_is_set_up_and_its_secret_never_shown(house, client):
    assert client.post("/ui/sms/settings/gateway", FORM).status_code == 302
    view = gateways.gateway(house.account_id)
    assert (view.user, view.senders) == ("AC1", {"US": "+12125550100", "DE": "Shop"})
    assert gateways.setup_of(house.account_id).secret == SECRET
    page = client.get("/ui/sms/settings").content.decode()
    assert SECRET not in page and view.receipt_url in page and "US=+12125550100" in page
    client.post("/ui/sms/settings/gateway", {**FORM, "secret": "", "user": "AC2"})
    assert gateways.setup_of(house.account_id).secret == SECRET


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"secret": ""}, "missing"),
        ({"url": "ftp://x"}, "address"),
        ({"url": "https://u:p@x.example"}, "address"),
        ({"default_sender": "Far too long a name"}, "at most"),
        ({"senders": "Sweden=+46"}, "country code"),
        ({"senders": "nothing"}, "each line"),
        ({"options": "{"}, "JSON object"),
        ({"profile": "template", "url": "https://g.example", "options": '{"body": "{{nothing}}"}'}, "slot"),
        ({"profile": "smpp", "url": "http://x"}, "smpp://"),
    ],
)
def test_what_cannot_be_used_is_said_beside_its_field(client, wrong, words):
    answer = client.post("/ui/sms/settings/gateway", {**FORM, **wrong})
    assert answer.status_code == 422
    assert words in answer.content.decode() and SECRET not in answer.content.decode()


def test_another_gateways_secret_is_not_taken_over(house, client):
    client.post("/ui/sms/settings/gateway", FORM)
    answer = client.post("/ui/sms/settings/gateway", {**FORM, "profile": "46elks", "secret": ""})
    assert answer.status_code == 422


def test_it_is_closed(house, client):
    client.post("/ui/sms/settings/gateway", FORM)
    client.post("/ui/sms/settings/gateway", {"do": "close"})
    assert gateways.setup_of(house.account_id) is None


def test_only_to_a_verified_number_is_it_tried(house, client):
    client.post("/ui/sms/settings/gateway", FORM)
    answer = client.post("/ui/sms/settings/gateway", {"do": "test", "to": "+46701740001"}, follow=True)
    assert "no verified test number" in answer.content.decode()


def test_rules(house, client):
    form = {
        "quiet": "on",
        "opens": "09:00",
        "closes": "20:00",
        "zone_attribute": "",
        "help_text": "Call 0200.",
    }
    assert client.post("/ui/sms/settings/rules", form).status_code == 302
    view = rules.rules(house.account_id)
    assert (view.quiet, view.opens, view.closes, view.answers, view.help_text) == (
        True, "09:00", "20:00", False, "Call 0200."
    )  # fmt: skip
    for wrong in ({"opens": "21:00"}, {"opens": "x"}, {"zone_attribute": "none such"}):
        assert client.post("/ui/sms/settings/rules", {**form, **wrong}).status_code == 422


def test_what_people_write_and_what_is_done(house, client):
    create_contacts(house, 1)
    Contact.objects.filter(account_id=house.account_id).update(
        mobile_key=mobile_key(house.account_id, "+46701740001")
    )
    one = write(house, "<b>please stop</b>")
    page = client.get("/ui/sms?show=unread").content.decode()
    assert "&lt;b&gt;please stop" in page and "c1" in page and "style=" not in page
    assert client.post(f"/ui/sms/{one.id}/act", {"do": "unsubscribe"}).status_code == 302
    contact = Contact.objects.get(account_id=house.account_id)
    assert queries.reasons(house.account_id, "sms", [contact.pk], now=CLOCK.system()) == {
        contact.pk: "suppressed"
    }
    other = write(house, "where is my order?")
    client.post(f"/ui/sms/{other.id}/act", {"do": "dismiss"})
    assert sms.unread(house.account_id) == 0


def test_another_account_sees_and_does_nothing(houses):
    house, other = houses
    one = write(house, "only ours")
    stranger = signed_in(other)
    signed_in(house).post("/ui/sms/settings/gateway", FORM)
    assert "only ours" not in stranger.get("/ui/sms").content.decode()
    assert (
        gateways.gateway(house.account_id).receipt_url
        not in stranger.get("/ui/sms/settings").content.decode()
    )
    assert stranger.post(f"/ui/sms/{one.id}/act", {"do": "unsubscribe"}).status_code == 404


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_who_may_only_look(house, role):
    client = signed_in(house, role)
    assert client.get("/ui/sms/settings").status_code == 200
    assert client.post("/ui/sms/settings/gateway", FORM).status_code == 403
    assert client.post("/ui/sms/settings/rules", {}).status_code == 403


def test_rows_that_wait_are_counted(house, client):
    sending = create_sending(house, create_contacts(house, 3), channel=Channel.SMS)
    Attempt.objects.filter(sending_id=sending, customer__in=["c1", "c2"]).update(
        due_at=datetime(2090, 1, 1, 7, tzinfo=UTC), detail="waits until 08:00 in Stockholm"
    )
    page = client.get(f"/ui/sendings/{sending}").content.decode()
    assert "2 messages: waits until 08:00 in Stockholm" in page
