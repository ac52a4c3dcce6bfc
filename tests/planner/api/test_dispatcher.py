import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.models import LoginToken
from tandem.planner.api import listing
from tandem.planner.api.table import FUNCTIONS
from tandem.planner.campaigns import service as campaigns
from tandem.planner.execution import service as execution
from tandem.planner.listeners.models import Registration
from tandem.planner.results import service as results

DETAILS = "/current/customers/GetCustomerExecutionDetailsByCampaign?CampaignID="
SENDABLE = sorted(f"c{n}" for n in range(1, 21) if n % 10 not in (0, 1))


class TestLogin:
    @pytest.mark.parametrize(
        ("path", "names"),
        [
            ("/current/general/login", ("Username", "Password")),
            ("/v3.0/General/Login", ("UserName", "PASSWORD")),
            ("/general/login", ("username", "password")),
        ],
    )
    def test_answers_a_guid_as_a_json_string(self, call, shop, path, names):
        answer = call(path, {names[0]: "shop", names[1]: shop.full.password}, headers={})
        assert answer.status_code == 200
        assert re.fullmatch(rb'"[0-9a-f-]{36}"', answer.content)
        assert answer.headers["Content-Length"] == "38"
        token = answer.json()
        assert (
            call("/current/general/getlastdataupdate", headers={"authorization-token": token}).status_code
            == 200
        )
        assert token not in str(LoginToken.objects.values_list())

    def test_the_old_get(self, call, shop):
        answer = call(f"/v1.6/general/login?username=shop&password={shop.full.password}", headers={})
        assert len(answer.json()) == 36

    def test_wrong_password(self, call, shop):
        answer = call("/current/general/login", {"Username": "shop", "Password": "x"}, headers={})
        assert (answer.status_code, answer.content) == (401, b'"Unauthorized"')

    @pytest.mark.parametrize(
        "body", [{}, {"Username": "shop"}, {"Username": 1, "Password": 2}, b"{", b"[]", b'"x"']
    )
    def test_missing_field(self, call, body):
        assert call("/current/general/login", body, headers={}).status_code == 400

    def test_more_than_one_a_second(self, call, shop):
        body = {"Username": "shop", "Password": shop.full.password}
        assert [call("/current/general/login", body, headers={}).status_code for _ in range(2)] == [200, 429]

    def test_expired_is_plain_text(self, call, shop):
        body = {"Username": "shop", "Password": shop.full.password}
        token = call("/current/general/login", body, headers={}).json()
        LoginToken.objects.update(used_at=timezone.now() - timedelta(minutes=19, seconds=50))
        assert (
            call("/current/general/GetLastDataUpdate", headers={"Authorization-Token": token}).status_code
            == 200
        )
        LoginToken.objects.update(used_at=timezone.now() - timedelta(minutes=20, seconds=1))
        answer = call("/current/general/GetLastDataUpdate", headers={"Authorization-Token": token})
        assert (answer.status_code, answer.content) == (403, b"Authorization-Token Expired")
        assert answer.headers["Content-Type"].startswith("text/plain")


class TestDispatcher:
    @pytest.mark.parametrize("headers", [{}, {"X-API-KEY": "wrong"}, {"Authorization-Token": "wrong"}])
    def test_no_or_wrong_credential(self, call, headers):
        answer = call(DETAILS + "42", headers=headers)
        assert (answer.status_code, answer.content) == (401, b'"Unauthorized"')

    @pytest.mark.parametrize(
        "path",
        ["/x", "/current/general/Nothing", "/current/model/Nothing/c1/Attributes", "/v3/general/login"],
    )
    def test_what_is_not_offered(self, call, path):
        answer = call(path)
        assert (answer.status_code, answer.content) == (404, b'"Not Found"')

    @pytest.mark.parametrize(
        "path", ["/current/general/GetLastDataUpdate%0A", "/x%0Ay", "/api/v1/customers/a%0Ab/c"]
    )
    def test_a_line_break_in_an_address_is_answered_as_json(self, call, path):
        answer = call(path)
        assert (answer.status_code, answer.headers["Content-Type"].split(";")[0][-4:]) == (404, "json")

    def test_wrong_method(self, call):
        answer = call("/current/general/RegisterEventListener")
        assert (answer.status_code, answer.content) == (405, b'"Method Not Allowed"')
        assert call(DETAILS + "42", method="HEAD").status_code == 405

    @pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
    def test_a_third_party_may_call_its_functions_alone(self, call, shop, function):
        answer = call(
            f"/current/{function.group}/{function.path or function.name}",
            key=shop.third.api_key,
            method=function.method,
        )
        assert (answer.status_code == 403) is not function.third_party

    @pytest.mark.parametrize(
        ("version", "path"),
        [
            ("/current", "/actions/GetCampaignDetails?CampaignID="),
            ("/v1.6", "/ACTIONS/getcampaigndetails?campaignid="),
            ("/v3.0", "/actions/GetCampaignDetails?CampaignID="),
            ("/V12.34", "/Actions/GETCAMPAIGNDETAILS?CAMPAIGNID="),
            ("", "/actions/GetCampaignDetails?CampaignID="),
        ],
    )
    def test_version_and_case(self, call, stocked, listed, version, path):
        found = call(f"{version}{path}{listed.occurrence_id}").json()
        assert found["TargetGroupID"] == stocked.group
        assert ("Channels" in found) == (not version.lower().startswith("/v"))

    def test_rate_limit_of_a_key(self, call):
        codes = [call("/current/general/GetLastDataUpdate").status_code for _ in range(51)]
        assert codes == [200] * 50 + [429]
        answer = call("/current/general/GetLastDataUpdate")
        assert answer.json()["error"] == "Too Many Requests"
        assert int(answer.headers["Retry-After"]) in range(1, 11)

    def test_a_fault_of_ours_says_nothing_of_itself(self, call, listed, monkeypatch):
        monkeypatch.setattr(listing.execution, "pages", lambda *a, **k: 1 / 0)
        answer = call(f"{DETAILS}{listed.occurrence_id}")
        assert (answer.status_code, answer.content) == (500, b'"Internal Server Error"')


