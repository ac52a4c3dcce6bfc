from datetime import UTC, datetime

import orjson
import pytest
from tests.fixtures.reading import whole_list
from typer.testing import CliRunner

from tandem.clients.planner import PlannerClient, PlannerRefusedLogin
from tandem.clients.profile import parse
from tandem.conform.findings import Mend, Verdict, redacted
from tandem.conform.learning import DATES, TIMES, form_of
from tandem.conform.planner import PlannerConformance, Wishes
from tandem.conform.talk import NotAPlanner, Pace, PlannerTalk
from tandem.contract.planner_functions import FUNCTIONS
from tandem.kit.clock import FrozenClock
from tandem.kit.http import Http
from tandem.simulators.deviations import DEVIATIONS, NAMES
from tandem.simulators.planner import Planner
from tandem.simulators.planner_world import World
from tandem.simulators.server import Server, Simulator, fault_of
from tandem.site.commands.conform import app

NOW = datetime(2026, 11, 23, 13, 45, tzinfo=UTC)
#: what each deviation is told as: finding, word of its note's path or of what was seen
TOLD = {
    "key-customer": ("customers/GetCustomerExecutionDetailsByCampaign", "perhaps it is CustID"),
    "key-time": ("actions/GetExecutedCampaignChannelDetails", "perhaps it is SendTime"),
    "key-channel": ("actions/GetCampaignDetails", "perhaps it is ChannelNumber"),
    "date-form": ("general/GetLastDataUpdate", "99/99/9999"),
    "time-form": ("actions/GetExecutedCampaignChannelDetails", "99/99/9999 99:99"),
    "id-text": ("actions/GetExecutedCampaignsByChannel", "a whole number as text"),
    "customer-number": ("customers/GetCustomerExecutionDetailsByCampaign", "a whole number"),
    "flag-text": ("actions/GetCampaignDetails", "text"),
    "envelope": ("general/GetLastDataUpdate", "inside data"),
    "paging-names": ("paging", "limit and offset"),
    "page-cap": ("paging", "500 at most"),
    "empty-404": ("paging", "404"),
    "login-object": ("general/login", "an object with the keys Token"),
    "token-header": ("general/login", "Authorization: Bearer"),
    "version": ("version", "/v3.0/"),
    "missing-action": ("customers/GetCustomerExecutionDetailsByCampaign", "missing"),
    "missing-count": ("actions/GetCampaignDetails", "missing"),
    "write-204": ("integrations/AddPromotions", "204"),
    "no-listener-list": ("general/GetRegisteredEventListeners", "404"),
    "error-200": ("errors and addresses", "200"),
}


def simulated(deviations=(), customers=1500):
    world = World(clock=FrozenClock(NOW), customers=customers)
    return Server(Simulator(Planner(world, deviations=deviations)))


def talk_to(server, **ways):
    http = Http(allow_private=(f"127.0.0.1:{server.port}",))
    ways = ways or {"user": "simulator", "password": "simulator"}
    return PlannerTalk(server.url, http=http, pace=Pace(10_000), **ways)


def run(server, **wishes):
    return PlannerConformance(talk_to(server), Wishes(**wishes), now=NOW).run()


def told(report, name):
    return [note for one in report.findings if one.name == name for note in one.notes]


class TestAPlannerThatAgrees:
    def test_nothing_differs_and_every_flow_works(self):
        with simulated() as server:
            report = run(server, allow_writes=True)
        assert {one.verdict for one in report.findings} == {Verdict.AGREES, Verdict.NOT_TRIED}
        assert {one.name for one in report.findings} >= {function.path for function in FUNCTIONS}
        assert report.profile == ""
        outcomes = {flow.name: flow.outcome for flow in report.flows}
        assert outcomes.pop("Clear a conditional campaign") == "is not known"
        assert set(outcomes.values()) == {"works"}

    def test_read_only_unless_allowed(self):
        with simulated() as server:
            run(server)
            methods = {(asked["method"], asked["path"].split("/")[-1]) for asked in server.simulator.log}
        assert {path for method, path in methods if method != "GET"} == {"login"}

    def test_what_is_written_is_taken_back(self):
        with simulated() as server:
            before = {**server.simulator.half.world.templates[504]}
            run(server, allow_writes=True)
            world = server.simulator.half.world
            assert (world.templates[504], world.promotions, world.listeners, world.apps) == (
                before, {"WB23": "Welcome back"}, {}, {},
            )  # fmt: skip
            assert set(world.metrics.values()) == {0}

    def test_a_listener_is_not_replaced(self):
        with simulated() as server:
            known = {(2, None): "https://host.example/day"}
            server.simulator.half.world.listeners.update(known)
            report = run(server, allow_writes=True)
            assert server.simulator.half.world.listeners == known
        verdicts = {one.name: one.verdict for one in report.findings}
        assert verdicts["general/RegisterEventListener"] is Verdict.NOT_TRIED

    def test_by_key(self):
        with simulated() as server:
            report = PlannerConformance(talk_to(server, api_key="simulator"), Wishes(), now=NOW).run()
        assert "actions/GetAllActions" in {
            one.name for one in report.findings if one.verdict is Verdict.AGREES
        }


