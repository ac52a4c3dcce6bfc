import pytest
from django.test import Client
from tests.fixtures import shop as shops
from tests.fixtures.discovered import discovered
from tests.planner.api_v1.conftest import _key

from tandem.planner.accounts import service as accounts
from tandem.planner.listeners import service as listeners

pytestmark = pytest.mark.django_db


class WithSnapshot:
    """Tests of a shop with orders."""

    @pytest.fixture
    def built(self, db, tmp_path, settings):
        settings.TANDEM_STORAGE = tmp_path / "storage"
        return shops.build(tmp_path, 20)


GROUP = {"name": "Spenders", "text": "total_spent is at least 20"}


def plan(stocked, **changed):
    return {
        "name": "Spring", "group_id": stocked.shop.group, "project_id": 1, "templates": [{"template_id": 11}],
        "day": "2026-07-01", "time": "12:00",
    } | changed  # fmt: skip


def real_time(**changed):
    return {
        "name": "Thanks", "event_name": "purchase", "project_id": 1, "template_id": 11,
        "conditions": [{"property": "amount", "operator": ">=", "values": [100]}],
    } | changed  # fmt: skip


class TestKeys:
    def test_without_a_key_the_answer_is_a_problem_with_words(self, ask):
        status, problem = ask("/customers", key="")
        assert (status, problem["status"], problem["title"]) == (401, 401, "Wrong API key")
        assert "X-API-KEY" in problem["advice"]

    def test_a_third_partys_key_is_refused(self, ask, stocked):
        key = _key(stocked.id, stocked.shop.clock, rights="third party")
        assert ask("/customers", key=key)[0] == 403

    def test_the_limit_of_keys_holds(self, ask, settings):
        settings.TANDEM_KEY_LIMIT = "3/10"
        assert [ask("/target-groups")[0] for _ in range(4)] == [200, 200, 200, 429]

    def test_another_accounts_things_are_not_there(self, ask, stocked):
        other = accounts.create_account(name="Other", zone="UTC", clock=stocked.shop.clock)
        key = _key(other.id, stocked.shop.clock)
        assert ask(f"/target-groups/{stocked.shop.group}", key=key)[0] == 404
        assert ask("/customers/c2", key=key)[0] == 404
        assert ask("/customers", key=key)[1]["items"] == []

    def test_nothing_of_another_account_is_shown_or_changed(self, ask, stocked):
        campaign = ask("/campaigns", plan(stocked))[1]
        running = ask("/real-time-campaigns", real_time())[1]
        found = discovered(stocked.id, "Shop", stocked.shop.clock)
        other = accounts.create_account(name="Other", zone="UTC", clock=stocked.shop.clock)
        key = _key(other.id, stocked.shop.clock)
        one, live = f"/campaigns/{campaign['id']}", f"/real-time-campaigns/{running['id']}"
        calls = [
            ("GET", one, None), ("POST", f"{one}/schedule", {}), ("POST", f"{one}/cancel", {}),
            ("GET", f"/occurrences/{campaign['occurrence_id']}", None),
            ("GET", f"/occurrences/{campaign['occurrence_id']}/list", None),
            ("GET", live, None), ("POST", f"{live}/start", {}), ("POST", f"{live}/pause", {}),
            ("GET", f"{live}/log", None), ("PUT", live, real_time()),
            ("DELETE", f"/target-groups/{stocked.shop.group}", None), ("POST", "/deliveries/1/replay", {}),
            ("POST", "/events", {"event_id": "e", "event": "purchase", "customer_id": "c2"}),
            ("GET", f"/discoveries/searches/{found['run_id']}", None),
            ("GET", f"/discoveries/searches/{found['run_id']}/groups", None),
            ("POST", f"/discoveries/{found['discovery_id']}/dismiss", {}),
            ("POST", f"/discoveries/{found['discovery_id']}/target-group", {}),
            ("DELETE", f"/discoveries/dismissed/{found['dismissed_id']}", None),
        ]  # fmt: skip
        assert {ask(path, body, method=method, key=key)[0] for method, path, body in calls} == {404}
        assert (
            ask("/campaigns", key=key)[1]["items"] == ask("/real-time-campaigns", key=key)[1]["items"] == []
        )
        assert ask(one)[1] == campaign
        assert ask(live)[1] == running


