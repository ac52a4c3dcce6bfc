from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from typer.testing import CliRunner

from tandem.clients.messenger import MessengerClient, MessengerRefusedPassword
from tandem.clients.profile import MESSENGER, parse
from tandem.conform.findings import Mend, Verdict
from tandem.conform.messenger import MessengerConformance, MessengerWishes
from tandem.conform.talk import MessengerTalk, NotAMessenger, Pace
from tandem.contract.messenger_calls import CALLS
from tandem.kit.clock import FrozenClock
from tandem.kit.http import Http
from tandem.simulators.messenger import Messenger
from tandem.simulators.messenger_deviations import DEVIATIONS, NAMES, MessengerDeviant
from tandem.simulators.messenger_world import LIST, PROJECT
from tandem.simulators.server import Server, Simulator, fault_of
from tandem.site.commands.conform import app

NOW = datetime(2026, 11, 23, 13, 45, tzinfo=UTC)
#: a contact that may get messages
TESTER = "100002"
ALL = {"allow_writes": True, "trigger": 11, "send_to": TESTER}
#: what each deviation is told as: finding, words of what was seen or why
TOLD = {
    "key-active": ("GET /triggers", "perhaps it is activeCampaignId"),
    "key-original": ("GET /lists/{listId}/contacts/all", "perhaps it is externalId"),
    "key-address": ("GET /lists/{listId}/contacts/all", "perhaps it is email"),
    "id-text": ("GET /triggers", "a whole number as text"),
    "time-text": ("GET /triggers", "9999-99-99T99:99:99.999+99:99"),
    "flag-text": ("GET /lists/{listId}/contacts/all", "text"),
    "envelope": ("GET /triggers", "inside data"),
    "paging-names": ("paging", "limit and after"),
    "page-cap": ("paging", "100 at most"),
    "empty-404": ("empty list", "404"),
    "token-header": ("sign in", "Authorization: Bearer"),
    "no-apiurl": ("GET /apiurl", "404"),
    "no-projects": ("GET /projects", "404"),
    "no-preview": ("GET /triggers/{triggerId}/campaigns/{campaignId}/preview", "404"),
    "missing-active": ("GET /triggers", "missing"),
    "basic-trims": ("basic", "activeCampaign, channelTypeId"),
    "channel-words": ("GET /triggers", "text"),
    "status-words": ("GET /batches/{batchId}", "COMPLETED"),
    "stat-array": ("GET /triggers/{triggerId}/campaigns", "an array of 1"),
    "url-bare": ("GET /batches/{exportId}/result/url", "the address as text"),
    "no-job-status": ("GET /jobs/generation/fixed/{jobId}", "404"),
    "error-200": ("errors", "200"),
}


def simulated(deviations=(), contacts=250):
    return Server(Simulator(Messenger(clock=FrozenClock(NOW), contacts=contacts, deviations=deviations)))


def talk_to(server, **ways):
    http = Http(allow_private=(f"127.0.0.1:{server.port}",))
    pace = Pace(10_000, sleep=lambda _: None)
    return MessengerTalk(
        f"{server.url}/rest", "5004", http=http, pace=pace, **(ways or {"token": "simulator"})
    )


def run(server, **wishes):
    return MessengerConformance(talk_to(server), MessengerWishes(**wishes), now=NOW).run()


def told(report, name):
    """What was said of a call."""
    found = [one for one in report.findings if one.name == name]
    return [note.seen for one in found for note in one.notes] + [one.why for one in found if one.why]


