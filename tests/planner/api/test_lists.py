"""Campaigns and who is on their lists, as the vendor's API tells of them: real lists, real customers."""

from datetime import timedelta

import pytest
from tests.fixtures import shop as shops

from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.domain import TemplateShare
from tandem.planner.campaigns.offer import PromotionView
from tandem.planner.execution import service as execution
from tandem.planner.execution.service import lists
from tandem.planner.listeners.models import Event
from tandem.planner.targeting import service as targeting

DAY = "2026-07-01"
SENDABLE = sorted(f"c{n}" for n in range(1, 21) if n % 10 not in (0, 1))


@pytest.fixture
def two(stocked, in_time):
    """Two campaigns of a day: half of the first is control group, the second goes by SMS to another group."""
    codes = [PromotionView(code="WB23", name="Welcome back"), PromotionView(code="NV10", name="10 % off")]
    campaigns.add_promotions(stocked.account.pk, codes, clock=stocked.clock)
    other = targeting.save_group(
        stocked.account.pk, name="Spenders", text="total_spent is at least 20", clock=stocked.clock
    )
    first = shops.frozen(
        stocked, control_percent=50, action="Free shipping", duration_days=7, notes="Try it", tags=("vip", "july"),
        promo_codes=("WB23", "NV10"),
    )  # fmt: skip
    second = shops.frozen(
        stocked, name="Text", group_id=other.id, channel="sms", templates=(TemplateShare(13, 100),),
        control_percent=0,
    )  # fmt: skip
    return first, second


def ids(rows):
    return sorted(row["CustomerID"] for row in rows)


@pytest.fixture
def get(call):
    def run(function, query="", **more):
        answer = call(f"/current/{function}{'?' + query if query else ''}", **more)
        assert answer.status_code == 200, answer.content
        assert answer.headers["Content-Length"] == str(len(answer.content))
        return answer.json()

    return run


@pytest.fixture
def members(get, two):
    """(test, control) of the first campaign."""
    query = f"CampaignID={two[0].occurrence_id}&IncludeControlGroup=True"
    rows = get("customers/GetCustomerOneTimeActionsByCampaign", query)
    return ids(r for r in rows if r["ActionID"] != 1), ids(r for r in rows if r["ActionID"] == 1)


