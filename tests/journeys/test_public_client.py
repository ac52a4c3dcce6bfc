"""The vendor's public client, and our conformance run, against the planner with the demonstration's data."""

import json
from datetime import date, timedelta

import httpx
import pytest
from optimove.client import Client
from tests.fixtures.days import ZONE, wait_until_listed
from tests.fixtures.processes import wait_for

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
NAMES = ["country", "orders"]
KNOWN = {"general", "model", "actions", "groups", "customers", "segments", "integrations"}


@pytest.fixture(scope="module")
def served(demo):
    """The demonstration's planner, running; its facts."""
    home, _ = demo
    home.start("planner")
    wait_for(home.url("planner") + "/ui/sign-in")
    yield home, home.facts()
    home.stop("planner")


@pytest.fixture(scope="module")
def cancelled(served):
    """A campaign that was cancelled after its list was made."""
    home, _ = served
    home.start("worker", "planner")
    now = home.business_now()
    send_at = now.replace(second=0, microsecond=0) + timedelta(minutes=3)
    lead = (send_at - now).total_seconds() - 10
    local = send_at.astimezone(ZONE)
    made = home.run(
        "campaign", "plan", "--name", "Called off", "--group", "Best and recent", "--project", "Spring win-back",
        "--template", "We miss you", "--date", f"{local:%Y-%m-%d}", "--time", f"{local:%H:%M}", "--control", "0",
        "--lead-minutes", f"{lead / 60:.3f}", "--promo", "BACK10", "--schedule", "--json",
    )  # fmt: skip
    wait_until_listed(home, made["id"])
    home.run("campaign", "cancel", str(made["id"]))
    home.stop("worker-planner")
    return made["occurrence_id"]


@pytest.fixture(scope="module")
def called():
    """Names of the functions that were called: at the end all of the client's."""
    return set()


@pytest.fixture(scope="module")
def public(served, called):
    _, facts = served
    client = Client(facts["planner_user"], facts["planner_password"], url=facts["planner_url"])
    called.add("general.login")
    return _Noting(client, called)


class _Noting:
    """The client, noting what is called."""

    def __init__(self, client, called):
        self._client, self._called = client, called

    def __getattr__(self, group):
        part = getattr(self._client, group)
        called = self._called

        class Group:
            def __getattr__(self, name):
                called.add(f"{group}.{name}")
                return getattr(part, name)

        return Group()


@pytest.fixture(scope="module")
def days(served):
    """Yesterday of the data, the campaign's day."""
    _, facts = served
    day = date.fromisoformat(facts["date"])
    return (day - timedelta(days=30)).isoformat(), day.isoformat()


def check_general(public):
    assert date.fromisoformat(public.general.get_last_data_update())
    assert public.general.register_event_listener(2, "https://www.exampleurl.com/listener") is True
    assert public.general.unregister_event_listener(2) is True


def check_model(public, days):
    attributes = public.model.get_customer_attribute_list()
    assert len(attributes) > 10 and all(attributes.values())
    stages = public.model.get_lifecycle_stage_list()
    assert len(stages) >= 4 and "New" in stages.values()
    segments = public.model.get_microsegment_list()
    assert {one["stage_id"] for one in segments.values()} <= set(stages)
    assert any(one["future_value"] > 0 for one in segments.values())
    assert public.model.get_microsegment_changers(*days, NAMES)


def check_actions_and_groups(public, served, days):
    _, facts = served
    campaign, channel, day = facts["campaign_id"], facts["channel_id"], days[1]
    details = public.actions.get_campaign_details(campaign)
    assert details["status"] == "Successful"
    assert (
        public.actions.get_executed_campaign_details(day)[campaign]["target_group_id"]
        == details["target_group_id"]
    )
    assert public.actions.get_executed_campaign_channel_details(campaign, channel)[0]["template_id"] > 0
    assert campaign in public.actions.get_executed_campaigns_by_channel(channel, day)
    assert channel in public.actions.get_execution_channels()
    actions = public.actions.get_all_actions()
    for number, name in actions.items():
        assert public.actions.get_action_name(number) == name
        assert public.actions.get_action_id(name) == number
    group = details["target_group_id"]
    assert set(public.actions.get_actions_by_target_group(group, day).values()) <= set(actions)
    assert public.actions.get_action_details_by_target_group(group, day)
    assert public.actions.get_promo_codes(day)
    assert public.actions.get_promo_codes_by_campaign(campaign)
    assert public.actions.get_promo_codes_by_target_group(group, day)
    named = public.groups.get_target_group_details()
    assert public.groups.get_target_group_name(group) == named[group]["name"]
    assert public.groups.get_target_group_id(named[group]["name"]) == group
    assert group in public.groups.get_target_groups_by_date(day)


