import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import orjson
import pytest
from optimove.client import Client
from tests.fixtures.reading import whole_list
from typer.testing import CliRunner

from tandem.clients.planner import (
    ListIncomplete,
    PageRepeated,
    PlannerAnswerCut,
    PlannerAnsweredHtml,
    PlannerBusy,
    PlannerClient,
    PlannerFailed,
    PlannerKnowsNot,
    PlannerRefusedLogin,
    PlannerUnreachable,
)
from tandem.contract.planner_functions import FUNCTIONS
from tandem.contract.shapes import differences
from tandem.kit.clock import OffsetClock
from tandem.kit.http import Http
from tandem.simulators.deviations import NAMES
from tandem.simulators.planner import Planner
from tandem.simulators.planner_answers import READS
from tandem.simulators.planner_world import World
from tandem.simulators.planner_writes import WRITES
from tandem.simulators.server import Server, Simulator, fault_of
from tandem.site.commands.simulate import app


@pytest.fixture
def simulated():
    with Server(Simulator(Planner(World(clock=OffsetClock(), customers=95)))) as server:
        yield server


def client(server, **named):
    http = Http(allow_private=(f"127.0.0.1:{server.port}",), timeout=5)
    ways = {"user": "simulator", "password": "simulator", "page": 20, **named}
    return PlannerClient(server.url, http=http, **ways)


def tell(server, verb, method="POST", **fields):
    request = urllib.request.Request(
        f"{server.url}/_simulator/{verb}", data=orjson.dumps(fields), method=method
    )
    with urllib.request.urlopen(request) as answer:
        return orjson.loads(answer.read())


def newest(server, channel=504):
    return max(one["CampaignID"] for one in tell(server, "campaigns") if one["ChannelID"] == channel)


def test_every_function_is_answered():
    paths = {function.path.lower() for function in FUNCTIONS if function.name != "login"}
    assert set(READS) | set(WRITES) == paths


