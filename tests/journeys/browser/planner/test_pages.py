"""The planner's pages in Chromium: nothing complains, nothing is too wide, no barrier that axe knows."""

from datetime import timedelta

import pytest
from tests.fixtures import shop
from tests.fixtures.browser import PASSWORD, look_at_all, marks, open_browser
from tests.fixtures.discovered import discovered
from tests.fixtures.evidence import evidence

from tandem.contract.messenger_api import Preview
from tandem.planner.accounts import service as accounts
from tandem.planner.campaigns import service as campaigns
from tandem.planner.channels import service as channels
from tandem.planner.modelling import service as modelling
from tandem.planner.modelling.learning import service as learning

pytestmark = [*marks, pytest.mark.django_db(transaction=True)]
USER = "ann@shop.example"


@pytest.fixture
def address(live_server, settings, tmp_path, monkeypatch):
    """The pages of a small shop whose messenger answers previews."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    settings.TANDEM_STORAGE = tmp_path / "planner"
    made = shop.build(tmp_path)
    monkeypatch.setattr("tandem.kit.clock.from_environment", lambda: made.clock)
    preview = Preview(subject="We miss you", html="<p>Hello Ann</p>", text="Hello Ann", sender="Shop")
    monkeypatch.setattr(channels, "preview", lambda *_, **__: preview)
    modelling.build_snapshot(made.account.pk, shop.DAY - timedelta(days=9), clock=made.clock)
    learning.keep(made.account.pk, 99, evidence(), clock=made.clock)
    discovered(made.account.pk, "Shop", made.clock)
    accounts.create_user(
        made.account.pk, email=USER, password=PASSWORD, role="administrator", clock=made.clock
    )
    accounts.create_api_credential(made.account.pk, user_name="messenger", clock=made.clock)
    campaigns.plan_campaign(made.account.pk, made.plan(), clock=made.clock, actor="ann")
    return live_server.url


def test_every_page_can_be_looked_at_in_every_way(address):
    with open_browser() as browser:
        found = look_at_all(browser, address, USER)
    assert not found, "\n".join(found)


def test_an_empty_account_says_what_to_do_next(live_server, settings, tmp_path, monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    settings.TANDEM_STORAGE = tmp_path / "planner"
    clock = shop.FrozenClock(shop.NOW)
    account = accounts.create_account(name="New", zone="Europe/Stockholm", currency="EUR", clock=clock)
    accounts.create_user(account.id, email=USER, password=PASSWORD, role="administrator", clock=clock)
    with open_browser() as browser:
        found = look_at_all(browser, live_server.url, USER, only="light")
        assert not found, "\n".join(found)
        page = browser.page()
        page.goto(f"{live_server.url}/ui/")
        page.fill("input[name=email]", USER)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.click("text=Import a file")
        assert page.url.endswith("/ui/customers/import")
