"""Each alarm of the messenger: raised by what is wrong, told once by the second path, ended; of two accounts."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from tests.fixtures.hooks import receiver
from tests.fixtures.messages import create_desk
from tests.fixtures.sendings import House, create_contacts, create_sending

from tandem.kit import webhooks as signatures
from tandem.kit.alarms import watching as shared
from tandem.kit.alarms.book import Watch
from tandem.kit.alarms.domain import Kind
from tandem.kit.clock import FrozenClock
from tandem.kit.problems import NotFound, Refused
from tandem.messenger.accounts import service as accounts
from tandem.messenger.alarms import service
from tandem.messenger.alarms.models import Alarm, Telling, Way
from tandem.messenger.delivery.models import Attempt, Block, DeliverySettings, Sending
from tandem.messenger.listener.models import Inbox, PlannerConnection
from tandem.messenger.record import service as record
from tandem.messenger.record.models import Check
from tandem.messenger.webhooks.models import Call, Event, Subscription

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
FAR = datetime(2036, 11, 30, tzinfo=UTC)
SETTINGS = {
    "TANDEM_ALARM_URL": "", "TANDEM_ALARM_MAIL": "", "TANDEM_ALARM_FROM": "", "TANDEM_ALARM_SECRET_FILE": "",
    "TANDEM_ALARM_LATE_MINUTES": "30",
}  # fmt: skip


@pytest.fixture(scope="module")
def kept(keep):
    return keep(lambda _: (create_desk(), create_desk(7002, "Other")))


@pytest.fixture
def desks(kept, db, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    return kept.take(settings, tmp_path)


@pytest.fixture
def clock():
    return FrozenClock(NOW)


@pytest.fixture
def hook(desks, settings):
    """The installation's second path; a worker is at work and there is room on the disk."""
    with receiver() as mine, connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [FAR])
        settings.TANDEM_ALLOW_PRIVATE = (mine.pair,)
        settings.TANDEM_ALARMS = {**SETTINGS, "TANDEM_ALARM_URL": mine.url()}
        yield mine


@pytest.fixture
def told(hook, clock):
    """What one look tells, so many seconds after the one before."""

    def look(seconds=0):
        before = len(hook.got)
        clock.move(seconds=seconds)
        service.book.look(clock=clock)
        for way in service.teller.due(clock=clock):
            service.teller.work_off(*way, clock=clock)
        return [(got.json["type"].partition(".")[2], got.json["data"]["kind"], got.json["data"]["subject"])
                for got in hook.got[before:]]  # fmt: skip

    return look


def house(desk):
    return House(account_id=desk.account, list_id=desk.people, email_trigger=desk.mail, sms_trigger=desk.sms)


@pytest.fixture
def sending(desks, clock):
    create_contacts(house(desks[0]), 3)
    return create_sending(house(desks[0]), ["c1", "c2", "c3"], clock=clock)


def start(sending_id, **changes):
    Sending.objects.filter(id=sending_id).update(state="sending", started_at=NOW, **changes)


def ends(told, kind, subject, mend):
    """It is not told again while it lasts, and its end once."""
    assert told(30) == []
    mend()
    assert told(50) == [] and told(10) == [("ended", kind, subject)]


def test_messages_that_are_late(told, sending, clock):
    start(sending)
    assert told() == []
    clock.move(minutes=30, seconds=1)
    assert told() == [("raised", "lateness", f"sending {sending}")]
    ends(told, "lateness", f"sending {sending}", lambda: Block.objects.update(done=True))


@pytest.mark.parametrize("waits", ["paused", "held", "gate"])
def test_what_waits_for_a_person_is_not_late(told, sending, clock, desks, waits):
    start(sending, gate_held=waits == "gate")
    if waits == "paused":
        Sending.objects.filter(id=sending).update(state="paused")
    if waits == "held":
        DeliverySettings.objects.create(account_id=desks[0].account, held=True)
    clock.move(hours=1)
    assert told(20) == []


