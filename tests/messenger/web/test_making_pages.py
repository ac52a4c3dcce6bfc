"""From an empty account to an active template by pages alone; other names; out of sight and back."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.fixtures.sendings import CLOCK, create_house
from tests.messenger.web.test_pages import signed_in

from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import service as contacts
from tandem.messenger.jobs import service as jobs
from tandem.messenger.jobs.domain import JobKind
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.errors import NotActive

pytestmark = pytest.mark.django_db
PEOPLE = b"originalId,emailAddress,firstName\nc1,c1@people.example,Ann\nc2,c2@people.example,Bo\n,x@people.example,X\n"


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


@pytest.fixture
def fresh(houses):
    """Somebody who signs in for the first time to an account that has nothing."""
    account = accounts.create_account(name="Fresh", zone="Europe/Stockholm", customer_id=5999)

    class Nobody:
        account_id = account.id

    return Nobody, signed_in(Nobody)


def post(client, path, form, status=302, **more):
    answer = client.post(path, form, **more)
    assert answer.status_code == status, answer.content.decode()[-2000:]
    return answer


def after(client, path, form):
    """Where a form leads."""
    return post(client, path, form)["Location"]


def offered(house):
    """What a planner is offered: (name, whether active)."""
    made = accounts.create_api_user(house.account_id, "planner")
    answer = Client().get(
        f"/rest/{house.account_id}/triggers", headers={"X-Carma-Authentication-Token": made.token}
    )
    return {one["name"]: one["active"] for one in answer.json()}


def test_the_way_from_an_empty_account_to_an_active_template_is_shown_step_by_step(fresh):
    house, client = fresh
    for page, next_step in (("projects", "/ui/projects/new"), ("lists", "/ui/lists/new")):
        text = client.get(f"/ui/{page}").content.decode()
        assert f'class="btn btn-primary" href="{next_step}"' in text.partition('class="empty"')[2]
    project = after(
        client,
        "/ui/projects/new",
        {"name": "Spring", "from_address": "hi@fresh.example", "from_name": "Fresh"},
    )
    assert "Make a trigger" in client.get(project).content.decode()
    assert 'href="/ui/lists/new"' in client.get(f"{project}/new-trigger").content.decode()

    brought = after(client, "/ui/lists/new", {"name": "Everybody"})
    assert brought.endswith("/import")
    file = SimpleUploadedFile("people.csv", PEOPLE)
    plan = after(client, brought, {"file": file})
    columns = {f"column_{n}": name for n, name in enumerate(PEOPLE.decode().splitlines()[0].split(","))}
    after(client, plan, {**columns, "kind": "ADD", "do": "check"})
    assert "Line 4" in client.get(plan).content.decode()
    after(client, plan, {"do": "run"})
    list_id = contacts.list_lists(house.account_id)[0].id
    contacts.run_batch(house.account_id, int(plan.rpartition("/")[2]), clock=CLOCK)
    assert "2 contacts changed by 3 rows." in client.get(plan).content.decode()

    editor = after(
        client, f"{project}/new-trigger", {"name": "Hello", "channel": "email", "list_id": list_id}
    )
    trigger = editor.removesuffix("/new")
    assert "Write the first version" in client.get(trigger).content.decode()
    version = after(
        client, editor,
        {"subject": "Hello", "kind": "html", "body": "<p>Hello {{contact.firstName}}</p>", "do": "save"},
    ).partition("?")[0]  # fmt: skip
    assert "Open a version and activate it" in client.get(trigger).content.decode()
    assert offered(house) == {"Hello": False}
    post(client, f"{version}/activate", {})
    assert "activate it" not in client.get(trigger).content.decode()
    assert [one.active_version_id is not None for one in projects.list_triggers(house.account_id)] == [True]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"channel": "email"}, "Give the trigger a name."),
        ({"name": "x", "channel": "fax"}, "fax"),
        ({"name": "Welcome", "channel": "email", "list_id": "987"}, "987"),
        ({"name": "Taken", "channel": "email"}, "already"),
    ],
)
def test_a_trigger_that_cannot_be_made_is_refused_in_words_and_leaves_nothing(house, client, form, words):
    project = projects.list_projects(house.account_id)[0].id
    taken = projects.create_trigger(
        house.account_id,
        project_id=project,
        list_id=house.list_id,
        name="Taken",
        channel="email",
        clock=CLOCK,
    )
    answer = post(client, f"/ui/projects/{project}/new-trigger", {"list_id": house.list_id, **form}, 422)
    assert words in answer.content.decode()
    assert projects.list_triggers(house.account_id)[-1].id == taken.id


def test_a_file_that_is_none_is_refused_and_no_contact_is_made(house, client):
    path = f"/ui/lists/{house.list_id}/import"
    for content, words in (
        (b"\xff\xfe\x00", "no text file"),
        (b"", "empty"),
        (b"a" + b",a" * 200, "200 columns"),
    ):
        answer = post(client, path, {"file": SimpleUploadedFile("x.csv", content)}, 422)
        assert words in answer.content.decode().partition('role="alert"')[2]
    plan = after(client, path, {"file": SimpleUploadedFile("x.csv", b"no header\n1\n")})
    answer = post(client, plan, {"column_0": "", "kind": "ADD", "do": "check"}, 422)
    assert "No column says who" in answer.content.decode().partition('role="alert"')[2]
    assert contacts.get_list(house.account_id, house.list_id).contacts == 0


def test_a_trigger_gets_another_name(house, client):
    path = f"/ui/projects/triggers/{house.email_trigger}/change"
    assert 'name="name"' in client.get(path).content.decode()
    post(client, path, {"name": ""}, 422)
    post(client, path, {"name": "Renamed", "description": "What it says"})
    found = projects.get_trigger(house.account_id, house.email_trigger)
    assert (found.name, found.description) == ("Renamed", "What it says")
    other = projects.get_trigger(house.account_id, house.sms_trigger).name
    assert "already" in post(client, path, {"name": other}, 422).content.decode()


def test_an_archived_trigger_is_not_offered_sends_nothing_new_and_comes_back_as_it_was(house, client):
    path = f"/ui/projects/triggers/{house.email_trigger}"
    before = projects.get_trigger(house.account_id, house.email_trigger)
    post(client, f"{path}/archive", {"do": "archive"})
    assert offered(house)[before.name] is False
    with pytest.raises(NotActive):
        jobs.create_job(house.account_id, JobKind.TRIGGER, house.email_trigger, clock=CLOCK)
    with pytest.raises(NotActive):
        projects.activate(house.account_id, before.active_version_id, clock=CLOCK)
    listed, archived = (client.get(f"/ui/projects{query}").content.decode() for query in ("", "?archived=1"))
    assert f'href="{path}"' not in listed
    assert f'href="{path}"' in archived
    assert "This trigger is archived" in client.get(path).content.decode()
    post(client, f"{path}/archive", {"do": "restore"})
    found = projects.get_trigger(house.account_id, house.email_trigger)
    assert (found.active_version_id, found.archived_at) == (before.active_version_id, None)


def test_a_project_is_archived_with_its_triggers_which_come_back_one_by_one(house, client):
    project = projects.get_trigger(house.account_id, house.email_trigger).project_id
    path = f"/ui/projects/{project}"
    post(client, f"{path}/archive", {"do": "archive"})
    assert not any(one.active_version_id for one in projects.list_triggers(house.account_id, project))
    assert "New trigger" not in client.get(path).content.decode()
    form = {"name": "x", "channel": "email", "list_id": house.list_id}
    assert "archived" in post(client, f"{path}/new-trigger", form, 422).content.decode()
    trigger = f"/ui/projects/triggers/{house.email_trigger}"
    answer = client.post(f"{trigger}/archive", {"do": "restore"}, follow=True)
    assert "is archived. Restore it first." in answer.content.decode()
    post(client, f"{path}/archive", {"do": "restore"})
    post(client, f"{trigger}/archive", {"do": "restore"})
    active = {
        one.id: bool(one.active_version_id) for one in projects.list_triggers(house.account_id, project)
    }
    assert active[house.email_trigger] is True
    assert active[house.sms_trigger] is False


def test_who_may_only_look_makes_nothing_and_a_stranger_finds_nothing(house, houses):
    viewer, stranger = signed_in(house, "viewer"), signed_in(houses[1])
    project = projects.get_trigger(house.account_id, house.email_trigger).project_id
    made = {"name": "x", "from_address": "x@y.example"}
    for path, form in (
        ("/ui/projects/new", made),
        ("/ui/lists/new", {"name": "x"}),
        (f"/ui/projects/{project}/archive", {"do": "archive"}),
        (f"/ui/projects/triggers/{house.email_trigger}/archive", {"do": "archive"}),
    ):
        assert viewer.post(path, form).status_code == 403, path
    assert "New project" not in viewer.get("/ui/projects").content.decode()
    for path in (
        f"/ui/projects/{project}/archive",
        f"/ui/projects/{project}/new-trigger",
        f"/ui/projects/triggers/{house.email_trigger}/archive",
        f"/ui/projects/triggers/{house.email_trigger}/change",
        f"/ui/lists/{house.list_id}/import",
    ):
        assert stranger.post(path, {"do": "archive", "name": "x"}).status_code == 404, path
    assert projects.get_project(house.account_id, project).archived_at is None
