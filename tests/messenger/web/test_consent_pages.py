"""Pages of contacts: proof and state of one, unsubscribing with a reason, the unsubscribe page's settings, imports."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.fixtures.sendings import CLOCK, create_contacts, create_sending
from tests.messenger.web.test_pages import _fresh_brakes, house, houses, kept_houses, other, signed_in  # noqa: F401

from tandem.messenger.contacts import keys
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.models import Contact, Suppression
from tandem.messenger.contacts.proofs import Door, Origin, Proof
from tandem.messenger.projects import service as projects
from tandem.messenger.subscriptions import service as subscriptions

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(house):  # noqa: F811
    return signed_in(house)


@pytest.fixture
def people(house):  # noqa: F811
    """Two contacts with keys as the services make them."""
    create_contacts(house, 2)
    for row in Contact.objects.filter(account_id=house.account_id):
        row.customer_key = keys.customer_key(house.account_id, row.original_id)
        row.save()
    return ["c1", "c2"]


def text(answer, status=200):
    assert answer.status_code == status, answer.content.decode()[-1500:]
    return answer.content.decode()


def test_a_contact_is_unsubscribed_with_a_reason_and_never_subscribed_by_the_house(house, client, people):  # noqa: F811
    path = f"/ui/lists/{house.list_id}/contacts/c1"
    assert "Say why." in text(client.post(f"{path}/unsubscribe", {"channel": "sms", "reason": ""}), 422)
    client.post(f"{path}/unsubscribe", {"channel": "sms", "reason": "<b>asked by telephone</b>"})
    page = text(client.get(path))
    assert "No: unsubscribed" in page and "&lt;b&gt;asked by telephone" in page
    assert "administrator@" in page and "a user of the messenger" in page
    assert "ubscribe again</button>" not in page and 'value="subscribe"' not in page
    viewer = signed_in(house, "viewer")
    assert viewer.post(f"{path}/unsubscribe", {"channel": "email", "reason": "x"}).status_code == 403
    assert "Unsubscribe this contact" not in text(viewer.get(path))


def test_the_proof_is_read_and_taken_away_by_its_own_account_only(house, other, client, people):  # noqa: F811
    create_sending(house, people)
    pk = contacts.contact_id_of(house.account_id, house.list_id, "c1")
    words = contacts.keep_text(house.account_id, "unsubscribe", "sv", "Vill du <sluta>?", clock=CLOCK)
    proof = Proof(door=Door.PAGE, language="sv", text_id=words, actor="=cmd()")
    contacts.unsubscribe(house.account_id, pk, "email", source="page", proof=proof, clock=CLOCK)
    path = f"/ui/lists/{house.list_id}/contacts/c1"
    page = text(client.get(path))
    assert "Vill du &lt;sluta&gt;?" in page and 'lang="sv"' in page and "Welcome email" in page
    told = json.loads(text(client.get(f"{path}/consent.json")))
    assert [line["text"] for line in told["consent"]] == ["Vill du <sluta>?"]
    assert "'=cmd()" in text(client.get(f"{path}/consent.csv"))
    assert client.get(f"{path}/consent.exe").status_code == 404
    stranger = signed_in(other)
    for more in ("", "/consent.json", "/consent.csv"):
        assert stranger.get(path + more).status_code == 404
    assert stranger.post(f"{path}/unsubscribe", {"channel": "sms", "reason": "x"}).status_code == 404


def test_what_a_person_asked_for_has_no_button_that_lifts_it(house, client):  # noqa: F811
    for origin in Origin:
        contacts.suppress(
            house.account_id,
            original_id=origin,
            channel="email",
            reason=f"by {origin}",
            origin=origin,
            clock=CLOCK,
        )
    page = text(client.get("/ui/suppressions"))
    lifts = {row.origin for row in Suppression.objects.all() if f"suppressions/{row.pk}/lift" in page}
    assert lifts == {"operator"}
    person = Suppression.objects.get(origin="person")
    answer = client.post(f"/ui/suppressions/{person.pk}/lift", follow=True)
    assert "only the person can take it back" in text(answer)
    assert Suppression.objects.filter(pk=person.pk).exists()


def test_unsubscribe_pages_of_each_level_are_changed_previewed_and_kept_apart(house, other, client):  # noqa: F811
    project = projects.list_projects(house.account_id)[0].id
    levels = ["/ui/settings/unsubscribe-page", f"/ui/lists/{house.list_id}/unsubscribe-page"]
    levels.append(f"/ui/projects/{project}/unsubscribe-page")
    viewer = signed_in(house, "viewer")
    for number, path in enumerate(levels):
        said = {"heading": f"<u>Level {number}</u>", "text": "", "language": "", "external_url": ""}
        assert client.post(f"{path}?lang=de", said).status_code == 302
        page = text(client.get(f"{path}?lang=de"))
        assert f"&lt;u&gt;Level {number}&lt;/u&gt;" in page and "style=" not in page
        assert f'src="{path}/preview?lang=de"' in page and 'lang="de" aria-current="true"' in page
        preview = client.get(f"{path}/preview?lang=de&channel=sms")
        assert f"&lt;u&gt;Level {number}&lt;/u&gt;" in text(preview) and "keine SMS mehr" in text(preview)
        assert preview["Content-Security-Policy"].startswith("sandbox; ")
        assert "form-action 'none'" in preview["Content-Security-Policy"]
        wrong = client.post(path, {**said, "external_url": "http://shop.example/"})
        assert "must begin with https://" in text(wrong, 422)
        assert viewer.post(path, said).status_code == 403
    found = subscriptions.page_for(house.account_id, project_id=project, list_id=house.list_id)
    assert found.words["de"].heading == "<u>Level 2</u>"
    stranger = signed_in(other)
    for path in levels[1:]:
        for address in (path, f"{path}/preview"):
            assert stranger.get(address).status_code == 404
    assert "Level" not in text(stranger.get(levels[0] + "?lang=de"))
    assert subscriptions.page_for(other.account_id, project_id=None, list_id=None).words == {}


def test_an_import_is_planned_looked_at_and_confirmed(house, other, client):  # noqa: F811
    create_contacts(house, 3)
    file = SimpleUploadedFile(
        "people.csv", b"Kundnummer;Mail;Bonus\nc1;x@people.example;<b>\n;y@x.example;2\n"
    )
    plan = client.post(f"/ui/lists/{house.list_id}/import", {"file": file})["Location"]
    page = text(client.get(plan))
    assert (
        'value="originalId" selected' in page and "&lt;b&gt;" in page and "Make the attribute Bonus" in page
    )
    chosen = {"column_0": "originalId", "column_1": "emailAddress", "column_2": "", "new_2": "on"}
    assert client.post(plan, {**chosen, "kind": "REPLACE", "do": "check"}).status_code == 302
    assert "Type 2, the number of contacts that become inactive" in text(client.get(plan))
    assert "Type 2 to go on." in text(client.post(plan, {"do": "run", "inactive": "22"}), 422)
    assert contacts.get_list(house.account_id, house.list_id).inactive == 0
    assert client.post(plan, {"do": "run", "inactive": "2"}).status_code == 302
    assert "<progress" in text(client.get(plan))
    contacts.run_batch(house.account_id, int(plan.rpartition("/")[2]), clock=CLOCK)
    done = text(client.get(plan))
    assert "3 contacts changed by 2 rows." in done and f"{plan}/refused" in done
    refused = client.get(f"{plan}/refused")
    assert (
        b"originalId" in b"".join(refused.streaming_content)
        and "attachment" in refused["Content-Disposition"]
    )
    assert contacts.get_contact(house.account_id, house.list_id, "c1").named == {"Bonus": "<b>"}
    stranger = signed_in(other)
    foreign = plan.replace(f"/{house.list_id}/", f"/{other.list_id}/")
    for path in (plan, f"{plan}/refused", foreign, f"{foreign}/refused"):
        assert stranger.get(path).status_code == 404
    assert signed_in(house, "viewer").post(plan, {"do": "run"}).status_code == 403


def test_the_contacts_page_says_what_is_counted_and_which_switch_is_off(house, client, people):  # noqa: F811
    path = f"/ui/lists/{house.list_id}/contacts/c1"
    assert text(client.get(path)).count("counted: nothing switches it off") == 2
    client.post("/ui/settings/counting", {"list": house.list_id, "opens": "on", "next": path})
    page = text(client.get(path))
    assert "not counted: switched off for the list" in page
    assert page.count("counted: nothing switches it off") == 1
