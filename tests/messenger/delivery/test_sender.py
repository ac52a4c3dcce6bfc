from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from tests.fixtures.sendings import (
    CLOCK,
    change_contact,
    create_contacts,
    create_house,
    create_sending,
    intend_rows,
    send_until,
    turn_once,
)

from tandem.messenger.contacts import service as contacts
from tandem.messenger.delivery import claims, journal, ledger, recovery, service
from tandem.messenger.delivery.domain import AttemptState, Channel, Outcome, PlannedTemplate, SendingState
from tandem.messenger.delivery.errors import ListChanged, ListedTwice, OutboundStopped
from tandem.messenger.delivery.models import Attempt, Block, Sender, Sending
from tandem.messenger.delivery.providers.file import FileProvider
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.rows import Change
from tandem.messenger.delivery.sender import desk, feed
from tandem.messenger.delivery.sender import life as sender
from tandem.messenger.reporting import service as reporting

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_home(settings, tmp_path):
    settings.TANDEM_HOME = tmp_path


@pytest.fixture(scope="module")
def kept_house(keep):
    return keep(lambda _: create_house())


@pytest.fixture
def house(kept_house, db, settings, tmp_path):
    return kept_house.take(settings, tmp_path)


@pytest.fixture
def memory(monkeypatch):
    """Everything leaves into this provider."""
    provider = MemoryProvider()
    monkeypatch.setattr(sender, "way_out_for", lambda *_: provider)
    return provider


def states(sending_id: int) -> Counter:
    return Counter(AttemptState(row.state).words for row in Attempt.objects.filter(sending_id=sending_id))


def row_of(sending_id: int, customer: str) -> Attempt:
    return Attempt.objects.get(sending_id=sending_id, customer=customer)