class TestAMessengerThatAgrees:
    def test_nothing_differs_and_every_flow_works(self):
        with simulated() as server:
            report = run(server, **ALL)
        odd = {one.name: one for one in report.findings if one.verdict is Verdict.DIFFERS}
        assert odd == {}
        assert {one.name for one in report.findings} >= {call.name for call in CALLS}
        assert report.profile == ""
        assert {flow.name: flow.outcome for flow in report.flows if flow.outcome != "works"} == {}
        assert len(report.flows) == 7

    def test_read_only_unless_allowed(self):
        with simulated() as server:
            report = run(server)
            asked = list(server.simulator.log)
        assert {one["method"] for one in asked} == {"GET"}
        outcomes = {flow.name: flow.outcome for flow in report.flows}
        assert (
            outcomes.pop("Push contacts") == outcomes.pop("Hand over a list by the bridge") == "is not known"
        )
        assert set(outcomes.values()) == {"works"}

    def test_what_is_allowed_changes_no_contact_and_sends_nothing(self):
        with simulated() as server:
            run(server, allow_writes=True)
            world = server.simulator.half.world
            assert (world.changed, world.messages, world.jobs) == ({}, [], {})
            assert [batch.total for batch in world.batches.values()] == [0, 1]

    def test_only_the_named_contact_is_sent_to(self):
        with simulated() as server:
            run(server, **ALL)
            messages = server.simulator.half.world.messages
        assert [(one["originalId"], one["trigger"]) for one in messages] == [(TESTER, 11)] * 2
        assert {one["job"] for one in messages} == {None, 7202}

    def test_by_user_and_password(self):
        with simulated() as server:
            talk = talk_to(server, user="simulator", password="simulator")
            report = MessengerConformance(talk, MessengerWishes(), now=NOW).run()
        assert {one.verdict for one in report.findings if one.name == "GET /triggers"} == {Verdict.AGREES}


class TestDeviations:
    @pytest.mark.parametrize("name", NAMES)
    def test_one(self, name):
        with simulated((name,)) as server:
            report = run(server, **ALL)
        finding, words = TOLD[name]
        assert any(words in seen for seen in told(report, finding)), told(report, finding)

    def test_all_at_once(self):
        assert len(NAMES) == len(TOLD) == 22
        with simulated(NAMES) as server:
            report = run(server, **ALL)
        expected = TOLD | {"no-preview": (TOLD["no-preview"][0], "200 with an error")}
        said = {name: told(report, of) for name, (of, _) in expected.items()}
        missed = [
            name for name, (_, words) in expected.items() if not any(words in seen for seen in said[name])
        ]
        assert missed == []
        outcomes = {flow.name: flow.outcome for flow in report.flows}
        assert outcomes["Offer templates"] == outcomes["Read consent"] == "works with the profile"
        assert "does not work" not in outcomes.values()

    @pytest.mark.parametrize("names", [*((one.name,) for one in DEVIATIONS if one.mended), NAMES])
    def test_the_written_profile_reads_it(self, names):
        with simulated(names) as server:
            profile = parse(run(server, **ALL).profile, MESSENGER)
            http = Http(allow_private=(f"127.0.0.1:{server.port}",))
            client = MessengerClient(f"{server.url}/rest", "5004", "", "", "simulator", http, profile=profile)
            client.sign_in()
            assert [one.id for one in client.projects()] == [PROJECT]
            assert {one.id: one.channel_type for one in client.triggers() if one.usable} == {
                11: 1,
                12: 2,
                13: 1,
            }
            assert [one.id for one in client.lists()] == [LIST]
            people = list(client.contacts(LIST))
            assert [one.original_id for one in people] == [str(100_001 + n) for n in range(250)]
            plain = {one["originalId"]: one for one in server.simulator.half.world.after(0, 250)}
            for one in people:
                kept = plain[one.original_id]
                assert (one.email_consent, one.sms_consent, one.has_mobile) == (
                    not kept["unsubscribed"], not kept["mobileUnsubscribed"], bool(kept["mobileNumber"]),
                )  # fmt: skip
                assert one.has_email == (bool(kept["emailAddress"]) and not kept["bounced"])
            assert [one for one in client.contacts(LIST, "bounced")] or not any(
                one["bounced"] for one in plain.values()
            )
            batch = client.upload(LIST, client.start_import(LIST), b"originalId\n")
            assert [client.batch(batch).status for _ in range(2)] == ["IN_PROGRESS", "FINISHED"]
            shown = client.preview(11, 336_858, TESTER, LIST)
            assert shown.link.endswith("?nostat") if "no-preview" in names else shown.subject == "Welcome"


def whole(query):
    """The list comes whole, whatever is asked."""
    return {"pageSize": "10000"}


def pages(query):
    """Pages are counted, from 1."""
    size = int(query.get("size", "50"))
    return {"pageSize": str(size), "lastId": str((int(query.get("page", "1")) - 1) * size)}


def rows(query):
    """Rows are skipped."""
    return {"pageSize": query.get("limit", "50"), "lastId": query.get("offset", "0")}


def unheeded(query):
    """The first fifty, whatever is asked."""
    return {"pageSize": "50"}


