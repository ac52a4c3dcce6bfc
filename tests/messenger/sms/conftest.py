"""Two accounts with a gateway each; one campaign of SMS is on its way, rows accepted, uncertain and not."""

from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from django.test import Client
from tests.fixtures.sendings import CLOCK, House, create_contacts, create_house, create_sending

from tandem.messenger.contacts.keys import customer_key, mobile_key
from tandem.messenger.contacts.models import Contact
from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.domain import Channel
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.gateways import service as gateways
from tandem.messenger.gateways.profiles import twilio
from tandem.messenger.sms import service

SECRET = "token of the gateway"


@dataclass
class Side:
    """One account, its gateway and its sending."""

    house: House
    sending_id: int
    key: str

    @property
    def account_id(self):
        return self.house.account_id

    def row(self, customer="c1"):
        return Attempt.objects.get(account_id=self.account_id, sending_id=self.sending_id, customer=customer)

    def contact(self, customer="c1"):
        return Contact.objects.get(account_id=self.account_id, original_id=customer)

    def mark(self, customer="c1"):
        return tokens.make(self.key, tokens.RECEIPT, self.sending_id, self.row(customer).pk)

    def address(self, what="receipt", query=""):
        view = gateways.gateway(self.account_id)
        return (view.receipt_url if what == "receipt" else view.incoming_url) + (f"?{query}" if query else "")

    def post(self, fields, what="receipt", query="", *, signed=True, secret=SECRET):
        """As the gateway calls."""
        url = self.address(what, query)
        headers = {"x-twilio-signature": twilio.signature(secret, url, fields)} if signed else {}
        form = "application/x-www-form-urlencoded"
        return Client().post(
            "/" + url.split("/", 3)[3], urlencode(fields), content_type=form, headers=headers
        )

    def receipt(self, status="delivered", customer="c1", **more):
        fields = {"MessageSid": "SM1", "MessageStatus": status, **more}
        return self.post(fields, query=f"m={self.mark(customer)}")

    def write(self, text, sender=None, sid="SM900"):
        """A person writes to us; it is worked off."""
        sender = sender or self.contact().mobile
        fields = {"From": sender, "To": "+46766000000", "Body": text, "MessageSid": sid}
        answer = self.post(fields, what="incoming")
        service.work_due(CLOCK)
        return answer


def side(name, key, campaign_id=42):
    house = create_house(name)
    customers = create_contacts(house, 3)
    for row in Contact.objects.filter(account_id=house.account_id):
        row.mobile_key = mobile_key(house.account_id, row.mobile)
        row.customer_key = customer_key(house.account_id, row.original_id)
        row.save(update_fields=["mobile_key", "customer_key"])
    gateways.set_gateway(
        house.account_id, profile="twilio", user="AC1", secret=SECRET, default_sender="+46766000000",
        actor="test", clock=CLOCK,
    )  # fmt: skip
    sending_id = create_sending(house, customers, channel=Channel.SMS, campaign_id=campaign_id)
    for customer, state in (("c1", 10), ("c2", 12), ("c3", 11)):
        Attempt.objects.filter(sending_id=sending_id, customer=customer).update(
            state=state, done_at=CLOCK.business()
        )
    return Side(house, sending_id, key)


def _two(_path):
    from django.conf import settings

    return side("Northwind", settings.SECRET_KEY), side("Southwind", settings.SECRET_KEY)


@pytest.fixture(scope="module")
def kept_two(keep):
    return keep(_two)


@pytest.fixture
def two(kept_two, db, settings, tmp_path, monkeypatch):
    """Answers stay where they are: their way out has threads of its own."""
    monkeypatch.setattr("tandem.messenger.sms.service.answering.send_due", lambda clock: 0)
    settings.TANDEM_PUBLIC_URL = "https://messenger.example"
    return kept_two.take(settings, tmp_path)


@pytest.fixture
def ours(two):
    return two[0]


@pytest.fixture
def theirs(two):
    return two[1]
