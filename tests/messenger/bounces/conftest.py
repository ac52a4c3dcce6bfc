"""An account whose campaign left to five people, and the post that comes back of it."""

import pytest
from tests.fixtures.returned import verp
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending, send_until

from tandem.messenger.bounces import service
from tandem.messenger.contacts.keys import customer_key, email_key
from tandem.messenger.contacts.models import Contact
from tandem.messenger.delivery.models import Attempt

DOMAIN = "bounces.example"


class Post:
    """The account, its sending, and how mail about it arrives."""

    def __init__(self, house, sending_id, key):
        self.house, self.account_id, self.sending_id, self.key = house, house.account_id, sending_id, key

    def attempt(self, customer="c1"):
        return Attempt.objects.get(sending_id=self.sending_id, customer=customer)

    def contact(self, customer="c1"):
        return Contact.objects.get(account_id=self.account_id, original_id=customer)

    def back(self, content, customer="c1", *, kind="b", to="", null_sender=True):
        """It arrives and is worked off; how many mails were."""
        address = to or verp(self.key, self.attempt(customer), kind)
        service.take(address, content, null_sender=null_sender, source="smtp", clock=CLOCK)
        return service.work_due(clock=CLOCK)


@pytest.fixture(autouse=True)
def bounce_domain(settings, tmp_path):
    settings.TANDEM_HOME, settings.TANDEM_STORAGE = tmp_path, tmp_path / "messenger"
    settings.TANDEM_BOUNCE_DOMAIN = DOMAIN


def _sent(_path):
    house = create_house()
    customers = create_contacts(house, 5)
    for row in Contact.objects.filter(account_id=house.account_id):
        row.email_key = email_key(house.account_id, row.email)
        row.customer_key = customer_key(house.account_id, row.original_id)
        row.save(update_fields=["email_key", "customer_key"])
    sending_id = create_sending(house, customers)
    send_until(house, sending_id)
    return house, sending_id


@pytest.fixture(scope="module")
def kept_post(keep):
    return keep(_sent)


@pytest.fixture
def post(kept_post, db, settings, tmp_path):
    house, sending_id = kept_post.take(settings, tmp_path)
    return Post(house, sending_id, settings.SECRET_KEY)
