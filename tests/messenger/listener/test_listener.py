import importlib
import json
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from tests.fixtures.sendings import CLOCK, create_contacts, send_until

from tandem.clients import planner_problems as problems
from tandem.clients.planner import CompleteRead
from tandem.contract.planner_api import ChannelDetails, ExecutionRow, RegisteredListener
from tandem.kit.clock import FrozenClock
from tandem.messenger.delivery.models import Attempt, Sending
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.sender import life as sender
from tandem.messenger.listener import domain, service
from tandem.messenger.listener.errors import ConnectionWrong, NotConnected, UnknownListener
from tandem.messenger.listener.models import Inbox, ListenerCall, PlannerConnection
from tandem.messenger.reporting import service as reporting

pytestmark = pytest.mark.django_db


class Planner:
    """A planner that knows one campaign."""

    def __init__(self) -> None:
        self.registered: dict[int, str] = {}
        self.rows: list[tuple[str, int]] = []
        self.time = ""
        self.problem: Exception | None = None
        self.post_problem: Exception | None = None
        self.metrics: list = []
        self.keys: set[str] = set()
        self.counts_once, self.arrives = False, True
        self.executed: dict[int, tuple[int, ...]] = {}

    def login(self) -> None:
        if self.problem:
            raise self.problem

    def register_event_listener(self, event_type, url, channel_id=None):
        self.login()
        self.registered[channel_id] = url

    def unregister_event_listener(self, event_type, channel_id=None):
        self.registered.pop(channel_id, None)

    def registered_event_listeners(self):
        return tuple(
            RegisteredListener(event_type=13, channel_id=n, url=url) for n, url in self.registered.items()
        )

    def executed_campaigns_by_channel(self, channel_id, day: date):
        self.login()
        return self.executed.get(channel_id, ())

    def campaign_details(self, campaign_id):
        self.login()

    def complete_read(self, campaign_id, channel_id, keep):
        self.login()
        templates = sorted({template for _, template in self.rows})
        keep(
            [
                ExecutionRow(
                    customer_id=customer,
                    action_id=2,
                    channel_id=channel_id,
                    template_id=template,
                    template_name="",
                    scheduled_time=self.time,
                    promo_code="",
                )
                for customer, template in self.rows
            ]
        )
        return CompleteRead(
            details=SimpleNamespace(status="Successful", error=""),
            channel_rows=tuple(ChannelDetails(template_id=t, scheduled_time=self.time) for t in templates),
            rows=len(self.rows),
            expected=len(self.rows),
        )

    def update_campaign_metrics(self, rows, key=""):
        if self.arrives and (not key or key not in self.keys):
            self.keys.add(key)
            self.metrics += [(row.template_id, row.metric_id, row.value) for row in rows]
        if self.post_problem:
            raise self.post_problem


@pytest.fixture
def planner(monkeypatch):
    made = Planner()
    for verb in ("fetch", "poll", "register"):
        module = importlib.import_module(f"tandem.messenger.listener.service.{verb}")
        monkeypatch.setattr(module, "client_of", lambda _: made)
    return made


@pytest.fixture
def house(unconnected, planner, settings, tmp_path):
    """A connected account with channels 504 and 505; the campaign is due now, at 09:00 in Stockholm."""
    settings.TANDEM_HOME, made = tmp_path, unconnected
    service.connect_planner(
        made.account_id, planner_url="http://127.0.0.1:1", zone="Europe/Stockholm", user="u", password="p"
    )
    service.bind_channel(made.account_id, 504, "email")
    service.bind_channel(made.account_id, 505, "sms")
    planner.rows = [(customer, made.email_trigger) for customer in create_contacts(made, 3)]
    planner.time = "2026-03-02 09:00:00"
    return made


def event(campaign_id: int = 42, channel_id: int | None = 504, event_type: int = 13) -> bytes:
    said = {"eventTypeId": event_type, "TIMESTAMP": "2026-03-02 08:45:00", "CampaignID": campaign_id}
    return json.dumps({**said, **({} if channel_id is None else {"ChannelID": channel_id})}).encode()


def secret_of(house) -> str:
    return service.listener_url(house.account_id, clock=CLOCK).rpartition("/")[2]