class TestSending:
    def test_each_listed_customer_gets_one_message(self, house):
        customers = create_contacts(house, 250)
        sending_id = create_sending(house, customers)

        view = send_until(house, sending_id)

        assert view.state is SendingState.FINISHED
        assert view.counts == {"accepted": 250}
        assert service.outbox_count(house.account_id, 42, "email") == 250
        newest = service.outbox(house.account_id, "email", limit=1)[0]
        whole = service.outbox_message(house.account_id, "email", newest.name)
        assert "/u/" in whole.raw.decode().replace("=\r\n", "")
        assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in whole.raw

    def test_text_messages_leave_by_file_too(self, house):
        sending_id = create_sending(house, create_contacts(house, 3), channel=Channel.SMS)

        view = send_until(house, sending_id)

        assert view.counts == {"accepted": 3}
        texts = service.outbox(house.account_id, "sms")
        assert {text.to for text in texts} == {"+46701740001", "+46701740002", "+46701740003"}
        whole = service.outbox_message(house.account_id, "sms", texts[0].name)
        assert "a cup is waiting" in whole.text

    def test_nothing_leaves_before_its_time(self, house, memory):
        due_at = CLOCK.business() + timedelta(hours=1)
        sending_id = create_sending(house, create_contacts(house, 2), due_at=due_at)

        turn_once()

        assert memory.messages == []
        assert states(sending_id) == {"pending": 2}

    def test_a_row_an_hour_late_is_missed(self, house, memory):
        due_at = CLOCK.business() - timedelta(minutes=61)
        sending_id = create_sending(house, create_contacts(house, 2), due_at=due_at)

        view = send_until(house, sending_id)

        assert memory.messages == []
        assert view.state is SendingState.MISSED
        assert reporting.summary(house.account_id, sending_id).skipped == {"missed": 2}

    def test_who_may_not_be_sent_to_is_skipped_with_the_reason(self, house, memory):
        customers = create_contacts(house, 6)
        change_contact(house, "c1", unsubscribed=True)
        change_contact(house, "c2", email="", email_key="")
        change_contact(house, "c3", bounced=True)
        change_contact(house, "c4", email_key="e5", email="c5@people.example")
        sending_id = create_sending(house, [*customers, "stranger"])
        contacts.suppress(house.account_id, original_id="c6", channel="all", reason="complaint", clock=CLOCK)
        _rekey(house, "c6")

        send_until(house, sending_id)

        numbers = reporting.summary(house.account_id, sending_id)
        assert numbers.listed == 7
        assert numbers.sent == 1
        assert numbers.skipped == {
            "unsubscribed": 1,
            "no address": 1,
            "bounced": 1,
            "duplicate address": 1,
            "no contact": 1,
            "suppressed": 1,
        }
        assert [message.recipient for message in memory.messages] == ["c5@people.example"]

    def test_one_refusal_does_not_touch_the_others(self, house, memory):
        sending_id = create_sending(house, create_contacts(house, 5))
        memory.refuse["c3@people.example"] = Outcome(state=AttemptState.REJECTED, detail="550 no")

        view = send_until(house, sending_id)

        assert view.counts == {"accepted": 4, "rejected": 1}
        assert row_of(sending_id, "c3").detail == "550 no"

    def test_a_refusal_for_now_waits_and_holds_the_sending_open(self, house, memory):
        sending_id = create_sending(house, create_contacts(house, 2))
        memory.refuse["c1@people.example"] = Outcome(state=AttemptState.DEFERRED, detail="451 later")

        turn_once()

        row = row_of(sending_id, "c1")
        assert AttemptState(row.state) is AttemptState.DEFERRED
        assert row.due_at > CLOCK.business()
        assert service.get_sending(house.account_id, sending_id).finished_at is None
        memory.refuse.clear()
        early = CLOCK.business() - timedelta(seconds=1)
        Attempt.objects.filter(id=row.id).update(due_at=early)
        Block.objects.filter(sending_id=sending_id).update(next_at=early)
        assert send_until(house, sending_id).counts == {"accepted": 2}
        assert len(memory.messages) == 2

    def test_a_relay_that_is_down_leaves_every_row_free(self, house, memory, monkeypatch):
        sending_id = create_sending(house, create_contacts(house, 3))

        def down(*_):
            raise OutboundStopped("The relay does not answer.")

        monkeypatch.setattr(memory, "send", down)
        monkeypatch.setattr(feed, "RELAY_DOWN_SECONDS", (0.1,))
        turn_once()

        assert states(sending_id) == {"pending": 3}
        assert Block.objects.get(sending_id=sending_id).sender_id is None


