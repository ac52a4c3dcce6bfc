"""Our own way: signed, told again by schedule under one id, switched off, told again on wish."""

from datetime import timedelta

import pytest
from tests.messenger.webhooks.test_vendor_way import opened, states

from tandem.kit import failpoints
from tandem.kit import webhooks as standard
from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks.domain import CallState, EventType
from tandem.messenger.webhooks.errors import BadSubscription, NotReplayed, UnknownSubscription
from tandem.messenger.webhooks.models import Call, Subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed(desk, hook, clock):
    """(id, secret) of a signed subscription."""
    view, secret = webhooks.add(
        desk.account, url=hook.url(), events=["mail-opened"], way="signed", clock=clock
    )
    return view.id, secret


def publish(desk, clock, *contacts):
    events = [opened(clock, contact) for contact in contacts]
    webhooks.publish(desk.account, EventType.MAIL_OPENED, events, clock=clock)


def is_signed(got, secret, clock):
    return standard.verify(
        secret,
        message_id=got.headers["webhook-id"],
        stamp=got.headers["webhook-timestamp"],
        signatures=got.headers["webhook-signature"],
        body=got.body,
        now=clock.system(),
    )


def test_a_call_is_signed_by_the_standard(desk, hook, clock, signed):
    publish(desk, clock, "bo")
    webhooks.call_due(clock)
    assert is_signed(hook.got[0], signed[1], clock)
    assert signed[1] not in str(Subscription.objects.values().get())


def test_it_is_told_again_by_the_schedule_under_one_id(desk, hook, clock, signed):
    hook.status = 500
    publish(desk, clock, "bo")
    waits = []
    for _ in range(7):
        webhooks.call_due(clock)
        waiting = Call.objects.filter(state=CallState.WAITING).first()
        if waiting:
            waits.append((waiting.next_at - clock.system()).total_seconds())
            clock.now = waiting.next_at - timedelta(seconds=1)
            assert webhooks.call_due(clock) == 0
            clock.now = waiting.next_at

    assert len(hook.got) == 7
    assert len({got.headers["webhook-id"] for got in hook.got}) == 1
    assert len({got.headers["webhook-timestamp"] for got in hook.got}) == 7
    for wait, planned in zip(waits, (5, 300, 1800, 7200, 18000, 36000), strict=True):
        assert planned <= wait <= planned * 1.1
    assert states(signed[0]) == [CallState.FAILED]


def test_what_follows_a_failure_waits_and_keeps_its_order(desk, hook, clock, signed):
    hook.status = 503
    publish(desk, clock, "1", "2", "3")
    webhooks.call_due(clock)
    assert len(hook.got) == 1

    hook.status = 200
    clock.move(seconds=6)
    webhooks.call_due(clock)
    assert [got.json["contactId"] for got in hook.got] == ["1", "1", "2", "3"]
    assert webhooks.get(desk.account, signed[0]).failing_since is None


def test_one_event_that_is_refused_lets_the_others_pass(desk, hook, clock, signed):
    hook.status = lambda got: 422 if got.json["contactId"] == "bad" else 200
    publish(desk, clock, "bad", "good")
    webhooks.call_due(clock)
    assert [got.json["contactId"] for got in hook.got] == ["bad", "good"]
    assert states(signed[0]) == [CallState.WAITING, CallState.HEARD]


@pytest.mark.parametrize("status", [429, 502, 504])
def test_a_receiver_that_asks_for_time_gets_it(desk, hook, clock, signed, status):
    hook.status, hook.headers = status, {"Retry-After": "600"}
    publish(desk, clock, "1", "2")
    webhooks.call_due(clock)
    hook.status, hook.headers = 200, {}
    clock.move(seconds=599)
    webhooks.call_due(clock)
    assert len(hook.got) == 1
    clock.move(seconds=2)
    webhooks.call_due(clock)
    assert len(hook.got) == 3


def test_gone_switches_it_off_and_what_waited_can_be_told_again(desk, hook, clock, signed):
    hook.status = 410
    publish(desk, clock, "1", "2")
    webhooks.call_due(clock)

    view = webhooks.get(desk.account, signed[0])
    assert not view.enabled
    assert "410" in view.problem
    assert states(signed[0]) == [CallState.FAILED, CallState.NOT_CALLED]
    publish(desk, clock, "unheard")
    assert len(states(signed[0])) == 2
    first, last = (row.event_id for row in reversed(webhooks.failures(desk.account, signed[0])))
    with pytest.raises(NotReplayed):
        webhooks.replay(desk.account, signed[0], first, clock=clock)

    hook.status = 200
    webhooks.change(desk.account, signed[0], enabled=True, clock=clock)
    assert webhooks.replay(desk.account, signed[0], first, last, clock=clock) == 2
    webhooks.call_due(clock)
    assert [got.json["contactId"] for got in hook.got] == ["1", "1", "2"]
    assert hook.got[0].headers["webhook-id"] == hook.got[1].headers["webhook-id"]
    with pytest.raises(NotReplayed):
        webhooks.replay(desk.account, signed[0], first, clock=clock)


