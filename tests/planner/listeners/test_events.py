"""Each event: who may be registered, the bytes that are posted, its retries, its replay, its end as a dead letter."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from tandem.contract.events import TriggeredEvent
from tandem.kit import webhooks
from tandem.planner.listeners import service
from tandem.planner.listeners.domain import RETRIES, EventState, LogFilter
from tandem.planner.listeners.errors import CannotReplay, ListenerRefused, ListenerUnknown
from tandem.planner.listeners.models import EventAttempt, EventOutbox

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
CLEARED_BY = NOON + timedelta(hours=2)
pytestmark = pytest.mark.django_db

#: event type -> what `happen` needs to make it true, and the bytes that are posted
BODIES = {
    1: b'{"EventTypeID":1,"TimeStamp":"2027-03-01 13:00:00","CampaignID":7}',
    2: b'{"EventTypeID":2,"TimeStamp":"2027-03-01 13:00:00"}',
    3: b'{"EventTypeID":3,"TimeStamp":"2027-03-01 13:00:00"}',
    4: b'{"EventTypeID":4,"TimeStamp":"2027-03-01 13:00:00","CampaignID":7}',
    5: b'{"EventTypeID":5,"TimeStamp":"2027-03-01 13:00:00","CampaignID":7,'
    b'"ClearanceRequiredBy":"2027-03-01 15:00:00"}',
    11: b'{"EventTypeID":11,"TimeStamp":"2027-03-01 13:00:00","campaignID":"a1-b2","channelID":505,"templateID":8,'
    b'"customerID":"c1","promoCode":["WB23","NV10"],"eventID":"e1"}',
    13: b'{"EventTypeID":13,"TimeStamp":"2027-03-01 13:00:00","CampaignID":7,"ChannelID":505}',
}
OF_DAY = (2, 3)
each_event = pytest.mark.parametrize("event_type", list(BODIES))


def happen(account, clock, event_type, *, occurrence=7, deadline=None):
    """Write the event as the rooms above do."""
    with transaction.atomic():
        if event_type == 11:
            triggered = TriggeredEvent(
                campaign_id="a1-b2", channel_id=505, template_id=8, customer_id="c1",
                promo_codes=("WB23", "NV10"), event_id="e1",
            )  # fmt: skip
            end = deadline or clock.business() + timedelta(hours=1)
            return service.enqueue_triggered(account.id, triggered, clock=clock, deadline=end)[1]
        if event_type == 5:
            deadline = deadline or CLEARED_BY
        named = (None, None) if event_type in OF_DAY else (occurrence, 505 if event_type in (1, 13) else None)
        return service.enqueue_event(account.id, event_type, *named, clock=clock, deadline=deadline)


def listening(account, clock, ear, event_type, channel=None):
    return service.register(account.id, event_type=event_type, channel_id=channel, url=ear.url, clock=clock)


def only(account):
    [event] = service.event_log(account.id)
    return event


@each_event
class TestEachEvent:
    def test_the_bytes_that_are_posted(self, account, clock, ear, event_type):
        listening(account, clock, ear, event_type)
        assert happen(account, clock, event_type) == 1
        service.deliver_due(clock=clock)
        assert [body for _, _, body in ear.heard] == [BODIES[event_type]]
        event = only(account)
        assert (event.state, event.event_type, event.cause) == (EventState.DONE, event_type, "")
        assert (event.attempts[0].status, event.attempts[0].answer) == (200, "ok")
        assert event.attempts[0].request.encode() == BODIES[event_type]

    def test_a_channel_where_the_type_has_one(self, account, clock, ear, event_type):
        if event_type in (2, 3, 5):
            with pytest.raises(ListenerRefused):
                listening(account, clock, ear, event_type, channel=505)
            return
        listening(account, clock, ear, event_type, channel=505)
        listening(account, clock, ear, event_type, channel=504)
        assert happen(account, clock, event_type) == (0 if event_type == 4 else 1)

    def test_the_schedule_to_its_end_is_a_dead_letter(self, account, clock, ear, event_type):
        listening(account, clock, ear, event_type)
        happen(account, clock, event_type, deadline=NOON + timedelta(days=2))
        ear.answers = [(500, {})] * 7
        for pause in (timedelta(0), *RETRIES):
            clock.now += pause * 0.89
            assert service.deliver_due(clock=clock) == (0 if pause else 1)
            if pause:
                clock.now += pause * 0.22
                assert service.deliver_due(clock=clock) == 1
        assert service.deliver_due(clock=clock) == 0
        [dead] = service.failed_events(account.id)
        assert (dead.state, len(dead.attempts)) == (EventState.FAILED, 7)
        assert dead.cause == "All 7 attempts failed. The listener answered 500."
        assert len({headers["webhook-id"] for _, headers, _ in ear.heard}) == 1

    def test_a_dead_letter_is_replayed_with_the_same_bytes(self, account, clock, ear, event_type):
        listening(account, clock, ear, event_type)
        happen(account, clock, event_type, deadline=CLEARED_BY)
        EventOutbox.objects.update(state=EventState.FAILED, cause="All failed.", next_at=None, attempts=7)
        service.replay(account.id, only(account).id, actor="ada", clock=clock)
        assert service.deliver_due(clock=clock) == 1
        assert ear.heard[0][2] == BODIES[event_type]
        assert (only(account).state, service.failed_events(account.id)) == (EventState.DONE, ())

    def test_a_test_event_names_nothing_that_exists(self, account, clock, ear, event_type):
        listener = listening(account, clock, ear, event_type)
        attempt = service.send_test_event(account.id, listener_id=listener.id, clock=clock)
        sent = {key.lower(): value for key, value in json.loads(ear.heard[0][2]).items()}
        assert (attempt.status, sent["eventtypeid"]) == (200, event_type)
        assert int(sent.get("campaignid", 0)) == 0
        assert ("campaignid" in sent) == (event_type not in OF_DAY)
        assert ear.heard[0][1]["webhook-id"].startswith("test_")
        assert service.event_log(account.id) == ()
        assert service.trials_of(account.id, listener.id) == (attempt,)


class TestLate:
    @pytest.mark.parametrize(("event_type", "hours"), [(1, 1), (2, 24), (3, 24), (4, 1), (13, 1)])
    def test_nobody_is_told_after_the_cut_off(self, account, clock, ear, event_type, hours):
        listening(account, clock, ear, event_type)
        happen(account, clock, event_type)
        clock.move(hours=hours)
        service.deliver_due(clock=clock)
        [dead] = service.failed_events(account.id)
        assert (dead.state, ear.heard) == (EventState.EXPIRED, [])
        assert dead.cause == "It could not be told before its late cut-off."

    def test_a_retry_that_would_come_too_late_is_not_waited_for(self, account, clock, ear):
        listening(account, clock, ear, 5)
        happen(account, clock, 5, deadline=NOON + timedelta(seconds=3))
        ear.answers = [(500, {})]
        service.deliver_due(clock=clock)
        [dead] = service.failed_events(account.id)
        assert (dead.state, dead.cause.split(".")[0]) == (
            EventState.FAILED,
            "The next attempt would come after its late cut-off",
        )

    def test_it_cannot_be_replayed_then(self, account, clock, ear):
        listening(account, clock, ear, 13)
        happen(account, clock, 13)
        clock.move(minutes=61)
        with pytest.raises(CannotReplay):
            service.replay(account.id, only(account).id, actor="ada", clock=clock)
        assert ear.heard == []


class TestRange:
    @pytest.fixture
    def told(self, account, clock, ear):
        """Events 13 of campaigns 1 to 4, a minute apart, all told; 4 is of another listener."""
        listeners = [listening(account, clock, ear, 13), listening(account, clock, ear, 4)]
        for number in (1, 2, 3):
            happen(account, clock, 13, occurrence=number)
            clock.move(minutes=1)
        happen(account, clock, 4, occurrence=4)
        service.deliver_due(clock=clock)
        ear.heard.clear()
        return listeners

    @pytest.mark.parametrize(
        ("chosen", "campaigns"),
        [
            ({}, [1, 2, 3, 4]),
            ({"event_type": 13}, [1, 2, 3]),
            ({"since": NOON + timedelta(minutes=1)}, [2, 3, 4]),
            ({"since": NOON + timedelta(minutes=1), "until": NOON + timedelta(minutes=2)}, [2]),
            ({"occurrence_id": 3}, [3]),
            ({"states": (EventState.FAILED,)}, []),
        ],
    )
    def test_what_is_meant_is_told_again(self, account, clock, ear, told, chosen, campaigns):
        done = service.replay_range(account.id, LogFilter(**chosen), actor="ada", clock=clock)
        assert (done.again, done.late, done.off) == (len(campaigns), 0, 0)
        service.deliver_due(clock=clock)
        assert sorted(json.loads(body)["CampaignID"] for _, _, body in ear.heard) == campaigns

    def test_by_listener(self, account, clock, ear, told):
        chosen = LogFilter(listener_id=told[1].id)
        assert service.count_of(account.id, chosen) == 1
        assert service.replay_range(account.id, chosen, actor="ada", clock=clock).again == 1

    def test_what_is_late_or_has_no_listener_is_counted(self, account, clock, ear, told):
        ear.answers = [(410, {})]
        service.send_test_event(account.id, listener_id=told[1].id, clock=clock)
        clock.move(minutes=58)
        done = service.replay_range(account.id, LogFilter(), actor="ada", clock=clock)
        assert (done.again, done.late, done.off) == (1, 2, 1)

    def test_another_accounts_are_left_alone(self, account, clock, ear, told, other):
        assert service.event_log(other.id) == ()
        assert service.replay_range(other.id, LogFilter(), actor="ada", clock=clock).again == 0
        with pytest.raises(ListenerUnknown):
            service.replay(other.id, only_id(account), actor="ada", clock=clock)
        for act in (
            lambda: service.rotate_secret(other.id, told[0].id, actor="ada", clock=clock),
            lambda: service.send_test_event(other.id, listener_id=told[0].id, clock=clock),
            lambda: service.unregister_listener(other.id, told[0].id, actor="ada", clock=clock),
        ):
            with pytest.raises(ListenerUnknown):
                act()

    def test_the_log_is_read_page_by_page(self, account, told):
        first = service.event_log(account.id, limit=3)
        rest = service.event_log(account.id, before=first[-1].id, limit=3)
        assert [event.occurrence_id for event in (*first, *rest)] == [4, 3, 2, 1]


class TestSecret:
    def signed_by(self, ear, secret, at):
        _, headers, body = ear.heard[-1]
        return webhooks.verify(
            secret, message_id=headers["webhook-id"], stamp=headers["webhook-timestamp"],
            signatures=headers["webhook-signature"], body=body, now=at,
        )  # fmt: skip

    def test_the_old_one_signs_too_until_the_overlap_ends(self, account, clock, ear):
        listener = listening(account, clock, ear, 13)
        first = service.rotate_secret(account.id, listener.id, actor="ada", clock=clock)
        second = service.rotate_secret(account.id, listener.id, actor="ada", clock=clock)
        assert (first.old_until, second.old_until) == (None, NOON + timedelta(hours=24))
        assert second.secret not in repr(second)
        service.send_test_event(account.id, listener_id=listener.id, clock=clock)
        assert self.signed_by(ear, first.secret, clock.now)
        assert self.signed_by(ear, second.secret, clock.now)
        clock.move(hours=25)
        service.send_test_event(account.id, listener_id=listener.id, clock=clock)
        assert not self.signed_by(ear, first.secret, clock.now)
        assert self.signed_by(ear, second.secret, clock.now)

    def test_registering_again_keeps_it(self, account, clock, ear):
        listener = listening(account, clock, ear, 13)
        made = service.rotate_secret(account.id, listener.id, actor="ada", clock=clock)
        listening(account, clock, ear, 13)
        service.send_test_event(account.id, listener_id=listener.id, clock=clock)
        assert self.signed_by(ear, made.secret, clock.now)


class TestBusyListener:
    @pytest.mark.parametrize("status", [429, 502, 504])
    def test_its_other_events_wait_too(self, account, clock, ear, status):
        listening(account, clock, ear, 13)
        ear.answers = [(status, {"Retry-After": "60"})]
        happen(account, clock, 13, occurrence=1)
        service.deliver_due(clock=clock)
        happen(account, clock, 13, occurrence=2)
        assert service.deliver_due(clock=clock) == 0
        clock.move(seconds=61)
        assert service.deliver_due(clock=clock) == 2
        assert {event.state for event in service.event_log(account.id)} == {EventState.DONE}

    def test_another_listener_is_told_meanwhile(self, account, clock, ear):
        listening(account, clock, ear, 13)
        listening(account, clock, ear, 1)
        ear.answers = [(429, {"Retry-After": "60"})]
        happen(account, clock, 13)
        service.deliver_due(clock=clock)
        happen(account, clock, 1)
        assert service.deliver_due(clock=clock) == 1


class TestKept:
    def test_the_log_ends_after_90_days(self, account, clock, ear):
        listener = listening(account, clock, ear, 13)
        happen(account, clock, 13)
        service.deliver_due(clock=clock)
        service.send_test_event(account.id, listener_id=listener.id, clock=clock)
        clock.move(days=90)
        assert service.drop_old(clock=clock) == 0
        clock.move(hours=2)
        assert service.drop_old(clock=clock) == 1
        assert (service.event_log(account.id), EventAttempt.objects.count()) == ((), 0)

    def test_a_forgotten_person_is_in_no_event(self, account, clock, ear):
        listening(account, clock, ear, 11)
        happen(account, clock, 11)
        service.deliver_due(clock=clock)
        assert service.forget(account.id, "c2") == 0
        assert service.forget(account.id, "c1") == 1
        assert (service.event_log(account.id), EventAttempt.objects.count()) == ((), 0)


def only_id(account):
    return service.event_log(account.id)[0].id
