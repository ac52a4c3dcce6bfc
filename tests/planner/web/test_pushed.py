"""A channel that a program serves, on the pages: made, its templates in the form, what was reported of a campaign."""

import orjson
import pytest
from tests.fixtures import shop as shops

from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.models import Account
from tandem.planner.channels import service as channels


@pytest.fixture
def shop(tmp_path, settings, monkeypatch, db):
    settings.TANDEM_STORAGE = tmp_path / "storage"
    made = shops.build(tmp_path, 20)
    monkeypatch.setattr("tandem.kit.clock.from_environment", lambda: made.clock)
    return made


@pytest.fixture
def program(shop, client):
    key = accounts.create_api_credential(shop.account.pk, rights="third party", clock=shop.clock).api_key

    def call(path, body):
        answer = client.post(
            f"/current/integrations/{path}",
            orjson.dumps(body),
            "application/json",
            headers={"X-API-KEY": key},
        )
        assert answer.status_code == 200, answer.content

    return call


@pytest.fixture
def person(shop, sign_in):
    account = accounts.get_account(Account.objects.get(pk=shop.account.pk).pk)
    return sign_in(account)


@pytest.fixture
def clock(shop):
    return shop.clock


@pytest.fixture
def client():
    from django.test import Client

    return Client()


@pytest.fixture
def bingo(person, shop):
    answer = person.post("/ui/connections/channels/new", {"name": "Bingo", "email_channel_id": "700"})
    assert answer.status_code == 302
    return channels.account_of_channel(shop.account.pk, 700)[0]


def test_pushed_templates_can_be_chosen_in_the_form_at_once(person, program, shop, bingo):
    program(
        "AddChannelTemplates?ChannelID=700",
        [{"TemplateID": 1, "TemplateName": "Welcome back", "AppID": "a1"}],
    )
    program("AddChannelApps?ChannelID=700", [{"AppID": "a1", "AppName": "Club"}])
    page = person.get(f"/ui/connections/{bingo.id}").content.decode()
    for words in ("Welcome back", "a1", "Club", "700"):
        assert words in page
    form = {
        "do": "refresh", "name": "Hello", "group": shop.group, "channel": "email", "connection": bingo.id,
        "connection_was": bingo.id, "project": "0", "project_was": "0", "channel_was": "email",
        "day": "2026-07-01", "time": "12:00", "control": "0",
    }  # fmt: skip
    shown = person.post("/ui/campaigns/new", form).content.decode()
    assert "Pushed templates" in shown
    assert "Welcome back" in shown
    saved = person.post(
        "/ui/campaigns/new", {**form, "do": "draft", "template": "1", "share_1": "100"}, follow=True
    )
    page = saved.content.decode()
    assert saved.status_code == 200
    assert "Welcome back" in page
    assert "Bingo (700)" in page
    program("DeleteChannelTemplates", [{"ChannelID": 700, "TemplateID": 1}])
    assert "Welcome back" not in person.post("/ui/campaigns/new", form).content.decode()


def test_its_pages_ask_no_messenger(person, shop, bingo):
    for path in (
        "/ui/connections",
        f"/ui/connections/{bingo.id}",
        f"/ui/templates?connection={bingo.id}",
        "/ui/",
    ):
        assert person.get(path).status_code == 200
    assert "Read again" not in person.get(f"/ui/templates?connection={bingo.id}").content.decode()
    assert (
        person.post("/ui/connections/channels/new", {"name": "Bingo", "email_channel_id": "701"}).status_code
        == 422
    )
    assert person.post("/ui/connections/channels/new", {"name": "Other"}).status_code == 422


def test_only_a_technical_role_makes_one(shop, sign_in):
    marketer = sign_in(accounts.get_account(shop.account.pk), "marketer")
    assert (
        marketer.post("/ui/connections/channels/new", {"name": "x", "email_channel_id": 7}).status_code == 403
    )


def test_metrics_and_interactions_are_on_the_campaigns_page(person, program, shop):
    view = shops.frozen(shop, control_percent=0)
    page = f"/ui/campaigns/{view.id}"
    assert "What was reported of it" not in person.get(page).content.decode()
    where = {"ChannelID": 504, "CampaignID": view.occurrence_id, "TemplateID": 11}
    program("UpdateCampaignMetrics", [{**where, "MetricID": 2, "MetricValue": 1234}])
    program(
        "UpdateCampaignInteractions",
        {**where, "EventID": 3, "InteractionDate": "2026-07-01", "CustomerIDs": ["c2", "c2", "c3"]},
    )
    shown = " ".join(person.get(page).content.decode().split())
    assert '<th scope="col" class="text-end">Opened</th>' in shown
    assert '<td class="text-break">Template 11</td><td class="text-end">1,234</td>' in shown
    assert (
        '<td class="text-break">Template 11</td><td>Clicked</td><td class="text-end">2</td>'
        '<td class="text-end">3</td>' in shown
    )
    assert "unsubscribed; the messenger" not in shown
    for _ in range(2):
        program("UpdateCampaignMetrics", [{**where, "MetricID": 4, "MetricValue": 1}])
    shown = " ".join(person.get(page).content.decode().split())
    assert "2 people unsubscribed; the messenger last told it at Wed 1 Jul 2026" in shown


def test_what_a_program_said_is_on_the_persons_page(person, program, shop):
    assert "As a program said it" not in person.get("/ui/customers/person/c2").content.decode()
    program("SetCustomerChannelPreference", {"ChannelID": 505, "CustomerIDs": ["c2"], "CommunicationMode": 2})
    page = person.get("/ui/customers/person/c2").content.decode()
    assert "As a program said it" in page
    assert "<dt>SMS</dt><dd>no consent" in page
