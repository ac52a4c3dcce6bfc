import pytest

from tandem.planner.accounts import service as accounts

pytestmark = pytest.mark.django_db


def test_credentials_are_shown_once(client, account):
    made = client.post("/ui/settings/credentials", {"user_name": "listener", "rights": "full"})
    secrets = made.context["made"]
    assert secrets.api_key in made.content.decode()
    later = client.get("/ui/settings").content.decode()
    assert "listener" in later
    assert secrets.api_key not in later
    assert secrets.password not in later


def test_a_name_that_is_taken_is_refused_with_the_form_kept(client):
    client.post("/ui/settings/credentials", {"user_name": "listener", "rights": "full"})
    again = client.post("/ui/settings/credentials", {"user_name": "listener", "rights": "full"})
    assert again.status_code >= 400
    assert again.context["errors"]
    assert 'value="listener"' in again.content.decode()


def test_another_accounts_credential_cannot_be_switched_off(client, other_account, clock):
    theirs = accounts.create_api_credential(other_account.id, user_name="theirs", clock=clock)
    assert client.post(f"/ui/settings/credentials/{theirs.id}/disable").status_code in {404, 422}
    assert accounts.list_credentials(other_account.id)[0].is_active


def test_settings_show_only_the_own_account(client, other_account, sign_in, clock):
    sign_in(other_account)
    accounts.create_api_credential(other_account.id, user_name="theirs", clock=clock)
    text = client.get("/ui/settings").content.decode()
    assert "birch" not in text.lower()
    assert "theirs" not in text


def test_a_user_is_added_and_may_sign_in(client, account):
    fields = {"email": "new@aster.example", "name": "New", "role": "viewer", "password": "a long enough one"}
    assert client.post("/ui/settings/users", fields).status_code == 302
    assert "new@aster.example" in {user.email for user in accounts.list_users(account.id)}


def test_a_weak_password_is_refused(client, account):
    fields = {"email": "new@aster.example", "name": "New", "role": "viewer", "password": "short"}
    answer = client.post("/ui/settings/users", fields)
    assert answer.status_code >= 400
    assert answer.context["errors"]


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_only_administrators_make_credentials_and_users(account, sign_in, role):
    client = sign_in(account, role)
    assert client.get("/ui/settings").status_code == 200
    refused = client.post("/ui/settings/credentials", {"rights": "full"})
    assert refused.status_code == 403
    assert f"Your role, {role}," in refused.content.decode()
    assert client.post("/ui/settings/users", {}).status_code == 403
