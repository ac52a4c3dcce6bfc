"""The page of pace: what it shows, keeps and refuses, and to whom."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tandem.kit import clock as clocks
from tandem.messenger.accounts import service as accounts
from tandem.messenger.pacing import service

pytestmark = pytest.mark.django_db
CLOCK = clocks.from_environment()
PAGE = "/ui/settings/pacing"


@pytest.fixture
def account() -> int:
    return accounts.create_account(name="Northwind", zone="Europe/Stockholm").id


def signed_in(account: int, role: str = "administrator") -> Client:
    user = accounts.create_user(
        account, email=f"{role}@{account}.example", password="a long enough one", role=role
    )
    client = Client()
    client.force_login(get_user_model().objects.get(pk=user.id))
    return client


def test_a_limit_a_warm_up_and_rules_are_kept_and_shown(account):
    client = signed_in(account)
    client.post(
        PAGE, {"do": "limit", "sender": "news@shop.example", "provider": "Google", "per_second": "2,5"}
    )
    client.post(PAGE, {"do": "warm-up", "sender": "shop.example", "schedule": "fast"})
    client.post(PAGE, {"do": "rules", "bounces": "8", "complaints": "0,3", "errors": "0", "least": "1 000"})
    page = client.get(PAGE).content.decode()
    for said in ("shop.example", "Google", "2.5", "1 of 14", 'value="8.0"', 'value="1000"'):
        assert said in page, said
    (limit,) = service.list_limits(account)
    client.post(PAGE, {"do": "remove", "limit": limit.id})
    client.post(PAGE, {"do": "end", "sender": "shop.example"})
    assert service.list_limits(account) == ()
    assert service.list_warm_ups(account, clock=CLOCK) == ()
    assert service.pause_rules(account).complaints == 0.3
    actions = [line.action for line in accounts.recent_activity(account)]
    assert {"pace limited", "warm-up started", "pause rules set", "warm-up ended"} <= set(actions)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"do": "limit"}, "The limit says nothing."),
        ({"do": "limit", "per_second": "fast"}, "is no number"),
        ({"do": "limit", "per_second": "1e999"}, "is no number"),
        ({"do": "limit", "per_day": "1.5"}, "Half a message"),
        ({"do": "limit", "per_day": "-3"}, "cannot be"),
        ({"do": "limit", "per_day": "3", "sender": "<b>&"}, "is no sender"),
        ({"do": "warm-up", "sender": "shop.example", "schedule": "reckless"}, "no schedule"),
        ({"do": "rules", "bounces": "101", "least": "1"}, "cannot be a limit"),
    ],
)
def test_what_cannot_be_is_said_and_keeps_what_was_typed(account, form, words):
    answer = signed_in(account).post(PAGE, form)
    page = answer.content.decode()
    assert (answer.status_code, words in page) == (422, True), page
    assert "<b>&" not in page
    assert service.list_limits(account) == ()


def test_others_look_and_another_account_is_out_of_reach(account):
    service.set_limit(account, per_day=7, actor="a", clock=CLOCK)
    (limit,) = service.list_limits(account)
    assert signed_in(account, "viewer").post(PAGE, {"do": "remove", "limit": limit.id}).status_code == 403
    other = accounts.create_account(name="Southwind", zone="UTC").id
    assert signed_in(other).post(PAGE, {"do": "remove", "limit": limit.id}).status_code == 404
    assert service.list_limits(account) == (limit,)