class TestStopping:
    def test_cancel_ends_the_rows_that_wait(self, house, memory):
        sending_id = create_sending(house, create_contacts(house, 3))

        service.cancel(house.account_id, sending_id, clock=CLOCK)

        view = send_until(house, sending_id)
        assert view.state is SendingState.CANCELLED
        assert view.counts == {"cancelled": 3}
        assert memory.messages == []

    def test_a_pause_holds_and_resume_goes_on(self, house, memory):
        sending_id = create_sending(house, create_contacts(house, 3))
        service.pause(house.account_id, sending_id)
        turn_once()
        assert memory.messages == []

        service.resume(house.account_id, sending_id)

        assert send_until(house, sending_id).counts == {"accepted": 3}

    def test_the_kill_switch_holds_the_account(self, house, memory):
        sending_id = create_sending(house, create_contacts(house, 3))
        service.hold_all(house.account_id)
        turn_once()
        assert memory.messages == []

        service.release_all(house.account_id)

        assert send_until(house, sending_id).counts == {"accepted": 3}

    @pytest.mark.parametrize("stop", ["cancel", "unsubscribe", "kill switch"])
    def test_a_stop_while_sending_is_read_at_the_next_content(self, house, memory, monkeypatch, stop):
        sending_id = create_sending(house, create_contacts(house, 20))
        monkeypatch.setattr(desk, "WATCH_SECONDS", -1.0)
        memory.rows_in_hand = 1
        send = memory.send

        def send_and_stop(message, before_content):
            outcome = send(message, before_content)
            if len(memory.messages) == 5 and stop == "cancel":
                service.cancel(house.account_id, sending_id, clock=CLOCK)
            elif len(memory.messages) == 5 and stop == "kill switch":
                service.hold_all(house.account_id)
            elif len(memory.messages) == 5:
                change_contact(house, "c9", unsubscribed=True)
            return outcome

        monkeypatch.setattr(memory, "send", send_and_stop)
        turn_once()

        expected = {
            "cancel": {"accepted": 5, "cancelled": 15},
            "unsubscribe": {"accepted": 19, "suppressed": 1},
            "kill switch": {"accepted": 5, "pending": 15},
        }[stop]
        assert states(sending_id) == expected

    def test_an_ended_sending_cannot_be_changed(self, house, memory):
        sending_id = create_sending(house, create_contacts(house, 1))
        send_until(house, sending_id)
        with pytest.raises(service.SendingOver):
            service.cancel(house.account_id, sending_id, clock=CLOCK)

    def test_no_account_touches_anothers(self, house, memory):
        other = create_house("Southwind")
        sending_id = create_sending(house, create_contacts(house, 1))
        for verb in (service.pause, service.resume, service.get_sending, service.ledger):
            with pytest.raises(service.SendingNotFound):
                verb(other.account_id, sending_id)
        assert service.list_sendings(other.account_id) == []


class TestLedger:
    def test_the_same_list_twice_is_one_sending(self, house):
        customers = create_contacts(house, 3)
        assert create_sending(house, customers) == create_sending(house, customers)
        assert Attempt.objects.count() == 3

    def test_another_list_for_the_same_campaign_is_refused(self, house):
        customers = create_contacts(house, 3)
        create_sending(house, customers)
        with pytest.raises(ListChanged):
            create_sending(house, customers[:2])

    def test_a_row_without_its_template_leaves_nothing_behind(self, house):
        customers = create_contacts(house, 2)
        planned = PlannedTemplate(template_id=1, version_id=1, list_id=house.list_id, due_at=CLOCK.business())
        with pytest.raises(ListChanged):
            ledger.open_sending(
                house.account_id,
                source_key="x",
                channel=Channel.EMAIL,
                templates=[planned],
                rows=[(customers[0], 1), (customers[1], 2)],
                clock=CLOCK,
            )
        assert not Sending.objects.exists()
        assert not Attempt.objects.exists()

    def test_a_customer_twice_leaves_nothing_behind(self, house):
        with pytest.raises(ListedTwice), transaction.atomic():
            create_sending(house, ["c1", "c2", "c1"])
        assert not Sending.objects.exists()
        assert not Attempt.objects.exists()

    def test_a_row_belongs_to_a_sending_of_its_account(self, house):
        sending_id = create_sending(house, create_contacts(house, 1))
        other = create_house("Southwind")
        for change in ({"account_id": other.account_id}, {"sending_id": sending_id + 1}):
            with pytest.raises(IntegrityError, match="attempt_of_sending"), transaction.atomic():
                Attempt.objects.update(**change)
                connection.check_constraints()


