"""Addresses of the bounce domain in what leaves."""

import pytest
from tests.fixtures.sendings import create_contacts, create_house, create_sending, send_until

from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.errors import BadToken
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.sender import life as sender


@pytest.fixture
def memory(monkeypatch):
    provider = MemoryProvider()
    monkeypatch.setattr(sender, "way_out_for", lambda *_: provider)
    return provider


@pytest.mark.parametrize("changed", [str, str.upper, str.title])
def test_a_token_survives_whatever_case_a_mail_server_gives_it(changed):
    token = tokens.make_local("key", tokens.BOUNCE, 7, 2**40)
    assert len(f"b+{token}") <= 64
    assert tokens.read_local("key", tokens.BOUNCE, changed(token)) == (7, 2**40)


@pytest.mark.parametrize("token", ["", "b", "x" * 45, "é" * 45, "a" * 400, "=" * 45])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(BadToken):
        tokens.read_local("key", tokens.BOUNCE, token)


def test_a_token_is_of_one_purpose():
    token = tokens.make_local("key", tokens.UNSUBSCRIBE_MAIL, 7, 8)
    with pytest.raises(BadToken):
        tokens.read_local("key", tokens.BOUNCE, token)


@pytest.mark.django_db
def test_with_a_bounce_domain_each_message_has_its_own_way_back(memory, settings, tmp_path):
    settings.TANDEM_HOME, settings.TANDEM_BOUNCE_DOMAIN = tmp_path, "bounces.example"
    house = create_house()
    sending_id = create_sending(house, create_contacts(house, 2))

    send_until(house, sending_id)

    for message in memory.messages:
        local, domain = message.sender.split("@")
        assert domain == "bounces.example"
        found = tokens.read_local(settings.SECRET_KEY, tokens.BOUNCE, local.removeprefix("b+"))
        assert found == (sending_id, message.attempt_id)
        assert Attempt.objects.get(id=message.attempt_id).customer == message.recipient.split("@")[0]
        [line] = [one for one in message.content.split(b"\r\n") if one.startswith(b"List-Unsubscribe:")]
        assert b">, <mailto:u+" in line and b"@bounces.example?subject=unsubscribe>" in line


@pytest.mark.django_db
def test_without_one_bounces_go_to_the_sender(memory, settings, tmp_path):
    settings.TANDEM_HOME, settings.TANDEM_BOUNCE_DOMAIN = tmp_path, ""
    house = create_house()
    send_until(house, create_sending(house, create_contacts(house, 1)))
    assert memory.messages[0].sender == "news@northwind.example"
    assert b"mailto:" not in memory.messages[0].content
