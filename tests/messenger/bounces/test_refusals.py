"""What the next hop refused at once, judged as what comes back is."""

import pytest
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending, send_until

from tandem.messenger.bounces import service
from tandem.messenger.bounces.models import Bounce, RefusalMark
from tandem.messenger.contacts.models import Contact
from tandem.messenger.delivery.domain import AttemptState, Channel, Outcome
from tandem.messenger.delivery.models import Attempt, Block
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.sender import life as sender

pytestmark = pytest.mark.django_db
REFUSALS = {
    "c1": "550 5.1.1 <(address)> User unknown",
    "c2": "550 5.1.1 <(address)> User unknown",
    "c3": "554 5.7.1 Relay access denied",
    "c4": "552 5.2.2 Mailbox full",
    "c5": "550 5.1.2 no such domain",
}


@pytest.fixture
def house(settings, tmp_path, monkeypatch):
    settings.TANDEM_HOME, settings.TANDEM_BOUNCE_DOMAIN = tmp_path, "bounces.example"
    memory = MemoryProvider()
    monkeypatch.setattr(sender, "way_out_for", lambda *_: memory)
    for customer, words in REFUSALS.items():
        memory.refuse[f"{customer}@people.example"] = Outcome(state=AttemptState.REJECTED, detail=words)
    return create_house()


def bounced():
    return sorted(Contact.objects.filter(bounced=True).values_list("original_id", flat=True))


def test_they_are_judged_once(house):
    send_until(house, create_sending(house, create_contacts(house, 8)))
    assert service.take_up_refusals(clock=CLOCK) == 5
    assert dict(Bounce.objects.values_list("customer", "kind")) == {
        "c1": "hard", "c2": "hard", "c3": "blocked", "c4": "soft", "c5": "hard",
    }  # fmt: skip
    assert bounced() == ["c1", "c2", "c5"]
    Contact.objects.update(bounced=False)
    assert service.take_up_refusals(clock=CLOCK) == 0
    assert bounced() == []
    assert RefusalMark.objects.count() == 1
    assert service.clear_marks(clock=CLOCK) == 0


def test_a_block_that_was_claimed_again_is_looked_through_again(house):
    sending_id = create_sending(house, create_contacts(house, 8))
    send_until(house, sending_id)
    service.take_up_refusals(clock=CLOCK)
    Attempt.objects.filter(sending_id=sending_id, customer="c8").update(
        state=11, detail="550 5.1.1 user unknown"
    )
    Block.objects.filter(sending_id=sending_id).update(fence=99)
    assert service.take_up_refusals(clock=CLOCK) == 1
    assert "c8" in bounced()


def test_text_messages_are_not_mail(house):
    send_until(house, create_sending(house, create_contacts(house, 2), channel=Channel.SMS))
    assert service.take_up_refusals(clock=CLOCK) == 0
