"""Each alarm of the planner: raised by what is wrong, told once by the second path, ended; of two accounts."""

from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from tests.fixtures import shop as shops
from tests.fixtures.hooks import receiver

from tandem.kit.alarms import watching as shared
from tandem.planner.accounts import service as accounts
from tandem.planner.alarms import service
from tandem.planner.alarms.models import Alarm
from tandem.planner.alarms.watching import deadline
from tandem.planner.campaigns.domain import FINAL, OccurrenceState
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.customers import service as customers
from tandem.planner.customers.models import Snapshot
from tandem.planner.daily import service as daily
from tandem.planner.daily.models import CycleRun
from tandem.planner.listeners.models import Event, EventOutbox, Registration

pytestmark = pytest.mark.django_db
FAR = datetime(2036, 11, 30, tzinfo=UTC)


@pytest.fixture
def shop(db, settings, tmp_path):
    settings.TANDEM_STORAGE, settings.TANDEM_HOME = tmp_path / "storage", tmp_path
    return shops.small()


@pytest.fixture
def hook(shop, settings):
    """The installation's second path; a worker is at work."""
    with receiver() as mine, connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [FAR])
        settings.TANDEM_ALLOW_PRIVATE = (mine.pair,)
        settings.TANDEM_ALARMS = {**settings.TANDEM_ALARMS, "TANDEM_ALARM_URL": mine.url()}
        yield mine


@pytest.fixture
def told(hook, shop):
    """What one look tells, so many seconds after the one before."""

    def look(seconds=0):
        before = len(hook.got)
        shop.clock.move(seconds=seconds)
        service.book.look(clock=shop.clock)
        for way in service.teller.due(clock=shop.clock):
            service.teller.work_off(*way, clock=shop.clock)
        return [(got.json["type"].partition(".")[2], got.json["data"]["kind"], got.json["data"]["subject"])
                for got in hook.got[before:]]  # fmt: skip

    return look


def ends(told, kind, subject, mend):
    """It is not told again while it lasts, and its end once."""
    assert told(30) == []
    mend()
    assert told(50) == [] and told(10) == [("ended", kind, subject)]


@pytest.mark.parametrize(
    ("state", "past"),
    [
        ("scheduled", "lock_at"),
        ("making list", "send_at"),
        ("waiting for messenger", "send_at"),
        ("sending", "late_at"),
        ("being cancelled", "late_at"),
    ],
)
def test_an_occurrence_past_its_deadline(told, shop, state, past):
    view = shops.scheduled(shop)
    rows = Occurrence.objects.filter(pk=view.occurrence_id)
    rows.update(state=state)
    shop.clock.now = getattr(rows.get(), past)
    assert told() == []
    shop.clock.move(hours=1, minutes=3)
    assert told() == [("raised", "occurrence", f"campaign {view.occurrence_id}")]
    ends(told, "occurrence", f"campaign {view.occurrence_id}", lambda: rows.update(state="sent"))


def test_an_occurrence_that_did_not_run_is_an_alarm_for_a_day(told, shop):
    view = shops.scheduled(shop)
    rows = Occurrence.objects.filter(pk=view.occurrence_id)
    rows.update(state="not run", cause="The messenger did not fetch the list.")
    shop.clock.now = rows.get().send_at
    assert told(60) == [("raised", "occurrence", f"campaign {view.occurrence_id}")]
    assert "did not fetch" in Alarm.objects.get().detail
    shop.clock.move(days=1)
    assert told(90) == [("ended", "occurrence", f"campaign {view.occurrence_id}")]


def test_every_state_in_which_somebody_waits_has_a_deadline():
    now = datetime(2026, 7, 1, tzinfo=UTC)
    without = {
        s for s in OccurrenceState if deadline(s, lock=now, clearance=None, send=now, late=now) is None
    }
    assert without == {*FINAL, OccurrenceState.DRAFT, OccurrenceState.NOT_RUN}


def listener(shop, **changes):
    return Registration.objects.create(
        account=shop.account, event_type=13, url="https://m.example/listener/s3cret", registered_at=shop.clock.now,
        secret="", **changes,
    )  # fmt: skip


def test_a_listener_that_fails(told, shop):
    row = listener(shop, failing_since=shop.clock.now, last_answer="500")
    assert told() == []  # one failure: the next try follows at once
    assert told(10) == [("raised", "listener", f"listener {row.pk}")]
    assert "s3cret" not in Alarm.objects.get().detail
    ends(told, "listener", f"listener {row.pk}", lambda: Registration.objects.update(failing_since=None))


