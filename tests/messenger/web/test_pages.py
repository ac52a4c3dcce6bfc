"""Every page of the messenger: it renders, it keeps accounts apart, it refuses in words."""

import re
from datetime import timedelta
from email.message import EmailMessage

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending

from tandem.kit.throttle import Throttle
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import service as contacts
from tandem.messenger.listener import service as listener
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import EmailSource
from tandem.messenger.web.session import views as session

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"


@pytest.fixture(autouse=True)
def _fresh_brakes(monkeypatch):
    monkeypatch.setattr(session, "_by_address", Throttle(10, timedelta(minutes=15)))
    monkeypatch.setattr(session, "_by_origin", Throttle(50, timedelta(minutes=15)))


def signed_in(house, role="administrator"):
    email = f"{role}@{house.account_id}.example"
    user = accounts.create_user(house.account_id, email=email, password=PASSWORD, role=role)
    client = Client()
    client.force_login(get_user_model().objects.get(pk=user.id))
    return client


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
def other(houses):
    return houses[1]


@pytest.fixture
def client(house):
    return signed_in(house)


def version_of(house, trigger_id):
    return projects.get_trigger(house.account_id, trigger_id).versions[0].id


def addresses(house, sending_id):
    email, sms = house.email_trigger, house.sms_trigger
    mail_version = f"/ui/projects/triggers/{email}/versions/{version_of(house, email)}"
    project = projects.list_projects(house.account_id)[0].id
    snippet = projects.save_snippet(house.account_id, "footer", "Bye {{contact.firstName}}", clock=CLOCK).id
    return [
        f"/ui/projects/{project}",
        f"/ui/projects/{project}/change",
        f"/ui/snippets/{snippet}",
        f"/ui/projects/triggers/{email}",
        f"/ui/projects/triggers/{email}/new",
        f"/ui/projects/triggers/{sms}/new",
        mail_version,
        f"{mail_version}/frame",
        f"/ui/projects/triggers/{sms}/versions/{version_of(house, sms)}",
        f"/ui/lists/{house.list_id}",
        f"/ui/lists/{house.list_id}/contacts/c1",
        f"/ui/sendings/{sending_id}",
    ]


COMMON = [
    "",
    "projects",
    "snippets",
    "lists",
    "suppressions",
    "sendings",
    "jobs",
    "exports",
    "listener",
    "outbox",
    "sms",
    "sms/settings",
    "settings",
    "settings/api-users",
    "settings/test-addresses",
    "settings/pacing",
    "settings/dkim",
    "webhooks",
    "webhooks/event-hub",
    "bounces",
    "bounces/quarantine",
    "record",
    "tests",
]


@pytest.mark.parametrize("path", COMMON)
def test_the_common_pages_render_on_a_fresh_account(client, path):
    answer = client.get(f"/ui/{path}")
    assert answer.status_code == 200
    assert b"<h1" in answer.content
    assert b"style=" not in answer.content


def test_the_pages_of_an_account_render_and_are_closed_to_another(house, other, client):
    customers = create_contacts(house, 3)
    sending = create_sending(house, customers)
    stranger = signed_in(other)
    for address in addresses(house, sending):
        assert client.get(address).status_code == 200, address
        assert stranger.get(address).status_code == 404, address
        assert Client().get(address).status_code == 302, address


@pytest.mark.parametrize("path", COMMON)
def test_lists_of_another_account_show_none_of_its_rows(house, other, client, path):
    contacts.suppress(other.account_id, original_id="c1", channel="all", reason="theirs alone", clock=CLOCK)
    create_sending(other, create_contacts(other, 2))
    listener.connect_planner(
        other.account_id, planner_url="http://127.0.0.1:9", zone="UTC", api_key="secret of theirs"
    )
    theirs = [
        "Southwind",
        "theirs alone",
        "secret of theirs",
        listener.listener_url(other.account_id, clock=CLOCK),
        f"/lists/{other.list_id}",
        f"/triggers/{other.email_trigger}",
    ]
    text = client.get(f"/ui/{path}").content.decode()
    assert [word for word in theirs if re.search(re.escape(word) + r"(?!\d)", text)] == []


def test_the_frame_is_locked_up(house, client):
    version = version_of(house, house.email_trigger)
    create_contacts(house, 1)
    answer = client.get(f"/ui/projects/triggers/{house.email_trigger}/versions/{version}/frame?contact=c1")
    assert b"Hello Ann 1" in answer.content
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox;")
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_a_faulty_draft_is_shown_with_line_and_column_and_not_activated(house, client):
    address = f"/ui/projects/triggers/{house.email_trigger}/new"
    form = {
        "subject": "S",
        "kind": "html",
        "body": "<p>fine</p>\n<p>{{#each orders}}x</p>",
        "text": "",
        "name": "n",
    }
    answer = client.post(address, form, follow=True)
    text = answer.content.decode()
    assert "line 2, column" in text
    version = projects.get_trigger(house.account_id, house.email_trigger).versions[0]
    refused = client.post(f"/ui/projects/triggers/{house.email_trigger}/versions/{version.id}/activate")
    assert refused.status_code == 422
    assert projects.get_trigger(house.account_id, house.email_trigger).active_version_id != version.id