class TestDetails:
    def test_rows_and_paging(self, call, stocked, listed):
        details = f"{DETAILS}{listed.occurrence_id}"
        answer = call(details)
        rows = answer.json()
        [row] = [row for row in rows if row["CustomerID"] == "c2"]
        assert row == {
            "CustomerID": "c2", "ActionID": 2, "ChannelID": 504, "TemplateID": 11, "TemplateName": "Template 11",
            "ScheduledTime": "2026-07-01 12:00:00", "ScheduleTime": "2026-07-01 12:00:00", "PromoCode": "",
        }  # fmt: skip
        assert answer.headers["Content-Length"] == str(len(answer.content))
        assert sorted(row["CustomerID"] for row in rows) == SENDABLE
        assert call(details + "&%24top=3&%24skip=14").json() == rows[14:]
        assert call(details + "&$skip=16").content == b"[]"
        [step] = [
            step
            for step in execution.timeline(stocked.account.pk, listed.occurrence_id).steps
            if step.name == "Messenger fetched details"
        ]
        assert (step.state, step.detail) == ("done", "16 of 16 customers.")

    @pytest.mark.parametrize("size", [1, 3, 7, 16, 17])
    def test_pages_of_any_size_hold_everybody_once(self, call, listed, monkeypatch, size):
        monkeypatch.setattr("tandem.planner.execution.service.lists.CHUNK", 5)
        found, skip = [], 0
        while rows := call(f"{DETAILS}{listed.occurrence_id}&$top={size}&$skip={skip}").json():
            found += [row["CustomerID"] for row in rows]
            skip += len(rows)
        assert sorted(found) == SENDABLE

    def test_rubbish_is_ignored(self, call, listed):
        rubbish = ["top=2", "$top=x", "$top=-1", "$skip=-3", "top=0xc000&skip=1", "$top=2000000"]
        for words in rubbish:
            assert len(call(f"{DETAILS}{listed.occurrence_id}&{words}").json()) == 16

    def test_a_third_party_names_its_channel(self, call, shop, listed):
        details = f"{DETAILS}{listed.occurrence_id}"
        answer = call(details, key=shop.third.api_key)
        assert (answer.status_code, answer.content) == (400, b'"Missing ChannelID"')
        assert len(call(details + "&ChannelID=504", key=shop.third.api_key).json()) == 16
        assert call(details + "&ChannelID=505", key=shop.third.api_key).content == b"[]"

    @pytest.mark.parametrize(
        "query", ["", "?CampaignID=", "?CampaignID=x", "?CampaignID=-1", "?CampaignID=99999999999999999999"]
    )
    def test_bad_ids(self, call, query):
        assert call(f"/current/customers/GetCustomerExecutionDetailsByCampaign{query}").status_code == 400

    def test_another_accounts_campaign_is_not_found(self, call, shop, listed):
        other = accounts.create_account(name="Other", zone="Europe/Stockholm", clock=shop.clock)
        key = accounts.create_api_credential(other.id, user_name="other", clock=shop.clock).api_key
        campaign = listed.occurrence_id
        for path in (f"{DETAILS}{campaign}", f"/current/actions/GetCampaignDetails?CampaignID={campaign}"):
            answer = call(path, key=key)
            assert (answer.status_code, answer.content) == (404, b'"Not Found"')

    @pytest.mark.parametrize(
        ("version", "key", "value"),
        [
            ("current", "CustomerAttributes", ["1", None, "12.00"]),
            ("v3.0", "CustomerAttribute", "1||12.00"),
            ("v1.6", "CustomerAttribute", "1||12.00"),
        ],
    )
    def test_attributes_by_version(self, call, listed, version, key, value, monkeypatch):
        monkeypatch.setattr("tandem.planner.execution.service.lists.CHUNK", 5)
        query = (
            f"ChannelID=504&CampaignID={listed.occurrence_id}"
            "&CustomerAttribute=Orders;Email;Total_Spent&CustomerAttributesDelimiter=|"
        )
        for function in ("GetCustomerSendDetailsByChannel", "GetCustomerExecutionDetailsByCampaign"):
            rows = call(f"/{version}/customers/{function}?{query}").json()
            assert [row[key] for row in rows if row["CustomerID"] == "c2"] == [value]
            assert len({str(row[key]) for row in rows}) == len(rows) == 16

    def test_attributes_that_cannot_be(self, call, listed):
        start = f"{DETAILS}{listed.occurrence_id}&CustomerAttributes="
        assert call(start + "shoe_size").json() == "Unknown attribute shoe_size"
        for words in ("orders&CustomerAttributesDelimiter=/", ";".join(["orders"] * 101)):
            assert call(start + words).status_code == 400

    def test_executed_campaigns(self, call, listed):
        path = "/current/actions/GetExecutedCampaignsByChannel?ChannelID=504&Date="
        assert call(path + "2026-07-01").json() == [{"CampaignID": listed.occurrence_id}]
        assert call(path + "2026-07-02").content == b"[]"
        assert [call(path + text).status_code for text in ("", "01.07.2026", "2026-02-30")] == [400] * 3