def test_a_listener_that_was_switched_off(told, shop):
    row = listener(shop, is_active=False, disabled_reason="It answered 410.")
    assert told() == [("raised", "listener", f"listener {row.pk}")]
    ends(told, "listener", f"listener {row.pk}", lambda: Registration.objects.update(is_active=True))


def test_events_that_could_not_be_told(told, shop):
    now = shop.clock.now
    event = Event.objects.create(account=shop.account, event_type=3, happened_at=now, deadline=now)
    EventOutbox.objects.create(
        account=shop.account, event=event, registration=listener(shop), message_id="m1", state="failed"
    )
    assert told() == [("raised", "dead-letters", "events")]
    ends(told, "dead-letters", "events", lambda: EventOutbox.objects.update(state="waiting"))


def test_the_daily_cycle(told, shop, monkeypatch):
    fine = daily._update

    def fail(account_id, clock):
        raise ZeroDivisionError("of ann@shop.example")

    other = accounts.create_account(name="Other", zone="UTC", currency="EUR", clock=shop.clock)
    monkeypatch.setattr(daily, "_update", fail)
    for _ in range(3):  # the third is too early
        assert daily.build_snapshots(clock=shop.clock) == 0
        shop.clock.move(seconds=10)
    assert (
        told() == [] and told(20) == [("raised", "cycle", "snapshot")] * 2
    )  # one failure stops no other account
    assert "failed 2 times" in Alarm.objects.filter(account_id=other.id).get().detail
    monkeypatch.setattr(daily, "_update", fine)
    shop.clock.move(minutes=1)
    daily.build_snapshots(clock=shop.clock)
    assert told(60) == [("ended", "cycle", "snapshot")] * 2


def test_a_day_that_does_not_come_and_nobody_works_on(told, shop, monkeypatch):
    newest, zone = shop.clock.now.date(), ZoneInfo(shop.account.zone)
    for account in (shop.account, accounts.create_account(name="No orders", zone="UTC", clock=shop.clock)):
        Snapshot.objects.create(
            account_id=account.id,
            as_of=newest,
            published_at=shop.clock.now,
            parquet="",
            cache="",
            customers=1,
        )
    days = {shop.account.pk: (newest, newest)}
    monkeypatch.setattr(customers, "order_days", days.get)
    shop.clock.now = datetime.combine(newest + timedelta(days=2), time(5, 59), zone).astimezone(UTC)
    assert told() == []
    shop.clock.move(minutes=1)
    run = CycleRun.objects.create(
        account_id=shop.account.pk, day=newest, trigger="schedule", state="running", started_at=shop.clock.now,
        beat_at=shop.clock.now,
    )  # fmt: skip
    assert told() == []
    CycleRun.objects.filter(pk=run.pk).update(beat_at=shop.clock.now - timedelta(minutes=31))
    assert told() == [] and told(20) == [("raised", "cycle", "day")]
    ends(told, "cycle", "day", lambda: Snapshot.objects.update(as_of=newest + timedelta(days=1)))


def test_the_disk_and_the_worker(told, shop, monkeypatch):
    monkeypatch.setattr(shared.shutil, "disk_usage", lambda _: SimpleNamespace(free=5))
    assert told() == [("raised", "disk", "home")]
    with connection.cursor() as cursor:
        cursor.execute(  # one for long jobs is not the one that says what it is time for
            "INSERT INTO procrastinate_periodic_defers (task_name, defer_timestamp) VALUES ('tick', 1)"
        )
    assert told() == [] and told(20) == [("raised", "worker", "worker")]


def test_nobody_sees_anothers_alarms(told, shop):
    view = shops.scheduled(shop)
    Occurrence.objects.filter(pk=view.occurrence_id).update(state="not run", cause="<i>Why</i>")
    other = accounts.create_account(name="Other", zone="UTC", currency="EUR", clock=shop.clock)
    shop.clock.now = view.send_at if hasattr(view, "send_at") else shop.clock.now + timedelta(hours=2)
    told()
    pages = []
    for account_id in (shop.account.pk, other.id):
        email = f"e{account_id}@house.example"
        accounts.create_user(
            account_id, email=email, password="a long enough one", role="engineer", clock=shop.clock
        )
        client = Client()
        client.force_login(get_user_model().objects.get(email=email))
        pages.append((client.get("/ui/alarms").content.decode(), client.get("/ui/").content.decode()))
        assert client.get("/ui/runbook/occurrence").status_code == 200
        assert client.post("/ui/alarms/act", {"do": "test"}).status_code == 200
    (ours, start), (theirs, their_start) = pages
    assert "&lt;i&gt;Why" in ours and "1 alarm is open." in start
    assert "Why" not in theirs and "is open." not in their_start