class TestCampaigns:
    def test_details_say_what_was_planned(self, get, two, members, stocked):
        first, second = two
        plain = {
            "TargetGroupID": stocked.group, "CampaignType": "Test/Control", "Duration": 7, "LeadTime": 0,
            "Notes": "Try it", "IsMultiChannel": False, "IsRecurrence": False, "Status": "Successful", "Error": "",
        }  # fmt: skip
        assert get("actions/GetCampaignDetails", f"CampaignID={first.occurrence_id}") == {
            **plain, "Tags": ["vip", "july"], "Channels": [{"Id": 504}],
            "TestGroupSize": len(members[0]), "ControlGroupSize": len(members[1]),
        }  # fmt: skip
        rows = get("actions/GetExecutedCampaignDetails", f"Date={DAY}")
        assert [row["CampaignID"] for row in rows] == [first.occurrence_id, second.occurrence_id]
        assert rows[0] == {"CampaignID": first.occurrence_id, **plain}
        assert get("actions/GetExecutedCampaignDetails", "Date=2026-07-02") == []

    def test_one_that_did_not_run_failed_with_its_cause(self, get, stocked, in_time):
        late = shops.scheduled(stocked)
        stocked.clock.now = late.gives_up_at + timedelta(seconds=1)
        execution.prepare_due(clock=stocked.clock)
        [row] = get("actions/GetExecutedCampaignDetails", f"Date={DAY}")
        assert (row["Status"], row["Error"]) == (
            "Failed", "It was more than its late cut-off overdue, so nothing was sent.",
        )  # fmt: skip
        found = get("actions/GetCampaignDetails", f"CampaignID={late.occurrence_id}")
        assert (found["Status"], found["TestGroupSize"]) == ("Failed", 0)
        assert get("customers/GetCustomerActionDetailsByDate", f"Date={DAY}") == []

    def test_actions_are_numbered_from_2_and_1_is_nothing(self, get, call, two):
        assert get("actions/GetAllActions") == [
            {"ActionID": 1, "ActionName": "DN"},
            {"ActionID": 2, "ActionName": "Free shipping"},
            {"ActionID": 3, "ActionName": "Text"},
        ]
        assert get("actions/GetAllActions", "$top=1&$skip=1") == [
            {"ActionID": 2, "ActionName": "Free shipping"}
        ]
        assert get("actions/GetActionName", "ActionID=1") == {"ActionName": "DN"}
        assert get("actions/GetActionID", "ActionName=free%20SHIPPING") == {"ActionID": 2}
        assert get("actions/GetActionID", "ActionName=dn") == {"ActionID": 1}
        for unknown in ("GetActionName?ActionID=99", "GetActionID?ActionName=Nothing"):
            answer = call(f"/current/actions/{unknown}")
            assert (answer.status_code, answer.content) == (404, b'"Not Found"')

    def test_channels_carry_both_spellings(self, get, stocked):
        assert get("actions/GetExecutionChannels") == [
            {"ChannelID": 504, "ChannelId": 504, "ChannelName": "Symplify Email"},
            {"ChannelID": 505, "ChannelId": 505, "ChannelName": "Symplify SMS"},
        ]

    def test_actions_and_codes_of_a_target_group(self, get, two, stocked):
        group = f"TargetGroupID={stocked.group}&Date={DAY}"
        assert get("actions/GetActionsByTargetGroup", group) == [{"RecipientGroupID": 1, "ActionID": 2}]
        assert get("actions/GetActionDetailsByTargetGroup", group) == [
            {"RecipientGroupID": 1, "ActionID": 2, "Duration": 7, "LeadTime": 0, "ChannelID": 504}
        ]
        codes = [{"RecipientGroupID": 1, "ActionID": 2, "PromoCode": code} for code in ("WB23", "NV10")]
        assert get("actions/GetPromoCodesByTargetGroup", group) == codes
        assert get("actions/GetPromoCodesByCampaign", f"CampaignID={two[0].occurrence_id}") == codes
        assert get("actions/GetPromoCodes", f"Date={DAY}") == [
            *({"TargetGroupID": stocked.group, **code} for code in codes),
            {"TargetGroupID": two[1].group_id, "RecipientGroupID": 1, "ActionID": 3, "PromoCode": ""},
        ]
        nobody = f"TargetGroupID={stocked.group}&Date=2026-07-02"
        for name in (
            "GetActionsByTargetGroup",
            "GetActionDetailsByTargetGroup",
            "GetPromoCodesByTargetGroup",
        ):
            assert get(f"actions/{name}", nobody) == []