class TestDoor:
    def post(self, client, secret: str, body: bytes):
        return client.post(f"/listener/{secret}", data=body, content_type="application/json")

    def test_an_event_is_kept_and_answered(self, house, client):
        answer = self.post(client, secret_of(house), event())
        assert answer.status_code == 200
        row = Inbox.objects.get()
        assert (row.account_id, row.campaign_id, row.channel_id) == (house.account_id, 42, 504)

    def test_duplicates_change_nothing(self, house, client):
        for _ in range(3):
            assert self.post(client, secret_of(house), event()).status_code == 200
        row = Inbox.objects.get()
        assert (row.times_received, row.state) == (3, "waiting")

    def test_a_channel_of_another_account_is_noted_as_refused(self, house, client):
        answer = self.post(client, secret_of(house), event(channel_id=604))
        assert answer.status_code == 200
        assert not Inbox.objects.exists()
        assert "Refused" in ListenerCall.objects.get().words

    def test_an_event_without_channel_counts_for_each_bound_one(self, house, client):
        self.post(client, secret_of(house), event(channel_id=None))
        assert set(Inbox.objects.values_list("channel_id", flat=True)) == {504, 505}

    def test_other_events_are_noted_and_nothing_is_fetched(self, house, client):
        assert self.post(client, secret_of(house), event(event_type=3)).status_code == 200
        assert not Inbox.objects.exists()

    @pytest.mark.parametrize("body", [b"", b"no", b"[]", b'{"EventTypeID":13,"CampaignID":"x"}', b"\xff"])
    def test_what_is_no_event_is_refused(self, house, client, body):
        assert self.post(client, secret_of(house), body).status_code == 400
        assert not Inbox.objects.exists()

    def test_an_unknown_address_is_not_found(self, house, client):
        assert self.post(client, "x" * 43, event()).status_code == 404
        assert not ListenerCall.objects.exists()

    def test_only_post_is_answered(self, house, client):
        assert client.get(f"/listener/{secret_of(house)}").status_code == 405


class TestFetch:
    def hear(self, house, clock=None) -> Inbox:
        service.receive_event(secret_of(house), event(), clock=clock or CLOCK)
        return Inbox.objects.get()

    def test_the_list_becomes_a_sending_in_utc(self, house, planner):
        self.hear(house)
        assert service.fetch_due(CLOCK) == 1
        sending = Sending.objects.get()
        assert sending.due_at == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
        assert (sending.campaign_id, sending.channel_id, sending.expected) == (42, 504, 3)
        assert Inbox.objects.get().sending_id == sending.id
        assert service.fetch_due(CLOCK) == 0

    @pytest.mark.parametrize(
        "problem",
        [
            problems.ListIncomplete("Two of three."),
            problems.CustomerTwice("c1 is there twice."),
            problems.PlannerAnswerCut("Cut."),
            problems.PlannerAnsweredHtml("A page."),
            problems.PlannerFailed("500."),
        ],
    )
    def test_a_bad_list_is_fetched_again_then_held(self, house, planner, problem):
        clock = FrozenClock(datetime(2026, 3, 2, 7, 45, tzinfo=UTC))
        self.hear(house, clock)
        planner.problem = problem
        for _ in range(len(domain.FETCH_RETRY_SECONDS) + 1):
            service.fetch_due(clock)
            clock.move(hours=1)
        row = Inbox.objects.get()
        assert row.state == "held"
        assert problem.detail in row.problem
        assert not Attempt.objects.exists()

        planner.problem = None
        service.retry(house.account_id, row.id, clock=clock)
        assert service.fetch_due(clock) == 1

    @pytest.mark.parametrize(
        "change", ["foreign template", "template of the other channel", "no rows", "time"]
    )
    def test_what_does_not_fit_writes_nothing(self, house, planner, change):
        if change == "foreign template":
            planner.rows[0] = ("c1", 999_999)
        elif change == "template of the other channel":
            planner.rows = [("c1", house.sms_trigger)]
        elif change == "no rows":
            planner.rows = []
        else:
            planner.time = "tomorrow"
        self.hear(house)
        assert service.fetch_due(CLOCK) == 0
        assert Inbox.objects.get().tries == 1
        assert not Sending.objects.exists()

    def test_a_lost_event_is_found_by_asking(self, house, planner):
        service.register(house.account_id, clock=CLOCK)
        planner.executed = {504: (42,)}
        assert service.poll_due(CLOCK) == 1
        assert service.poll_due(CLOCK) == 0, "not before its next turn"
        asked = PlannerConnection.objects.get().last_poll_at
        assert service.poll_soon() == 1
        service.poll_due(CLOCK)
        assert PlannerConnection.objects.get().last_poll_at > asked, "a worker that starts asks at once"
        assert Inbox.objects.get().source == "poll"

    def test_a_planner_that_does_not_answer_is_shown(self, house, planner):
        service.register(house.account_id, clock=CLOCK)
        planner.problem = problems.PlannerUnreachable("Nobody answered.")
        service.poll_due(CLOCK)
        assert "Nobody answered." in service.planner_connection(house.account_id).last_problem


