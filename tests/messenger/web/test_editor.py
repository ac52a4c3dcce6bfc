"""The editor: drafts while writing, faults at their line, previews in their own frame, snippets, project defaults."""

import re

import pytest
from tests.fixtures.sendings import CLOCK, create_contacts, create_house
from tests.messenger.web.test_pages import signed_in

from tandem.messenger.projects import service as projects

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
FAULTY = "<p>fine</p>\n<p>Hi {{contact.fistName}} there</p>"


@pytest.fixture(scope="module")
def kept_houses(keep):
    return keep(lambda _: [create_house(name) for name in ("Northwind", "Southwind")])


@pytest.fixture
def houses(kept_houses, db, settings, tmp_path):
    return kept_houses.take(settings, tmp_path)


@pytest.fixture
def house(houses):
    return houses[0]


@pytest.fixture
def client(house):
    return signed_in(house)


def email_form(body, **more):
    return {"subject": "Hello", "kind": "html", "body": body, "text": "", "name": "", **more}


def address(house, trigger=None):
    return f"/ui/projects/triggers/{trigger or house.email_trigger}/new"


def newest(house, trigger=None):
    return projects.get_trigger(house.account_id, trigger or house.email_trigger).versions[0]


def text_of(answer):
    return answer.content.decode()


def test_a_preview_without_scripts_keeps_a_draft_and_shows_it(house, client):
    create_contacts(house, 1)
    form = email_form("<p>Dear {{contact.firstName}}</p>", do="preview", contact="c1")
    answer = client.post(address(house), form, follow=True)
    draft = newest(house)
    assert (draft.state, draft.source.html) == ("draft", form["body"])
    assert answer.request["QUERY_STRING"] == f"draft={draft.id}&contact=c1"
    frames = re.findall(r'<iframe class="preview[^"]*" sandbox="" [^>]*src="([^"]+)"', text_of(answer))
    assert len(frames) == 2
    assert b"Dear Ann 1" in client.get(frames[0].replace("&amp;", "&")).content


def test_typing_changes_one_draft(house, client):
    before = len(projects.get_trigger(house.account_id, house.email_trigger).versions)
    first = client.post(address(house), email_form("<p>one</p>"), headers=HTMX)
    draft = re.search(r'name="draft" value="(\d+)"', text_of(first))[1]
    again = client.post(address(house), email_form("<p>two</p>", draft=draft), headers=HTMX)
    assert "<html" not in text_of(again)
    versions = projects.get_trigger(house.account_id, house.email_trigger).versions
    assert (len(versions), str(versions[0].id), versions[0].source.html) == (before + 1, draft, "<p>two</p>")


def test_a_fault_is_marked_in_its_line(house, client):
    answer = text_of(client.post(address(house), email_form(FAULTY), headers=HTMX))
    assert "HTML, line 2, column 7" in answer
    assert "Did you mean &#x27;firstName&#x27;?" in answer
    assert "&lt;p&gt;Hi <mark>{{contact.fistName}}</mark> there" in answer
    assert 'href="#id_body" data-line="2" data-column="7"' in answer


def test_an_active_version_is_not_the_editors(house, client):
    active = projects.get_trigger(house.account_id, house.email_trigger).active_version_id
    answer = client.post(address(house), email_form("<p>new</p>", draft=active, do="save"), follow=True)
    assert answer.status_code == 200
    assert newest(house).id != active
    assert projects.get_version(house.account_id, active).source.html != "<p>new</p>"


def test_a_draft_of_another_trigger_or_account_is_not_touched(houses, client):
    house, other = houses
    theirs = projects.save_draft(
        other.account_id, other.email_trigger, newest(other, other.email_trigger).source, clock=CLOCK
    )
    client.post(address(house), email_form("<p>mine</p>", draft=theirs.id), headers=HTMX)
    assert newest(house).source.html == "<p>mine</p>"
    assert projects.get_version(other.account_id, theirs.id).source == theirs.source