def test_a_good_draft_is_saved_and_activated(house, client):
    address = f"/ui/projects/triggers/{house.sms_trigger}/new"
    client.post(address, {"text": "Hej {{contact.firstName}}", "name": "second"})
    version = projects.get_trigger(house.account_id, house.sms_trigger).versions[0]
    assert (version.name, version.state) == ("second", "draft")
    client.post(f"/ui/projects/triggers/{house.sms_trigger}/versions/{version.id}/activate")
    assert projects.get_trigger(house.account_id, house.sms_trigger).active_version_id == version.id


def test_an_empty_form_says_what_is_missing_and_keeps_the_input(house, client):
    answer = client.post(
        f"/ui/projects/triggers/{house.email_trigger}/new", {"subject": "Kept", "kind": "html"}
    )
    assert answer.status_code == 422
    assert "Write the body of the email." in answer.content.decode()
    assert "Kept" in answer.content.decode()


def test_a_sending_is_paused_resumed_and_cancelled_after_a_question(house, client):
    sending = create_sending(house, create_contacts(house, 2))
    act = f"/ui/sendings/{sending}/act"
    assert "Resume" in client.post(act, {"do": "pause"}, follow=True).content.decode()
    client.post(act, {"do": "resume"})
    asked = client.post(act, {"do": "cancel"})
    assert "cannot be undone" in asked.content.decode()
    done = client.post(act, {"do": "cancel", "sure": "yes"}, follow=True)
    assert "Cancelled" in done.content.decode()


def test_real_time_messages_are_a_list_of_their_own(house, client):
    assert "No single message yet" in client.get("/ui/sendings?kind=real-time").content.decode()
    create_contacts(house, 1)
    listener.bind_channel(house.account_id, 504, "email")
    secret = listener.listener_url(house.account_id, clock=CLOCK).rpartition("/")[2]
    said = f'{{"campaignID":"guid-1","channelID":504,"templateID":{house.email_trigger},"customerID":"c1"}}'
    assert listener.receive_event(secret, said.encode(), clock=CLOCK).words == "Accepted."
    assert "guid-1" in client.get("/ui/sendings?kind=real-time").content.decode()
    assert "guid-1" not in client.get("/ui/sendings").content.decode()


def test_a_stranger_cannot_act_on_a_sending(house, other):
    sending = create_sending(house, create_contacts(house, 2))
    stranger = signed_in(other)
    stranger.post(f"/ui/sendings/{sending}/act", {"do": "cancel", "sure": "yes"})
    assert signed_in(house, "viewer").get(f"/ui/sendings/{sending}").context["sending"].state != "cancelled"


@pytest.mark.parametrize("path", ["sendings/hold", "settings/api-users", "listener/act", "suppressions"])
def test_a_viewer_may_look_and_not_change(house, path):
    answer = signed_in(house, "viewer").post(f"/ui/{path}", {"do": "hold"})
    assert answer.status_code == 403
    assert "Ask an administrator" in answer.content.decode()


def test_secrets_of_an_api_user_are_shown_once(house, client):
    answer = client.post("/ui/settings/api-users", {"do": "create", "user_name": "planner"})
    token = re.findall(r'class="secret">([^<]+)', answer.content.decode())[-1]
    assert accounts.authenticate_api(token=token, authorization=None, customer_id=house.account_id)
    shown_later = client.get("/ui/settings/api-users").content.decode()
    assert "planner" in shown_later
    assert token not in shown_later
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_planner_credentials_are_kept_and_never_shown(house, client):
    form = {
        "planner_url": "http://127.0.0.1:9",
        "zone": "Europe/Stockholm",
        "api_key": "k-e-y",
        "overlap_seconds": "60",
    }
    page = client.post("/ui/listener", form, follow=True).content.decode()
    assert "Stored. Leave empty to keep it" in page
    assert "k-e-y" not in page
    client.post("/ui/listener", form | {"api_key": "", "overlap_seconds": "90"})
    kept = listener.planner_connection(house.account_id)
    assert (kept.has_api_key, kept.overlap_seconds) == (True, 90)


def test_channels_are_bound_and_a_failed_test_names_its_step(house, client):
    client.post("/ui/listener/act", {"do": "bind", "channel_id": "504", "kind": "email"})
    assert [row.channel_id for row in listener.overview(house.account_id, clock=CLOCK).bindings] == [504]
    listener.connect_planner(house.account_id, planner_url="http://127.0.0.1:9", zone="UTC", api_key="x")
    assert "Failed:" in client.post("/ui/listener/act", {"do": "test"}).content.decode()