class TestCustomers:
    def test_the_control_group_is_told_only_if_asked_for(self, get, two, members, stocked):
        test, control = members
        assert sorted(test + control) == SENDABLE
        assert test
        assert control
        campaign = f"CampaignID={two[0].occurrence_id}"
        rows = get("customers/GetCustomerOneTimeActionsByCampaign", campaign)
        assert ids(rows) == test
        assert {(row["ActionID"], row["ChannelID"], row["RecipientGroupID"]) for row in rows} == {(2, 504, 1)}
        assert get("customers/GetCustomerOneTimeActionsByCampaign", f"{campaign}&ChannelID=505") == []
        assert len(get("customers/GetCustomerOneTimeActionsByCampaign", f"{campaign}&ChannelID=0")) == len(
            test
        )
        group = f"TargetGroupID={stocked.group}&Date={DAY}&CustomerAttributes=orders"
        rows = get("customers/GetCustomerActionsByTargetGroup", group)
        assert rows[0].keys() == {"CustomerID", "ActionID", "ChannelID", "CustomerAttributes"}
        rows = get(
            "customers/GetCustomerActionsByTargetGroup",
            f"{group}&IncludeControlGroup=True&IncludeRecipientGroupID=true",
        )
        assert {(row["ActionID"], row["RecipientGroupID"]) for row in rows} == {(2, 1), (1, 0)}
        assert ids(rows) == SENDABLE
        assert {tuple(row["CustomerAttributes"]) for row in rows} == {("1",)}

    def test_a_page_runs_on_over_the_campaigns_of_a_day(self, get, two, members):
        whole = get("customers/GetCustomerOneTimeActionsByDate", f"Date={DAY}&IncludeControlGroup=True")
        by_sms = get("customers/GetCustomersByAction", f"RecipientGroupID=1&ActionID=3&Date={DAY}")
        assert len(whole) == len(SENDABLE) + len(by_sms)
        for top in (1, 5, len(SENDABLE), len(whole)):
            found, skip = [], 0
            query = f"Date={DAY}&IncludeControlGroup=True&$top={top}&$skip="
            while rows := get("customers/GetCustomerOneTimeActionsByDate", query + str(skip)):
                assert len(rows) <= top
                found += rows
                skip += len(rows)
            assert found == whole
        rows = get("customers/GetCustomerActionDetailsByDate", f"Date={DAY}")
        assert ids(rows) == sorted(members[0] + ids(by_sms))
        assert {row["RecipientGroupID"] for row in rows} == {1}

    @pytest.mark.parametrize("version", ["current", "v3.0"])
    def test_an_answer_is_the_same_of_however_many_pieces(self, call, two, version, monkeypatch):
        query = f"Date={DAY}&IncludeControlGroup=True&CustomerAttributes=total_spent;stage"
        path = f"/{version}/customers/GetCustomerOneTimeActionsByDate?{query}"
        whole = call(path).content
        assert whole.count(b"CustomerAttribute") > len(SENDABLE)
        for size in (1, 3):
            monkeypatch.setattr(lists, "CHUNK", size)
            assert call(path).content == whole

    def test_by_action(self, get, two, members):
        name = "customers/GetCustomersByAction"
        assert ids(get(name, f"RecipientGroupID=1&ActionID=2&Date={DAY}")) == members[0]
        assert ids(get(name, f"RecipientGroupID=1&ActionID=1&Date={DAY}")) == members[1]
        assert get(name, f"RecipientGroupID=2&ActionID=2&Date={DAY}") == []
        assert get(name, f"RecipientGroupID=1&ActionID=99&Date={DAY}") == []

    def test_send_details_of_a_campaign(self, get, two, members):
        query = f"CampaignID={two[0].occurrence_id}"
        rows = get("customers/GetCustomerSendDetailsByCampaign", query)
        assert rows[0] == {
            "CustomerID": rows[0]["CustomerID"], "ChannelID": 504, "ScheduledTime": "2026-07-01 12:00:00",
            "SendID": "",
        }  # fmt: skip
        rows = get("customers/GetCustomerSendDetailsByCampaign", f"{query}&IncludeTemplateIDs=True")
        assert ids(rows) == members[0]
        assert {row["TemplateID"] for row in rows} == {11}

    def test_promo_codes_stand_in_the_execution_details(self, get, two, members):
        rows = get("customers/GetCustomerExecutionDetailsByCampaign", f"CampaignID={two[0].occurrence_id}")
        assert {(row["ActionID"], row["PromoCode"]) for row in rows} == {(2, "WB23,NV10")}

    def test_durations_end(self, get, two, members, stocked):
        current, ended = "customers/GetCurrentlyTargetedCustomers", "customers/GetCustomersActionEndedByDate"
        rows = [row for row in get(current) if row["CampaignID"] == two[0].occurrence_id]
        assert ids(rows) == members[0]
        assert (rows[0]["ActionID"], rows[0]["StartDate"], rows[0]["EndDate"]) == (2, DAY, "2026-07-08")
        stocked.clock.move(days=7)
        assert {row["CampaignID"] for row in get(current)} == {two[1].occurrence_id}
        rows = get(ended, "Date=2026-07-08")
        assert ids(rows) == members[0]
        assert {key: rows[0][key] for key in rows[0] if key != "CustomerID"} == {
            "ActionID": 2, "ChannelID": 504, "Date": DAY, "Duration": 7, "TargetGroupID": stocked.group,
        }  # fmt: skip
        assert get(ended, "Date=2026-07-07") == []
        stocked.clock.move(days=7)
        assert get(current) == []

    def test_the_last_action_of_a_customer(self, get, call, two, members, stocked):
        name = "customers/GetCustomerLastActionExecuted"
        by_sms = ids(get("customers/GetCustomersByAction", f"RecipientGroupID=1&ActionID=3&Date={DAY}"))
        for customer in SENDABLE:
            wanted = 3 if customer in by_sms else 2 if customer in members[0] else 1
            found = get(name, f"CustomerID={customer}")
            assert found == {
                "ActionID": wanted, "Date": DAY, "Duration": 14 if wanted == 3 else 7,
                "TargetGroupID": two[1].group_id if wanted == 3 else stocked.group,
            }  # fmt: skip
        for nobody in ("c10", "c4711"):
            assert call(f"/current/{name}?CustomerID={nobody}").status_code == 404