class TestDiscoveries:
    def test_searched_shown_dismissed_and_undone(self, ask, stocked):
        found = discovered(stocked.id, "Shop", stocked.shop.clock)
        searches = ask("/discoveries/searches")[1]
        assert [(one["id"], one["state"], one["found"]) for one in searches] == [(found["run_id"], "done", 1)]
        groups = f"/discoveries/searches/{found['run_id']}/groups"
        shown = ask(groups)[1]
        assert (shown[0]["id"], shown[0]["alike_id"]) == (found["discovery_id"], None)
        status, gone = ask(f"/discoveries/{found['discovery_id']}/dismiss", {})
        assert (status, ask(groups)[1]) == (200, [])
        assert ask(f"/discoveries/dismissed/{gone['id']}", method="DELETE")[0] == 204
        assert ask(groups)[1] == shown
        assert ask("/discoveries/searches", {"goal": "luck"})[0] == 422


class TestDoor:
    def test_health_needs_no_key(self, ask):
        assert ask("/health", key="") == (200, {"status": "ok"})

    @pytest.mark.parametrize("path", ["/", "/nothing", "/customers/"])
    def test_an_unknown_address_is_a_problem(self, ask, path):
        status, problem = ask(path)
        assert (status, problem["status"]) == (404, 404)

    def test_a_wrong_method_is_a_problem_that_names_the_right_ones(self, stocked):
        answer = Client().delete("/api/v1/events")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
        assert answer.headers["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize(
        ("body", "status"),
        [(b"{", 400), (b'{"a":1,"a":2}', 400), (b'{"a":NaN}', 400), (b"[]", 422), (b"{}", 422),
         (b'{"event_id":' + b"[" * 200 + b"]" * 200 + b"}", 400), (b" " * (1024 * 1024 + 1), 400)],
    )  # fmt: skip
    def test_a_body_that_cannot_be_read_is_said_to_be(self, ask, body, status):
        answered, problem = ask("/events", body)
        assert answered == status
        assert problem["detail"]

    def test_the_docs_name_every_operation_and_load_nothing_foreign(self, client, stocked):
        page = client.get("/api/v1/docs")
        document = client.get("/api/v1/openapi.json").json()
        text = page.content.decode()
        assert page.status_code == 200
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert "https://" not in text
        for path in document["paths"]:
            assert path in text
        refusal = document["paths"]["/api/v1/events"]["post"]["responses"]["422"]
        assert list(refusal["content"]) == ["application/problem+json"]


class TestCustomers:
    def test_pages_follow_each_other(self, ask):
        found, after = [], ""
        while after is not None:
            _, page = ask(f"/customers?limit=7{after and f'&after={after}'}")
            found += [one["customer_id"] for one in page["items"]]
            after = page["next"]
        assert sorted(found) == sorted(f"c{n}" for n in range(1, 21))

    def test_search_is_how_the_id_begins(self, ask):
        assert [one["customer_id"] for one in ask("/customers?search=c20")[1]["items"]] == ["c20"]

    @pytest.mark.parametrize("query", ["limit=0", "limit=x", "after=-1", "search=%00"])
    def test_bad_parameters_are_named(self, ask, query):
        status, problem = ask(f"/customers?{query}")
        assert (status, problem["field"]) == (422, query.split("=")[0])


class TestGroups(WithSnapshot):
    def test_a_customer_with_attributes_and_consent(self, ask):
        status, one = ask("/customers/c2")
        assert status == 200
        assert one["attributes"]["orders"] == 1
        assert one["consent"][0]["email_consent"] is True

    def test_save_count_change_delete(self, ask):
        status, made = ask("/target-groups", GROUP)
        assert status == 201
        assert ask("/target-groups/count", {"text": GROUP["text"]})[1]["members"] == 11
        assert ask(f"/target-groups/{made['id']}/count")[1]["members"] == 11
        changed = ask(f"/target-groups/{made['id']}", {**GROUP, "name": "Rich"}, method="PUT")[1]
        assert (changed["name"], changed["version"]) == ("Rich", made["version"] + 1)
        assert ask(f"/target-groups/{made['id']}", method="DELETE") == (204, None)
        assert ask(f"/target-groups/{made['id']}")[0] == 404

    def test_a_group_in_use_stays(self, ask, stocked):
        ask("/campaigns", plan(stocked))
        status, problem = ask(f"/target-groups/{stocked.shop.group}", method="DELETE")
        assert (status, problem["title"]) == (409, "The target group is in use")

    @pytest.mark.parametrize(
        "body", [{"name": "x", "text": "shoe size is 4"}, {"name": "x", "condition": {}}]
    )
    def test_a_condition_that_breaks_a_rule_is_refused_with_words(self, ask, body):
        status, problem = ask("/target-groups", body)
        assert status == 422
        assert problem["detail"].endswith(".")


