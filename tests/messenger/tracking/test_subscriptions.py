"""A person with a message's link: end one list, everything, start again; all with proof, and nobody else can."""

import re

import pytest
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending

from tandem.messenger.contacts import keys, queries
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.domain import Changes
from tandem.messenger.contacts.models import Contact, Suppression
from tandem.messenger.contacts.proofs import Origin
from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.reporting.models import Unsubscribe
from tandem.messenger.subscriptions import service as subscriptions
from tandem.messenger.subscriptions.domain import OwnWords, PageSettings

pytestmark = pytest.mark.django_db(transaction=True)
ANNA, BO = "c1", "c2"


class World:
    """Two customers of a house with a message each, and a second list that Anna is in too."""

    def __init__(self, key):
        self.house = create_house("North & <b>wind</b>")
        create_contacts(self.house, 2)
        account = self.house.account_id
        for row in Contact.objects.filter(account_id=account):
            row.email_key, row.mobile_key = (
                keys.email_key(account, row.email),
                keys.mobile_key(account, row.mobile),
            )
            row.customer_key = keys.customer_key(account, row.original_id)
            row.save()
        self.account, self.key = account, key
        self.sending = create_sending(self.house, [ANNA, BO])
        self.club = contacts.create_list(account, name="Club <i>x</i>", clock=CLOCK).id
        self.join(self.club, ANNA)

    def join(self, list_id, who):
        address = Contact.objects.get(
            account_id=self.account, list_id=self.house.list_id, original_id=who
        ).email
        changes = Changes(columns={"email": address})
        contacts.save_contact(self.account, list_id, who, changes, force=True, source="test", clock=CLOCK)

    def token(self, who):
        row = Attempt.objects.get(sending_id=self.sending, customer=who)
        return tokens.make(self.key, tokens.UNSUBSCRIBE, row.sending_id, row.id)

    def pk(self, who, list_id=None):
        return contacts.contact_id_of(self.account, list_id or self.house.list_id, who)

    def why(self, who, list_id=None):
        pk = self.pk(who, list_id)
        return queries.reasons(self.account, "email", [pk], now=CLOCK.system()).get(pk)

    def proofs(self, who):
        return contacts.proofs_of(self.account, who)


@pytest.fixture
def world(settings):
    return World(settings.SECRET_KEY)


def stamp(answer):
    return re.search(r'name="stamp" value="([^"]+)"', answer.text)[1]


def test_one_click_ends_one_list_without_words(client, world):
    for more in (
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": b"\xff\x00%"},
    ):
        assert client.post(f"/u/{world.token(ANNA)}", **more).status_code == 200
    assert (world.why(ANNA), world.why(ANNA, world.club), world.why(BO)) == ("unsubscribed", None, None)
    [proof] = world.proofs(ANNA)
    row = Attempt.objects.get(customer=ANNA)
    assert (proof.door, proof.text, proof.sending_id, proof.attempt_id) == (
        "one-click",
        "",
        row.sending_id,
        row.id,
    )


def test_the_page_ends_one_list_with_the_words_that_were_seen(client, world):
    words = {"sv": OwnWords(heading="Hej då?", text="Vi saknar dig.")}
    subscriptions.save_page(
        world.account, PageSettings(words=words), list_id=world.house.list_id, clock=CLOCK
    )
    page = client.get(f"/u/{world.token(ANNA)}?lang=sv").text
    assert "<h1>Hej då?</h1>" in page and '<html lang="sv">' in page
    client.post(f"/u/{world.token(ANNA)}?lang=sv", data={"do": "list"})
    [proof] = world.proofs(ANNA)
    assert (proof.door, proof.language, proof.text_version) == ("page", "sv", 1)
    assert proof.text.splitlines()[:2] == ["Hej då?", "Vi saknar dig."]
    assert proof.text.splitlines()[-1] == "[Avsluta prenumerationen]"
    assert world.token(ANNA) not in proof.url and proof.url.endswith("…")


def test_a_mistake_is_taken_back_by_the_form_of_the_page_only(client, world):
    link = f"/u/{world.token(ANNA)}"
    told = client.post(link, data={"do": "list"})
    for wrong in (
        "",
        "1.x",
        stamp(told)[:-1] + "x",
        "99999999999." + "0" * 64,
        stamp(told).replace(".", ".é"),
    ):
        assert client.post(link, data={"do": "subscribe", "stamp": wrong}).status_code == 403
    other = client.post(f"/u/{world.token(BO)}", data={"do": "list"})
    assert client.post(link, data={"do": "subscribe", "stamp": stamp(other)}).status_code == 403
    assert world.why(ANNA) == "unsubscribed"
    assert client.post(link, data={"do": "subscribe", "stamp": stamp(told)}).status_code == 200
    assert world.why(ANNA) is None
    newest = world.proofs(ANNA)[0]
    assert (newest.change, newest.door) == ("subscribed", "page")
    assert newest.text.startswith("Yes, I want to get emails from “Customers” by North & <b>wind</b>.")


def test_everything_ends_each_list_and_one_comes_back_alone(client, world):
    link = f"/u/{world.token(ANNA)}"
    told = client.post(link, data={"do": "everything"})
    assert "North &amp; &lt;b&gt;wind&lt;/b&gt;" in told.text and "<b>" not in told.text
    assert (world.why(ANNA), world.why(ANNA, world.club), world.why(BO)) == (
        "unsubscribed",
        "unsubscribed",
        None,
    )
    assert {one.origin for one in Suppression.objects.all()} == {"person"}
    assert {one.scope for one in world.proofs(ANNA)} == {"list", "account"}
    assert Unsubscribe.objects.filter(account_id=world.account).count() == 1, (
        "the campaign's number counts it"
    )
    assert client.post(link, data={"do": "subscribe", "stamp": stamp(told)}).status_code == 200
    assert (world.why(ANNA), world.why(ANNA, world.club)) == (None, "unsubscribed")


