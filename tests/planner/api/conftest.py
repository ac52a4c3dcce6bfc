from datetime import UTC, date, datetime
from types import SimpleNamespace

import orjson
import pytest

from tandem.contract.planner_api import CampaignDetails, ChannelDetails
from tandem.kit.clock import FrozenClock
from tandem.kit.problems import NotFound
from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.service import programs
from tandem.planner.api.functions import actions, customers, integrations
from tandem.planner.api.rate import KEY_LIMIT

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
AT = "2027-03-01 13:00:00"


class Lists:
    """Frozen lists as the execution room tells of them: (account, occurrence) -> customer ids on channel 505."""

    def __init__(self):
        self.lists, self.served, self.metrics, self.stated = {}, [], {}, {}

    def _list(self, account_id, occurrence_id):
        if (account_id, occurrence_id) not in self.lists:
            raise NotFound("There is no such campaign.")
        return self.lists[account_id, occurrence_id]

    def campaign_details(self, account_id, occurrence_id):
        size = len(self._list(account_id, occurrence_id))
        return CampaignDetails(
            campaign_id=occurrence_id, target_group_id=15, campaign_type="Test/Control", duration=14, lead_time=0,
            notes="", is_multi_channel=False, is_recurrence=False, status="Successful", error="", channels=(505,),
            test_group_size=size, control_group_size=1,
        )  # fmt: skip

    def channel_details(self, account_id, occurrence_id, channel_id):
        self._list(account_id, occurrence_id)
        return (ChannelDetails(template_id=14, scheduled_time=AT),) if channel_id == 505 else ()

    def executed_on(self, account_id, channel_id, day):
        return tuple(
            o for a, o in self.lists if a == account_id and channel_id == 505 and day == date(2027, 3, 1)
        )

    def execution_rows(self, account_id, occurrence_id, channel_id, skip, top):
        return [
            {
                "CustomerID": customer, "ActionID": 2, "ChannelID": 505, "TemplateID": 14, "TemplateName": "Welcome",
                "ScheduledTime": AT, "ScheduleTime": AT, "PromoCode": "",
            }
            for customer in self._list(account_id, occurrence_id)[skip : skip + top]
            if channel_id in (None, 505)
        ]  # fmt: skip

    def send_rows(self, account_id, occurrence_id, channel_id, skip, top):
        return [
            {"CustomerID": row["CustomerID"], "TemplateID": 14, "ScheduledTime": AT}
            for row in self.execution_rows(account_id, occurrence_id, channel_id, skip, top)
        ]

    def details_served(self, account_id, occurrence_id, channel_id, *, skip, rows, clock):
        self.served.append((occurrence_id, skip, rows))

    def metrics_arrived(self, account_id, occurrence_id, totals, *, stated, clock):
        self.metrics[occurrence_id] = totals
        self.stated[occurrence_id] = stated


@pytest.fixture
def lists(monkeypatch):
    lists = Lists()
    for module in (actions, customers, integrations):
        monkeypatch.setattr(module, "execution", lists)
    return lists


@pytest.fixture
def shop(db, lists):
    clock = FrozenClock(NOW)
    account = accounts.create_account(name="Shop", zone="Europe/Stockholm", clock=clock)
    full = accounts.create_api_credential(account.id, user_name="shop", clock=clock)
    third = accounts.create_api_credential(account.id, user_name="esp", rights="third party", clock=clock)
    lists.lists[account.id, 42] = [f"c{n}" for n in range(7)]
    KEY_LIMIT.clear()
    programs._logins._failures.clear()
    programs._failures._failures.clear()
    return SimpleNamespace(account=account, full=full, third=third, clock=clock, lists=lists)


@pytest.fixture
def call(client, shop):
    """Calls a function with the full key, unless other headers are given."""

    def run(path, body=None, *, key=None, headers=None, method=None):
        headers = {"X-API-KEY": key or shop.full.api_key} if headers is None else headers
        if body is None:
            return client.generic(method or "GET", path, headers=headers)
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return client.generic(method or "POST", path, content, "application/json", headers=headers)

    return run