class TestPromotions:
    PATH = "/current/integrations/"

    def test_they_are_added_renamed_and_deleted(self, get, call, shop):
        both = [
            {"PromoCode": "WB23", "PromotionName": "Welcome back"},
            {"promocode": "NV10", "promotionname": "Ten"},
        ]
        answer = call(self.PATH + "AddPromotions", both)
        assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")
        call(self.PATH + "AddPromotions", [{"PromoCode": "NV10", "PromotionName": "10 % off"}])
        assert get("integrations/GetPromotions") == [
            {"PromoCode": "NV10", "PromotionName": "10 % off"}, {"PromoCode": "WB23", "PromotionName": "Welcome back"},
        ]  # fmt: skip
        assert call(self.PATH + "DeletePromotions", [{"PromoCode": "NV10"}]).status_code == 200
        assert [row["PromoCode"] for row in get("integrations/GetPromotions")] == ["WB23"]

    @pytest.mark.parametrize(
        "body",
        [
            {}, [{}], [{"PromoCode": "A"}], [{"PromoCode": "A", "PromotionName": ""}],
            [{"PromoCode": "A,B", "PromotionName": "x"}], [{"PromoCode": "A B", "PromotionName": "x"}],
            [{"PromoCode": "A", "PromotionName": "x"}] * 101, [{"PromoCode": "A" * 101, "PromotionName": "x"}],
        ],
    )  # fmt: skip
    def test_bad_ones_leave_nothing(self, get, call, body):
        good = [{"PromoCode": "GOOD", "PromotionName": "x"}]
        bad = good + body if isinstance(body, list) and len(body) < 100 else body
        assert call(self.PATH + "AddPromotions", bad).status_code == 400
        assert get("integrations/GetPromotions") == []

    def test_one_still_to_be_offered_stays(self, get, call, stocked):
        call(self.PATH + "AddPromotions", [{"PromoCode": "WB23", "PromotionName": "Welcome back"}])
        campaigns.plan_campaign(stocked.account.pk, stocked.plan(promo_codes=("WB23",)), clock=stocked.clock)
        answer = call(self.PATH + "DeletePromotions", [{"PromoCode": "WB23"}])
        assert (answer.status_code, answer.json()) == (400, "We miss you is to offer WB23.")
        assert len(get("integrations/GetPromotions")) == 1