class TestCampaigns:
    def test_plan_schedule_follow_cancel(self, ask, stocked):
        status, made = ask("/campaigns", plan(stocked))
        assert (status, made["state"], made["templates"][0]["share"]) == (201, "draft", 100)
        assert ask(f"/campaigns/{made['id']}/schedule", {})[1]["state"] == "scheduled"
        timeline = ask(f"/occurrences/{made['occurrence_id']}")[1]
        assert timeline["campaign"]["id"] == made["id"]
        assert timeline["steps"]
        assert ask(f"/occurrences/{made['occurrence_id']}/list")[0] == 404
        assert ask(f"/campaigns/{made['id']}/cancel", {})[1]["state"] == "cancelled"
        assert ask(f"/campaigns/{made['id']}/cancel", {})[0] == 409

    def test_the_newest_come_first_in_pages(self, ask, stocked):
        ids = [ask("/campaigns", plan(stocked, name=f"n{n}"))[1]["id"] for n in range(3)]
        first = ask("/campaigns?limit=2")[1]
        rest = ask(f"/campaigns?limit=2&after={first['next']}")[1]
        assert [one["id"] for one in first["items"] + rest["items"]] == ids[::-1]
        assert rest["next"] is None

    @pytest.mark.parametrize(
        ("changed", "field"),
        [({"templates": [{"template_id": 21}]}, "templates"), ({"day": "2026-06-01"}, "day"),
         ({"day": "9999-12-31"}, "day"), ({"channel": "fax"}, "channel"), ({"name": ""}, "name")],
    )  # fmt: skip
    def test_a_breach_names_its_field(self, ask, stocked, changed, field):
        status, problem = ask("/campaigns", plan(stocked, **changed))
        assert (status, problem["field"]) == (422, field)


class TestEvents:
    def event(self, number=1, **changed):
        fields = {"event_id": f"e{number}", "event": "purchase", "customer_id": "c2"}
        return fields | {"properties": {"amount": 150}} | changed

    def test_an_event_triggers_what_waits_for_it_once(self, ask, stocked):
        listeners.register(
            stocked.id, event_type=11, channel_id=504, url="http://127.0.0.1:9/x", clock=stocked.shop.clock
        )
        made = ask("/real-time-campaigns", real_time())[1]
        assert made["state"] == "paused"
        assert ask(f"/real-time-campaigns/{made['id']}/start", {})[1]["state"] == "active"
        status, taken = ask("/events", self.event())
        assert (status, taken["repeated"]) == (200, False)
        assert taken["triggered"] == [{"campaign_id": made["id"], "campaign": "Thanks", "outcome": "told"}]
        assert ask("/events", self.event())[1]["repeated"] is True
        assert ask("/events", self.event(customer_id="c3"))[0] == 409
        assert ask(f"/real-time-campaigns/{made['id']}")[1]["counts"] == {"told": 1}
        log = ask(f"/real-time-campaigns/{made['id']}/log")[1]["items"]
        assert [(one["event_id"], one["customer_id"], one["told_state"]) for one in log] == [
            ("e1", "c2", "waiting")
        ]
        deliveries = ask("/deliveries?event_type=11")[1]["items"]
        assert [one["state"] for one in deliveries] == ["waiting"]
        assert ask(f"/deliveries/{deliveries[0]['id']}/replay", {})[0] == 202
        assert ask("/deliveries/replay", {"event_type": 11})[1] == {"again": 1, "late": 0, "off": 0}
        assert ask("/deliveries/replay", {"event_type": 13})[1]["again"] == 0
        assert ask(f"/real-time-campaigns/{made['id']}/pause", {})[1]["state"] == "paused"
        assert ask("/events", self.event(2, customer_id="c4"))[1]["triggered"] == []
        assert ask("/real-time-campaigns")[1]["items"][0]["id"] == made["id"]

    def test_an_unknown_customer_is_404_with_words(self, ask):
        status, problem = ask("/events", self.event(customer_id="nobody"))
        assert (status, problem["title"]) == (404, "Unknown customer")

    def test_change_of_a_campaign(self, ask):
        made = ask("/real-time-campaigns", real_time())[1]
        changed = ask(f"/real-time-campaigns/{made['id']}", real_time(cap_hours=1), method="PUT")[1]
        assert (changed["cap_hours"], changed["key"]) == (1, made["key"])
        wrong = real_time(conditions=[{"property": "a", "operator": "~", "values": []}])
        assert ask("/real-time-campaigns", wrong)[1]["field"] == "conditions"
