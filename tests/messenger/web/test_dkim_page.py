"""The page of signing keys: made, looked up, used, rotated, retired; never a secret, never another account's."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tandem.messenger.accounts import service as accounts
from tandem.messenger.delivery.dkim import service
from tandem.messenger.delivery.models import DkimKey

pytestmark = pytest.mark.django_db
PAGE = "/ui/settings/dkim"


@pytest.fixture
def account() -> int:
    return accounts.create_account(name="Northwind", zone="Europe/Stockholm").id


@pytest.fixture
def published(monkeypatch):
    """What DNS says."""
    found = []
    monkeypatch.setattr(service, "text_records", lambda _: found)
    return found


def signed_in(account: int, role: str = "administrator") -> Client:
    user = accounts.create_user(account, email=f"{role}@{account}.example", password="a long one", role=role)
    client = Client()
    client.force_login(get_user_model().objects.get(pk=user.id))
    return client


def made(client, **more):
    said = {"do": "make", "domain": "shop.example", "selector": "t1", "algorithm": "ed25519", **more}
    assert client.post(PAGE, said).status_code == 302
    return DkimKey.objects.order_by("-id").first()


def test_a_key_from_its_making_to_its_retirement(account, published):
    client = signed_in(account)
    key = made(client)
    page = client.get(PAGE).content.decode()
    assert key.record in page and "t1._domainkey.shop.example" in page and "data-copy" in page
    assert "PRIVATE" not in page and key.secret not in page
    press = lambda verb, one, **more: client.post(PAGE, {"do": verb, "key": one.id, **more}, follow=True)  # noqa: E731
    assert "There is no TXT record" in press("check", key).content.decode()
    refused = press("use", key)
    assert (refused.status_code, "Use it all the same" in refused.content.decode()) == (422, True)
    published.append(key.record)
    assert "published and right" in press("check", key).content.decode()
    press("use", key)
    press("rotate", key)
    following = DkimKey.objects.get(account_id=account, selector="t2")
    assert (following.algorithm, following.state) == ("ed25519", "new")
    press("use", following, unchecked="yes")
    assert [one.state for one in service.list_keys(account)] == ["retired", "active"]
    press("retire", following)
    actions = [line.action for line in accounts.recent_activity(account)]
    assert {"DKIM key made", "DKIM key used", "DKIM key used unchecked", "DKIM key retired"} <= set(actions)


def test_what_cannot_be_is_said_and_keeps_what_was_typed(account):
    answer = signed_in(account).post(PAGE, {"do": "make", "domain": "<b>&", "selector": "t1"})
    page = answer.content.decode()
    assert (answer.status_code, "is no domain name" in page, "<b>&" in page) == (422, True, False)


def test_others_look_and_another_account_is_out_of_reach(account):
    key = made(signed_in(account))
    other = signed_in(accounts.create_account(name="Southwind", zone="UTC").id)
    for verb in ("use", "retire", "check", "rotate"):
        assert signed_in(account, "viewer").post(PAGE, {"do": verb, "key": key.id}).status_code == 403
        assert other.post(PAGE, {"do": verb, "key": key.id}).status_code == 404
        get_user_model().objects.filter(email__startswith="viewer").delete()
    assert "shop.example" not in other.get(PAGE).content.decode().replace('placeholder="shop.example"', "")
