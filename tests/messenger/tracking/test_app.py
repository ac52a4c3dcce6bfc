import pytest
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending

from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.models import ConsentEvent, Contact
from tandem.messenger.delivery import forgetting, tokens
from tandem.messenger.delivery.models import Attempt

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def attempt():
    house = create_house()
    sending_id = create_sending(house, create_contacts(house, 2))
    return Attempt.objects.get(sending_id=sending_id, customer="c1")


def link(settings, attempt: Attempt, purpose: bytes = tokens.UNSUBSCRIBE) -> str:
    return "/u/" + tokens.make(settings.SECRET_KEY, purpose, attempt.sending_id, attempt.id)


def unsubscribed() -> set[str]:
    return set(Contact.objects.filter(unsubscribed=True).values_list("original_id", flat=True))


def test_a_fetched_link_shows_a_page_and_changes_nothing(client, settings, attempt):
    for _ in range(3):
        answer = client.get(link(settings, attempt))
        assert answer.status_code == 200
        assert '<form method="post" action="?lang=en">' in answer.text
    assert unsubscribed() == set()


def test_a_post_unsubscribes_once_however_often_it_comes(client, settings, attempt):
    for _ in range(3):
        answer = client.post(link(settings, attempt), data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    assert unsubscribed() == {"c1"}
    event = ConsentEvent.objects.get()
    assert (event.contact.original_id, event.channel, event.change) == ("c1", "email", "unsubscribed")


def test_the_address_of_the_message_itself_is_no_link(client, settings, attempt):
    assert client.post(link(settings, attempt, tokens.MESSAGE_ID)).status_code == 404
    assert unsubscribed() == set()


@pytest.mark.parametrize("token", ["x", "A" * 32, "..%2f..%2fkey", "<script>alert(1)</script>"])
def test_a_made_up_link_is_not_found_and_says_nothing_back(client, attempt, token):
    for call in (client.get, client.post):
        answer = call(f"/u/{token}")
        assert answer.status_code == 404
        assert "script>" not in answer.text
    assert unsubscribed() == set()


def test_a_link_to_a_row_that_is_not_there_is_not_found(client, settings, attempt):
    gone = tokens.make(settings.SECRET_KEY, tokens.UNSUBSCRIBE, attempt.sending_id + 1, attempt.id)
    assert client.post(f"/u/{gone}").status_code == 404


def test_the_link_of_a_forgotten_person_leads_nowhere_and_names_nobody(client, settings, attempt, tmp_path):
    settings.TANDEM_HOME = tmp_path
    forgetting.forget(attempt.account_id, "c1")
    contacts.forget(attempt.account_id, "c1", clock=CLOCK)
    for call in (client.get, client.post):
        answer = call(link(settings, attempt))
        assert answer.status_code in {200, 404}
        assert "c1@" not in answer.text
    assert unsubscribed() == set()


def test_other_verbs_and_addresses_are_refused(client, settings, attempt):
    assert client.call("PUT", link(settings, attempt)).status_code == 405
    assert client.get("/elsewhere").status_code == 404
    assert client.get("/health").text == "ok"


def test_pages_are_locked_down(client, settings, attempt):
    headers = client.get(link(settings, attempt)).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
