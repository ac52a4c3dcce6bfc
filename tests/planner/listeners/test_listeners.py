import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from tandem.kit import webhooks
from tandem.planner.accounts import service as accounts
from tandem.planner.listeners import service
from tandem.planner.listeners.domain import RETRIES, EventState, next_pause, retry_after
from tandem.planner.listeners.errors import ListenerRefused
from tandem.planner.listeners.models import EventAttempt, EventOutbox, Registration
from tandem.planner.listeners.service.registrations import secret_of

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def enqueue(account, clock, occurrence=7, channel=505, **named):
    with transaction.atomic():
        return service.enqueue_event(account.id, 13, occurrence, channel, clock=clock, **named)


def states(account, occurrence=7):
    return [event.state for event in service.events_of(account.id, occurrence)]


class TestDeliver:
    def test_posts_the_vendors_body_signed_to_the_address_unchanged(self, account, clock, ear):
        service.register(account.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        assert enqueue(account, clock) == 1
        assert service.deliver_due(clock=clock) == 1
        path, headers, body = ear.heard[0]
        assert path == "/hook?EventTypeID=13&brand=x"
        assert json.loads(body) == {
            "EventTypeID": 13, "TimeStamp": "2027-03-01 13:00:00", "CampaignID": 7, "ChannelID": 505,
        }  # fmt: skip
        secret = secret_of(Registration.objects.get(account_id=account.id))
        assert webhooks.verify(
            secret, message_id=headers["webhook-id"], stamp=headers["webhook-timestamp"],
            signatures=headers["webhook-signature"], body=body, now=NOON,
        )  # fmt: skip
        assert states(account) == [EventState.DONE]

    def test_fails_retries_by_schedule_with_the_same_id(self, account, clock, ear):
        service.register(account.id, event_type=13, channel_id=None, url=ear.url, clock=clock)
        ear.answers = [(500, {}), (302, {"Location": ear.url}), (200, {})]
        enqueue(account, clock)
        service.deliver_due(clock=clock)
        assert service.deliver_due(clock=clock) == 0
        clock.move(seconds=6)
        assert service.deliver_due(clock=clock) == 1
        clock.move(seconds=300 * 1.1 + 1)
        assert service.deliver_due(clock=clock) == 1
        [event] = service.events_of(account.id, 7)
        assert [attempt.status for attempt in event.attempts] == [500, 302, 200]
        assert event.state == EventState.DONE
        assert len({headers["webhook-id"] for _, headers, _ in ear.heard}) == 1
        assert len({headers["webhook-timestamp"] for _, headers, _ in ear.heard}) == 3

    def test_410_disables_until_registered_again(self, account, clock, ear):
        service.register(account.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        ear.answers = [(410, {})]
        enqueue(account, clock)
        service.deliver_due(clock=clock)
        [listener] = service.listeners(account.id)
        assert (listener.is_active, states(account)) == (False, [EventState.DISABLED])
        assert enqueue(account, clock, occurrence=8) == 0
        service.register(account.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        assert service.deliver_due(clock=clock) == 2
        assert states(account) + states(account, 8) == [EventState.DONE, EventState.DONE]

    def test_honours_retry_after(self, account, clock, ear):
        service.register(account.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        ear.answers = [(429, {"Retry-After": "60"})]
        enqueue(account, clock)
        service.deliver_due(clock=clock)
        clock.move(seconds=59)
        assert service.deliver_due(clock=clock) == 0
        clock.move(seconds=2)
        assert service.deliver_due(clock=clock) == 1

    def test_is_not_told_after_the_deadline(self, account, clock, ear):
        service.register(account.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        enqueue(account, clock, deadline=NOON + timedelta(minutes=60))
        clock.move(minutes=61)
        service.deliver_due(clock=clock)
        assert (ear.heard, states(account)) == ([], [EventState.EXPIRED])

    def test_refuses_an_address_in_a_private_range(self, account, clock, ear, settings):
        settings.TANDEM_ALLOW_PRIVATE = ()
        service.register(account.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        enqueue(account, clock)
        service.deliver_due(clock=clock)
        [event] = service.events_of(account.id, 7)
        assert (ear.heard, event.attempts[0].status) == ([], None)
        assert "private" in event.attempts[0].problem

    def test_a_claimed_row_is_left_alone_until_the_lease_ends(self, account, clock, ear):
        service.register(account.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        enqueue(account, clock)
        EventOutbox.objects.update(claimed_until=NOON + timedelta(seconds=60))
        assert service.deliver_due(clock=clock) == 0
        clock.move(seconds=61)
        assert service.deliver_due(clock=clock) == 1


class TestEnqueue:
    def test_again_is_nothing_new(self, account, clock, ear):
        service.register(account.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        enqueue(account, clock)
        enqueue(account, clock)
        service.deliver_due(clock=clock)
        assert len(ear.heard) == 1

    def test_tells_the_channels_listener_and_the_one_for_all(self, account, clock):
        for channel in (504, 505, None):
            service.register(
                account.id, event_type=13, channel_id=channel, url=f"https://e.org/{channel}", clock=clock
            )
        assert enqueue(account, clock) == 2
        urls = {event.url for event in service.events_of(account.id, 7)}
        assert urls == {"https://e.org/505", "https://e.org/None"}

    def test_one_who_registers_before_the_deadline_is_told(self, account, clock, ear):
        assert enqueue(account, clock) == 0
        service.register(account.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        service.deliver_due(clock=clock)
        assert states(account) == [EventState.DONE]

    def test_nobody_of_another_account_is_told(self, account, clock, ear):
        other = accounts.create_account(name="Other", zone="Europe/Paris", clock=clock)
        service.register(other.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        assert enqueue(account, clock) == 0
        assert service.events_of(other.id, 7) == ()

    def test_cancelled_is_not_told(self, account, clock, ear):
        service.register(account.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        enqueue(account, clock)
        assert service.cancel_events(account.id, 7, clock=clock) == 1
        service.register(account.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        service.deliver_due(clock=clock)
        assert (ear.heard, states(account)) == ([], [EventState.CANCELLED])

    def test_replay_tells_again_with_the_same_id(self, account, clock, ear):
        service.register(account.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        enqueue(account, clock)
        service.deliver_due(clock=clock)
        [event] = service.events_of(account.id, 7)
        service.replay(account.id, event.id, actor="test", clock=clock)
        service.deliver_due(clock=clock)
        assert [headers["webhook-id"] for _, headers, _ in ear.heard] == [ear.heard[0][1]["webhook-id"]] * 2


class TestRegister:
    def test_decodes_an_encoded_address_and_replaces(self, account, clock):
        for url in ("http%3A%2F%2Fwww.exampleurl.com%2Fa+b", "http%3A%2F%2Fwww.exampleurl.com%2Fx%3Fa%3D1"):
            with pytest.raises(ListenerRefused) if "+" in url else nothing():
                service.register(account.id, event_type=13, channel_id=None, url=url, clock=clock)
        [listener] = service.listeners(account.id)
        assert listener.url == "http://www.exampleurl.com/x?a=1"

    @pytest.mark.parametrize(
        "url", ["", "ftp://x.org", "https://u:p@x.org/", "https://x.org/a b", "http://x.org:a/"]
    )
    def test_refuses_what_is_no_address(self, account, clock, url):
        with pytest.raises(ListenerRefused):
            service.register(account.id, event_type=13, channel_id=None, url=url, clock=clock)
        assert service.listeners(account.id) == ()

    def test_unregister_removes_one_channel_or_all(self, account, clock):
        for channel in (504, 505):
            service.register(account.id, event_type=13, channel_id=channel, url="https://e.org", clock=clock)
        assert service.unregister(account.id, event_type=13, channel_id=504, clock=clock) == 1
        assert service.unregister(account.id, event_type=13, channel_id=None, clock=clock) == 1
        assert service.listeners(account.id) == ()

    def test_test_event_names_no_campaign(self, account, clock, ear):
        listener = service.register(account.id, event_type=13, channel_id=505, url=ear.url, clock=clock)
        attempt = service.send_test_event(account.id, listener_id=listener.id, clock=clock)
        assert (attempt.status, json.loads(ear.heard[0][2])["CampaignID"]) == (200, 0)
        assert EventAttempt.objects.get(account_id=account.id).outbox_id is None


class TestSchedule:
    def test_pauses_grow_and_end(self):
        assert [next_pause(n, 0.5) for n in range(1, 7)] == list(RETRIES)
        assert next_pause(7, 0.5) is None

    def test_jitter_stays_within_a_tenth(self):
        assert next_pause(1, 0.0) == timedelta(seconds=4.5)
        assert next_pause(1, 1.0) == timedelta(seconds=5.5)

    @pytest.mark.parametrize(
        ("text", "seconds"), [("7", 7), ("999999", 3600), ("soon", None), ("", None), ("²", None)]
    )
    def test_retry_after_is_read_carefully(self, text, seconds):
        assert retry_after(text) == (None if seconds is None else timedelta(seconds=seconds))


@contextmanager
def nothing():
    yield
