import pytest
from django.test import Client
from tests.fixtures import shop as shops

from tandem.planner.accounts import service as accounts
from tandem.planner.listeners import service as listeners
from tandem.planner.realtime import service
from tandem.planner.realtime.domain import Incoming

PASSWORD = "correct horse battery"


@pytest.fixture
def shop(db, monkeypatch):
    built = shops.small()
    monkeypatch.setattr("tandem.kit.clock.from_environment", lambda: built.clock)
    listeners.register(
        built.account.pk, event_type=11, channel_id=504, url="http://127.0.0.1:9/x", clock=built.clock
    )
    return built


def signed_in(shop, role="marketer"):
    accounts.create_user(
        shop.account.pk, email=f"{role}@shop.example", password=PASSWORD, role=role, clock=shop.clock
    )
    browser = Client()
    assert (
        browser.post("/ui/sign-in", {"email": f"{role}@shop.example", "password": PASSWORD}).status_code
        == 302
    )
    return browser


def fields(shop, **changed):
    return {
        "name": "Thank you", "event_name": "purchase", "conditions": "amount >= 100\ncategory = shoes",
        "group": str(shop.group), "template": f"{shop.connection}:11:email", "promo_code": "", "cap_hours": "24",
        "control_percent": "0", "late_minutes": "15",
    } | changed  # fmt: skip


def test_from_the_form_to_the_log(shop):
    browser = signed_in(shop)
    assert "No real-time campaign yet" in browser.get("/ui/real-time").content.decode()
    made = browser.post("/ui/real-time/new", fields(shop, group=""), follow=True)
    address = made.redirect_chain[-1][0]
    assert "Paused" in made.content.decode()
    assert "Active" in browser.post(f"{address}/act", {"do": "start"}, follow=True).content.decode()
    event = Incoming(
        event_id="e1", name="purchase", customer_id="c2", properties={"amount": 120, "category": "shoes"}
    )
    service.take_event(shop.account.pk, event, clock=shop.clock)
    page = browser.get(address).content.decode()
    for text in ("amount &gt;= 100", "c2", "e1", "Told", "Waiting", "Template 11, Spring win-back"):
        assert text in page
    assert "Thank you" in browser.get("/ui/real-time").content.decode()
    assert "Paused" in browser.post(f"{address}/act", {"do": "pause"}, follow=True).content.decode()


def test_a_change_keeps_what_was_chosen(shop):
    browser = signed_in(shop)
    address = browser.post("/ui/real-time/new", fields(shop), follow=True).redirect_chain[-1][0]
    form = browser.get(f"{address}/edit").content.decode()
    assert "amount &gt;= 100\ncategory = shoes</textarea>" in form
    assert f'<option value="{shop.connection}:11:email" selected>' in form
    changed = browser.post(f"{address}/edit", fields(shop, cap_hours="1"), follow=True).content.decode()
    assert "at most once an hour per customer" in changed


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": ""}, "Give the campaign a name."), ({"template": ""}, "Choose the template they get."),
        ({"conditions": "amount about 3"}, "cannot be read"), ({"cap_hours": "-1"}, "from 0 hours to one year"),
        ({"control_percent": "100"}, "less than 100"), ({"event_name": ""}, "Name the event"),
        ({"late_minutes": "x"}, "Give a whole number."),
    ],
)  # fmt: skip
def test_a_breach_is_said_beside_its_field_and_nothing_is_saved(shop, changed, words):
    browser = signed_in(shop)
    answer = browser.post("/ui/real-time/new", fields(shop, **changed))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert service.list_campaigns(shop.account.pk) == ()


def test_a_viewer_sees_and_changes_nothing(shop):
    made = signed_in(shop).post("/ui/real-time/new", fields(shop), follow=True).redirect_chain[-1][0]
    viewer = signed_in(shop, "viewer")
    page = viewer.get(made)
    assert page.status_code == 200
    assert "/act" not in page.content.decode()
    assert viewer.post(f"{made}/act", {"do": "start"}).status_code == 403
    assert viewer.get("/ui/real-time/new").status_code == 403


def test_another_accounts_campaign_is_not_there(shop):
    made = signed_in(shop).post("/ui/real-time/new", fields(shop), follow=True).redirect_chain[-1][0]
    other = accounts.create_account(name="Birch", zone="UTC", clock=shop.clock)
    accounts.create_user(
        other.id, email="b@birch.example", password=PASSWORD, role="administrator", clock=shop.clock
    )
    stranger = Client()
    stranger.post("/ui/sign-in", {"email": "b@birch.example", "password": PASSWORD})
    for address in (made, f"{made}/edit"):
        assert stranger.get(address).status_code == 404
    assert stranger.post(f"{made}/act", {"do": "start"}).status_code == 404