class TestConditional:
    UPDATE = "/current/integrations/UpdateCustomerPromotionStatus"

    @pytest.fixture
    def waiting(self, stocked, in_time):
        return shops.frozen(stocked, clearance_minutes=5, control_percent=0, action="Bonus")

    def say(self, call, campaign, **statuses):
        said = [{"CustomerID": customer, "Status": status} for customer, status in statuses.items()]
        body = {
            "TimeStamp": "2026-07-01 11:50:00",
            "CampaignID": campaign.occurrence_id,
            "PromosUpdated": said,
        }
        return call(self.UPDATE, body)

    def test_the_whole_flow(self, get, call, shop, stocked, waiting):
        campaign = f"CampaignID={waiting.occurrence_id}"
        assert waiting.state == "waiting for clearance"
        assert self.events(waiting) == {5}
        promised = get("customers/GetProcessedCampaignCustomers", campaign)
        assert ids(promised) == SENDABLE
        assert {(row["ActionID"], row["PromoCode"]) for row in promised} == {(2, "")}
        assert get("actions/GetCampaignDetails", campaign)["Status"] == "Not Run"
        assert get("actions/GetExecutedCampaignsByChannel", f"ChannelID=504&Date={DAY}") == []
        assert get("customers/GetCustomerExecutionDetailsByCampaign", campaign) == []
        assert get("actions/GetExecutedCampaignChannelDetails", f"{campaign}&ChannelID=504") == []
        assert self.say(call, waiting, c2=True, c3=True, c4=False, c999=True).status_code == 200
        assert self.say(call, waiting, c3=False, c5="true").status_code == 200
        stocked.clock.now = waiting.clearance_at
        assert self.say(call, waiting, c6=True).json().startswith("Clearance of campaign")
        assert execution.clear_due(clock=stocked.clock) == 1
        assert execution.clear_due(clock=stocked.clock) == 0
        assert self.events(waiting) == {1, 5, 13}
        rows = get("customers/GetCustomerExecutionDetailsByCampaign", campaign)
        assert ids(rows) == ["c2", "c5"]
        details = get("actions/GetCampaignDetails", campaign)
        assert (details["Status"], details["TestGroupSize"]) == ("Successful", 2)
        outcome = execution.outcome(shop.account.id, waiting.occurrence_id)
        assert outcome.skipped == {"no contact": 2, "no consent": 2, "not cleared": 14}
        assert outcome.listed == outcome.control + outcome.uncertain + sum(outcome.skipped.values())
        names = [step.name for step in execution.timeline(shop.account.id, waiting.occurrence_id).steps]
        assert names[:3] == ["List made", "Cleared", "Messenger told"]

    @staticmethod
    def events(campaign):
        return set(
            Event.objects.filter(occurrence_id=campaign.occurrence_id).values_list("event_type", flat=True)
        )

    def test_nobody_cleared_means_nobody_sent_to(self, get, shop, stocked, waiting):
        stocked.clock.now = waiting.clearance_at
        execution.clear_due(clock=stocked.clock)
        found = campaigns.get_campaign(shop.account.id, waiting.id)
        assert (found.state, found.cause) == (
            "not run", "Nobody was cleared by 11:55, so nothing was sent.",
        )  # fmt: skip
        assert self.events(waiting) == {5}
        assert execution.outcome(shop.account.id, waiting.occurrence_id).skipped["not cleared"] == 16

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"CampaignID": 43_000_000}, 404), ({"CampaignID": None}, 400), ({"PromosUpdated": None}, 400),
            ({"PromosUpdated": [{}]}, 400), ({"PromosUpdated": [{"CustomerID": "c2"}]}, 400),
            ({"PromosUpdated": {}}, 400), ({"PromosUpdated": [{"CustomerID": "c2", "Status": True}] * 10_001}, 400),
        ],
    )  # fmt: skip
    def test_bad_updates_clear_nobody(self, call, waiting, shop, stocked, change, status):
        body = {
            "CampaignID": waiting.occurrence_id,
            "PromosUpdated": [{"CustomerID": "c2", "Status": True}, {"CustomerID": "c3", "Status": True}],
        }
        assert call(self.UPDATE, {**body, **change}).status_code == status
        stocked.clock.now = waiting.clearance_at
        execution.clear_due(clock=stocked.clock)
        assert campaigns.get_campaign(shop.account.id, waiting.id).state == "not run"

    def test_ten_thousand_long_ids_fit_into_one_call(self, call, waiting):
        said = {f"{n:06}{'x' * 150}": True for n in range(9_999)}
        assert self.say(call, waiting, **said, c2=True).status_code == 200

    def test_only_a_conditional_campaign_is_cleared(self, call, listed, in_time):
        answer = self.say(call, listed, c2=True)
        assert (answer.status_code, answer.json()) == (
            400, f"Campaign {listed.occurrence_id} is waiting for messenger: it does not wait for clearance.",
        )  # fmt: skip