def test_what_contacts_lack_is_said_before_and_kept_after(house, client):
    create_contacts(house, 2)
    create_contacts_without = "<p>{{contact.city}} {{contact.firstName}}</p>"
    page = text_of(
        client.post(address(house), email_form(create_contacts_without, do="preview"), follow=True)
    )
    assert "100 % of contacts lack <strong>city</strong> (2 of 2)." in page
    version = newest(house)
    client.post(f"/ui/projects/triggers/{house.email_trigger}/versions/{version.id}/activate")
    kept = projects.get_version(house.account_id, version.id).lacking
    assert (kept.contacts, [(lack.name, lack.percent) for lack in kept.lacks]) == (2, [("city", 100)])


def test_the_first_version_begins_with_a_layout_and_says_who_sends(house, client):
    project = projects.list_projects(house.account_id)[0]
    fresh = projects.create_trigger(
        house.account_id,
        project_id=project.id,
        list_id=house.list_id,
        name="Fresh",
        channel="email",
        clock=CLOCK,
    )
    page = text_of(client.get(address(house, fresh.id)))
    assert "&lt;mj-section&gt;" in page
    assert "news@northwind.example" in page
    form = email_form("", kind="mjml")
    form["body"] = client.get(address(house, fresh.id)).context["form"].initial["body"]
    client.post(address(house, fresh.id), {**form, "do": "save"})
    assert projects.activate(house.account_id, newest(house, fresh.id).id, clock=CLOCK).warnings == ()


def test_an_sms_shows_what_makes_it_dear(house, client):
    page = text_of(
        client.post(address(house, house.sms_trigger), {"text": "Hej – “du” 😀", "name": ""}, headers=HTMX)
    )
    assert "UCS-2" in page
    assert "<mark>–</mark>" in page
    assert "write - instead" in page
    assert "<mark>😀</mark>" in page


def test_an_sms_whose_links_are_counted_is_shown_with_short_ones(house, client):
    path, form = address(house, house.sms_trigger), {"text": "Hej https://a.example/x.", "name": ""}
    assert "https://a.example/x." in text_of(client.post(path, form, headers=HTMX))
    page = text_of(client.post(path, {**form, "count_links": "on"}, headers=HTMX))
    assert "/s/00000000000000001." in page
    draft = newest(house, house.sms_trigger)
    assert draft.source.count_links
    assert "checked" in text_of(client.get(f"{path}?draft={draft.id}"))


def test_snippets_are_made_changed_and_deleted(house, client):
    client.post("/ui/snippets", {"name": "footer", "text": "Bye {{contact.firstName}}"})
    one = projects.list_snippets(house.account_id)[0]
    refused = client.post(f"/ui/snippets/{one.id}", {"text": "{{contact.nothing}}"})
    assert refused.status_code == 422
    assert "no attribute" in text_of(refused)
    client.post(f"/ui/snippets/{one.id}", {"text": "See you"})
    assert projects.get_snippet(house.account_id, one.id).text == "See you"
    client.post(f"/ui/snippets/{one.id}", {"do": "delete"})
    assert projects.list_snippets(house.account_id) == ()


def test_the_sender_of_a_project_is_changed(house, client):
    project = projects.list_projects(house.account_id)[0]
    form = {"name": project.name, "from_name": "Nora", "from_address": "nora@northwind.example"}
    assert client.post(f"/ui/projects/{project.id}/change", {**form, "from_address": "no"}).status_code == 422
    client.post(f"/ui/projects/{project.id}/change", form)
    assert projects.get_project(house.account_id, project.id).from_address == "nora@northwind.example"
    active = projects.get_trigger(house.account_id, house.email_trigger).active_version_id
    assert "news@" in projects.compiled_version(house.account_id, active).sender


def test_who_may_only_look_changes_nothing(house):
    viewer = signed_in(house, "viewer")
    before = newest(house).id
    assert viewer.post(address(house), email_form("<p>x</p>"), headers=HTMX).status_code == 403
    assert viewer.post("/ui/snippets", {"name": "a", "text": "b"}).status_code == 403
    assert (newest(house).id, projects.list_snippets(house.account_id)) == (before, ())
