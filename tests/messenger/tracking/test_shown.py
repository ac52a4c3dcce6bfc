"""A message shown again at the recipients' door, and a list's own page."""

import pytest
from tests.fixtures.messages import create_contact, create_desk
from tests.fixtures.sendings import CLOCK, turn_once

from tandem.messenger.contacts import service as contacts
from tandem.messenger.delivery import forgetting, tokens
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.tracking.shown import CHANGED

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    return create_desk()


def address(desk, **more) -> str:
    desk.send(**more)
    turn_once()
    url = desk.get(f"/lists/{desk.people}/messages")[0]["openInBrowserUrl"]
    return "/v/" + url.rpartition("/")[2]


def test_the_message_without_scripts_or_an_origin(client, desk):
    answer = client.get(address(desk, properties={"bonus": "10", "order": "<script>1</script>"}))
    assert answer.status_code == 200
    assert "Bonus 10, order &lt;script&gt;" in answer.text
    assert CHANGED not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert "set-cookie" not in answer.headers


def test_who_changed_since_is_told(client, desk):
    link = address(desk)
    create_contact(desk, "bo", first_name="Bob")
    text = client.get(link).text
    assert text.index("<body>") < text.index(CHANGED) < text.index("Bonus 5")


def test_a_text_message(client, desk):
    answer = client.get(address(desk, trigger=desk.sms, properties={"bonus": "<b>1</b>"}))
    assert "Hej Bo, &lt;b&gt;1&lt;/b&gt; kr" in answer.text


def test_a_made_up_link_shows_nothing(client, desk, settings):
    link = address(desk)
    row = Attempt.objects.get(account_id=desk.account)
    other = tokens.make(settings.SECRET_KEY, tokens.UNSUBSCRIBE, row.sending_id, row.id)
    beside = tokens.make("another key", tokens.VIEW, row.sending_id, row.id)
    for token in ("x", link.rpartition("/")[2][::-1], other, beside):
        answer = client.get(f"/v/{token}")
        assert answer.status_code == 404
        assert "Bonus" not in answer.text
    assert client.get(link.replace("/v/", "/u/")).status_code == 404, "to see is not to unsubscribe"


def test_a_forgotten_person_is_shown_to_nobody(client, desk):
    link = address(desk)
    forgetting.forget(desk.account, "bo")
    contacts.forget(desk.account, "bo", clock=CLOCK)
    answer = client.get(link)
    assert answer.status_code == 404
    assert "Bo" not in answer.text


def test_the_page_of_a_list(client, desk):
    url = desk.get(f"/lists/{desk.people}/unsubscribeurl")["url"]
    answer = client.get("/l/" + url.rpartition("/")[2])
    assert (answer.status_code, "Customers" in answer.text, "<form" in answer.text) == (200, True, False)
    assert client.get("/l/nonsense").status_code == 404
