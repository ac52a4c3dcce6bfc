import time
import urllib.error
import urllib.request

import orjson
import pytest

from tandem.clients.messenger import MessengerClient
from tandem.contract.messenger_calls import CALLS
from tandem.kit.clock import OffsetClock
from tandem.kit.http import Http
from tandem.kit.problems import OtherSideFailed
from tandem.simulators.messenger import Messenger
from tandem.simulators.messenger_routes import ROUTES
from tandem.simulators.messenger_world import LIST, PROJECT
from tandem.simulators.planner import Planner
from tandem.simulators.planner_world import World as PlannerWorld
from tandem.simulators.server import Server, Simulator, fault_of


@pytest.fixture
def simulated():
    with Server(Simulator(Messenger(clock=OffsetClock(), contacts=250))) as server:
        yield server


def client(server, **ways):
    ways = {"user": "", "password": "", "token": "", **(ways or {"token": "simulator"})}
    http = Http(allow_private=(f"127.0.0.1:{server.port}",))
    return MessengerClient(f"{server.url}/rest", "5004", http=http, **ways)


def call(server, method, path, body=None, token="simulator"):
    request = urllib.request.Request(
        f"{server.url}/rest/5004{path}",
        data=None if body is None else body if isinstance(body, bytes) else orjson.dumps(body),
        headers={"X-Carma-Authentication-Token": token},
        method=method,
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, orjson.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, orjson.loads(error.read())


def test_every_call_of_the_contract_is_answered():
    assert {one.name for one in ROUTES} == {one.name for one in CALLS}


class TestThePlannersClient:
    @pytest.mark.parametrize("ways", [{"token": "simulator"}, {"user": "simulator", "password": "simulator"}])
    def test_reads_projects_templates_lists(self, simulated, ways):
        one = client(simulated, **ways)
        one.ping()
        assert one.apiurl()["restUrl"].endswith("/rest")
        assert [project.id for project in one.projects()] == [PROJECT]
        usable = {found.id: found.channel_type for found in one.triggers(PROJECT) if found.usable}
        assert usable == {11: 1, 12: 2, 13: 1}
        assert [found.id for found in one.lists()] == [LIST]

    def test_reads_all_contacts_page_by_page(self, simulated):
        found = list(client(simulated).contacts(LIST, page=100))
        assert len(found) == len({one.original_id for one in found}) == 250
        assert 150 < sum(one.has_email and one.email_consent for one in found) < 250

    def test_previews(self, simulated):
        preview = client(simulated).preview(11, 336_858, "100007")
        assert preview.subject == "Welcome" and "Hello" in preview.html
        assert client(simulated).preview(12, 336_859, "100007").sms.parts == 1

    def test_imports(self, simulated):
        one = client(simulated)
        batch = one.upload(LIST, one.start_import(LIST), b"originalId\temailAddress\nnew\tn@people.example\n")
        assert [one.batch(batch).done for _ in range(2)] == [False, True]
        assert call(simulated, "GET", f"/lists/{LIST}/contacts/new")[1]["emailAddress"] == "n@people.example"
        assert len(list(one.contacts(LIST, page=100))) == 251

    @pytest.mark.parametrize("kind", ["500", "html", "truncated", "hangup", "429", "401"])
    def test_faults(self, simulated, kind):
        simulated.simulator.faults.append(fault_of(kind))
        with pytest.raises(OtherSideFailed):
            client(simulated).projects()

    def test_wrong_token(self, simulated):
        with pytest.raises(OtherSideFailed):
            client(simulated, token="wrong").projects()


class TestAnswers:
    def test_a_generation_job(self, simulated):
        status, job = call(simulated, "POST", "/jobs/generation/fixed", {"type": "TRIGGER", "id": 11})
        assert (status, job["campaignId"], job["listId"]) == (200, 336_858, LIST)
        path = f"/jobs/generation/fixed/{job['id']}"
        status, job = call(
            simulated, "POST", f"{path}/recipients/automapping", b"email\toriginalid\na@x.example\t100001"
        )
        assert (status, job["contentUploaded"]) == (200, True)
        assert call(simulated, "GET", path)[1]["feedback"][-1]["feedback"] == "DONE"
        assert call(simulated, "POST", f"{path}/recipients/automapping", b"originalid\n100001")[0] == 409
        assert [one["originalId"] for one in simulated.simulator.half.world.messages] == ["100001"]

    def test_a_message(self, simulated):
        assert call(simulated, "POST", "/triggers/11/messages", {"originalId": "100002"})[0] == 200
        assert call(simulated, "POST", "/triggers/11/messages", {"originalId": "nobody"})[0] == 404
        assert call(simulated, "GET", "/triggers/11/campaigns")[1][0]["statDtos"]["sent"] == 1

    def test_a_contact_is_changed(self, simulated):
        path = f"/lists/{LIST}/contacts/a%20b%2Fc"
        assert call(simulated, "PUT", f"{path}/update", {"firstName": "Ann"})[0] == 404
        status, found = call(
            simulated, "PUT", f"{path}/update?force=true", {"firstName": "Ann", "unsubscribed": True}
        )
        assert (status, found["originalId"]) == (200, "a b/c")
        assert call(simulated, "GET", f"{path}/subscriptionstatus")[1]["status"] == "UNSUBSCRIBED"

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/nothing", 404), ("GET", "/lists/1", 404), ("GET", f"/lists/{LIST}/contacts/nobody", 404),
            ("DELETE", "/ping", 405), ("POST", f"/lists/{LIST}/imports", 400), ("GET", "/triggers/99", 404),
        ],
    )  # fmt: skip
    def test_errors_are_json(self, simulated, method, path, status):
        found = call(simulated, method, path, b"{" if method == "POST" else None)
        assert found[0] == status and found[1]["error"]


