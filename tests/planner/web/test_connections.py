import pytest

from tandem.contract.messenger_api import Preview
from tandem.kit.clock import OffsetClock
from tandem.planner.channels import service as channels
from tandem.planner.channels.models import ProjectCopy, TemplateCopy
from tandem.simulators.messenger import Messenger
from tandem.simulators.server import Server, Simulator

pytestmark = pytest.mark.django_db

FIELDS = {
    "api_url": "http://127.0.0.1:9/rest",
    "customer_id": "2601",
    "user_name": "api",
    "password": "s3cret-password",
    "token": "t0ken-value",
}


def test_with_no_account_the_page_says_what_to_do(client):
    text = client.get("/ui/connections").content.decode()
    assert "Connect your messenger" in text
    assert client.get("/ui/connections/new").status_code == 200


def test_every_empty_field_is_named(client):
    answer = client.post("/ui/connections/new", {"do": "save"})
    assert answer.status_code == 422
    assert {field for field, _ in answer.context["form"].summary()} == {
        "id_api_url",
        "id_customer_id",
        "id_token",
    }


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"token"}, None),
        ({"user_name", "password"}, None),
        ({"user_name", "password", "token"}, None),
        ({"user_name"}, "password"),
        ({"password"}, "user_name"),
        (set(), "token"),
    ],
)
def test_a_token_or_a_user_name_with_a_password_is_enough(client, account, given, missing):
    form = {name: FIELDS[name] for name in ("api_url", "customer_id", *given)}
    answer = client.post("/ui/connections/new", {**form, "do": "save-anyway"})
    if missing:
        assert list(answer.context["form"].errors) == [missing]
        assert channels.list_accounts(account.id) == ()
        return
    [saved] = channels.list_accounts(account.id)
    assert (saved.has_password, saved.has_token) == ("password" in given, "token" in given)


def test_a_saved_token_is_forgotten_only_where_a_password_takes_its_place(client, account):
    path = client.post("/ui/connections/new", {**FIELDS, "do": "save-anyway"}).headers["Location"]
    assert "Forget the saved token" in client.get(path).content.decode()
    empty = {**FIELDS, "password": "", "token": "", "forget_token": "on"}
    assert client.post(path, empty).status_code == 302
    [saved] = channels.list_accounts(account.id)
    assert (saved.has_password, saved.has_token) == (True, False)
    assert "Forget the saved token" not in client.get(path).content.decode()
    alone = {**FIELDS, "user_name": "", "password": ""}
    path = client.post("/ui/connections/new", {**alone, "customer_id": "2602", "do": "save-anyway"}).headers[
        "Location"
    ]
    assert client.post(path, {**empty, "customer_id": "2602", "user_name": ""}).status_code == 422


@pytest.mark.parametrize(
    ("given", "words", "field"),
    [
        ({"token": "simulator"}, "Customer 5004, token accepted.", None),
        ({"user_name": "simulator", "password": "simulator"}, "Customer 5004, user name accepted.", None),
        (
            {"user_name": "simulator", "password": "simulator", "token": "simulator"},
            "Customer 5004, token accepted. The user name and password work too; the token decides.", None,
        ),
        (
            {"user_name": "simulator", "password": "wrong", "token": "simulator"},
            "Customer 5004, token accepted. The user name and password are refused (401 or 403); the token decides, "
            "so they are not needed.", None,
        ),
        ({"user_name": "simulator", "password": "simulator", "token": "wrong"}, "refused the API token", "token"),
        ({"user_name": "simulator", "password": "wrong"}, "refused the password", "password"),
    ],
)  # fmt: skip
def test_the_check_says_what_signs_in(settings, given, words, field):
    with Server(Simulator(Messenger(clock=OffsetClock(), contacts=3))) as server:
        settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{server.port}",)
        check = channels.check_values(f"http://127.0.0.1:{server.port}/rest", "5004", **given)
    reached, signed_in, *_ = check.steps
    assert reached.ok
    assert signed_in.ok is (field is None)
    assert words in signed_in.detail
    assert signed_in.field == (field or "")


def test_a_failed_check_saves_nothing_and_keeps_what_was_typed(client, account):
    answer = client.post("/ui/connections/new", {**FIELDS, "do": "save"})
    assert answer.status_code == 422
    assert channels.list_accounts(account.id) == ()
    assert 'value="2601"' in answer.content.decode()
    assert answer.context["check"].steps[0].ok is False