class TestRecovery:
    @pytest.fixture
    def orphans(self, house, memory):
        """Rows a dead sender left in `sending`: (sender, sending id, rows, journal)."""
        sending_id = create_sending(house, create_contacts(house, 4))
        dead = sender.Life(CLOCK, None)
        claim, rows = intend_rows(dead.id)
        return dead, sending_id, rows, claim

    def test_the_journal_decides(self, house, memory, orphans):
        dead, sending_id, rows, _ = orphans
        written = dead.journal
        written.intent(rows[0].id, 1)
        written.outcome(rows[0].id, 1, Outcome(state=AttemptState.ACCEPTED, detail="250"))
        written.intent(rows[1].id, 1)
        dead.close()

        view = send_until(house, sending_id)

        assert view.counts == {"accepted": 3, "uncertain": 1}
        assert view.uncertain == 1
        assert row_of(sending_id, "c2").state == AttemptState.UNCERTAIN
        assert {message.recipient for message in memory.messages} == {
            "c3@people.example",
            "c4@people.example",
        }
        assert not Sender.objects.filter(id=dead.id, recovered=False).exists()

    def test_without_its_journal_every_row_is_uncertain_after_the_lease(self, house, memory, orphans):
        dead, sending_id, _, _ = orphans
        dead.close()
        dead.journal.path.unlink()
        turn_once()
        assert states(sending_id) == {"sending": 4}, "the lease runs, nothing proves the death"

        Sender.objects.filter(id=dead.id).update(lease_until=CLOCK.system() - timedelta(seconds=1))

        assert send_until(house, sending_id).counts == {"uncertain": 4}
        assert memory.messages == []

    def test_a_living_sender_is_left_alone(self, house, memory, orphans):
        dead, sending_id, _, _ = orphans
        Sender.objects.filter(id=dead.id).update(lease_until=CLOCK.system() - timedelta(hours=1))
        turn_once()
        assert states(sending_id) == {"sending": 4}
        dead.close()

    def test_a_sender_that_was_declared_dead_can_write_nothing(self, house, memory, orphans):
        dead, sending_id, rows, claim = orphans
        dead.close()
        now = CLOCK.business()
        assert recovery.recover_dead(0, {Channel.EMAIL: memory, Channel.SMS: memory}, now) == 1
        accepted = Outcome(state=AttemptState.ACCEPTED)
        assert claims.standings([claim], lock=True) == {}
        claims.settle(claim, [Change(rows[0], accepted)], now)
        assert states(sending_id) == {"pending": 4}

    def test_a_disk_that_fills_up_leaves_rows_free_and_the_next_try_sends_each_once(self, house, monkeypatch):
        sending_id = create_sending(house, create_contacts(house, 3))
        monkeypatch.setattr(feed, "RELAY_DOWN_SECONDS", (0.1,))
        with monkeypatch.context() as broken:
            broken.setattr(FileProvider, "settle", _no_space)
            turn_once()
        assert states(sending_id) == {"pending": 3}
        assert service.outbox_count(house.account_id) == 0

        assert send_until(house, sending_id).counts == {"accepted": 3}
        assert service.outbox_count(house.account_id) == 3

    def test_what_lies_in_the_outbox_settles_an_uncertain_row(self, house):
        sending_id = create_sending(house, create_contacts(house, 2))
        dead = sender.Life(CLOCK, None)
        _, rows = intend_rows(dead.id)
        for row in rows:
            dead.journal.intent(row.id, row.tries)
        provider = dead.ways[Channel.EMAIL]
        provider.send(
            recovery.Message(
                attempt_id=rows[0].id,
                account_id=house.account_id,
                sending_id=sending_id,
                channel=Channel.EMAIL,
                sender="",
                recipient="",
                content=b"Message-ID: <x>\r\n\r\n",
            ),
            lambda: True,
        )
        provider.settle()
        dead.close()

        view = send_until(house, sending_id)

        assert view.counts == {"accepted": 2}
        assert row_of(sending_id, "c1").detail == "found at the destination"
        assert row_of(sending_id, "c2").tries == 2
        assert service.outbox_count(house.account_id) == 2


def _no_space(provider):
    raise OutboundStopped("The outbox cannot be written: No space left on device.", "Is the disk full?")


def _rekey(house, customer: str) -> None:
    """Give a built contact the keys that the room itself would."""
    from tandem.messenger.contacts import keys

    change_contact(house, customer, customer_key=keys.customer_key(house.account_id, customer))


def test_a_journal_of_this_boot_is_named_so():
    assert journal.boot_id()
