"""What goes wrong in the midst of a turn stays where it went wrong: no row is lost, stuck, or another's misfortune."""

import asyncio
import socket
import threading
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, connection
from tests.fixtures.sendings import (
    CLOCK,
    change_contact,
    create_contacts,
    create_sending,
    intend_rows,
    send_until,
    turn_once,
)

from tandem.kit import installation
from tandem.messenger.delivery import claims, composing, journal, policies, recovery, service
from tandem.messenger.delivery.claims import Claim
from tandem.messenger.delivery.domain import AttemptState, Channel, Message, Outcome, Policy, SendingState
from tandem.messenger.delivery.models import Attempt, Sender
from tandem.messenger.delivery.pausing import ErrorsSeen
from tandem.messenger.delivery.rows import Change, Row
from tandem.messenger.delivery.sender import desk as desks
from tandem.messenger.delivery.sender import life as sender
from tandem.messenger.delivery.sender.feed import ChannelFeed
from tandem.messenger.delivery.sender.hosts import Window

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("step", ["settle", "give_back"])
def test_a_commit_that_failed_leaves_its_rows_to_the_journal(house, memory, monkeypatch, step):
    """Outcomes that were collected for it, and counters, say nothing any more: the block is not given back."""
    sending = create_sending(house, create_contacts(house, 3))
    work, failures = getattr(claims, step), [DatabaseError("deadlock detected")]

    def fails_once(held, *more):
        if failures and (more == () or more[0]):
            raise failures.pop()
        return work(held, *more)

    monkeypatch.setattr(claims, step, fails_once)
    with pytest.raises(DatabaseError):
        turn_once()

    assert send_until(house, sending, 5).counts == {"accepted": 3}
    assert len(memory.messages) == 3


class TestOnesErrorIsNobodyElses:
    def test_a_message_that_cannot_be_made(self, house, memory, monkeypatch):
        sending = create_sending(house, create_contacts(house, 3))
        make = composing.Composer._email

        def email(self, version, row, *more):
            if row.customer == "c2":
                raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
            return make(self, version, row, *more)

        monkeypatch.setattr(composing.Composer, "_email", email)
        assert send_until(house, sending, 5).counts == {"accepted": 2, "render_error": 1}

    def test_a_sending_that_cannot_be_composed(self, house, memory, monkeypatch):
        customers = create_contacts(house, 2)
        bad, good = create_sending(house, customers), create_sending(house, customers, campaign_id=43)
        begin = composing.Composer.__init__

        def begins(self, claim, **more):
            if claim.sending == bad:
                raise ValueError("the key of its DKIM signature cannot be read")
            begin(self, claim, **more)

        monkeypatch.setattr(composing.Composer, "__init__", begins)
        assert send_until(house, good, 5).counts == {"accepted": 2}
        view = service.get_sending(house.account_id, bad)
        assert (view.state, view.paused_because) == (SendingState.PAUSED, "It cannot be composed: ValueError")

    def test_one_that_was_cancelled_while_it_was_found_that_it_cannot(self, house, memory, monkeypatch):
        customers = create_contacts(house, 2)
        bad, good = create_sending(house, customers), create_sending(house, customers, campaign_id=43)
        begin = composing.Composer.__init__

        def begins(self, claim, **more):
            if claim.sending == bad:
                service.cancel(house.account_id, bad, clock=CLOCK)
                raise service.SendingNotFound("Its version is gone.", "None.")
            begin(self, claim, **more)

        monkeypatch.setattr(composing.Composer, "__init__", begins)
        assert send_until(house, good, 5).counts == {"accepted": 2}
        assert send_until(house, bad, 5).counts == {"cancelled": 2}

    def test_a_hand_over_that_breaks(self):
        ended = asyncio.run(_carry({"a": "before", "b": "after", "c": "fine"}))
        assert ended == {
            "a": AttemptState.DEFERRED,
            "b": AttemptState.UNCERTAIN,
            "c": AttemptState.ACCEPTED,
        }

    def test_a_journal_that_cannot_be_written_ends_the_way_out(self):
        with pytest.raises(OSError, match="No space"):
            asyncio.run(_carry({"a": "fine"}, journal_is_full=True))

    def test_a_zero_byte_in_an_answer(self, house, memory):
        sending = create_sending(house, create_contacts(house, 2))
        memory.refuse["c1@people.example"] = Outcome(state=AttemptState.REJECTED, detail="no\x00body \ud800")
        view = send_until(house, sending, 5)
        assert view.counts == {"accepted": 1, "rejected": 1}


