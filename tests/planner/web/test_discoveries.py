"""The page of discoveries: what was found and how, one click to a group, not interesting, another account's."""

from html import unescape

import pytest
from tests.fixtures.discovered import TITLE, discovered
from tests.fixtures.shop import build

from tandem.planner.discovery import service
from tandem.planner.discovery.models import DiscoveryRun
from tandem.planner.targeting import service as targeting

PAGE = "/ui/discoveries"
NAME = TITLE.format(name="Shop")


@pytest.fixture(scope="module")
def kept_shop(keep):
    return keep(build)


@pytest.fixture
def shop(kept_shop, db, settings, tmp_path):
    return kept_shop.take(settings, tmp_path)


@pytest.fixture
def made(shop, clock):
    return discovered(shop.account.pk, "Shop", clock)


def _read(client, path=PAGE):
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return unescape(answer.content.decode())


def test_a_card_tells_who_how_much_and_how_sure(made, shop, sign_in):
    page = _read(sign_in(shop.account))
    for words in (
        NAME, "2,140 customers with orders 1 or more; 61 % bought, 51 % expected.", "New to you", "+10.0 points",
        "+4.0 to +16.0 points", "chance of a false find 1.2 %", "48.20 EUR a customer, 31.10 EUR among all",
        "387,000", "Usual gap: It is the same for all customers.", "Orders 3 or more",
        "+1.0 points (-2.0 to +4.0 points) against as many customers with the highest total spent: "
        "that one attribute does as well",
        "1 of 1 groups is not sure to be better", "58 % against 50 %: it kept its side", "Groups followed",
        "Against customers of the same recency, orders and spend", "+2.0 points",
        "Boring Shop buyers",
    ):  # fmt: skip
        assert words in page, words
    assert page.index("The simple view") < page.index(NAME), "the simpler choice comes first"


def test_one_click_makes_a_group_that_is_opened(made, shop, sign_in):
    client = sign_in(shop.account, "marketer")
    answer = client.post(f"{PAGE}/group/{made['discovery_id']}")
    group = targeting.find_group(shop.account.pk, NAME)
    assert (answer.status_code, answer["Location"]) == (302, f"/ui/groups/{group.id}")
    assert "Open the target group" in _read(client)


def test_not_interesting_hides_and_undo_shows(made, shop, sign_in):
    client = sign_in(shop.account)
    client.post(f"{PAGE}/dismiss/{made['discovery_id']}")
    page = _read(client)
    assert "No group to show" in page and f"/group/{made['discovery_id']}" not in page
    number = service.dismissals(shop.account.pk)[0].id
    client.post(f"{PAGE}/undo/{number}")
    assert f"/group/{made['discovery_id']}" in _read(client)


def test_a_search_is_asked_for_and_its_progress_told(shop, sign_in):
    client = sign_in(shop.account)
    assert "Nothing was searched yet" in _read(client)
    assert client.post(f"{PAGE}/ask", {"goal": "orders", "days": "30"}).status_code == 302
    row = DiscoveryRun.objects.get(account=shop.account)
    assert (row.goal, row.days, row.state) == ("orders", 30, "waiting")
    assert "Waits for its turn" in _read(client)
    DiscoveryRun.objects.update(state="running", part=0.4, phase="Searching on one half")
    part = client.get(PAGE, headers={"HX-Request": "true"}).content.decode()
    assert "40 %" in part and "<html" not in part
    client.post(f"{PAGE}/ask", {"goal": "orders", "days": "30"})
    assert "This account's last search is not over." in _read(client)
    DiscoveryRun.objects.update(state="done", how={"why": "Too few customers."})
    assert "Too few customers." in _read(client)


def test_a_viewer_sees_and_changes_nothing(made, shop, sign_in):
    client = sign_in(shop.account, "viewer")
    page = _read(client)
    assert NAME in page and "Not interesting</button>" not in page
    for path in ("ask", f"group/{made['discovery_id']}", f"dismiss/{made['discovery_id']}"):
        assert client.post(f"{PAGE}/{path}", {"goal": "orders"}).status_code == 403


def test_another_accounts_discoveries_are_not_there(made, other_account, sign_in):
    client = sign_in(other_account)
    assert NAME not in _read(client)
    paths = {
        "run_id": "{}", "discovery_id": "group/{}", "dismissed_id": "undo/{}",
    }  # fmt: skip
    for name, path in paths.items():
        there = f"{PAGE}/{path.format(made[name])}"
        answer = client.get(there) if name == "run_id" else client.post(there)
        assert answer.status_code == 404, path
