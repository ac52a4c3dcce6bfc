"""The public client of the vendor's API, and our own, against a running planner."""

from datetime import date

import pytest
from optimove.client import Client

from tandem.clients.planner import PlannerClient, PlannerKnowsNot, PlannerRefusedLogin
from tandem.contract.planner_api import Metric
from tandem.kit.http import Http
from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.service import programs
from tandem.planner.listeners import service as listeners
from tandem.planner.results import service as results

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def public(live_server, shop):
    return Client("shop", shop.full.password, url=live_server.url)


@pytest.fixture
def ours(live_server, shop):
    http = Http(allow_private=(live_server.url.removeprefix("http://").replace("localhost", "127.0.0.1"),))
    yield lambda **named: PlannerClient(live_server.url, http=http, page=3, **named)
    http.close()


class TestPublicClient:
    def test_general(self, public, shop):
        assert len(public.token) == 36
        assert public.general.get_last_data_update() == ""
        assert public.general.register_event_listener(13, "https://www.exampleurl.com/eventlistener6") is True
        [listener] = listeners.listeners(shop.account.id)
        assert (listener.url, listener.channel_id) == ("https://www.exampleurl.com/eventlistener6", None)
        assert public.general.unregister_event_listener(13) is True
        assert listeners.listeners(shop.account.id) == ()

    def test_actions(self, public):
        details = public.actions.get_campaign_details(42)
        assert details["target_group_id"] == 15
        rows = public.actions.get_executed_campaign_channel_details(42, 505)
        assert rows
        assert list(public.actions.get_executed_campaigns_by_channel(505, "2027-03-01")) == [42]

    def test_customers(self, public, monkeypatch):
        from tandem.planner.customers import service

        monkeypatch.setattr(service, "attributes_for", lambda account, ids, names: {}, raising=False)
        rows = public.customers.get_customer_send_details_by_channel(505, 42, ["Alias", "Country"])
        assert [row["customer_id"] for row in rows] == [f"c{n}" for n in range(7)]

    def test_integrations(self, public, shop):
        metric = {
            "channel_id": 505,
            "campaign_id": 42,
            "template_id": 14,
            "metric": 0,
            "value": 925,
        }
        assert public.integrations.update_campaign_metrics([metric]) is True
        [found] = results.metrics_of(shop.account.id, 42)
        assert found.total == 925

    def test_wrong_password(self, live_server, shop):
        with pytest.raises(Exception, match="Unauthorized"):
            Client("shop", "wrong", url=live_server.url)


class TestOurClient:
    @pytest.mark.parametrize("way", ["password", "key"])
    def test_the_whole_flow(self, ours, shop, way):
        ways = {
            "password": {"user": "esp", "password": shop.third.password},
            "key": {"api_key": shop.third.api_key},
        }
        client = ours(**ways[way])
        client.login()
        client.register_event_listener(13, "https://host.example/listener", 505)
        assert [found.channel_id for found in client.registered_event_listeners()] == [505]
        assert client.executed_campaigns_by_channel(505, date(2027, 3, 1)) == (42,)
        read = client.complete_read(42, 505)
        assert ([row.customer_id for row in read.rows], read.expected) == ([f"c{n}" for n in range(7)], 7)
        client.update_campaign_metrics(
            [Metric(channel_id=505, campaign_id=42, template_id=14, metric_id=0, value=7)]
        )
        assert shop.lists.metrics == {42: {0: 7}}
        client.unregister_event_listener(13, 505)
        assert client.get_last_data_update() is None

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
            ours(api_key=shop.full.api_key).complete_read(4711, 505)
