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