class TestListeners:
    @pytest.mark.parametrize("name", ["UnregisterEventListener", "UnRegisterEventListener"])
    def test_register_list_unregister(self, call, name):
        body = {"EventTypeID": 13, "ChannelID": 505, "ListenerURL": "https://host/hook"}
        answer = call("/current/general/RegisterEventListener", body)
        assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")
        for spelling in ("GetRegisteredEventListeners", "GetRegisteredEventListener"):
            assert call(f"/current/general/{spelling}").json() == [body]
        assert call(f"/current/general/{name}", {"eventtypeid": "13"}).status_code == 200
        assert call("/current/general/GetRegisteredEventListeners").content == b"[]"

    @pytest.mark.parametrize(
        "body",
        [{"EventTypeID": 13}, {"ListenerURL": "https://h"},
         {"EventTypeID": 13, "ListenerURL": "x"}, b'{"EventTypeID":13,"EventTypeID":1}',
         {"EventTypeID": 99, "ListenerURL": "https://h"},
         {"EventTypeID": 3, "ChannelID": 1, "ListenerURL": "https://h"}, [], None],
    )  # fmt: skip
    def test_bad_bodies_leave_nothing(self, call, body):
        assert call("/current/general/RegisterEventListener", body, method="POST").status_code == 400
        assert not Registration.objects.exists()


class TestMetrics:
    PATH = "/current/integrations/UpdateCampaignMetrics"

    @staticmethod
    def item(listed, **changed):
        found = {"ChannelID": 504, "CampaignID": listed.occurrence_id, "TemplateID": 11, "MetricID": 0}
        return {**found, "MetricValue": 3, **changed}

    def test_values_add_up(self, call, shop, listed):
        item = self.item(listed)
        for _ in range(2):
            answer = call(self.PATH, [item, item | {"MetricID": 5, "MetricValue": "1"}])
            assert (answer.status_code, answer.content) == (200, b"")
        totals = {
            found.metric_id: found.total
            for found in results.metrics_of(shop.account.id, listed.occurrence_id)
        }
        assert totals == {0: 6, 5: 2}
        outcome = execution.outcome(shop.account.id, listed.occurrence_id)
        assert (outcome.sent, outcome.skipped["left out by the messenger"], outcome.uncertain) == (6, 2, 8)

    def test_the_same_key_counts_once(self, call, shop, listed):
        item = self.item(listed)
        key = {"X-API-KEY": shop.full.api_key, "Idempotency-Key": "report 7"}
        refused = [item, item | {"ChannelID": 7}]
        assert call(self.PATH, refused, headers=key).status_code == 404
        answers = [call(self.PATH, [item], headers=key) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].headers["Tandem-Idempotency-Key"] == "1"
        assert [found.total for found in results.metrics_of(shop.account.id, listed.occurrence_id)] == [3]

    def test_a_report_that_states_everything_settles_the_campaign(self, call, shop, listed):
        call(self.PATH, [self.item(listed, MetricID=metric) for metric in (0, 5)])
        assert campaigns.get_campaign(shop.account.id, listed.id).state == "waiting for messenger"
        call(self.PATH, [self.item(listed, MetricID=metric, MetricValue=0) for metric in (0, 5, 9)])
        assert campaigns.get_campaign(shop.account.id, listed.id).state == "sent with failures"

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"CampaignID": 43_000_000}, 404),
            ({"ChannelID": 7}, 404),
            ({"MetricValue": -1}, 400),
            ({"MetricID": None}, 400),
        ],
    )
    def test_one_bad_item_adds_none(self, call, shop, listed, change, status):
        item = self.item(listed)
        assert call(self.PATH, [item, item | change]).status_code == status
        assert results.metrics_of(shop.account.id, listed.occurrence_id) == ()

    @pytest.mark.parametrize("body", [{}, [1], [{}] * 101, "x"])
    def test_no_array_of_items(self, call, body):
        assert call(self.PATH, body).status_code == 400