def test_a_suppression_is_added_and_lifted(house, client):
    client.post(
        "/ui/suppressions", {"address": "ann@people.example", "channel": "email", "reason": "asked by phone"}
    )
    page = client.get("/ui/suppressions").content.decode()
    assert "asked by phone" in page
    assert "ann@people.example" not in page
    found = contacts.list_suppressions(house.account_id)[0]
    client.post(f"/ui/suppressions/{found.id}/lift")
    assert "asked by phone" not in client.get("/ui/suppressions").content.decode()


def test_the_outbox_shows_its_own_mail_only(house, other, client, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    mail = EmailMessage()
    mail["Subject"], mail["To"], mail["From"] = (
        "A cup is waiting",
        "ann@people.example",
        "news@northwind.example",
    )
    mail["Message-ID"] = "<1@northwind.example>"
    mail.set_content("plain words")
    mail.add_alternative("<p>rich words</p><script>alert(1)</script>", subtype="html")
    box = tmp_path / "outbox" / str(house.account_id) / "email" / "new"
    box.mkdir(parents=True)
    (box / "1.1.tandem").write_bytes(bytes(mail))
    assert "A cup is waiting" in client.get("/ui/outbox").content.decode()
    assert "plain words" in client.get("/ui/outbox/email/1.1.tandem").content.decode()
    frame = client.get("/ui/outbox/email/1.1.tandem/frame")
    assert "rich words" in frame.content.decode()
    assert frame.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    stranger = signed_in(other)
    assert "A cup is waiting" not in stranger.get("/ui/outbox").content.decode()
    for part in ("", "/frame", "/raw"):
        assert stranger.get(f"/ui/outbox/email/1.1.tandem{part}").status_code == 404
        assert client.get(f"/ui/outbox/email/..%2F..{part}").status_code == 404


def test_sign_in_answers_alike_and_slows_down(house):
    accounts.create_user(house.account_id, email="ann@northwind.example", password=PASSWORD)
    known = Client().post("/ui/sign-in", {"email": "ann@northwind.example", "password": "wrong"})
    unknown = Client().post("/ui/sign-in", {"email": "bob@northwind.example", "password": "wrong"})
    assert known.status_code == unknown.status_code == 422
    assert known.context["error"] == unknown.context["error"]
    for _ in range(9):
        Client().post("/ui/sign-in", {"email": "ann@northwind.example", "password": "wrong"})
    blocked = Client().post("/ui/sign-in", {"email": "ann@northwind.example", "password": PASSWORD})
    assert "Too many tries" in blocked.context["error"]


def test_signing_in_leads_on_within_the_site_only(house):
    accounts.create_user(house.account_id, email="ann@northwind.example", password=PASSWORD)
    form = {"email": "ann@northwind.example", "password": PASSWORD}
    assert Client().post("/ui/sign-in", form | {"next": "/ui/lists"}).headers["Location"] == "/ui/lists"
    assert (
        Client().post("/ui/sign-in", form | {"next": "https://evil.example/"}).headers["Location"] == "/ui/"
    )


def test_posts_need_the_token_of_the_form(house):
    client = Client(enforce_csrf_checks=True)
    assert client.post("/ui/sign-in", {"email": "a", "password": "b"}).status_code == 403


def test_source_of_a_version_is_shown_escaped(house, client):
    version = projects.save_draft(
        house.account_id,
        house.email_trigger,
        EmailSource(subject="S", html="<script>alert(1)</script>"),
        clock=CLOCK,
    )
    page = client.get(f"/ui/projects/triggers/{house.email_trigger}/versions/{version.id}").content.decode()
    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_listener_url_is_shown_to_those_who_may_change_it(house):
    url = listener.overview(house.account_id, clock=CLOCK).url
    secret = url.rsplit("/", 1)[1]
    assert secret in signed_in(house, "engineer").get("/ui/listener").content.decode()
    for role in ("viewer", "editor"):
        page = signed_in(house, role).get("/ui/listener").content.decode()
        assert secret not in page and "The address is a secret" in page


def test_the_outbox_goes_back_page_by_page_without_opening_the_rest(client, house, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    box = tmp_path / "outbox" / str(house.account_id) / "email"
    for part in ("new", "cur"):
        (box / part).mkdir(parents=True)
    for number in range(1, 121):
        folder, name = ("cur", f"3.{number}.tandem:2,S") if number % 2 else ("new", f"3.{number}.tandem")
        (box / folder / name).write_text(f"Subject: Letter {number} of many\n\n-")
    (box / "new" / "stray").symlink_to(tmp_path / "nowhere")

    shown, address = [], "/ui/outbox"
    while address:
        page = client.get(address).content.decode()
        assert "120" in page
        shown += [int(number) for number in re.findall(r"Letter (\d+) of many", page)]
        older = re.search(r'href="(\?before=[^"]+)"', page)
        address = f"/ui/outbox{older[1]}" if older else ""
    assert shown == list(range(120, 0, -1))
