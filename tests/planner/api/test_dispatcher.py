import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tandem.planner.accounts.models import LoginToken
from tandem.planner.api.table import FUNCTIONS
from tandem.planner.listeners.models import Registration
from tandem.planner.results import service as results

DETAILS = "/current/customers/GetCustomerExecutionDetailsByCampaign?CampaignID=42"


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
        answer = call(DETAILS, headers=headers)
        assert (answer.status_code, answer.content) == (401, b'"Unauthorized"')

    @pytest.mark.parametrize(
        "path", ["/x", "/current/general/Nothing", "/current/model/GetMicrosegmentList", "/v3/general/login"]
    )
    def test_what_is_not_offered(self, call, path):
        answer = call(path)
        assert (answer.status_code, answer.content) == (404, b'"Not Found"')

    def test_wrong_method(self, call):
        answer = call("/current/general/RegisterEventListener")
        assert (answer.status_code, answer.content) == (405, b'"Method Not Allowed"')
        assert call(DETAILS, method="HEAD").status_code == 405

    @pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
    def test_a_third_party_may_call_its_functions_alone(self, call, shop, function):
        answer = call(
            f"/current/{function.group}/{function.name}", key=shop.third.api_key, method=function.method
        )
        assert (answer.status_code == 403) is not function.third_party

    @pytest.mark.parametrize("version", ["/current", "/v1.6", "/v3.0", "/V12.34", ""])
    @pytest.mark.parametrize(
        "path", ["/actions/GetCampaignDetails?CampaignID=42", "/ACTIONS/getcampaigndetails?campaignid=42"]
    )
    def test_version_and_case(self, call, version, path):
        found = call(version + path).json()
        assert found["TargetGroupID"] == 15
        assert ("Channels" in found) == (not version.lower().startswith("/v"))

    def test_rate_limit_of_a_key(self, call):
        codes = [call("/current/general/GetLastDataUpdate").status_code for _ in range(51)]
        assert codes == [200] * 50 + [429]
        answer = call("/current/general/GetLastDataUpdate")
        assert answer.json()["error"] == "Too Many Requests"
        assert int(answer.headers["Retry-After"]) in range(1, 11)

    def test_a_fault_of_ours_says_nothing_of_itself(self, call, shop, monkeypatch):
        monkeypatch.setattr(shop.lists, "execution_rows", lambda *a, **k: 1 / 0)
        answer = call(DETAILS)
        assert (answer.status_code, answer.content) == (500, b'"Internal Server Error"')


class TestDetails:
    def test_rows_and_paging(self, call, shop):
        assert call(DETAILS).json()[0] == {
            "CustomerID": "c0", "ActionID": 2, "ChannelID": 505, "TemplateID": 14, "TemplateName": "Welcome",
            "ScheduledTime": "2027-03-01 13:00:00", "ScheduleTime": "2027-03-01 13:00:00", "PromoCode": "",
        }  # fmt: skip
        assert [row["CustomerID"] for row in call(DETAILS + "&%24top=3&%24skip=5").json()] == ["c5", "c6"]
        assert call(DETAILS + "&$skip=7").content == b"[]"
        assert shop.lists.served == [(42, 0, 7), (42, 5, 2), (42, 7, 0)]

    @pytest.mark.parametrize(
        "rubbish", ["top=2", "$top=x", "$top=-1", "$skip=-3", "top=0xc000&skip=1", "$top=2000000"]
    )
    def test_rubbish_is_ignored(self, call, rubbish):
        assert len(call(f"{DETAILS}&{rubbish}").json()) == 7

    def test_a_third_party_names_its_channel(self, call, shop):
        answer = call(DETAILS, key=shop.third.api_key)
        assert (answer.status_code, answer.content) == (400, b'"Missing ChannelID"')
        assert len(call(DETAILS + "&ChannelID=505", key=shop.third.api_key).json()) == 7

    @pytest.mark.parametrize(
        "query", ["", "?CampaignID=", "?CampaignID=x", "?CampaignID=-1", "?CampaignID=99999999999999999999"]
    )
    def test_bad_ids(self, call, query):
        assert call(f"/current/customers/GetCustomerExecutionDetailsByCampaign{query}").status_code == 400

    def test_another_accounts_campaign_is_not_found(self, call, shop):
        shop.lists.lists[shop.account.id + 1, 43] = ["x"]
        for path in (DETAILS.replace("42", "43"), "/current/actions/GetCampaignDetails?CampaignID=43"):
            assert (call(path).status_code, call(path).content) == (404, b'"Not Found"')

    @pytest.mark.parametrize(
        ("version", "key", "value"),
        [
            ("current", "CustomerAttributes", ["A", None]),
            ("v3.0", "CustomerAttribute", "A|"),
            ("v1.6", "CustomerAttribute", "A|"),
        ],
    )
    def test_attributes_by_version(self, call, version, key, value, monkeypatch):
        from tandem.planner.customers import service

        monkeypatch.setattr(
            service, "attributes_for", lambda account, ids, names: {"c0": ["A", None]}, raising=False
        )
        query = "ChannelID=505&CampaignID=42&CustomerAttribute=Alias;Country&CustomerAttributesDelimiter=|"
        rows = call(f"/{version}/customers/GetCustomerSendDetailsByChannel?{query}").json()
        assert rows[0][key] == value
        assert all(key in row for row in rows)

    def test_executed_campaigns(self, call):
        path = "/current/actions/GetExecutedCampaignsByChannel?ChannelID=505&Date="
        assert call(path + "2027-03-01").json() == [{"CampaignID": 42}]
        assert call(path + "2027-03-02").content == b"[]"
        assert [call(path + text).status_code for text in ("", "01.03.2027", "2027-02-30")] == [400] * 3


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

    def test_values_add_up(self, call, shop):
        item = {"ChannelID": 505, "CampaignID": 42, "TemplateID": 14, "MetricID": 0, "MetricValue": 3}
        for _ in range(2):
            answer = call(self.PATH, [item, item | {"MetricID": 5, "MetricValue": "1"}])
            assert (answer.status_code, answer.content) == (200, b"")
        totals = {found.metric_id: found.total for found in results.metrics_of(shop.account.id, 42)}
        assert totals == {0: 6, 5: 2} == shop.lists.metrics[42]
        assert shop.lists.stated[42] == {(14, 0), (14, 5)}

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"CampaignID": 43}, 404),
            ({"ChannelID": 7}, 404),
            ({"MetricValue": -1}, 400),
            ({"MetricID": None}, 400),
        ],
    )
    def test_one_bad_item_adds_none(self, call, shop, change, status):
        item = {"ChannelID": 505, "CampaignID": 42, "TemplateID": 14, "MetricID": 0, "MetricValue": 3}
        assert call(self.PATH, [item, item | change]).status_code == status
        assert results.metrics_of(shop.account.id, 42) == ()

    @pytest.mark.parametrize("body", [{}, [1], [{}] * 101, "x"])
    def test_no_array_of_items(self, call, body):
        assert call(self.PATH, body).status_code == 400