def test_single_messages_are_one_alarm(told, sending, clock):
    start(sending, kind="message")
    clock.move(hours=1)
    assert told() == [("raised", "lateness", "single messages")]


@pytest.mark.parametrize("done", [True, False])
def test_uncertain_messages_under_way(told, sending, clock, done):
    start(sending)
    Attempt.objects.filter(sending_id=sending, customer="c2").update(state=12)
    Block.objects.filter(sending_id=sending).update(done=done, next_at=NOW + timedelta(days=1))
    (record.sum_up_blocks if done else record.check_due)(clock=clock)
    assert told() == [("raised", "uncertain", f"sending {sending}")]
    assert told(90) == []


def test_uncertain_messages_of_an_ended_sending(told, sending):
    totals = [{"template": 1, "state": state, "reason": "", "rows": 1} for state in (10, 12)]
    start(sending, totals=totals, finished_at=NOW)
    assert told() == [("raised", "uncertain", f"sending {sending}")]
    assert Alarm.objects.get().detail.startswith("1 messages may or may not have arrived")
    ends(told, "uncertain", f"sending {sending}", lambda: Sending.objects.update(totals=totals[:1]))


def test_numbers_that_do_not_add_up(told, sending, desks):
    row = Check.objects.create(
        account_id=desks[0].account, sending_id=sending, at=NOW, breaches=["3 listed, 2 rows."]
    )
    assert told() == [("raised", "identity", f"sending {sending}")]
    ends(told, "identity", f"sending {sending}", lambda: Check.objects.filter(pk=row.pk).update(breaches=[]))


def test_a_sending_that_paused_by_itself(told, sending):
    Sending.objects.update(state="paused", paused_because="9 % of the messages came back.")
    assert told() == [("raised", "paused", f"sending {sending}")]
    ends(told, "paused", f"sending {sending}", lambda: Sending.objects.update(state="cancelled"))


def subscription(desk, **changes):
    fields = {
        "url": "https://x.example/s3cret",
        "events": [],
        "way": "signed",
        "seconds": 5,
        "created_at": NOW,
    }
    return Subscription.objects.create(account_id=desk.account, **fields, **changes)


def test_a_webhook_that_was_switched_off(told, desks):
    row = subscription(desks[0], enabled=False, problem="It failed for five days.")
    subscription(desks[1], enabled=False, problem="Switched off by hand.")
    assert told() == [("raised", "webhook", f"webhook {row.pk}")]
    ends(told, "webhook", f"webhook {row.pk}", lambda: Subscription.objects.update(enabled=True))


def test_what_a_webhook_was_not_told(told, desks):
    row = subscription(desks[0])
    event = Event.objects.create(
        account_id=desks[0].account, event_type="opt-out", at=NOW, module="CAMPAIGN", more={}, made_at=NOW
    )
    Call.objects.create(
        account_id=desks[0].account, subscription=row, event=event, state=11, next_at=NOW, called_at=NOW
    )
    assert told() == [("raised", "dead-letters", f"webhook {row.pk}")]
    ends(told, "dead-letters", f"webhook {row.pk}", lambda: Call.objects.update(state=10))


def test_a_planner_that_does_not_answer(told, desks):
    PlannerConnection.objects.create(account_id=desks[0].account, planner_url="http://p.example", zone="UTC",
                                     last_problem="Refused: 401 at https://p.example/?key=s3cret")  # fmt: skip
    assert told() == [] and told(20) == [("raised", "planner", "planner")]
    assert "s3cret" not in Alarm.objects.get().detail
    ends(told, "planner", "planner", lambda: PlannerConnection.objects.update(last_problem=""))