async def _carry(courses, *, journal_is_full=False):
    """What becomes of messages in a window whose way out breaks before or after a content has left."""
    waiting, ended = [SimpleNamespace(attempt_id=name) for name in courses], {}

    def intent(message):
        if journal_is_full:
            raise OSError("No space left on device")

    class Way:
        in_flight = 2

        async def hand_over(self, message, leave):
            if courses[message.attempt_id] == "before":
                raise ValueError("a number that is none")
            assert leave()
            if courses[message.attempt_id] == "after":
                raise KeyError("no status in the answer")
            return Outcome(state=AttemptState.ACCEPTED)

        async def close(self):
            pass

    feed = SimpleNamespace(
        take=lambda: waiting.pop(0) if waiting else None,
        may_leave=lambda message: True,
        intent=intent,
        outcome=lambda message, outcome: ended.update({message.attempt_id: outcome.state}),
        release=lambda message: ended.update({message.attempt_id: None}),
    )
    window = Window(Way())
    running = asyncio.create_task(window.run(feed))
    while len(ended) < len(courses) and not running.done():
        await asyncio.sleep(0)
    await window.close()
    await running
    return ended


def test_who_opts_out_while_the_message_is_composed_gets_nothing(house, memory, monkeypatch):
    """The reading of opt-outs finds each row in hand, also the one that just left the queue."""
    monkeypatch.setattr(desks, "WATCH_SECONDS", -1.0)
    sending = create_sending(house, create_contacts(house, 2))
    life = sender.Life(CLOCK, threading.Event())
    compose = composing.Composer.compose

    def composes(self, row, *more):
        if row.customer == "c1":
            change_contact(house, "c1", unsubscribed=True)
            life.desk.watch()
        return compose(self, row, *more)

    monkeypatch.setattr(composing.Composer, "compose", composes)
    life.turn()
    life.turn()
    life.close()

    assert [message.recipient for message in memory.messages] == ["c2@people.example"]
    assert service.get_sending(house.account_id, sending).counts == {"accepted": 1, "suppressed": 1}


def test_what_stops_a_message_is_read_again_where_its_intents_reading_is_older_than_a_look(
    house, memory, monkeypatch
):
    create_sending(house, create_contacts(house, 2))
    life = sender.Life(CLOCK, None)
    life.desk.turn()
    change_contact(house, "c1", unsubscribed=True)
    feed = life.desk.feeds[0]
    life.desk.watch()
    assert feed.refused == {}
    monkeypatch.setattr(desks, "WATCH_SECONDS", -1.0)
    life.desk.watch()
    assert list(feed.refused.values()) == ["unsubscribed"]
    life.close()


class TestProofOfDeath:
    def test_a_sender_that_just_registers_is_not_dead(self, house):
        life = sender.Life(CLOCK, None)
        Sender.objects.filter(id=life.id).update(journal="")
        try:
            assert not recovery.is_dead(Sender.objects.get(id=life.id))
        finally:
            life.close()

    def test_one_that_died_then_is_buried_without_a_journal(self, house, memory):
        gone = _registered(path="")
        recovery.recover_dead(0, dict.fromkeys(Channel, memory), CLOCK.business())
        gone.refresh_from_db()
        assert gone.recovered

    def test_another_machine_of_the_same_name_is_no_proof(self, house, monkeypatch):
        """As long as its session and its lease hold, whatever its boot."""
        living = _registered(boot_id="of another machine", lasts=60)
        monkeypatch.setattr(recovery, "_session_ended", lambda sender: False)
        assert not recovery.is_dead(living)
        monkeypatch.undo()
        assert recovery.is_dead(living), "its session is gone: no lease is waited for"


def _registered(*, boot_id=None, lasts=-1, path="j"):
    now = CLOCK.system()
    return Sender.objects.create(
        host=socket.gethostname(), pid=1, boot_id=boot_id or journal.boot_id(), journal=path,
        started_at=now, lease_until=now + timedelta(seconds=lasts),
    )  # fmt: skip


def test_no_account_has_more_in_hand_than_three_sub_blocks(house, memory):
    """Where its gateway hangs, another has its few beside it."""
    life = sender.Life(CLOCK, None)
    feed = life.desk.feeds[0]
    hanging, more, other = _held(1, 2000, in_hand=300), _held(1, 2000, in_hand=180), _held(2, 100, in_hand=0)
    feed.held = (hanging, more, other)
    life.desk._paces[feed].rate = 160.0
    try:
        assert set(life.desk._plan(feed)) == set()
        life.desk._paces[feed].rate = 10.0
        plan = life.desk._plan(feed)
    finally:
        feed.held = ()
        life.close()
    assert {held: len(rows) for held, rows in plan.items()} == {other: 10}


def test_an_account_whose_gateway_hangs_leaves_room_for_others():
    """It has three quarters of the window alone; whoever comes has at least one at once."""
    feed = ChannelFeed(Channel.SMS, None, CLOCK, lambda: None)
    feed.window, feed.trusted_until = 8, float("inf")
    hanging, other = _held(1, 0, rows=20), _held(2, 0, rows=20)
    feed.held = (hanging,)
    taken = [feed.take() for _ in range(7)]
    assert taken[5] is not None and taken[6] is None
    feed.held = (hanging, other)
    assert [feed.take() is not None for _ in range(3)] == [True, True, False]
    assert (len(hanging.queue), len(other.queue)) == (14, 18)