def check_customers(public, served, days, cancelled):
    _, facts = served
    campaign, channel, day = facts["campaign_id"], facts["channel_id"], days[1]
    customers = public.customers
    details = public.actions.get_campaign_details(campaign)
    group = details["target_group_id"]
    [action] = set(public.actions.get_actions_by_target_group(group, day).values()) - {1}
    sent = customers.get_customer_send_details_by_channel(channel, campaign, NAMES)
    ids = {row["customer_id"] for row in sent}
    assert len(ids) == len(sent) > 50
    assert all(int(row["attributes"]["orders"]) > 0 for row in sent)
    assert {
        row["customer_id"] for row in customers.get_customer_send_details_by_campaign(campaign, True)
    } == ids
    assert ids <= {row["customer_id"] for row in customers.get_customers_by_action(1, action, day, NAMES)}
    assert ids <= {
        row["customer_id"] for row in customers.get_customer_actions_by_target_group(group, day, True, NAMES)
    }
    assert ids <= {
        row["customer_id"] for row in customers.get_customer_one_time_actions_by_date(day, True, NAMES)
    }
    assert ids <= {row["customer_id"] for row in customers.get_customer_action_details_by_date(day)}
    one = sorted(ids)[0]
    last = customers.get_customer_last_action_executed(one)
    assert (last["date"], last["action_id"]) == (day, action) or last["date"] > day, "or by a later journey"
    ends = (date.fromisoformat(day) + timedelta(days=details["duration"])).isoformat()
    assert ids <= {row["customer_id"] for row in customers.get_customers_action_ended_by_date(ends)}
    assert ids <= {row["customer_id"] for row in customers.get_currently_targeted_customers()}
    assert not customers.get_canceled_campaign_customers(campaign)
    called_off = customers.get_canceled_campaign_customers(cancelled)
    assert len(called_off) > 50 and {row["promo_code"] for row in called_off} == {"BACK10"}
    stage = max(public.model.get_lifecycle_stage_list())
    values = [customers.get_customer_future_values(life_cycle_stage_id=n) for n in range(1, stage + 1)]
    assert sum(map(len, values)) > 50
    for rows in (
        customers.get_target_group_changers(*days, NAMES),
        customers.get_customer_attribute_changers(*days, "stage", NAMES),
    ):
        assert len({row["customer_id"] for row in rows}) > 50


def check_interactions(served, day):
    """Functions that the public client lacks: the demonstration's recipient who unsubscribed."""
    _, facts = served
    customers = facts["planner_url"] + "/current/customers/"
    headers = {"X-API-KEY": facts["planner_api_key"]}
    on_day = {"Date": day, "ChannelID": facts["channel_id"], "EventID": 4}
    [one] = httpx.get(
        customers + "GetCampaignInteractionCustomers", params=on_day, headers=headers, trust_env=False
    ).json()
    assert one["CampaignID"] == facts["campaign_id"]
    assert one["TemplateID"] in facts["trigger_ids"]
    asked = {"CustomerID": one["CustomerID"], "StartDate": day, "EndDate": day}
    [row] = httpx.get(
        customers + "GetCustomerChannelInteractions", params=asked, headers=headers, trust_env=False
    ).json()
    assert row["ActionID"] > 1
    assert (row["Date"], row["CampaignID"], row["ChannelID"], row["TemplateID"], row["EventID"]) == (
        day, facts["campaign_id"], facts["channel_id"], one["TemplateID"], 4,
    )  # fmt: skip


def check_segments(public, days):
    segments = public.segments.get_value_segments()
    assert len(segments) >= 3
    number, name = next(iter(segments.items()))
    assert public.segments.get_value_segment_name(number) == name
    assert public.segments.get_value_segment_id(name) == number
    last = public.general.get_last_data_update()
    sizes = [len(public.segments.get_customers_by_value_segment(one, last, NAMES)) for one in segments]
    assert all(sizes)
    assert len(public.segments.get_value_segment_changers(*days, NAMES)) > 50


def check_integrations(public, served):
    _, facts = served
    channel = facts["channel_id"]
    integrations = public.integrations
    assert integrations.add_promotions({"WB23": "Welcome back"}) is True
    assert integrations.get_promotions()["WB23"] == "Welcome back"
    assert integrations.delete_promotions(["WB23"]) is True
    assert integrations.add_channel_templates(channel, [{"id": 901, "name": "Pushed"}]) is True
    assert integrations.get_channel_templates(channel)[901] == "Pushed"
    template = {"channel_id": channel, "template_id": 901}
    assert integrations.delete_channel_templates([template]) is True
    assert integrations.add_channel_apps(channel, {7: "Shop app"}) is True
    assert integrations.delete_channel_apps([{"channel_id": channel, "app_id": 7}]) is True
    metric = {
        "channel_id": channel,
        "campaign_id": facts["campaign_id"],
        "template_id": 1,
        "metric": 2,
        "value": 0,
    }
    assert integrations.update_campaign_metrics([metric]) is True


def test_login_and_51_functions(public, served, days, cancelled, called):
    """Each is called, and answers from what the demonstration left."""
    check_general(public)
    check_model(public, days)
    check_actions_and_groups(public, served, days)
    check_customers(public, served, days, cancelled)
    check_interactions(served, days[1])
    check_segments(public, days)
    check_integrations(public, served)
    client = public._client
    every = {
        f"{group}.{name}"
        for group in KNOWN
        for name in dir(type(getattr(client, group)))
        if not name.startswith("_") and callable(getattr(getattr(client, group), name))
    }
    assert len(every) == 52
    assert every - called == set()


def test_conform(served, tmp_path):
    """Nothing that is tried differs from the contract."""
    home, facts = served
    said = home.run(
        "conform", "planner", "--url", facts["planner_url"], "--day", facts["date"], "--json", "--rate", "1000",
        "--shapes", str(tmp_path / "shapes.json"), check=False,
        TANDEM_PLANNER_USER=facts["planner_user"], TANDEM_PLANNER_PASSWORD=facts["planner_password"],
    )  # fmt: skip
    wrong = {one["name"]: one["differences"] for one in said["functions"] if one["verdict"] == "differs"}
    assert wrong == {}
    assert sum(one["verdict"] == "agrees" for one in said["functions"]) > 45
    assert {flow["outcome"] for flow in said["flows"]} <= {"works", "is not known"}
    assert said["profile"] == ""
    assert json.loads((tmp_path / "shapes.json").read_text())