class TestDeviations:
    @pytest.mark.parametrize("name", NAMES)
    def test_one(self, name):
        with simulated((name,)) as server:
            report = run(server, allow_writes=True)
        finding, words = TOLD[name]
        assert any(words in note.seen for note in told(report, finding)), told(report, finding)

    def test_all_twenty_at_once(self):
        assert len(NAMES) == 20
        with simulated(NAMES) as server:
            report = run(server, allow_writes=True)
        missed = [
            name
            for name, (of, words) in TOLD.items()
            if not any(words in note.seen for note in told(report, of))
        ]
        assert missed == []
        outcomes = {flow.name: flow.outcome for flow in report.flows}
        assert outcomes["Fetch a campaign's list"] == "works with the profile"

    @pytest.mark.parametrize("names", [*((one.name,) for one in DEVIATIONS if one.mended), NAMES])
    def test_the_written_profile_reads_it(self, names):
        with simulated(names) as server:
            profile = parse(run(server, allow_writes=True).profile)
            http = Http(allow_private=(f"127.0.0.1:{server.port}",))
            client = PlannerClient(
                server.url, user="simulator", password="simulator", http=http, profile=profile
            )
            assert client.get_last_data_update().isoformat() == "2026-11-22"
            [campaign] = client.executed_campaigns_by_channel(504, NOW.date())
            read = whole_list(client, campaign, 504)
            assert len(read.rows) == 1350
            assert {row.scheduled_time[:16] for row in read.rows} == {"2026-11-23 13:45"}
            assert read.channel_rows[0].template_id == 11


class TestTrouble:
    @pytest.mark.parametrize("kind", ["500", "html", "truncated", "hangup"])
    def test_a_broken_function_is_told_and_the_rest_goes_on(self, kind):
        with simulated() as server:
            server.simulator.faults.append(fault_of(kind, function="GetAllActions"))
            report = run(server)
        [note] = told(report, "actions/GetAllActions")
        assert note.mend is Mend.NONE
        assert len(report.findings) > 60

    def test_no_planner_at_all(self):
        with simulated() as server:
            server.simulator.faults.append(fault_of("html"))
            with pytest.raises(NotAPlanner):
                run(server)

    def test_wrong_password(self):
        with simulated() as server, pytest.raises(PlannerRefusedLogin):
            PlannerConformance(talk_to(server, user="simulator", password="x"), Wishes(), now=NOW).run()


class TestCommand:
    def test_reports_and_writes_its_files(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TANDEM_PLANNER_USER", "simulator")
        monkeypatch.setenv("TANDEM_PLANNER_PASSWORD", "simulator")
        shapes, profile = tmp_path / "shapes.json", tmp_path / "profile.toml"
        with simulated(("envelope",)) as server:
            words = ["planner", "--url", server.url, "--rate", "1000", "--day", "2026-11-23"]
            done = CliRunner().invoke(
                app, [*words, "--json", "--shapes", str(shapes), "--write-profile", str(profile)]
            )
        assert done.exit_code == 0, done.output
        assert orjson.loads(done.stdout)["profile"] == '[answers]\nenvelope = "data"\n'
        assert parse(profile.read_text()).envelope == "data"
        text = shapes.read_text()
        assert "100001" not in text and "UK VIPs" not in text and "CustomerID" in text

    def test_needs_a_credential(self):
        done = CliRunner().invoke(app, ["planner", "--url", "http://127.0.0.1:9"])
        assert done.exit_code == 2


def test_pace_stays_below_its_limit():
    now, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(3, timer=lambda: now[0], sleep=sleep)
    for _ in range(7):
        pace.wait()
    assert (slept, now[0]) == ([10.0, 10.0], 20.0)


@pytest.mark.parametrize(
    ("samples", "forms", "form"),
    [
        (["23/11/2026"], DATES, "%d/%m/%Y"),
        (["11/23/2026"], DATES, "%m/%d/%Y"),
        (["11/12/2026", "11/23/2026"], DATES, "%m/%d/%Y"),
        (["20261123"], DATES, "%Y%m%d"),
        (["2026-11-23T10:00:00Z"], TIMES, "%Y-%m-%dT%H:%M:%S%z"),
        ([NOW.timestamp() * 1000], TIMES, "epoch ms"),
        ([int(NOW.timestamp())], TIMES, "epoch"),
        (["soon"], TIMES, ""),
    ],
)
def test_forms_of_dates(samples, forms, form):
    assert form_of(samples, forms, NOW) == form


def test_shapes_hold_no_values():
    document = {
        "a": "Anna",
        "b": 7,
        "c": [{"d": "2026-11-23"}],
        "e": None,
        "f": "0701234567",
        "g": True,
        "h": 1.5,
    }
    assert redacted(document) == {
        "a": "text", "b": "whole number", "c": [{"d": "9999-99-99"}], "e": "null", "f": "digits", "g": "true or false",
        "h": "number",
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [["--day", "soon"], ["--zone", "Nowhere/Else"]])
def test_what_cannot_be_read_is_said(wrong):
    words = ["planner", "--url", "http://127.0.0.1:9", "--api-key", "k", *wrong]
    assert CliRunner().invoke(app, words).exit_code == 2
