"""The page of a program's credential."""

import pytest
from django.test import Client

from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.domain import Restriction


@pytest.fixture
def made(account, clock):
    return accounts.create_api_credential(account.id, user_name="listener", clock=clock)


def held(account, made):
    return accounts.get_credential(account.id, made.id).restriction


def test_it_is_held_to_functions_networks_and_a_limit(client, account, made):
    form = {
        "functions": ["general/*", "customers/GetCustomersByAction"],
        "networks": "203.0.113.7\r\n2001:db8::/32\r\n\r\n", "limit": "20",
    }  # fmt: skip
    assert client.post(f"/ui/settings/credentials/{made.id}", form).status_code == 302
    assert held(account, made) == Restriction(
        functions=("customers/GetCustomersByAction", "general/*"),
        networks=("2001:db8::/32", "203.0.113.7/32"), limit=20,
    )  # fmt: skip
    page = client.get(f"/ui/settings/credentials/{made.id}").content.decode()
    assert 'value="general/*" checked' in page
    assert "203.0.113.7/32" in page
    assert "20 times in 10 s" in page
    client.post(f"/ui/settings/credentials/{made.id}", {})
    assert held(account, made) == Restriction()


@pytest.mark.parametrize(
    "form",
    [{"networks": "everywhere"}, {"limit": "0"}, {"limit": "many"}, {"functions": ["general/Nothing"]}],
)
def test_what_is_wrong_is_said_and_nothing_changes(client, account, made, form):
    answer = client.post(f"/ui/settings/credentials/{made.id}", form)
    assert answer.status_code == 422
    assert answer.context["errors"]
    assert held(account, made) == Restriction()


def test_made_with_less(client, account):
    form = {
        "user_name": "esp",
        "rights": "third party",
        "functions": ["integrations/*"],
        "networks": "10.0.0.0/8",
    }
    client.post("/ui/settings/credentials", form)
    [found] = accounts.list_credentials(account.id)
    assert found.restriction == Restriction(functions=("integrations/*",), networks=("10.0.0.0/8",))
    assert "integrations/*" in client.get("/ui/settings").content.decode()


def test_a_new_key_is_shown_once(client, account, made, clock):
    answer = client.post(f"/ui/settings/credentials/{made.id}/rotate")
    key = answer.context["made"].api_key
    assert key in answer.content.decode()
    page = client.get(f"/ui/settings/credentials/{made.id}").content.decode()
    assert key not in page
    assert "The key before works until" in page
    for works in (key, made.api_key):
        assert accounts.caller_of_key(works, address="203.0.113.7", clock=clock).account_id == account.id
    assert "203.0.113.7" in client.get("/ui/settings").content.decode()


@pytest.mark.parametrize("role", ["marketer", "engineer", "viewer"])
def test_only_an_administrator(account, made, sign_in, role):
    person = sign_in(account, role)
    for path in (f"/ui/settings/credentials/{made.id}", f"/ui/settings/credentials/{made.id}/rotate"):
        assert person.post(path).status_code == 403
    assert person.get(f"/ui/settings/credentials/{made.id}").status_code == 403


def test_another_accounts_is_closed(other_account, made, sign_in):
    stranger = sign_in(other_account)
    assert stranger.get(f"/ui/settings/credentials/{made.id}").status_code == 404
    assert stranger.post(f"/ui/settings/credentials/{made.id}", {"limit": "1"}).status_code == 404
    assert stranger.post(f"/ui/settings/credentials/{made.id}/rotate").status_code == 404


def test_a_form_of_another_site_is_refused(account, made, sign_in):
    signed = sign_in(account)
    strict = Client(enforce_csrf_checks=True, headers={"cookie": signed.cookies.output(header="", sep=";")})
    for path in (f"/ui/settings/credentials/{made.id}/rotate", "/ui/listeners"):
        assert strict.post(path, {}).status_code == 403
