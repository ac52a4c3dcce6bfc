"""An account with an ended sending to ten people, one of each fate."""

import pytest
from tests.fixtures.sendings import change_contact, create_contacts, create_house, create_sending, send_until

from tandem.messenger.delivery.domain import AttemptState, Outcome
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.sender import life as sender


@pytest.fixture
def memory(monkeypatch):
    provider = MemoryProvider()
    monkeypatch.setattr(sender, "way_out_for", lambda *_: provider)
    return provider


@pytest.fixture
def house(db, settings, tmp_path, memory):
    settings.TANDEM_HOME, settings.TANDEM_BOUNCE_DOMAIN = tmp_path, "bounces.example"
    return create_house()


@pytest.fixture
def sent(house, memory):
    customers = create_contacts(house, 10)
    change_contact(house, "c2", unsubscribed=True)
    memory.refuse["c3@people.example"] = Outcome(state=AttemptState.REJECTED, detail="550 5.1.1 no such user")
    memory.refuse["c4@people.example"] = Outcome(state=AttemptState.UNCERTAIN, detail="no answer")
    sending_id = create_sending(house, [*customers, "stranger"])
    send_until(house, sending_id)
    return sending_id
