"""The connector with a messenger that is not ours: rooms and database here, the simulator over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from tandem.clients.messenger import MessengerBroken, MessengerBusy, MessengerHasNot, NoPreview
from tandem.clients.profile import ProfileWrong
from tandem.conform.messenger import MessengerConformance, MessengerWishes
from tandem.conform.talk import MessengerTalk, Pace
from tandem.kit.clock import FrozenClock
from tandem.kit.http import Http
from tandem.kit.problems import OtherSideFailed
from tandem.planner.channels import service as channels
from tandem.planner.cli.account import app
from tandem.planner.customers.models import Consent, Customer
from tandem.simulators.messenger import Messenger
from tandem.simulators.messenger_deviations import NAMES
from tandem.simulators.messenger_world import LIST
from tandem.simulators.server import Server, Simulator, fault_of

pytestmark = pytest.mark.django_db
CLOCK = FrozenClock(datetime(2026, 11, 23, 13, 45, tzinfo=UTC))
PEOPLE = 120


@pytest.fixture
def foreign(settings):
    """Starts messengers with deviations; they may be reached."""
    servers = []

    def start(*deviations):
        half = Messenger(clock=CLOCK, contacts=PEOPLE, deviations=deviations)
        server = Server(Simulator(half))
        servers.append(server.__enter__())
        settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{server.port}",)
        return server

    yield start
    for server in servers:
        server.__exit__()


def suggested(server):
    """The profile that a conformance run writes."""
    http = Http(allow_private=(f"127.0.0.1:{server.port}",))
    pace = Pace(10_000, sleep=lambda _: None)
    talk = MessengerTalk(f"{server.url}/rest", "5004", token="simulator", http=http, pace=pace)
    wishes = MessengerWishes(allow_writes=True)
    return MessengerConformance(talk, wishes, now=CLOCK.business()).run().profile


def connect(account, server, **more):
    return channels.add_account(
        account.pk,
        name="Foreign",
        api_url=f"{server.url}/rest",
        customer_id="5004",
        token="simulator",
        **more,
    )


@pytest.mark.parametrize("deviations", [(), NAMES])
def test_the_whole_connector(foreign, account, deviations):
    server = foreign(*deviations)
    world = server.simulator.half.world
    made = connect(account, server, profile=suggested(server))
    steps = channels.check_connection(account.pk, made.id, clock=CLOCK).steps
    assert [step.ok for step in steps] == [True, True, True, False]

    read = channels.read_templates(account.pk, made.id, clock=CLOCK)
    assert (read.projects, read.templates) == (1, 4)
    offered = channels.list_templates(account.pk, made.id, channel="sms", usable_only=True)
    assert [(one.id, one.channel) for one in offered] == [(12, "sms")]

    ids = [str(100_001 + n) for n in range(PEOPLE)]
    Customer.objects.bulk_create(Customer(account=account, customer_id=one) for one in ids)
    assert channels.refresh_consent(account.pk, made.id, clock=CLOCK, full=True) == PEOPLE
    for kept in Consent.objects.filter(account=account).select_related("customer"):
        theirs = world.contact(kept.customer.customer_id)
        flags = (theirs["unsubscribed"], theirs["mobileUnsubscribed"])
        assert (not kept.email_consent, not kept.sms_consent) == flags

    done = channels.push_contacts(
        account.pk, made.id, [{"originalId": "new", "firstName": "Nora"}], list_id=LIST, clock=CLOCK
    )
    assert (done.rows, done.failed, world.contact("new")["firstName"]) == (1, 0, "Nora")
    if deviations:
        with pytest.raises(NoPreview):
            channels.preview(account.pk, made.id, 11, ids[1])
    else:
        assert channels.preview(account.pk, made.id, 11, ids[1]).subject == "Welcome"


def test_without_the_profile_it_is_told_what_cannot_be_read(foreign, account):
    made = connect(account, foreign("key-original", "envelope"))
    with pytest.raises(MessengerBroken, match="not an array"):
        channels.read_templates(account.pk, made.id, clock=CLOCK)
    channels.set_profile(account.pk, None, '[answers]\r\nenvelope = "data"\r\n')
    assert channels.read_templates(account.pk, made.id, clock=CLOCK).templates == 4
    assert channels.get_account(account.pk, made.id).profile == '[answers]\nenvelope = "data"'


class TestPreview:
    def test_a_messenger_without_one_shows_the_newest_it_sent(self, foreign, account):
        server = foreign("no-preview")
        made = connect(account, server)
        channels.read_templates(account.pk, made.id, clock=CLOCK)
        with pytest.raises(NoPreview, match="cannot show a message before it is sent"):
            channels.preview(account.pk, made.id, 11, "100002")
        world = server.simulator.half.world
        for number in ("100003", "100007"):
            world.keep_message(11, number, {})
        assert channels.preview(account.pk, made.id, 11, "100002").link == f"{server.url}/_message/2?nostat"

    def test_an_unknown_contact_is_no_missing_preview(self, foreign, account):
        for deviations in ((), ("no-preview",)):
            server = foreign(*deviations)
            server.simulator.half.world.keep_message(11, "100003", {})
            made = connect(account, server)
            channels.read_templates(account.pk, made.id, clock=CLOCK)
            with pytest.raises(MessengerHasNot):
                channels.preview(account.pk, made.id, 11, "nobody")
            channels.remove_account(account.pk, made.id)


class TestTrouble:
    def test_a_failed_reading_keeps_the_old_copy_and_is_not_repeated_at_once(self, foreign, account):
        server = foreign()
        made = connect(account, server, list_id=LIST)
        channels.read_templates(account.pk, made.id, clock=CLOCK)
        assert channels.refresh_due(CLOCK.business()) == ((account.pk, made.id, True),)
        server.simulator.faults.append(fault_of("truncated", function="/contacts/all", times=1))
        with pytest.raises(OtherSideFailed):
            channels.refresh_consent(account.pk, made.id, clock=CLOCK, full=True)
        assert channels.refresh_due(CLOCK.business()) == ()
        assert channels.refresh_due(CLOCK.business() + timedelta(minutes=1)) == ((account.pk, made.id, True),)
        assert channels.refresh_consent(account.pk, made.id, clock=CLOCK, full=True) == 0  # nobody is ours

    def test_being_told_to_wait_is_heeded(self, foreign, account, monkeypatch):
        server = foreign()
        made = connect(account, server, list_id=LIST)
        channels.read_templates(account.pk, made.id, clock=CLOCK)
        server.simulator.faults.append(fault_of("429", function="/contacts/all", times=2))
        channels.refresh_consent(account.pk, made.id, clock=CLOCK, full=True)
        asked = [one["status"] for one in server.simulator.log if one["path"].endswith("/contacts/all")]
        assert asked[:3] == [429, 429, 200]
        monkeypatch.setattr("tandem.planner.channels.service.contacts.PATIENCE", 0)
        server.simulator.faults.append(fault_of("429", function="/contacts/all"))
        with pytest.raises(MessengerBusy):
            channels.refresh_consent(account.pk, made.id, clock=CLOCK, full=True)

    def test_a_page_twice_stops_the_reading(self, foreign, account):
        server = foreign("page-cap")
        made = connect(account, server, list_id=LIST)
        channels.read_templates(account.pk, made.id, clock=CLOCK)
        channels.refresh_consent(account.pk, made.id, clock=CLOCK, full=True)
        server.simulator.faults.append(fault_of("page-twice", function="/contacts/all"))
        server.simulator._last.clear()
        with pytest.raises(MessengerBroken, match="twice"):
            channels.refresh_consent(account.pk, made.id, clock=CLOCK, full=True)


class TestProfile:
    @pytest.mark.parametrize("wrong", ["[answers", 'colour = "red"', '[paging]\ncounts = "leaves"'])
    def test_a_wrong_one_is_refused(self, foreign, account, wrong):
        server = foreign()
        with pytest.raises(ProfileWrong):
            connect(account, server, profile=wrong)
        assert channels.list_accounts(account.pk) == ()
        made = connect(account, server)
        with pytest.raises(ProfileWrong):
            channels.set_profile(account.pk, made.id, wrong)

    def test_the_command_line_keeps_shows_and_clears_it(self, foreign, account, tmp_path):
        made = connect(account, foreign())
        file = tmp_path / "messenger.toml"
        file.write_text('[answers]\nenvelope = "data"\n')
        assert CliRunner().invoke(app, ["profile", str(file)]).exit_code == 0
        assert CliRunner().invoke(app, ["profile"]).stdout == '[answers]\nenvelope = "data"\n'
        assert CliRunner().invoke(app, ["profile", str(tmp_path / "none")]).exit_code == 2
        assert CliRunner().invoke(app, ["profile", "--clear"]).exit_code == 0
        assert channels.get_account(account.pk, made.id).profile == ""

    def test_a_changed_account_keeps_it_unless_it_is_given(self, foreign, account):
        server = foreign()
        made = connect(account, server, profile='[answers]\nenvelope = "data"')
        fields = {"name": "F", "api_url": f"{server.url}/rest", "customer_id": "5004"}
        kept = channels.update_account(account.pk, made.id, **fields)
        assert kept.profile == '[answers]\nenvelope = "data"'
        assert channels.update_account(account.pk, made.id, **fields, profile="").profile == ""