def test_saved_secrets_are_never_shown_again(client, account):
    saved = client.post("/ui/connections/new", {**FIELDS, "do": "save-anyway"})
    page = client.get(saved.headers["Location"]).content.decode()
    assert FIELDS["password"] not in page
    assert FIELDS["token"] not in page
    assert "Leave empty to keep it." in page
    kept = client.post(
        saved.headers["Location"], {**FIELDS, "password": "", "token": "", "user_name": "api2"}
    )
    assert kept.status_code == 302
    assert channels.list_accounts(account.id)[0].user_name == "api2"
    assert channels.list_accounts(account.id)[0].has_secrets


def test_the_test_button_shows_four_steps(client, account):
    saved = client.post("/ui/connections/new", {**FIELDS, "do": "save-anyway"})
    page = client.post(f"{saved.headers['Location']}/test")
    assert len(page.context["check"].steps) == 4


def test_another_accounts_connection_is_not_there(client, other_account, sign_in):
    theirs = channels.add_account(other_account.id, name="Theirs", **FIELDS)
    assert client.get(f"/ui/connections/{theirs.id}").status_code == 404
    assert client.post(f"/ui/connections/{theirs.id}", FIELDS).status_code == 404
    assert client.post(f"/ui/connections/{theirs.id}/test").status_code == 404
    assert client.post("/ui/connections/listeners/1/test").status_code == 404
    assert client.get(f"/ui/templates/{theirs.id}/1").status_code == 404
    assert client.post("/ui/templates/read", {"connection": theirs.id}).status_code == 404
    assert "Theirs" not in client.get("/ui/templates").content.decode()


def test_templates_say_where_they_come_from(client, account):
    assert "Templates come from your messenger" in client.get("/ui/templates").content.decode()
    client.post("/ui/connections/new", {**FIELDS, "do": "save-anyway"})
    assert "Not read yet" in client.get("/ui/templates").content.decode()


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_connecting_is_for_engineers(account, sign_in, role):
    assert sign_in(account, role).get("/ui/connections/new").status_code == 403


def test_a_viewer_sees_but_does_not_change(account, sign_in):
    channels.add_account(account.id, name="Ours", **FIELDS)
    viewer = sign_in(account, "viewer")
    page = viewer.get("/ui/connections", follow=True)
    assert "Ours" in page.content.decode()
    assert viewer.post(page.redirect_chain[-1][0], FIELDS).status_code == 403
    assert viewer.post("/ui/templates/read").status_code == 403


class TestProfile:
    def test_is_kept_with_the_fields_and_shown_again(self, client, account):
        fields = {**FIELDS, "profile": '[answers]\r\nenvelope = "data"'}
        saved = client.post("/ui/connections/new", {**fields, "do": "save-anyway"})
        assert channels.list_accounts(account.id)[0].profile == '[answers]\nenvelope = "data"'
        page = client.get(saved.headers["Location"]).content.decode()
        assert "envelope = &quot;data&quot;" in page and "this messenger is read by a profile" in page
        client.post(saved.headers["Location"], {**FIELDS, "profile": ""})
        assert channels.list_accounts(account.id)[0].profile == ""

    def test_a_wrong_one_says_what_is_wrong_and_saves_nothing(self, client, account):
        answer = client.post("/ui/connections/new", {**FIELDS, "profile": "[answer]\n", "do": "save-anyway"})
        assert answer.status_code == 422
        assert "which means nothing here" in answer.content.decode()
        assert channels.list_accounts(account.id) == ()


def test_a_messenger_without_preview_links_to_the_newest_message(client, account, monkeypatch, clock):
    client.post("/ui/connections/new", {**FIELDS, "do": "save-anyway"})
    [made] = channels.list_accounts(account.id)
    more = {"account_id": account.id, "channel_account_id": made.id, "read_at": clock.business()}
    ProjectCopy.objects.create(project_id=1, name="Letters", **more)
    TemplateCopy.objects.create(
        project_id=1, template_id=11, name="Welcome", channel="email", active=True, active_campaign=5, **more
    )
    link = Preview(subject="", sender="", html="", text="", link="https://messenger.example/newest")
    monkeypatch.setattr("tandem.clients.messenger.MessengerClient.preview", lambda *_: link)
    page = client.get(f"/ui/templates/{made.id}/11?customer=7").content.decode()
    assert 'href="https://messenger.example/newest"' in page and "<iframe" not in page
    frame = client.get(f"/ui/templates/{made.id}/11/frame?customer=7").content.decode()
    assert "links to the newest one" in frame
