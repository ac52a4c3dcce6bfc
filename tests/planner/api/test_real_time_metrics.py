"""Totals of a real-time campaign come under its GUID; our choice, see docs/how-to/real-time.md."""

from decimal import Decimal

import pytest
from tests.fixtures import shop as shops

from tandem.kit import clock as clocks
from tandem.planner.accounts import service as accounts
from tandem.planner.realtime import service
from tandem.planner.realtime.domain import RealTimePlan

pytestmark = pytest.mark.django_db
ADDRESS = "/current/integrations/UpdateCampaignMetrics"


@pytest.fixture
def house(monkeypatch):
    built = shops.small()
    monkeypatch.setattr(clocks, "from_environment", lambda: built.clock)
    plan = RealTimePlan(
        name="Thanks", event_name="purchase", channel="email", channel_account_id=built.connection,
        project_id=1, template_id=11, control_percent=Decimal(0),
    )  # fmt: skip
    built.campaign = service.save_campaign(built.account.pk, plan, clock=built.clock)
    built.key = accounts.create_api_credential(built.account.pk, clock=built.clock).api_key
    return built


def post(client, house, key, *values, **headers):
    rows = [
        {"ChannelID": 504, "CampaignID": key, "TemplateID": 11, "MetricID": metric, "MetricValue": value}
        for metric, value in values
    ]
    return client.post(ADDRESS, rows, "application/json", headers={"X-API-KEY": house.key, **headers})


def reported(house):
    return service.get_campaign(house.account.pk, house.campaign.id).reported


def test_totals_are_added_whatever_the_case_of_the_guid(client, house):
    assert post(client, house, house.campaign.key, (0, 3), (5, 1)).status_code == 200
    assert post(client, house, house.campaign.key.upper(), (0, 2)).status_code == 200
    assert reported(house) == {0: 5, 5: 1}


@pytest.mark.parametrize(
    ("key", "status"),
    [("00000000-0000-0000-0000-000000000000", 404), ("x" * 40, 400), ("abc", 400), ("987654", 404)],
)
def test_a_guid_of_nothing_is_refused_and_nothing_is_added(client, house, key, status):
    rows = post(client, house, key, (0, 3))
    assert rows.status_code == status
    assert reported(house) == {}


def test_another_accounts_campaign_is_not_there(client, house):
    other = accounts.create_account(name="Other", zone="UTC", clock=house.clock)
    house.key = accounts.create_api_credential(other.id, clock=house.clock).api_key
    assert post(client, house, house.campaign.key, (0, 3)).status_code == 404
    assert reported(house) == {}