def test_five_days_of_failures_switch_it_off(desk, hook, clock, signed):
    hook.status = 500
    publish(desk, clock, *map(str, range(10)))
    for _ in range(80):
        webhooks.call_due(clock)
        view = webhooks.get(desk.account, signed[0])
        if not view.enabled:
            break
        clock.now = view.wait_until
    assert "five days" in view.problem
    assert timedelta(days=5) <= clock.system() - view.failing_since < timedelta(days=5, hours=12)


def test_while_a_secret_is_replaced_both_sign(desk, hook, clock, signed):
    new = webhooks.rotate(desk.account, signed[0], clock=clock)
    publish(desk, clock, "1")
    webhooks.call_due(clock)
    assert is_signed(hook.got[0], signed[1], clock)
    assert is_signed(hook.got[0], new, clock)

    clock.move(days=1, seconds=1)
    publish(desk, clock, "2")
    webhooks.call_due(clock)
    assert is_signed(hook.got[1], new, clock)
    assert not is_signed(hook.got[1], signed[1], clock)


def test_a_process_that_dies_tells_it_again_with_the_same_id(desk, hook, clock, signed, monkeypatch):
    publish(desk, clock, "1")
    monkeypatch.setattr(failpoints, "_ENABLED", True)
    monkeypatch.setattr(failpoints, "_FIXED", "webhook.answered:1:raise")
    failpoints._seen.clear()
    with pytest.raises(failpoints.FailpointReached):
        webhooks.call_due(clock)
    webhooks.call_due(clock)
    assert len(hook.got) == 2
    assert hook.got[0].headers["webhook-id"] == hook.got[1].headers["webhook-id"]
    assert states(signed[0]) == [CallState.HEARD]


def test_the_vendor_s_way_is_not_told_again_nor_rotated(desk, hook, clock):
    view, secret = webhooks.add(desk.account, url=hook.url(), events=["mail-opened"], clock=clock)
    assert secret == ""
    with pytest.raises(NotReplayed):
        webhooks.replay(desk.account, view.id, 1, clock=clock)
    with pytest.raises(BadSubscription):
        webhooks.rotate(desk.account, view.id, clock=clock)


def test_another_account_s_webhook_is_not_there(desks, hook, clock, signed):
    other = desks[1].account
    for ask in (
        lambda: webhooks.get(other, signed[0]),
        lambda: webhooks.change(other, signed[0], enabled=False, clock=clock),
        lambda: webhooks.rotate(other, signed[0], clock=clock),
        lambda: webhooks.try_out(other, signed[0], clock=clock),
        lambda: webhooks.latest(other, signed[0]),
        lambda: webhooks.failures(other, signed[0]),
        lambda: webhooks.replay(other, signed[0], 1, clock=clock),
        lambda: webhooks.remove(other, signed[0]),
    ):
        with pytest.raises(UnknownSubscription):
            ask()
    assert webhooks.list_all(other) == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"url": "ftp://x/"}, "url"),
        ({"url": "http://"}, "url"),
        ({"url": "http://a b/"}, "url"),
        ({"url": "https://user:secret@host/"}, "url"),
        ({"url": "http://[::1/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["form-submitted"]}, "events"),
        ({"way": "soap"}, "way"),
        ({"auth": "iam"}, "auth"),
        ({"auth": "basic", "auth_name": "me"}, "auth_secret"),
        ({"auth": "basic", "auth_name": "a:b", "auth_secret": "x"}, "auth_name"),
        ({"auth": "header", "auth_name": "Host", "auth_secret": "x"}, "auth_name"),
        ({"auth": "header", "auth_name": "webhook-id", "auth_secret": "x"}, "auth_name"),
        ({"auth": "header", "auth_name": "X-Key", "auth_secret": "a\r\nb: c"}, "auth_secret"),
    ],
)
def test_what_cannot_be_called_is_refused(desk, clock, wrong, field):
    given = {"url": "https://shop.example/hook", "events": ["opt-out"], **wrong}
    with pytest.raises(BadSubscription) as refused:
        webhooks.add(desk.account, **given, clock=clock)
    assert refused.value.field == field
    assert not Subscription.objects.exists()
