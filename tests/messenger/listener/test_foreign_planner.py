"""The listener against a planner that is known only by its address and a credential."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.fixtures.sendings import CLOCK, change_contact, create_contacts, create_house, send_until
from typer.testing import CliRunner

from tandem.clients.profile import ProfileWrong
from tandem.conform.planner import PlannerConformance, Wishes
from tandem.conform.talk import Pace, PlannerTalk
from tandem.kit.clock import FrozenClock
from tandem.kit.http import Http
from tandem.messenger.accounts import service as accounts
from tandem.messenger.cli.listener import app
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.sender import life as sender
from tandem.messenger.listener import service
from tandem.messenger.listener.errors import ConnectionWrong
from tandem.messenger.listener.models import Inbox, PlannerConnection
from tandem.simulators.deviations import NAMES
from tandem.simulators.planner import Planner
from tandem.simulators.planner_world import World
from tandem.simulators.server import Server, Simulator, fault_of

pytestmark = pytest.mark.django_db
CUSTOMERS = 43


@pytest.fixture
def clock():
    return FrozenClock(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))


@pytest.fixture
def foreign(clock, settings, tmp_path, request):
    """A simulated planner whose templates are this account's; deviations by the test's parameter."""
    settings.TANDEM_HOME = tmp_path
    house = create_house()
    create_contacts(house, 3)
    world = World(clock=clock, zone="Europe/Stockholm", customers=CUSTOMERS)
    world.change_template(504, house.email_trigger)
    half = Planner(world, deviations=getattr(request, "param", ()))
    with Server(Simulator(half)) as server:
        settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{server.port}",)
        server.house, server.account_id = house, house.account_id
        server.campaign = max(one.id for one in world.campaigns.values() if one.channel == 504)
        yield server


def connect(foreign, **more):
    ways = {"user": "simulator", "password": "simulator", **more}
    service.connect_planner(foreign.account_id, planner_url=foreign.url, zone="Europe/Stockholm", **ways)
    service.bind_channel(foreign.account_id, 504, "email")


def fetched(foreign, clock):
    """Ask, fetch; the rows of the ledger."""
    service.poll_account(foreign.account_id, clock=clock)
    service.fetch_due(clock)
    return Attempt.objects.filter(account_id=foreign.account_id).count()


class TestPolling:
    def test_a_campaign_comes_without_a_listener(self, foreign, clock):
        connect(foreign, hears="polling")
        assert fetched(foreign, clock) == 39
        row = PlannerConnection.objects.get(account_id=foreign.account_id)
        assert (row.data_of.isoformat(), row.last_problem) == ("2026-03-01", "")
        assert Inbox.objects.get().source == "poll"

    def test_by_events_an_unregistered_channel_is_not_asked_for(self, foreign, clock):
        connect(foreign)
        assert fetched(foreign, clock) == 0

    def test_a_key_instead_of_a_password(self, foreign, clock):
        connect(foreign, hears="polling", user="", password="", api_key="simulator")
        assert fetched(foreign, clock) == 39

    def test_one_login_serves_many_questions(self, foreign, clock):
        connect(foreign, hears="polling")
        for _ in range(4):
            fetched(foreign, clock)
        assert sum(asked["path"].endswith("login") for asked in foreign.simulator.log) == 1

    def test_an_expired_token_is_renewed(self, foreign, clock):
        connect(foreign, hears="polling")
        fetched(foreign, clock)
        foreign.simulator.half.control("expire", {})
        service.poll_account(foreign.account_id, clock=clock)
        assert PlannerConnection.objects.get(account_id=foreign.account_id).last_problem == ""

    def test_the_check_says_how_campaigns_are_heard_of(self, foreign, clock):
        connect(foreign, hears="polling", poll_seconds=120)
        steps = service.check(foreign.account_id, clock=clock)
        assert [step.ok for step in steps] == [True, True, True]
        assert "120 seconds" in steps[1].words

    @pytest.mark.parametrize("wrong", [{"hears": "smoke"}, {"poll_seconds": 3}])
    def test_settings_are_checked(self, foreign, wrong):
        with pytest.raises(ConnectionWrong):
            connect(foreign, **wrong)


class TestFaults:
    @pytest.mark.parametrize("kind", ["500", "truncated", "html", "hangup", "429", "empty", "401"])
    def test_nothing_is_sent_until_the_whole_list_was_read(self, foreign, clock, kind):
        connect(foreign, hears="polling")
        name = "GetCustomerExecutionDetailsByCampaign"
        foreign.simulator.faults.append(fault_of(kind, function=name, times=2))
        assert fetched(foreign, clock) == 0
        row = Inbox.objects.get()
        assert (row.state, row.tries) == ("waiting", 1)
        assert row.problem
        foreign.simulator.faults.clear()
        clock.move(seconds=3)
        service.fetch_due(clock)
        assert Attempt.objects.filter(account_id=foreign.account_id).count() == 39

    def test_an_event_registers_and_is_heard(self, foreign, clock, client):
        connect(foreign)
        service.register(foreign.account_id, clock=clock)
        listener, triggered, cancelled = foreign.simulator.half.control("listeners", {})
        events = (int(one["EventTypeID"]) for one in (listener, triggered, cancelled))
        assert tuple(events) == (13, 11, 4)
        path = listener["ListenerURL"].partition("/listener/")[2]
        answer = client.post(
            f"/listener/{path}",
            data=f'{{"EventTypeID":13,"campaignid":"{foreign.campaign}","ChannelId":504,"TimeStamp":""}}',
            content_type="application/json",
        )
        assert answer.status_code == 200
        service.fetch_due(CLOCK)
        assert Attempt.objects.filter(account_id=foreign.account_id).count() == 39


class TestProfile:
    @pytest.mark.parametrize(
        "foreign", [("key-customer", "envelope", "paging-names", "page-cap")], indirect=True
    )
    def test_without_it_the_list_cannot_be_read_with_it_it_can(self, foreign, clock):
        connect(foreign, hears="polling")
        assert fetched(foreign, clock) == 0
        assert "not used" not in PlannerConnection.objects.get(account_id=foreign.account_id).last_problem
        service.set_profile(
            foreign.account_id,
            '[answers]\nenvelope = "data"\n[paging]\ntop = "limit"\nskip = "offset"\nsize = 10\n'
            '[keys]\nCustomerID = "CustID"\n',
        )
        assert fetched(foreign, clock) == 39

    def test_a_wrong_one_changes_nothing(self, foreign):
        connect(foreign)
        service.set_profile(foreign.account_id, 'version = "v3.0"')
        with pytest.raises(ProfileWrong):
            service.set_profile(foreign.account_id, "version = 3")
        assert service.planner_connection(foreign.account_id).profile == 'version = "v3.0"'


class TestPageAndCommand:
    @pytest.fixture
    def pages(self, foreign):
        connect(foreign, hears="polling")
        user = accounts.create_user(
            foreign.account_id,
            email="engineer@shop.example",
            password="a long enough password",
            role="engineer",
        )
        made = Client()
        made.force_login(get_user_model().objects.get(pk=user.id))
        return made

    def test_the_way_is_shown(self, pages):
        page = pages.get("/ui/listener").content.decode()
        assert "no listener is used" in page
        assert 'name="hears"' in page and 'name="poll_seconds"' in page

    def test_a_profile_is_pasted_or_uploaded(self, pages, foreign):
        assert (
            pages.post("/ui/listener/act", {"do": "profile", "profile": 'version = "v1.6"'}).status_code
            == 302
        )
        assert service.planner_connection(foreign.account_id).profile == 'version = "v1.6"'
        file = SimpleUploadedFile("p.toml", b'version = "v3.0"')
        assert pages.post("/ui/listener/act", {"do": "profile", "file": file}).status_code == 302
        assert service.planner_connection(foreign.account_id).profile == 'version = "v3.0"'

    def test_a_wrong_one_comes_back_with_what_is_wrong(self, pages, foreign):
        answer = pages.post("/ui/listener/act", {"do": "profile", "profile": "[paging]\nlimit = 3"})
        assert answer.status_code == 422
        page = answer.content.decode()
        assert "limit = 3" in page and "which means nothing here" in page
        assert service.planner_connection(foreign.account_id).profile == ""

    def test_the_form_keeps_the_way(self, pages, foreign):
        fields = {
            "planner_url": foreign.url, "zone": "Europe/Stockholm", "user": "simulator", "overlap_seconds": "60",
            "hears": "events", "poll_seconds": "300",
        }  # fmt: skip
        assert pages.post("/ui/listener", fields).status_code == 302
        view = service.planner_connection(foreign.account_id)
        assert (view.hears, view.poll_seconds) == ("events", 300)

    def test_the_command(self, foreign, tmp_path, monkeypatch):
        monkeypatch.setattr("tandem.kit.commands.use_half", lambda half: None)
        connect(foreign)
        run, name = CliRunner(), str(foreign.account_id)
        good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
        good.write_text('version = "v3.0"')
        bad.write_text("version = 3")
        assert run.invoke(app, ["profile", str(good), "--account", name]).exit_code == 0
        assert run.invoke(app, ["profile", str(bad), "--account", name]).exit_code == 2
        assert 'version = "v3.0"' in run.invoke(app, ["profile", "--account", name]).output
        assert run.invoke(app, ["profile", "--clear", "--account", name]).exit_code == 0
        assert service.planner_connection(foreign.account_id).profile == ""


@pytest.mark.parametrize("foreign", [NAMES], indirect=True)
def test_twenty_deviations_and_the_suggested_profile(foreign, clock):
    """From address and password to the ledger, by nothing but what the conformance run wrote."""
    connect(foreign, hears="polling")
    assert fetched(foreign, clock) == 0
    http = Http(allow_private=(f"127.0.0.1:{foreign.port}",))
    talk = PlannerTalk(foreign.url, user="simulator", password="simulator", http=http, pace=Pace(10_000))
    report = PlannerConformance(talk, Wishes(allow_writes=True), now=clock.business()).run()
    service.set_profile(foreign.account_id, report.profile)
    assert fetched(foreign, clock) == 39
    [due] = set(
        Attempt.objects.filter(account_id=foreign.account_id).values_list("sending__due_at", flat=True)
    )
    assert due == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class TestWholeWay:
    """Asked, fetched, sent, told: with a planner that differs in everything, read by the suggested profile."""

    @pytest.fixture
    def differing(self, settings, tmp_path, monkeypatch):
        settings.TANDEM_HOME = tmp_path
        monkeypatch.setattr(sender, "way_out_for", lambda *_: MemoryProvider())
        house = create_house()
        for number, customer in enumerate(create_contacts(house, CUSTOMERS)):
            change_contact(house, customer, original_id=str(100_001 + number))
        world = World(clock=CLOCK, zone="Europe/Stockholm", customers=CUSTOMERS)
        world.change_template(504, house.email_trigger)
        with Server(Simulator(Planner(world, deviations=NAMES))) as server:
            settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{server.port}",)
            server.house, server.account_id = house, house.account_id
            yield server

    @pytest.mark.django_db(transaction=True)
    def test_the_journey(self, differing):
        connect(differing, hears="polling")
        http = Http(allow_private=(f"127.0.0.1:{differing.port}",))
        talk = PlannerTalk(
            differing.url, user="simulator", password="simulator", http=http, pace=Pace(10_000)
        )
        report = PlannerConformance(talk, Wishes(allow_writes=True), now=CLOCK.business()).run()
        service.set_profile(differing.account_id, report.profile)
        assert fetched(differing, CLOCK) == 39
        row = Inbox.objects.get(account_id=differing.account_id)
        view = send_until(differing.house, row.sending_id)
        assert view.finished_at is not None
        service.report_due(CLOCK)
        told = differing.simulator.half.control("metrics", {})
        key = (row.campaign_id, differing.house.email_trigger)
        sent = [
            one["MetricValue"]
            for one in told
            if (one["CampaignID"], one["TemplateID"], one["MetricID"]) == (*key, 0)
        ]
        assert sent == [39]