class TestAddress:
    def test_registering_names_the_address_for_each_channel(self, house, planner):
        views = service.register(house.account_id, clock=CLOCK)
        url = service.listener_url(house.account_id, clock=CLOCK)
        assert planner.registered == {504: url, 505: url}
        assert all(view.registered_at for view in views)
        assert all(step.ok for step in service.check(house.account_id, clock=CLOCK))

    def test_the_old_address_answers_for_the_overlap(self, house, planner):
        clock = FrozenClock(datetime(2026, 3, 2, tzinfo=UTC))
        old = service.listener_url(house.account_id, clock=clock).rpartition("/")[2]
        new = service.rotate(house.account_id, clock=clock, overlap_seconds=60).rpartition("/")[2]
        assert old != new
        assert planner.registered[504].endswith(new)
        for secret in (old, new):
            assert service.receive_event(secret, event(), clock=clock).status == 200
        clock.move(seconds=61)
        assert service.receive_event(new, event(), clock=clock).status == 200
        with pytest.raises(UnknownListener):
            service.receive_event(old, event(), clock=clock)

    def test_a_failed_registration_carries_its_problem(self, house, planner):
        planner.problem = problems.PlannerRefusedLogin("Wrong password.")
        views = service.register(house.account_id, clock=CLOCK)
        assert all("Wrong password." in view.problem for view in views)
        assert not service.check(house.account_id, clock=CLOCK)[0].ok

    def test_secrets_are_kept_sealed(self, house):
        row = PlannerConnection.objects.get()
        assert row.password_sealed.startswith("v1:")
        assert service.overview(house.account_id, clock=CLOCK).connection.has_password

    @pytest.mark.parametrize(
        "wrong",
        [
            {"planner_url": "planner.example"},
            {"planner_url": "ftp://planner.example"},
            {"zone": "Mars/Base"},
            {"user": "", "password": ""},
        ],
    )
    def test_a_wrong_connection_is_refused_whole(self, planner, wrong, unconnected):
        made = unconnected
        right = {"planner_url": "https://planner.example", "zone": "UTC", "user": "u", "password": "p"}
        with pytest.raises(ConnectionWrong):
            service.connect_planner(made.account_id, **{**right, **wrong})
        with pytest.raises(NotConnected):
            service.planner_connection(made.account_id)


def totals(house):
    """What three sent messages are told as: sent, dropped, bounced."""
    return [(house.email_trigger, metric, value) for metric, value in ((0, 3), (5, 0), (9, 0))]


class TestReports:
    @pytest.fixture
    def finished(self, house, planner, monkeypatch):
        planner.time = (CLOCK.business() + timedelta(seconds=-5)).isoformat()
        provider = MemoryProvider()
        monkeypatch.setattr(sender, "way_out_for", lambda *_: provider)
        service.receive_event(secret_of(house), event(), clock=CLOCK)
        service.fetch_due(CLOCK)
        sending_id = Sending.objects.get().id
        send_until(house, sending_id)
        return sending_id

    def test_totals_are_told_once(self, house, planner, finished):
        for _ in range(3):
            service.report_due(CLOCK)
        assert planner.metrics == totals(house)
        assert {view.state for view in reporting.reports(house.account_id, finished)} == {"posted"}

    def test_a_planner_that_is_down_is_told_later(self, house, planner, finished):
        planner.problem = problems.PlannerFailed("500.")
        service.report_due(CLOCK)
        assert reporting.reports(house.account_id, finished)[0].state == "waiting"
        planner.problem = None
        later = FrozenClock(CLOCK.system() + timedelta(minutes=5))
        service.report_due(later)
        assert planner.metrics == totals(house)

    def test_an_answer_that_never_came_is_not_told_again(self, house, planner, finished):
        planner.post_problem = problems.PlannerUnreachable("No answer within 15 seconds.")
        service.report_due(CLOCK)
        planner.post_problem = None
        service.report_due(FrozenClock(CLOCK.system() + timedelta(hours=5)))
        assert planner.metrics == totals(house)
        assert reporting.reports(house.account_id, finished)[0].state == "uncertain"

    @pytest.mark.parametrize("arrives", [True, False])
    def test_where_a_key_counts_once_it_is_told_again_and_counts_once(
        self, house, planner, finished, arrives
    ):
        planner.counts_once, planner.arrives = True, arrives
        planner.post_problem = problems.PlannerUnreachable("No answer within 15 seconds.")
        service.report_due(CLOCK)
        assert reporting.reports(house.account_id, finished)[0].state == "doubtful"
        planner.post_problem, planner.arrives = None, True
        service.report_due(FrozenClock(CLOCK.system() + timedelta(minutes=1)))
        assert planner.metrics == totals(house)
        assert {view.state for view in reporting.reports(house.account_id, finished)} == {"posted"}

    @pytest.mark.parametrize(("counts_once", "state"), [(True, "posted"), (False, "uncertain")])
    def test_a_process_that_ended_before_the_answer(self, house, planner, finished, counts_once, state):
        planner.counts_once, planner.post_problem = counts_once, KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            service.report_due(CLOCK)
        planner.post_problem = None
        service.report_due(FrozenClock(CLOCK.system() + timedelta(seconds=30)))
        assert planner.metrics == totals(house)
        assert {view.state for view in reporting.reports(house.account_id, finished)} == {state}


@pytest.mark.parametrize(
    ("wire", "utc"),
    [
        ("2026-03-02 09:00:00", datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),
        ("2026-07-02 09:00", datetime(2026, 7, 2, 7, 0, tzinfo=UTC)),
        ("2027-03-28 02:30:00", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        ("2027-10-31 02:30:00", datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
    ],
)
def test_wire_times_of_stockholm(wire, utc):
    assert domain.wire_to_utc(wire, "Europe/Stockholm") == utc