class TestPaging:
    @pytest.mark.parametrize(
        ("way", "counts", "seen"),
        [
            (whole, "none", "the list comes whole"),
            (pages, "pages", "size and page"),
            (rows, "rows", "limit and offset"),
        ],
    )
    def test_other_ways_are_found_and_read(self, monkeypatch, way, counts, seen):
        monkeypatch.setattr(
            MessengerDeviant, "asked", lambda _, request: replace(request, query=way(request.query))
        )
        with simulated() as server:
            report = run(server)
            assert told(report, "paging")[0] == seen
            profile = parse(report.profile, MESSENGER)
            assert profile.counts == counts
            http = Http(allow_private=(f"127.0.0.1:{server.port}",))
            client = MessengerClient(f"{server.url}/rest", "5004", "", "", "simulator", http, profile=profile)
            assert len({one.id for one in client.contacts(LIST)}) == 250

    def test_a_cut_list_is_not_taken_for_the_whole(self, monkeypatch):
        monkeypatch.setattr(
            MessengerDeviant, "asked", lambda _, request: replace(request, query=unheeded(request.query))
        )
        with simulated() as server:
            report = run(server)
        assert {flow.name: flow.outcome for flow in report.flows}["Read consent"] == "does not work"
        assert told(report, "paging") == ["neither is heeded"]


class TestTrouble:
    @pytest.mark.parametrize("kind", ["500", "html", "truncated", "hangup"])
    def test_a_broken_call_is_told_and_the_rest_goes_on(self, kind):
        with simulated() as server:
            server.simulator.faults.append(fault_of(kind, function="/properties"))
            report = run(server)
        [note] = [note for one in report.findings if one.name == "GET /properties" for note in one.notes]
        assert note.mend is Mend.NONE
        assert len(report.findings) > 40

    def test_a_wait_is_kept(self):
        with simulated() as server:
            server.simulator.faults.append(fault_of("429", function="/triggers", times=1))
            report = run(server)
        assert [one.verdict for one in report.findings if one.name == "GET /triggers"] == [Verdict.AGREES]

    @pytest.mark.parametrize("kind", ["html", "500", "hangup"])
    def test_no_messenger_at_all(self, kind):
        with simulated() as server:
            server.simulator.faults.append(fault_of(kind))
            with pytest.raises(NotAMessenger):
                run(server)

    def test_wrong_token(self):
        with simulated() as server, pytest.raises(MessengerRefusedPassword):
            MessengerConformance(talk_to(server, token="x"), MessengerWishes(), now=NOW).run()


class TestCommand:
    def test_reports_and_writes_its_files(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TANDEM_MESSENGER_TOKEN", "simulator")
        shapes, profile = tmp_path / "shapes.json", tmp_path / "profile.toml"
        words = ["--rate", "1000", "--json", "--shapes", str(shapes), "--write-profile", str(profile)]
        with simulated(("envelope",)) as server:
            at = ["messenger", "--url", f"{server.url}/rest", "--customer-id", "5004"]
            done = CliRunner().invoke(app, [*at, *words])
        assert done.exit_code == 0, done.output
        assert orjson.loads(done.stdout)["profile"] == '[answers]\nenvelope = "data"\n'
        assert parse(profile.read_text(), MESSENGER).envelope == "data"
        text = shapes.read_text()
        assert "people.example" not in text and "100001" not in text and "emailAddress" in text

    def test_a_flow_that_does_not_work_is_the_exit_code(self, monkeypatch):
        monkeypatch.setenv("TANDEM_MESSENGER_TOKEN", "simulator")
        with simulated() as server:
            server.simulator.faults.append(fault_of("500", function="/contacts/all"))
            at = ["messenger", "--url", f"{server.url}/rest", "--customer-id", "5004", "--rate", "1000"]
            done = CliRunner().invoke(app, at)
        assert done.exit_code == 5
        assert "Read consent: does not work" in done.stdout
        assert "differs        GET /lists/{listId}/contacts/all" in done.stdout

    @pytest.mark.parametrize(
        "more", [[], ["--token", "t", "--send-to", "7"], ["--token", "t", "--url", "ftp://x/rest"]]
    )
    def test_what_cannot_be_is_refused(self, more):
        at = ["messenger", "--url", "http://127.0.0.1:9/rest", "--customer-id", "1"]
        assert CliRunner().invoke(app, [*at, *more]).exit_code == 2