class TestWhatItWouldSend:
    def test_a_job_that_takes_its_recipients_twice_sends_twice(self):
        half = Messenger(clock=OffsetClock(), contacts=10, takes_twice=True)
        with Server(Simulator(half)) as server:
            job = call(server, "POST", "/jobs/generation/fixed", {"type": "TRIGGER", "id": 11})[1]
            path = f"/jobs/generation/fixed/{job['id']}/recipients/automapping"
            for _ in range(2):
                status, job = call(server, "POST", path, b"originalId\n100002\nnobody\n")
                assert status == 200
            assert [(one["originalId"], one["job"]) for one in half.world.messages] == [
                ("100002", job["id"])
            ] * 2
            words = [(one["feedback"], one["severity"]) for one in job["feedback"]]
            assert ("1 unknown originalId", "SEVERITY_WARNING") in words and words[-1][0] == "DONE"

    def test_a_job_for_later_and_one_without_ids(self, simulated):
        body = {"type": "CAMPAIGN", "id": 336_859, "deliveryTime": "2026-02-09T11:00:00+0100"}
        job = call(simulated, "POST", "/jobs/generation/fixed", body)[1]
        path = f"/jobs/generation/fixed/{job['id']}/recipients/automapping"
        call(simulated, "POST", path, b"originalid\n100003\n")
        [message] = simulated.simulator.half.world.messages
        assert (message["trigger"], message["deliveryTime"]) == (12, body["deliveryTime"])
        job = call(simulated, "POST", "/jobs/generation/fixed", {"type": "TRIGGER", "id": 11})[1]
        path = f"/jobs/generation/fixed/{job['id']}/recipients/automapping"
        assert (
            call(simulated, "POST", path, b"email\na@x.example\n")[1]["feedback"][-1]["feedback"] == "ERROR"
        )

    @pytest.mark.parametrize(
        "body",
        [
            {"type": "TRIGGER", "id": 14}, {"type": "CAMPAIGN", "id": 1},
            {"type": "TRIGGER", "id": 11, "deliveryTime": "soon"},
        ],
    )  # fmt: skip
    def test_a_job_that_cannot_be(self, simulated, body):
        assert call(simulated, "POST", "/jobs/generation/fixed", body)[0] == 400

    def test_what_happened_is_in_the_numbers_and_in_the_exports(self, simulated):
        for one in ("100001", "100002", "100003"):  # the first has left
            call(simulated, "POST", "/triggers/11/messages", {"originalId": one})
        for kind in ("opens", "opens", "hard_bounces"):
            tell(simulated, "happen", kind=kind, trigger=11, originalId="100002")
        found = call(simulated, "GET", "/triggers/11/campaigns")[1][0]["statDtos"]
        names = ("recipients", "sent", "opened", "notBounced", "hardBounced", "nonDeliverable")
        assert [found[name] for name in names] == [3, 2, 1, 1, 1, 1]
        rows = {kind: export(simulated, kind) for kind in ("SENT", "OPENS", "CAMPAIGNS", "PROJECTS", "LISTS")}
        assert [one["contactId"] for one in rows["SENT"]] == ["100002", "100003"]
        assert [one["messageType"] for one in rows["OPENS"]] == ["OPENED"] * 2
        assert rows["CAMPAIGNS"][0]["statDtos"]["sent"] == 2
        shown = call(simulated, "GET", "/triggers/11/messages?nostat=true")[1]
        assert [(one["read"], one["actions"]["hardBounce"]) for one in shown] == [
            (True, True),
            (False, False),
        ]
        assert call(simulated, "GET", f"/lists/{LIST}/contacts/2/messagecount/email")[1]["total"] == 1

    def test_an_export_is_not_there_before_it_is_done(self, simulated):
        body = {"exportType": "SENT", "period": "LAST_DAY"}
        number = call(simulated, "POST", "/batches/exports/statistics", body)[1]["batchId"]
        assert call(simulated, "GET", f"/batches/{number}/result/url")[0] == 404
        assert call(simulated, "POST", "/batches/exports/statistics", {**body, "period": "EVER"})[0] == 400

    @pytest.mark.parametrize("path", ["/batchtrigger/v2", "/journeys/7/commence"])
    def test_known_by_name(self, simulated, path):
        assert call(simulated, "POST", path, {})[0] == 501