class _Composing:
    def compose(self, row, recipient, now):
        return Message(row.id, row.contact_id, 1, Channel.SMS, "", "", b"")


def _held(account, open_, *, in_hand=0, rows=0):
    claim = Claim(block=1, account=account, sending=1, first=1, last=1, fence=1, sender=1)
    held = desks.Held(claim, _Composing(), range(open_))
    held.in_hand = in_hand
    held.supply([Row(100 * account + n, n, 1, 1, account, "c") for n in range(rows)], {})
    return held


def test_errors_of_a_large_sending_are_not_forgotten_for_many_small_ones():
    seen = ErrorsSeen()
    refused = Change(Row(1, 1, 1, 1, 1, "c"), Outcome(state=AttemptState.REJECTED))
    seen.note(1, 1, [refused] * 50)
    for sending in range(2, 5000):
        seen.note(1, sending, [])
        seen.note(1, 1, [])
    assert seen._counts[1, 1].errors == 50
    assert len(seen._counts) < 2000


def test_rows_put_back_for_hours_are_late_whatever_their_state(house, memory):
    """One that was refused for now, in a sending that stood still past its cut-off, does not leave days later."""
    sending = create_sending(house, create_contacts(house, 2))
    long_ago = CLOCK.business() - timedelta(minutes=61)
    Attempt.objects.filter(sending_id=sending, customer="c1").update(state=2, tries=1, due_at=long_ago)
    assert send_until(house, sending, 5).counts == {"accepted": 1, "missed": 1}


class TestOfADeadSender:
    def test_what_was_refused_for_now_waits_its_time(self, house, memory):
        sending = create_sending(house, create_contacts(house, 1))
        refused = Outcome(state=AttemptState.DEFERRED, detail="450 busy")
        _died(lambda dead, row: dead.journal.outcome(row.id, row.tries, refused))
        turn_once()
        row = Attempt.objects.get(sending_id=sending)
        assert (AttemptState(row.state), row.tries) == (AttemptState.DEFERRED, 1)
        assert row.due_at > CLOCK.business()

    def test_what_may_have_arrived_is_not_called_missed(self, house, memory):
        """Under `resend`, when it is too late to send it again."""
        sending = create_sending(house, create_contacts(house, 1))
        policies.choose(house.account_id, sending, Policy.RESEND, by="Ann")
        _died(lambda dead, row: dead.journal.intent(row.id, row.tries))
        Attempt.objects.update(due_at=CLOCK.business() - timedelta(minutes=61))
        assert send_until(house, sending, 5).counts == {"uncertain": 1}


def _died(last_words):
    """A sender dies with a row in hand."""
    dead = sender.Life(CLOCK, None)
    _, [row] = intend_rows(dead.id)
    last_words(dead, row)
    dead.close()


def test_recipients_that_cannot_be_made_out_pause_their_sending_alone(house, memory, monkeypatch):
    """Their intents are committed by then: the rows are free again, and nobody else's sender ends."""
    people = create_contacts(house, 3)
    broken, other = create_sending(house, people, campaign_id=1), create_sending(house, people, campaign_id=2)
    read = composing.Composer.recipients

    def breaks(composer, rows):
        if composer._claim.sending == broken:
            raise ValueError("what is this?")
        return read(composer, rows)

    with monkeypatch.context() as broke:
        broke.setattr(composing.Composer, "recipients", breaks)
        assert send_until(house, other).counts == {"accepted": 3}
    view = service.get_sending(house.account_id, broken)
    assert (view.state, view.counts) == (SendingState.PAUSED, {"pending": 3})
    assert "cannot be composed" in view.paused_because
    service.resume(house.account_id, broken)
    assert send_until(house, broken).counts == {"accepted": 3}


def test_a_paused_sending_without_an_open_row_ends(house, memory, monkeypatch):
    sending = create_sending(house, create_contacts(house, 2))
    send = memory.send

    def sends_and_pauses(message, leave):
        outcome = send(message, leave)
        if len(memory.messages) == 2:
            service.pause(house.account_id, sending)
        return outcome

    monkeypatch.setattr(memory, "send", sends_and_pauses)
    assert send_until(house, sending).counts == {"accepted": 2}
    assert service.get_sending(house.account_id, sending).state is SendingState.FINISHED


def test_on_a_database_that_was_put_back_nobody_registers_until_it_is_released(house, memory, settings):
    sending, asked = create_sending(house, create_contacts(house, 3)), iter([False, True])
    stop = SimpleNamespace(is_set=lambda: next(asked), wait=lambda seconds: None)
    with connection.cursor() as cursor:
        installation.hold(cursor)
        sender.run(stop)
        assert (
            not Sender.objects.exists()
            and service.get_sending(house.account_id, sending).counts["pending"] == 3
        )
        installation.release(cursor, Path(settings.TANDEM_HOME))
    assert send_until(house, sending, 5).counts == {"accepted": 3}
