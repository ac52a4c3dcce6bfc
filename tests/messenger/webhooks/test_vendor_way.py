"""The documented way: the exact bytes, once, acknowledged within a second, the circuit breaker."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from tests.fixtures.hooks import receiver
from tests.fixtures.messages import create_desk

from tandem.kit import failpoints
from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks import tasks
from tandem.messenger.webhooks.domain import CallState, Event, EventType
from tandem.messenger.webhooks.models import Call, Subscription
from tandem.messenger.webhooks.models import Event as EventRow

pytestmark = pytest.mark.django_db


def subscribe(desk, hook, clock, events=("mail-opened",), **more):
    view, _ = webhooks.add(desk.account, url=hook.url(), events=events, clock=clock, **more)
    return view.id


def opened(clock, contact="78605652", **more):
    return Event(
        at=clock.business(),
        list_id=6862,
        list_name="demo",
        contact=contact,
        contact_id=78605652,
        version_id=310216,
        campaign="web hook test #1",
        project_id=4,
        project="Newsletter",
        sent_at=clock.business(),
        channel="EMAIL",
        **more,
    )


def states(subscription_id):
    rows = Call.objects.filter(subscription_id=subscription_id).order_by("event_id")
    return [CallState(row.state) for row in rows]


def test_an_opening_has_the_vendor_s_very_bytes(desk, hook, clock):
    subscribe(desk, hook, clock)
    webhooks.publish(desk.account, EventType.MAIL_OPENED, [opened(clock)], clock=clock)
    event = EventRow.objects.get().id

    assert webhooks.call_due(clock) == 1

    got = hook.got[0]
    assert got.body == (
        b'{"listId":6862,"eventId":%d,"contactId":"78605652","campaignId":310216,'
        b'"sentTimestamp":"2026-06-29T11:07:49.913+02:00","carmaContactId":78605652,"campaign":"web hook test #1",'
        b'"project":"Newsletter","description":"MailOpened","list":"demo","projectId":4,'
        b'"timestamp":"2026-06-29T11:07:49.913+02:00","module":"CAMPAIGN","channel":"EMAIL","messageType":"OPENED"}'
        % event
    )
    assert got.headers["content-type"] == "application/json"
    assert not [name for name in got.headers if name.startswith("webhook-") or name == "authorization"]


def test_a_click_also_names_its_target(desk, hook, clock):
    subscribe(desk, hook, clock, ["link-clicked"])
    click = opened(clock, more={"linkTarget": "https://shop.example/a?b=c"})
    webhooks.publish(desk.account, EventType.LINK_CLICKED, [click], clock=clock)
    webhooks.call_due(clock)

    body = hook.got[0].json
    assert body["description"] == "ClickedLink"
    assert body["messageType"] == "CLICKED"
    assert body["linkTarget"] == "https://shop.example/a?b=c"
    assert body["clickTimestamp"] == "2026-06-29T11:07:49.913+02:00"


def test_events_come_in_their_order(desk, hook, clock):
    id_ = subscribe(desk, hook, clock)
    events = [opened(clock, contact=str(n)) for n in range(40)]
    webhooks.publish(desk.account, EventType.MAIL_OPENED, events, clock=clock)

    assert webhooks.call_due(clock) == 40

    assert [got.json["contactId"] for got in hook.got] == [str(n) for n in range(40)]
    assert set(states(id_)) == {CallState.HEARD}


def test_only_who_wants_a_type_of_a_project_of_an_account_is_told(desks, hook, clock):
    mine, other = desks
    subscribe(mine, hook, clock, project_id=4)
    subscribe(mine, hook, clock, project_id=5)
    subscribe(mine, hook, clock, ["opt-out"])
    subscribe(other, hook, clock)
    assert webhooks.publish(mine.account, EventType.MAIL_OPENED, [opened(clock)], clock=clock) == 1
    assert webhooks.publish(mine.account, EventType.BOUNCE, [opened(clock)], clock=clock) == 0

    assert webhooks.call_due(clock) == 1
    assert Call.objects.get().account_id == mine.account


def test_nothing_is_written_where_the_fact_is_taken_back(desk, hook, clock):
    subscribe(desk, hook, clock)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        webhooks.publish(desk.account, EventType.MAIL_OPENED, [opened(clock)], clock=clock)
        raise ZeroDivisionError
    assert not EventRow.objects.exists()


def test_a_thousand_events_are_one_statement(desk, hook, clock, django_assert_num_queries):
    subscribe(desk, hook, clock)
    events = [opened(clock)] * 1000
    with django_assert_num_queries(4):  # who wants it; a savepoint, its end; the events and their calls
        webhooks.publish(desk.account, EventType.MAIL_OPENED, events, clock=clock)
    assert Call.objects.count() == 1000


def test_later_than_a_second_is_a_failure_and_is_not_tried_again(desk, hook, clock):
    id_ = subscribe(desk, hook, clock)
    Subscription.objects.update(seconds=0.3)  # the vendor's second, shorter
    hook.slow = 0.6
    webhooks.publish(desk.account, EventType.MAIL_OPENED, [opened(clock)], clock=clock)

    webhooks.call_due(clock)
    hook.slow = 0
    clock.move(days=1)
    assert webhooks.call_due(clock) == 0

    assert len(hook.got) == 1
    assert states(id_) == [CallState.FAILED]
    assert "did not answer within" in webhooks.failures(desk.account, id_)[0].words


def test_an_acknowledgement_is_due_within_one_second(desk, hook, clock):
    assert webhooks.get(desk.account, subscribe(desk, hook, clock)).seconds == 1.0


def test_the_circuit_opens_drops_and_closes_again(desk, hook, clock):
    id_ = subscribe(desk, hook, clock)
    hook.status = 500
    webhooks.publish(desk.account, EventType.MAIL_OPENED, [opened(clock)] * 8, clock=clock)

    webhooks.call_due(clock)
    assert len(hook.got) == 5
    assert states(id_) == [CallState.FAILED] * 5 + [CallState.NOT_CALLED] * 3
    assert webhooks.get(desk.account, id_).circuit == "open"

    webhooks.publish(desk.account, EventType.MAIL_OPENED, [opened(clock)], clock=clock)
    webhooks.call_due(clock)
    assert len(hook.got) == 5

    clock.move(seconds=61)  # half open: one call, and it is open again
    webhooks.publish(desk.account, EventType.MAIL_OPENED, [opened(clock)] * 3, clock=clock)
    webhooks.call_due(clock)
    assert len(hook.got) == 6

    clock.move(seconds=61)
    hook.status = 200
    webhooks.publish(desk.account, EventType.MAIL_OPENED, [opened(clock)] * 3, clock=clock)
    webhooks.call_due(clock)
    assert len(hook.got) == 9
    assert states(id_)[-3:] == [CallState.HEARD] * 3
    assert webhooks.get(desk.account, id_).circuit == "closed"


@pytest.mark.parametrize(("step", "calls"), [("webhook.fired", 0), ("webhook.answered", 1)])
def test_a_process_that_dies_loses_the_event_and_never_repeats_it(
    desk, hook, clock, monkeypatch, step, calls
):
    id_ = subscribe(desk, hook, clock)
    webhooks.publish(desk.account, EventType.MAIL_OPENED, [opened(clock)] * 2, clock=clock)
    monkeypatch.setattr(failpoints, "_ENABLED", True)
    monkeypatch.setattr(failpoints, "_FIXED", f"{step}:1:raise")
    failpoints._seen.clear()

    with pytest.raises(failpoints.FailpointReached):
        webhooks.call_due(clock)
    assert states(id_) == [CallState.FIRED, CallState.WAITING]

    webhooks.call_due(clock)
    assert states(id_) == [CallState.UNHEARD, CallState.HEARD]
    assert len(hook.got) == calls + 1
    assert len({got.json["eventId"] for got in hook.got}) == calls + 1


@pytest.mark.parametrize(
    ("given", "header", "value"),
    [
        ({"auth": "basic", "auth_name": "shop", "auth_secret": "s:cret"}, "authorization", "Basic c2hvcDpzOmNyZXQ="),
        ({"auth": "header", "auth_name": "X-Api-Key", "auth_secret": "t0k"}, "x-api-key", "t0k"),
    ],
)  # fmt: skip
def test_the_receiver_s_sign_in_is_shown_and_kept_sealed(desk, hook, clock, given, header, value):
    subscribe(desk, hook, clock, **given)
    webhooks.publish(desk.account, EventType.MAIL_OPENED, [opened(clock)], clock=clock)
    webhooks.call_due(clock)

    assert hook.got[0].headers[header] == value
    assert given["auth_secret"] not in str(Subscription.objects.values().get())
    assert given["auth_secret"] not in str(webhooks.list_all(desk.account))


def test_an_address_inside_is_never_called(desk, hook, clock, settings):
    settings.TANDEM_ALLOW_PRIVATE = ()
    id_ = subscribe(desk, hook, clock)
    webhooks.publish(desk.account, EventType.MAIL_OPENED, [opened(clock)], clock=clock)
    webhooks.call_due(clock)

    assert hook.got == []
    assert "private or reserved" in webhooks.failures(desk.account, id_)[0].words
    assert "private or reserved" in webhooks.try_out(desk.account, id_, clock=clock).words


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure(desk, hook, clock, status):
    id_ = subscribe(desk, hook, clock)
    hook.status, hook.headers = status, {"Location": hook.url("/elsewhere")}
    webhooks.publish(desk.account, EventType.MAIL_OPENED, [opened(clock)], clock=clock)
    webhooks.call_due(clock)

    assert [got.path for got in hook.got] == ["/hook"]
    assert states(id_) == [CallState.FAILED]


def test_a_forgotten_customer_is_told_nobody_any_more(desk, hook, clock):
    subscribe(desk, hook, clock)
    webhooks.publish(
        desk.account, EventType.MAIL_OPENED, [opened(clock, "bo"), opened(clock, "ann")], clock=clock
    )
    webhooks.forget(desk.account, "bo")
    webhooks.call_due(clock)
    assert [got.json["contactId"] for got in hook.got] == ["ann"]


def test_old_events_are_cleared_and_failures_stay_a_month(desk, hook, clock):
    id_ = subscribe(desk, hook, clock)
    hook.status = lambda got: 500 if got.json["contactId"] == "bad" else 200
    events = [opened(clock, "good"), opened(clock, "bad")]
    webhooks.publish(desk.account, EventType.MAIL_OPENED, events, clock=clock)
    webhooks.call_due(clock)

    clock.move(days=4)
    webhooks.clear_old(clock=clock)
    assert [row.contact for row in webhooks.latest(desk.account, id_)] == ["bad"]
    clock.move(days=27)
    webhooks.clear_old(clock=clock)
    assert webhooks.latest(desk.account, id_) == []
    assert webhooks.get(desk.account, id_).failed == 0


@pytest.mark.django_db(transaction=True)
def test_a_dead_address_holds_nobody_up(settings, clock):
    desk = create_desk(7010, "Lanes")
    with receiver() as dead, receiver() as alive:
        settings.TANDEM_ALLOW_PRIVATE = (dead.pair, alive.pair)
        dead.slow = 0.6
        heard = threading.Event()
        alive.status = lambda _: heard.set() or 200
        subscribe(desk, dead, clock)
        subscribe(desk, alive, clock)
        webhooks.publish(desk.account, EventType.MAIL_OPENED, [opened(clock)], clock=clock)
        tasks.start_due(clock)
        assert heard.wait(0.5)
        tasks.lanes.drain()
    assert {CallState(row.state) for row in Call.objects.all()} == {CallState.HEARD}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7261016")
        assert cursor.fetchone() == (0,)


def test_the_wait_is_over_when_the_circuit_says(desk, hook, clock):
    id_ = subscribe(desk, hook, clock)
    hook.status = 503
    webhooks.publish(desk.account, EventType.MAIL_OPENED, [opened(clock)] * 5, clock=clock)
    webhooks.call_due(clock)
    assert webhooks.get(desk.account, id_).open_until == clock.system() + timedelta(seconds=60)