class TestAsListener:
    def test_it_hears_fetches_keeps_and_reports(self, simulated):
        world = PlannerWorld(clock=OffsetClock(), customers=95)
        with Server(Simulator(Planner(world))) as planner:
            tell(simulated, "listen", planner=planner.url, user="simulator", password="simulator",
                 channels=[504], own=simulated.url)  # fmt: skip
            planner.simulator.faults.append(fault_of("500", function="GetCampaignDetails", times=1))
            made = tell(planner, "execute", channel=504, template=11, customers=80)
            [heard] = until(lambda: [one for one in tell(simulated, "heard") if one["state"] == "reported"])
            kept = simulated.simulator.half.world.messages
            assert (heard["tries"], heard["rows"], len(kept)) == (
                2,
                sum(world.metrics.values()),
                heard["rows"],
            )
            assert {one["campaign"] for one in kept} == {heard["campaign"]}
            assert made

    def test_what_is_no_event_is_refused(self, simulated):
        for body, status in ((b"{}", 404), (b"{", 404)):
            assert post(simulated, "/_listener", body) == status
        with Server(Simulator(Planner(PlannerWorld(clock=OffsetClock(), customers=5)))) as planner:
            tell(simulated, "listen", planner=planner.url, user="simulator", password="simulator",
                 channels=[504], own=simulated.url)  # fmt: skip
            assert post(simulated, "/_listener", b"{") == 400
            assert post(simulated, "/_listener", b'{"EventTypeID": 2}') == 200
            assert tell(simulated, "heard") == []


def export(server, kind):
    """The records of an export."""
    body = {"exportType": kind, "period": "TODAY"}
    number = call(server, "POST", "/batches/exports/statistics", body)[1]["batchId"]
    for _ in range(2):
        batch = call(server, "GET", f"/batches/{number}")[1]
    url = call(server, "GET", f"/batches/{number}/result/url")[1]["url"]
    with urllib.request.urlopen(url) as answer:
        rows = orjson.loads(answer.read())
    assert (batch["status"], batch["total"]) == ("FINISHED", len(rows))
    return rows


def tell(server, verb, **fields):
    request = urllib.request.Request(
        f"{server.url}/_simulator/{verb}", data=orjson.dumps(fields), method="POST"
    )
    with urllib.request.urlopen(request) as answer:
        return orjson.loads(answer.read())


def post(server, path, body):
    try:
        with urllib.request.urlopen(urllib.request.Request(server.url + path, data=body)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def until(look, seconds=10):
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found