class TestCancelled:
    @pytest.mark.parametrize("conditional", [True, False])
    def test_customers_of_a_cancelled_campaign_are_told_for_two_hours(
        self, get, stocked, in_time, conditional
    ):
        campaigns.add_promotions(
            stocked.account.pk, [PromotionView(code="A7Bonus", name="Bonus")], clock=stocked.clock
        )
        view = shops.frozen(
            stocked, control_percent=0, promo_codes=("A7Bonus",), clearance_minutes=5 if conditional else None
        )
        name, query = "customers/GetCanceledCampaignCustomers", f"CampaignID={view.occurrence_id}"
        assert get(name, query) == []
        campaigns.cancel_campaign(stocked.account.pk, view.id, clock=stocked.clock)
        [event] = Event.objects.filter(occurrence_id=view.occurrence_id, cancelled=False)
        assert (event.event_type, event.channel_id) == (4, 504)
        rows = get(name, query)
        assert ids(rows) == SENDABLE
        assert {(row["ActionID"], row["PromoCode"]) for row in rows} == {(2, "A7Bonus")}
        assert len(get(name, query + "&$top=5&$skip=14")) == 2
        assert get("customers/GetProcessedCampaignCustomers", query) == []
        assert get("customers/GetCustomerExecutionDetailsByCampaign", query) == []
        stocked.clock.move(hours=2)
        assert get(name, query) == []

    def test_one_cancelled_before_its_list_has_no_customers_and_no_event(self, get, stocked, in_time):
        view = shops.scheduled(stocked)
        campaigns.cancel_campaign(stocked.account.pk, view.id, clock=stocked.clock)
        assert get("customers/GetCanceledCampaignCustomers", f"CampaignID={view.occurrence_id}") == []
        assert not Event.objects.filter(occurrence_id=view.occurrence_id).exists()


class TestDay:
    def test_event_2_when_all_of_the_day_are_processed(self, stocked):
        first = shops.frozen(stocked)
        second = shops.scheduled(stocked, time=shops.time(15))
        tomorrow = shops.scheduled(stocked, day=shops.DAY + timedelta(days=1))
        assert execution.tell_days(clock=stocked.clock) == 0
        stocked.clock.now = second.lock_at
        execution.make_list(stocked.account.pk, second.occurrence_id, clock=stocked.clock)
        assert [execution.tell_days(clock=stocked.clock) for _ in range(2)] == [1, 0]
        shops.frozen(stocked, time=shops.time(16))
        assert [execution.tell_days(clock=stocked.clock) for _ in range(2)] == [1, 0]
        stocked.clock.now = tomorrow.lock_at
        execution.make_list(stocked.account.pk, tomorrow.occurrence_id, clock=stocked.clock)
        assert [execution.tell_days(clock=stocked.clock) for _ in range(2)] == [1, 0]
        events = Event.objects.filter(account_id=stocked.account.pk, event_type=2)
        assert events.count() == 3
        assert first.state == "waiting for messenger"
