"""The public client of the vendor's API, and our own, against a running planner."""

from datetime import date

import pytest
from optimove.client import Client
from tests.fixtures.reading import whole_list

from tandem.clients.planner import PlannerClient, PlannerKnowsNot, PlannerRefusedLogin
from tandem.contract.planner_api import Metric
from tandem.kit.http import Http
from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.service import programs
from tandem.planner.campaigns import service as campaigns
from tandem.planner.listeners import service as listeners
from tandem.planner.results import service as results

SENDABLE = sorted(f"c{n}" for n in range(1, 21) if n % 10 not in (0, 1))
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def public(live_server, shop, listed):
    return Client("shop", shop.full.password, url=live_server.url)


@pytest.fixture
def ours(live_server, shop):
    http = Http(allow_private=(live_server.url.removeprefix("http://").replace("localhost", "127.0.0.1"),))
    yield lambda **named: PlannerClient(live_server.url, http=http, page=3, **named)
    http.close()


class TestPublicClient:
    def test_general(self, public, shop):
        assert len(public.token) == 36
        assert public.general.get_last_data_update() == "2026-06-30"
        assert public.general.register_event_listener(13, "https://www.exampleurl.com/eventlistener6") is True
        [listener] = listeners.listeners(shop.account.id)
        assert (listener.url, listener.channel_id) == ("https://www.exampleurl.com/eventlistener6", None)
        assert public.general.unregister_event_listener(13) is True
        assert listeners.listeners(shop.account.id) == ()

    def test_actions(self, public, listed, stocked):
        campaign, group, day = listed.occurrence_id, stocked.group, "2026-07-01"
        found = {
            "target_group_id": group,
            "duration": 14,
            "lead_time": 0,
            "status": "Successful",
            "error": "",
        }
        assert found.items() <= public.actions.get_campaign_details(campaign).items()
        assert found.items() <= public.actions.get_executed_campaign_details(day)[campaign].items()
        [row] = public.actions.get_executed_campaign_channel_details(campaign, 504)
        assert (row["template_id"], row["scheduled_time"]) == (11, "2026-07-01 12:00:00")
        assert list(public.actions.get_executed_campaigns_by_channel(504, day)) == [campaign]
        assert public.actions.get_execution_channels() == {504: "Symplify Email", 505: "Symplify SMS"}
        assert public.actions.get_all_actions() == {1: "DN", 2: "We miss you"}
        assert public.actions.get_action_name(2) == "We miss you"
        assert public.actions.get_action_id("we miss YOU") == 2
        assert public.actions.get_actions_by_target_group(group, day) == {1: 2}
        [row] = public.actions.get_action_details_by_target_group(group, day)
        assert (row["action_id"], row["duration"], row["lead_time"], row["channel_id"]) == (2, 14, 0, 504)
        for rows in (
            public.actions.get_promo_codes(day),
            public.actions.get_promo_codes_by_campaign(campaign),
            public.actions.get_promo_codes_by_target_group(group, day),
        ):
            assert [(row["action_id"], row["promo_code"]) for row in rows] == [(2, "")]

    def test_customers(self, public, listed, stocked):
        campaign, group, day = listed.occurrence_id, stocked.group, "2026-07-01"
        customers, names = public.customers, ["orders", "email"]
        rows = customers.get_customer_send_details_by_channel(504, campaign, names)
        assert sorted(row["customer_id"] for row in rows) == SENDABLE
        for rows in (
            customers.get_customer_actions_by_target_group(group, day, True, names),
            customers.get_customer_one_time_actions_by_date(day, True, names),
        ):
            got = sorted((r["customer_id"], r["action_id"], r["attributes"]["orders"]) for r in rows)
            assert got == [(customer, 2, "1") for customer in SENDABLE]
        rows = customers.get_customer_send_details_by_campaign(campaign, True)
        assert sorted(row["customer_id"] for row in rows) == SENDABLE
        rows = customers.get_customers_by_action(1, 2, day, names)
        assert sorted(row["customer_id"] for row in rows) == SENDABLE
        rows = customers.get_customer_action_details_by_date(day)
        assert sorted(row["customer_id"] for row in rows) == SENDABLE
        rows = customers.get_customers_action_ended_by_date("2026-07-15")
        assert sorted(row["customer_id"] for row in rows) == SENDABLE
        assert customers.get_customer_last_action_executed("c2") == {
            "customer_id": "c2", "action_id": 2, "date": day, "duration": 14, "target_group_id": group,
        }  # fmt: skip
        assert customers.get_canceled_campaign_customers(campaign) == []
        assert customers.get_currently_targeted_customers() == []

    def test_integrations(self, public, shop, listed):
        metric = {
            "channel_id": 504,
            "campaign_id": listed.occurrence_id,
            "template_id": 11,
            "metric": 0,
            "value": 925,
        }
        assert public.integrations.update_campaign_metrics([metric]) is True
        [found] = results.metrics_of(shop.account.id, listed.occurrence_id)
        assert found.total == 925

    def test_promotions(self, public):
        assert public.integrations.add_promotions({"WB23": "Welcome back", "NV10": "10 % off"}) is True
        assert public.integrations.get_promotions() == {"WB23": "Welcome back", "NV10": "10 % off"}
        assert public.integrations.delete_promotions(["WB23"]) is True
        assert public.integrations.get_promotions() == {"NV10": "10 % off"}

    def test_wrong_password(self, live_server, shop):
        with pytest.raises(Exception, match="Unauthorized"):
            Client("shop", "wrong", url=live_server.url)


class TestOurClient:
    @pytest.mark.parametrize("way", ["password", "key"])
    def test_the_whole_flow(self, ours, shop, listed, way):
        ways = {
            "password": {"user": "esp", "password": shop.third.password},
            "key": {"api_key": shop.third.api_key},
        }
        client = ours(**ways[way])
        client.login()
        client.register_event_listener(13, "https://host.example/listener", 504)
        assert [found.channel_id for found in client.registered_event_listeners()] == [504]
        campaign = listed.occurrence_id
        assert client.executed_campaigns_by_channel(504, date(2026, 7, 1)) == (campaign,)
        read = whole_list(client, campaign, 504)
        assert (sorted(row.customer_id for row in read.rows), read.expected) == (SENDABLE, 16)
        client.update_campaign_metrics(
            [Metric(channel_id=504, campaign_id=campaign, template_id=11, metric_id=0, value=16)]
        )
        assert campaigns.get_campaign(shop.account.id, listed.id).state == "sent"
        client.unregister_event_listener(13, 504)
        assert client.get_last_data_update() == date(2026, 6, 30)

    def test_a_disabled_credential_is_told(self, ours, shop):
        client = ours(user="shop", password=shop.full.password)
        client.login()
        programs._logins._failures.clear()
        accounts.disable_credential(
            shop.account.id, credential_id=shop.full.id, actor="test", clock=shop.clock
        )
        with pytest.raises(PlannerRefusedLogin):
            client.campaign_details(42)

    def test_unknown_campaign(self, ours, shop):
        with pytest.raises(PlannerKnowsNot):
            whole_list(ours(api_key=shop.full.api_key), 4711, 505)