def test_a_complaint_is_lifted_by_no_page(client, world):
    address = Contact.objects.get(list_id=world.house.list_id, original_id=ANNA).email
    contacts.suppress(
        world.account,
        address=address,
        channel="email",
        reason="complaint",
        origin=Origin.COMPLAINT,
        clock=CLOCK,
    )
    link, form = f"/u/{world.token(ANNA)}", {"do": "subscribe"}
    shown = client.get(link)
    assert "stamp" not in shown.text
    form["stamp"] = subscriptions.stamp(world.token(ANNA), clock=CLOCK)
    assert client.post(link, data=form).status_code == 403
    place = {"place": f"{world.pk(ANNA, world.club)}:email", "do": "on", "stamp": form["stamp"]}
    assert client.post(f"/p/{world.token(ANNA)}", data=place).status_code == 403
    assert world.why(ANNA) == world.why(ANNA, world.club) == "suppressed"


def test_the_preference_page_shows_and_changes_ones_own_lists_only(client, world):
    path = f"/p/{world.token(ANNA)}"
    page = client.get(path)
    assert (
        "Club &lt;i&gt;x&lt;/i&gt;" in page.text and page.text.count('class="second"') == 3
    )  # two lists, one number
    club = {"place": f"{world.pk(ANNA, world.club)}:email"}
    client.post(path, data={**club, "do": "off"})
    assert (world.why(ANNA), world.why(ANNA, world.club)) == (None, "unsubscribed")
    assert client.post(path, data={**club, "do": "on"}).status_code == 403
    again = client.post(path, data={**club, "do": "on", "stamp": stamp(page)})
    assert "You get emails from “Club &lt;i&gt;x&lt;/i&gt;” again." in again.text
    assert world.why(ANNA, world.club) is None
    assert [one.door for one in world.proofs(ANNA)] == ["preferences"] * 2
    theirs = {"place": f"{world.pk(BO)}:email", "do": "off"}
    assert client.post(path, data=theirs).status_code == 200
    assert world.why(BO) is None


def test_a_list_in_which_the_customer_has_another_address_is_not_shown(client, world):
    Contact.objects.filter(list_id=world.club).update(email_key="another")
    assert "Club" not in client.get(f"/p/{world.token(ANNA)}").text


def test_the_language_is_the_contacts_before_the_browsers(client, world):
    def lang(**headers):
        answer = client.call("GET", f"/u/{world.token(ANNA)}", headers=headers)
        return re.search(r'<html lang="(\w+)">', answer.text)[1]

    subscriptions.save_page(world.account, PageSettings(language="fi"), clock=CLOCK)
    assert (lang(), lang(**{"accept-language": "de-AT"})) == ("fi", "de")
    Contact.objects.filter(original_id=ANNA).update(country="DK")
    assert lang(**{"accept-language": "de-AT"}) == "da"
    made = contacts.define_property(world.account, name="Language", clock=CLOCK)
    Contact.objects.filter(original_id=ANNA).update(properties={str(made.id): "nl"})
    assert lang(**{"accept-language": "de-AT"}) == "nl"


@pytest.mark.parametrize("changes", [{"email": "", "email_key": ""}, {"active": False}])
def test_who_gets_nothing_now_can_still_end_it_for_later(client, world, changes):
    Contact.objects.filter(pk=world.pk(ANNA)).update(**changes)
    assert 'value="list"' in client.get(f"/u/{world.token(ANNA)}").text
    assert client.post(f"/u/{world.token(ANNA)}", data={"do": "list"}).status_code == 200
    assert Contact.objects.get(pk=world.pk(ANNA)).unsubscribed


def test_a_large_body_is_refused_unread_and_nothing_happens(client, world):
    link = world.token(ANNA)
    for path in (f"/u/{link}", f"/p/{link}"):
        assert client.post(path, content=b"x" * 20_000).status_code == 413
    assert world.why(ANNA) is None


def test_a_page_elsewhere_is_in_the_text_and_the_header_stays_ours(client, world, settings):
    from tandem.messenger.contacts import queries as contacts
    from tandem.messenger.delivery.composing import Composer
    from tandem.messenger.projects import service as projects

    url = "https://shop.example/leave?id={originalId}"
    project = projects.list_projects(world.account)[0].id
    subscriptions.save_page(world.account, PageSettings(external_url="https://a.example/"), clock=CLOCK)
    subscriptions.save_page(world.account, PageSettings(external_url=url), project_id=project, clock=CLOCK)

    class Claim:
        account, sending = world.account, world.sending

    composer = Composer(Claim, key=world.key, tracking_url="http://track")
    row = Attempt.objects.get(customer=ANNA)
    recipient = contacts.recipients(world.account, [row.contact_id])[row.contact_id]
    content = composer.compose(row, recipient, CLOCK.business()).content.decode()
    assert f"List-Unsubscribe: <http://track/u/{world.token(ANNA)}>" in content
    body = content.partition("\r\n\r\n")[2].replace("=\r\n", "").replace("=3D", "=")
    assert "https://shop.example/leave?id=c1" in body and "http://track/u/" not in body