@pytest.mark.parametrize("half", ["planner", "messenger"])
def test_starts_within_a_second_of_work(half):
    """Processor time to the first answer; the wall time, printed, depends on what else the machine does."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "tandem", "simulate", half, "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stderr.readline()
        address = line.split()[0]
        with urllib.request.urlopen(f"{address}_simulator/log") as answer:
            assert answer.status == 200
        wall = time.perf_counter() - began
        ticks = Path(f"/proc/{process.pid}/stat").read_text().split()
        cpu = (int(ticks[13]) + int(ticks[14])) / 100
        print(f"simulate {half}: {wall:.2f} s to its first answer, {cpu:.2f} s of CPU")
        assert cpu < 1
    finally:
        process.terminate()
        process.wait(10)
        process.stderr.close()


class TestTheMessengersClient:
    @pytest.mark.parametrize("way", [{}, {"api_key": "simulator", "user": "", "password": ""}])
    def test_reads_a_whole_list(self, simulated, way):
        read = whole_list(client(simulated, **way), newest(simulated), 504)
        assert (len(read.rows), read.expected) == (86, 86)
        assert len({row.customer_id for row in read.rows}) == 86

    @pytest.mark.parametrize("size", [1, 7, 86, 87, 100_000])
    def test_pages_of_any_size(self, simulated, size):
        read = whole_list(client(simulated, page=size), newest(simulated), 504)
        assert len(read.rows) == 86

    def test_logs_in_again_when_the_token_has_expired(self, simulated):
        one = client(simulated)
        one.login()
        tell(simulated, "expire")
        assert one.get_last_data_update() is not None

    def test_gives_a_token_up_before_the_planner_does(self, simulated):
        moments = iter([0, 0, 100, 1400, 1400, 1400])
        one = client(simulated, timer=lambda: next(moments))
        one.login()
        one.get_last_data_update()
        one.get_last_data_update()
        logins = [asked for asked in tell(simulated, "log", "GET") if asked["path"].endswith("login")]
        assert len(logins) == 2

    @pytest.mark.parametrize("times", [1, -1])
    def test_401_is_answered_by_one_login(self, simulated, times):
        one = client(simulated)
        one.login()
        tell(simulated, "fault", fault="401", function="GetLastDataUpdate", times=times)
        outcome = None
        try:
            outcome = one.get_last_data_update()
        except PlannerRefusedLogin as error:
            outcome = type(error).__name__
        logins = [asked for asked in tell(simulated, "log", "GET") if asked["path"].endswith("login")]
        assert len(logins) == 2
        assert (outcome == "PlannerRefusedLogin") == (times == -1)

    @pytest.mark.parametrize(
        ("fault", "problem"),
        [
            ("500", PlannerFailed),
            ("429", PlannerBusy),
            ("html", PlannerAnsweredHtml),
            ("truncated", PlannerUnreachable),
            ("hangup", PlannerUnreachable),
            ("empty", PlannerAnswerCut),
        ],
    )
    def test_faults_are_told_and_nothing_is_made_up(self, simulated, fault, problem):
        tell(simulated, "fault", fault=fault, function="GetCustomerExecutionDetailsByCampaign")
        with pytest.raises(problem):
            whole_list(client(simulated), newest(simulated), 504)
        tell(simulated, "fault", "DELETE")
        assert len(whole_list(client(simulated), newest(simulated), 504).rows) == 86

    def test_a_page_twice_is_noticed(self, simulated):
        one, campaign = client(simulated), newest(simulated)
        whole_list(one, campaign, 504)
        name = "GetCustomerExecutionDetailsByCampaign"
        next(iter(one.execution_pages(campaign, 504)))
        tell(simulated, "fault", fault="page-twice", function=name)
        with pytest.raises((PageRepeated, ListIncomplete)):
            whole_list(one, campaign, 504)

    def test_slow(self, simulated):
        tell(simulated, "fault", fault="slow", function="GetLastDataUpdate", seconds=1.5)
        began = time.monotonic()
        client(simulated).get_last_data_update()
        assert time.monotonic() - began > 1.4

    def test_an_unknown_campaign(self, simulated):
        with pytest.raises(PlannerKnowsNot):
            client(simulated).campaign_details(4711)


class TestAnswers:
    def test_fit_their_shapes(self, simulated):
        one, campaign = client(simulated), newest(simulated)
        day = time.strftime("%Y-%m-%d", time.gmtime())
        values = {
            "Date": day, "StartDate": "2020-01-01", "EndDate": "2099-01-01", "CampaignID": campaign, "ChannelID": 504,
            "ActionID": 2, "ActionName": "DN", "TargetGroupID": 7, "TargetGroupName": "uk vips", "ValueSegmentID": 1,
            "ValueSegmentName": "Gold", "RecipientGroupID": 1, "CustomerID": "100001", "TemplateID": 11, "EventID": 2,
            "ChangedCustomerAttribute": "Country",
        }  # fmt: skip
        for function in FUNCTIONS:
            if function.method == "GET":
                found = one._get(function.path, **{name: values[name] for name in function.required})
                assert (function.name, differences(function.answer, found)) == (function.name, [])

    def test_missing_and_wrong_parameters(self, simulated):
        for query in ("", "?CampaignID=", "?CampaignID=x", "?CampaignID=-1"):
            request = urllib.request.Request(
                f"{simulated.url}/actions/getcampaigndetails{query}", headers={"X-API-KEY": "simulator"}
            )
            with pytest.raises(urllib.error.HTTPError, match="400") as caught:
                urllib.request.urlopen(request)
            caught.value.close()

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_the_public_client(self, simulated):
        public = Client("simulator", "simulator", url=simulated.url)
        assert public.general.get_last_data_update()
        campaign = newest(simulated)
        assert public.actions.get_campaign_details(campaign)["target_group_id"]
        assert public.customers.get_customer_send_details_by_channel(504, campaign, ["Alias", "Country"])


class TestEvents:
    @pytest.fixture
    def heard(self):
        bodies = []

        class Listener(BaseHTTPRequestHandler):
            def do_POST(self):
                bodies.append(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words):
                pass

        server = HTTPServer(("127.0.0.1", 0), Listener)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook?brand=x", bodies
        server.shutdown()
        thread.join()
        server.server_close()

    def test_a_campaign_is_told_to_its_channels_listener(self, simulated, heard):
        url, bodies = heard
        client(simulated).register_event_listener(13, url.replace(":", "%3A").replace("/", "%2F"), 505)
        tell(simulated, "execute", channel=504)
        made = tell(simulated, "execute", channel=505, customers=10)
        _until(lambda: bodies)
        assert [(b["EventTypeID"], b["CampaignID"], b["ChannelID"]) for b in bodies] == [
            (13, made["CampaignID"], 505)
        ]
        assert len(whole_list(client(simulated), made["CampaignID"], 505).rows) == made["TestGroupSize"] == 9

    def test_any_event(self, simulated, heard):
        url, bodies = heard
        one = client(simulated)
        for kind in (4, 5, 11):
            one.register_event_listener(kind, url)
        tell(simulated, "cancel", campaign=newest(simulated))
        tell(simulated, "execute", channel=504, conditional=True)
        tell(simulated, "event", EventTypeID=11, campaignID="abc", customerID="100001")
        _until(lambda: len(bodies) == 3)
        assert {body["EventTypeID"] for body in bodies} == {4, 5, 11}
        canceled = one._get(
            "customers/GetCanceledCampaignCustomers", CampaignID=bodies_of(bodies, 4)["CampaignID"]
        )
        assert len(canceled) == 86


@pytest.mark.parametrize("name", NAMES)
def test_a_deviation_shows(name):
    """Each makes some answer differ from the plain one."""
    asked = [
        ("GET", "/current/general/GetLastDataUpdate", b""),
        ("GET", "/current/actions/GetCampaignDetails?CampaignID=701", b""),
        ("GET", "/current/actions/GetCampaignDetails?CampaignID=9", b""),
        ("GET", "/current/customers/GetCustomerExecutionDetailsByCampaign?CampaignID=701&$top=600", b""),
        ("GET", "/current/customers/GetCustomerExecutionDetailsByCampaign?CampaignID=701&$skip=600", b""),
        ("GET", "/current/general/GetRegisteredEventListeners", b""),
        ("POST", "/current/general/UnregisterEventListener", b'{"EventTypeID":2}'),
        ("POST", "/current/general/login", b'{"Username":"simulator","Password":"simulator"}'),
    ]
    answers = []
    for names in ((), (name,)):
        with Server(Simulator(Planner(World(clock=OffsetClock(), customers=95), deviations=names))) as server:
            answers.append([_raw(server, *one) for one in asked])
            token = answers[-1][-1][1]
            answers[-1][-1] = token[:1] + token[-1:]
            answers[-1].append(_raw(server, *asked[0], {"Authorization-Token": token.decode().strip('"')})[0])
    assert answers[0] != answers[1]


def _raw(server, method, path, body, headers=None):
    import http.client

    link = http.client.HTTPConnection("127.0.0.1", server.port)
    link.request(method, path, body, headers or {"X-API-KEY": "simulator"})
    answer = link.getresponse()
    found = answer.status, answer.read()
    link.close()
    return found


def test_names_of_faults_and_deviations_are_checked():
    with pytest.raises(ValueError, match="no fault"):
        fault_of("worse")
    with pytest.raises(ValueError, match="no deviation"):
        Planner(World(clock=OffsetClock()), deviations=("worse",))


def bodies_of(bodies, kind):
    return next(body for body in bodies if body["EventTypeID"] == kind)


def _until(done, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert done()


@pytest.mark.parametrize(
    "wrong",
    [
        ["--template", "x"], ["--template", "504"], ["--zone", "Nowhere/Else"], ["--fault", "worse"],
        ["--fault", "500:GetPromotions:often"], ["--deviation", "worse"], ["--customers", "0"],
    ],
)  # fmt: skip
def test_the_command_says_what_it_cannot_read(wrong):
    done = CliRunner().invoke(app, ["planner", "--port", "0", *wrong])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