def test_a_list_that_could_not_be_fetched(told, desks):
    Inbox.objects.create(account_id=desks[0].account, campaign_id=42, channel_id=504, source="event", state="held",
                         received_at=NOW, next_try_at=NOW, problem="500")  # fmt: skip
    assert told() == [("raised", "held", "campaign 42, channel 504")]
    ends(told, "held", "campaign 42, channel 504", lambda: Inbox.objects.update(state="taken"))


def test_the_disk(told, monkeypatch):
    free = SimpleNamespace(free=1024**3 - 1)
    monkeypatch.setattr(shared.shutil, "disk_usage", lambda _: free)
    assert told() == [("raised", "disk", "home")]
    ends(told, "disk", "home", lambda: setattr(free, "free", 1024**3))


def test_no_worker(told, clock):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = %s", [NOW])
        assert told(15) == [] and told(10) == [] and told(20) == [("raised", "worker", "worker")]
        ends(told, "worker", "worker",
             lambda: cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = %s", [FAR]))  # fmt: skip


def test_a_watch_that_fails_ends_nothing_and_stops_no_other(told, desks, sending, monkeypatch):
    Sending.objects.update(state="paused", paused_because="9 % of the messages came back.")
    assert told() == [("raised", "paused", f"sending {sending}")]

    def fail(clock):
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")

    monkeypatch.setattr(
        service.book, "_watches", [Watch(kinds=frozenset({Kind.PAUSED}), ask=fail), *shared.WATCHES]
    )
    assert told(300) == [] and Alarm.objects.get().ended_at is None


def test_it_is_told_again_daily_and_silenced(told, sending, clock, desks):
    Sending.objects.update(state="paused", paused_because="9 % of the messages came back.")
    told()
    clock.move(days=1)
    assert told(30) == [("again", "paused", f"sending {sending}")]
    alarm = Alarm.objects.get()
    with pytest.raises(NotFound):
        service.book.silence(desks[1].account, alarm.pk, actor="them")
    service.book.silence(desks[0].account, alarm.pk, actor="us")
    clock.move(days=1)
    assert told(30) == []


def test_a_path_that_fails_is_tried_again_and_shown(told, sending, hook):
    hook.status = 500
    Sending.objects.update(state="paused", paused_because="9 % of the messages came back.")
    assert [what for what, _, _ in told()] == ["raised"]
    [way] = service.teller.ways(None)
    assert (way.waiting, way.problem) == (1, f"{hook.pair} answered 500.")
    hook.status = 200
    assert [what for what, _, _ in told(10)] == ["raised"]
    assert (
        service.teller.ways(None)[0].waiting == 0
        and len({got.headers["webhook-id"] for got in hook.got}) == 1
    )
    assert told(30) == []


def test_each_account_is_told_its_own(told, sending, desks, settings, clock, hook):
    settings.TANDEM_ALARMS = SETTINGS
    secrets = [
        service.teller.set_way(desk.account, url=hook.url(f"/{n}"), mail="", actor="us", clock=clock)
        for n, desk in enumerate(desks)
    ]
    Sending.objects.update(state="paused", paused_because="9 % of the messages came back.")
    told()
    assert [got.path for got in hook.got] == ["/0"]
    [got] = hook.got
    assert signatures.verify(
        secrets[0], message_id=got.headers["webhook-id"], stamp=got.headers["webhook-timestamp"],
        signatures=got.headers["webhook-signature"], body=got.body, now=NOW,
    )  # fmt: skip
    assert service.book.open_count(desks[0].account) == 1 and service.book.open_count(desks[1].account) == 0
    assert [way.account_id for way in service.teller.ways(desks[1].account)] == [desks[1].account]
    assert "disk" in {kind.value for watch in shared.WATCHES for kind in watch.kinds}


def test_of_the_installation_everybody_is_told_if_nobody_else_would_be(
    told, desks, settings, clock, hook, monkeypatch
):
    settings.TANDEM_ALARMS = SETTINGS
    for n, desk in enumerate(desks):
        service.teller.set_way(desk.account, url=hook.url(f"/{n}"), actor="us", clock=clock)
    monkeypatch.setattr(shared.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    told()
    assert sorted(got.path for got in hook.got) == ["/0", "/1"]


def test_a_path_that_was_taken_away_is_not_called(told, sending, desks, settings, clock, hook):
    settings.TANDEM_ALARMS, hook.status = SETTINGS, 500
    service.teller.set_way(desks[0].account, url=hook.url(), actor="us", clock=clock)
    Sending.objects.update(state="paused", paused_because="9 % of the messages came back.")
    told()
    service.teller.set_way(desks[0].account, url="", actor="us", clock=clock)
    assert told(20) == [] and Telling.objects.get().problem == "The path was taken away."


def test_a_secret_that_cannot_be_read_is_that_paths_trouble_alone(told, sending, desks, clock, hook):
    service.teller.set_way(desks[0].account, url=hook.url("/own"), actor="us", clock=clock)
    Way.objects.update(secret_sealed="v1:of:another-key")
    Sending.objects.update(state="paused", paused_because="9 % of the messages came back.")
    assert [what for what, _, _ in told()] == ["raised"]
    assert [way.problem for way in service.teller.ways(desks[0].account)] == [
        "", "A stored secret was sealed with another key.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong", [{"url": "ftp://x.example"}, {"url": "http://u:p@x.example"}, {"mail": "nobody"}]
)
def test_a_wrong_path_is_refused_and_leaves_nothing(desks, settings, clock, wrong):
    settings.TANDEM_ALARMS = SETTINGS
    with pytest.raises(Refused):
        service.teller.set_way(desks[0].account, **wrong, actor="us", clock=clock)
    assert service.teller.ways(desks[0].account) == []


def signed_in(account, role="administrator"):
    user = accounts.create_user(
        account, email=f"{role}@{account}.example", password="a long enough one", role=role
    )
    client = Client()
    from django.contrib.auth import get_user_model

    client.force_login(get_user_model().objects.get(pk=user.id))
    return client


def test_the_pages(told, sending, desks, hook):
    Sending.objects.update(state="paused", paused_because="9 % of the <b>messages</b> came back.")
    told()
    client, other = signed_in(desks[0].account), signed_in(desks[1].account)
    page = client.get("/ui/alarms").content.decode()
    assert f"sending {sending}" in page and "&lt;b&gt;" in page and "/ui/runbook/paused" in page
    assert "1 alarm is open." in client.get("/ui/").content.decode()
    assert f"sending {sending}" not in other.get("/ui/alarms").content.decode()
    assert "<h1" in client.get("/ui/runbook/paused").content.decode()
    assert client.get("/ui/runbook/nothing").status_code == 404
    alarm = Alarm.objects.get()
    assert other.post("/ui/alarms/act", {"do": "silence", "alarm": alarm.pk}).status_code == 404
    client.post("/ui/alarms/act", {"do": "silence", "alarm": alarm.pk})
    alarm.refresh_from_db()
    assert alarm.silenced_by.endswith(".example")


def test_the_page_sets_and_tests_paths(desks, hook):
    client = signed_in(desks[0].account)
    made = client.post("/ui/alarms/act", {"do": "set", "url": hook.url("/own"), "mail": "ops@shop.example"})
    assert "whsec_" in made.content.decode() and "whsec_" not in client.get("/ui/alarms").content.decode()
    page = client.post("/ui/alarms/act", {"do": "test"}).content.decode()
    assert page.count("took the test") == 3 and sorted(got.path for got in hook.got) == ["/hook", "/own"]
    wrong = client.post("/ui/alarms/act", {"do": "set", "url": "nowhere", "mail": ""})
    assert wrong.status_code == 422 and "https://host/path" in wrong.content.decode()
    assert signed_in(desks[0].account, "viewer").post("/ui/alarms/act", {"do": "test"}).status_code == 403
