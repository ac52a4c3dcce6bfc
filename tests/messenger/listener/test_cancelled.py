"""A planner cancels a campaign, or some of its customers: in every order, twice, and while a sender is at it."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from tests.fixtures.sendings import (
    CLOCK,
    House,
    create_contacts,
    create_house,
    create_sending,
    intend_rows,
    send_until,
)
from typer.testing import CliRunner

from tandem.clients import planner_problems as problems
from tandem.clients.planner import PlannerClient
from tandem.contract.planner_api import CampaignDetails
from tandem.kit.clock import FrozenClock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.cli.listener import app
from tandem.messenger.contacts.models import Contact
from tandem.messenger.delivery import forgetting, recovery
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import AttemptState, Outcome
from tandem.messenger.delivery.models import Attempt, CancelledCustomer, Sending
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.sender import desk
from tandem.messenger.delivery.sender import life as sender
from tandem.messenger.listener import service
from tandem.messenger.listener.errors import InboxNotFound
from tandem.messenger.listener.models import Cancellation, ChannelBinding, Inbox
from tandem.messenger.reporting import service as reporting
from tandem.simulators.planner import Planner
from tandem.simulators.planner_world import World
from tandem.simulators.server import Server, Simulator

pytestmark = pytest.mark.django_db
MINE = ["100001", "100002", "100003"]


@pytest.fixture
def clock():
    return FrozenClock(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))


@pytest.fixture
def memory(monkeypatch):
    provider = MemoryProvider()
    monkeypatch.setattr(sender, "way_out_for", lambda *_: provider)
    return provider


@pytest.fixture
def planner(clock, settings, tmp_path):
    """A planner over HTTP with a campaign of ten minutes ahead: nine customers, of whom three are contacts here."""
    settings.TANDEM_HOME = tmp_path
    house = create_house()
    create_contacts(house, 3)
    for number, customer in enumerate(MINE, 1):
        Contact.objects.filter(original_id=f"c{number}").update(original_id=customer)
    world = World(clock=clock, zone="Europe/Stockholm", customers=10)
    world.change_template(504, house.email_trigger)
    half = Planner(world)
    with Server(Simulator(half)) as server:
        settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{server.port}",)
        server.house, server.account_id, server.half = house, house.account_id, half
        server.campaign = world.add_campaign(channel=504, at=world.now() + timedelta(minutes=10)).id
        service.connect_planner(
            house.account_id, planner_url=server.url, zone="Europe/Stockholm", user="simulator",
            password="simulator",
        )  # fmt: skip
        service.bind_channel(house.account_id, 504, "email")
        yield server


def hear(planner, clock, event_type=4, **more):
    """An event as the planner posts it."""
    body = {"EventTypeID": event_type, "TimeStamp": "2026-03-02 09:00:00", "CampaignID": planner.campaign}
    secret = service.listener_url(planner.account_id, clock=clock).rpartition("/")[2]
    return service.receive_event(secret, orjson.dumps(body | more), clock=clock)


def fetch(planner, clock):
    hear(planner, clock, 13, ChannelID=504)
    service.fetch_due(clock)


def cancel(planner, *customers):
    planner.half.control("cancel", {"campaign": planner.campaign, "customers": list(customers)})


def states():
    return Counter(AttemptState(row.state).words for row in Attempt.objects.all())


def send(planner, clock):
    """Everything due in the campaign's minute; the sending afterwards."""
    clock.move(minutes=10)
    life = sender.Life(clock, threading.Event())
    try:
        while life.turn():
            pass
    finally:
        life.close()
    return delivery.find_sending(planner.account_id, planner.campaign)


class TestOrders:
    def test_after_the_list_nobody_is_sent_anything(self, planner, clock, memory):
        fetch(planner, clock)
        assert states()["pending"] == 3
        cancel(planner)
        assert hear(planner, clock).words == "Accepted."
        assert states()["pending"] == 3, "the event alone does nothing"

        assert service.look_due(clock) == 1

        assert states() == {"cancelled": 3, "skipped": 6}
        view = send(planner, clock)
        assert (view.state, memory.messages) == ("cancelled", [])
        row = Cancellation.objects.get()
        assert (row.state, row.customers, row.rows_cancelled, row.left, row.whole) == (
            "taken",
            9,
            3,
            0,
            False,
        )

    def test_twice_changes_nothing_more(self, planner, clock, memory):
        fetch(planner, clock)
        cancel(planner)
        for words in ("Accepted.", "Heard before. The planner is asked again."):
            assert hear(planner, clock).words == words
            assert service.look_due(clock) == 1
            assert states() == {"cancelled": 3, "skipped": 6}
        row = Cancellation.objects.get()
        assert (row.times_received, row.rows_cancelled) == (2, 3)

    @pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=3)])
    def test_before_the_list_the_fact_is_kept(self, planner, clock, memory, late):
        """This planner still serves its list, and after two hours no longer says who was cancelled."""
        cancel(planner)
        hear(planner, clock)
        service.look_due(clock)
        clock.move(hours=late.total_seconds() / 3600)
        fetch(planner, clock)
        assert states() == {"cancelled": 9}
        assert Sending.objects.get().state == "cancelled"
        assert send(planner, clock).counts == {"cancelled": 9}
        assert memory.messages == []

    def test_some_customers_only(self, planner, clock, memory):
        fetch(planner, clock)
        cancel(planner, MINE[0])
        hear(planner, clock)
        service.look_due(clock)
        assert states() == {"cancelled": 1, "pending": 2, "skipped": 6}
        cancel(planner, MINE[1])
        hear(planner, clock)
        service.look_due(clock)
        view = send(planner, clock)
        assert view.counts == {"cancelled": 2, "accepted": 1, "skipped": 6}
        assert (view.state, len(memory.messages)) == ("finished", 1)
        assert Attempt.objects.get(state=AttemptState.ACCEPTED).customer == MINE[2]
        assert delivery.reasons(planner.account_id, view.id) == {"cancelled": 2, "no contact": 6}

    def test_some_customers_before_the_list(self, planner, clock, memory):
        cancel(planner, MINE[0], "999999")
        hear(planner, clock)
        service.look_due(clock)
        fetch(planner, clock)
        assert states() == {"cancelled": 1, "pending": 2, "skipped": 6}
        assert send(planner, clock).counts["accepted"] == 2

    def test_a_cancelled_row_does_not_make_another_a_duplicate(self, planner, clock, memory):
        Contact.objects.filter(original_id__in=MINE).update(email_key="same", email="one@people.example")
        cancel(planner, MINE[0])
        hear(planner, clock)
        service.look_due(clock)
        fetch(planner, clock)
        assert send(planner, clock).counts == {"cancelled": 1, "accepted": 1, "skipped": 7}

    def test_an_event_that_is_not_true_changes_nothing(self, planner, clock, memory):
        fetch(planner, clock)
        hear(planner, clock)
        assert service.look_due(clock) == 1
        assert (Cancellation.objects.get().state, CancelledCustomer.objects.count()) == ("taken", 0)
        assert send(planner, clock).counts["accepted"] == 3

    def test_a_test_event_is_only_heard(self, planner, clock):
        assert hear(planner, clock, CampaignID=0).words == "A test was heard. Nothing changes."
        assert not Cancellation.objects.exists()

    def test_after_the_messages_left_it_is_said_how_many_had(self, planner, clock, memory):
        fetch(planner, clock)
        assert send(planner, clock).state == "finished"
        cancel(planner)
        hear(planner, clock)
        service.look_due(clock)
        assert (Cancellation.objects.get().left, Sending.objects.get().state) == (3, "finished")
        assert states() == {"accepted": 3, "skipped": 6}

    def test_asking_for_campaigns_does_not_bring_it_back(self, planner, clock, memory):
        ChannelBinding.objects.update(registered_at=clock.system())
        fetch(planner, clock)
        cancel(planner)
        hear(planner, clock)
        service.look_due(clock)
        service.poll_account(planner.account_id, clock=clock)
        hear(planner, clock, 13, ChannelID=504)
        service.fetch_due(clock)
        assert Sending.objects.get(campaign_id=planner.campaign).state == "cancelled"
        assert memory.messages == []

    def test_pages_of_any_size_and_a_planner_read_by_a_profile(self, planner, clock, memory):
        service.set_profile(planner.account_id, "[paging]\nsize = 2\n")
        fetch(planner, clock)
        cancel(planner)
        hear(planner, clock)
        service.look_due(clock)
        asked = [one["path"] for one in planner.simulator.log]
        assert sum("GetCanceledCampaignCustomers" in path for path in asked) == 6
        assert Cancellation.objects.get().customers == 9

    def test_no_account_is_touched_by_anothers(self, planner, clock, memory):
        other = create_house("Southwind")
        theirs = create_sending(other, create_contacts(other, 2), campaign_id=planner.campaign, clock=clock)
        cancel(planner)
        hear(planner, clock)
        service.look_due(clock)
        assert delivery.get_sending(other.account_id, theirs).counts == {"pending": 2}
        Cancellation.objects.update(state="held")
        with pytest.raises(InboxNotFound):
            service.look_again(other.account_id, Cancellation.objects.get().id, clock=clock)


class TestAsking:
    def test_a_lost_event_is_found_out_by_asking(self, planner, clock, memory):
        """The planner no longer lists a campaign whose list is here."""
        ChannelBinding.objects.update(registered_at=clock.system())
        fetch(planner, clock)
        service.poll_account(planner.account_id, clock=clock)
        assert not Cancellation.objects.filter(campaign_id=planner.campaign).exists()
        cancel(planner)
        service.poll_account(planner.account_id, clock=clock)
        assert service.look_due(clock) == 1
        assert (Cancellation.objects.get().source, states()["cancelled"]) == ("poll", 3)

    def test_a_campaign_that_is_only_missing_is_asked_about_every_ten_minutes(self, planner, clock, memory):
        ChannelBinding.objects.update(registered_at=clock.system())
        fetch(planner, clock)
        planner.half.world.cancelled[planner.campaign] = planner.half.world.now() - timedelta(hours=3)
        for minutes, times in ((0, 1), (5, 1), (5, 2)):
            clock.move(minutes=minutes)
            service.poll_account(planner.account_id, clock=clock)
            service.look_due(clock)
            assert Cancellation.objects.get().times_received == times
        assert states()["pending"] == 3

    def test_a_planner_that_stopped_it_as_a_whole_need_not_name_anyone(self, planner, clock, monkeypatch):
        """What a sender's credential may call: the campaign's state, not who was cancelled."""
        fetch(planner, clock)
        barred(monkeypatch)
        stopped(monkeypatch)
        hear(planner, clock)
        assert service.look_due(clock) == 1
        assert states() == {"cancelled": 3, "skipped": 6}
        assert Cancellation.objects.get().whole

    def test_one_that_tells_neither_is_asked_again_then_held(self, planner, clock, monkeypatch):
        fetch(planner, clock)
        barred(monkeypatch)
        hear(planner, clock)
        for _ in range(11):
            assert service.look_due(clock) == 0
            clock.move(hours=1)
        row = Cancellation.objects.get()
        assert row.state == "held"
        assert "does not say who" in row.problem
        assert states()["pending"] == 3
        monkeypatch.undo()
        cancel(planner)
        service.look_again(planner.account_id, row.id, clock=clock)
        assert service.look_due(clock) == 1
        assert states()["cancelled"] == 3

    def test_a_stopped_campaign_that_was_never_fetched_is_not_held_with_an_alarm(
        self, planner, clock, monkeypatch
    ):
        hear(planner, clock, 13, ChannelID=504)
        stopped(monkeypatch)
        empty(monkeypatch)
        assert service.fetch_due(clock) == 0
        assert service.look_due(clock) == 1
        row = Inbox.objects.get()
        assert (row.state, row.problem) == ("cancelled", "The planner stopped this campaign. Cancelled.")
        clock.move(hours=1)
        service.fetch_due(clock)
        assert (Inbox.objects.get().tries, Sending.objects.count()) == (1, 0)

    def test_an_event_that_comes_while_it_is_asked_is_asked_again(self, planner, clock, monkeypatch):
        fetch(planner, clock)
        cancel(planner, MINE[0])
        hear(planner, clock)
        ask = PlannerClient.campaign_details

        def meanwhile(self, campaign_id):
            monkeypatch.undo()
            cancel(planner, MINE[1])
            hear(planner, clock)
            return ask(self, campaign_id)

        monkeypatch.setattr(PlannerClient, "campaign_details", meanwhile)
        service.look_due(clock)
        assert Cancellation.objects.get().state == "waiting"
        service.look_due(clock)
        assert states()["cancelled"] == 2


def barred(monkeypatch):
    def refuse(self, campaign_id):
        raise problems.PlannerForbidden("The planner does not let this credential call that function (403).")

    monkeypatch.setattr(PlannerClient, "canceled_campaign_customers", refuse)


def stopped(monkeypatch):
    ask = PlannerClient.campaign_details

    def answer(self, campaign_id):
        found = ask(self, campaign_id).__dict__
        size = {"test_group_size": 0, "control_group_size": 0}
        return CampaignDetails(**found | {"status": "Failed", "error": "Cancelled."} | size)

    monkeypatch.setattr(PlannerClient, "campaign_details", answer)


def empty(monkeypatch):
    monkeypatch.setattr(PlannerClient, "execution_pages", lambda *_: iter(()))
    monkeypatch.setattr(PlannerClient, "canceled_campaign_customers", lambda *_: ())


class TestShown:
    def test_the_planner_is_told_of_them_as_left_out(self, planner, clock, memory):
        fetch(planner, clock)
        cancel(planner)
        hear(planner, clock)
        service.look_due(clock)
        send(planner, clock)
        service.report_due(clock)
        template = planner.house.email_trigger
        told = planner.half.world.metrics
        assert {key[3]: value for key, value in told.items() if key[2] == template} == {0: 0, 5: 9, 9: 0}
        sending = Sending.objects.get()
        numbers = reporting.summary(planner.account_id, sending.id)
        assert numbers.skipped == {"cancelled": 3, "no contact": 6}
        assert numbers.listed == numbers.sent + sum(numbers.skipped.values())

    def test_pages_and_command_name_and_count_them(self, planner, clock, memory):
        fetch(planner, clock)
        cancel(planner)
        hear(planner, clock)
        service.look_due(clock)
        person = accounts.create_user(
            planner.account_id, email="a@b.example", password="correct horse battery", role="administrator"
        )
        client = Client()
        client.force_login(get_user_model().objects.get(pk=person.id))
        page = client.get("/ui/listener").content.decode()
        assert "Cancelled by the planner" in page
        assert "9 customers named, 3 rows taken out" in page
        page = client.get(f"/ui/sendings/{Sending.objects.get().id}").content.decode()
        assert "Cancelled" in page
        shown = CliRunner().invoke(app, ["show"]).stdout
        assert (
            f"Cancelled {planner.campaign}: taken, 9 customers named, 3 rows taken out, 0 had left or were in hand."
            in shown
        )

    def test_a_forgotten_person_is_forgotten_there_too(self, planner, clock):
        cancel(planner, MINE[0], MINE[1])
        hear(planner, clock)
        service.look_due(clock)
        forgetting.forget(planner.account_id, MINE[0])
        assert [row.customer for row in CancelledCustomer.objects.all()] == [MINE[1]]


@pytest.fixture
def house(settings, tmp_path) -> House:
    settings.TANDEM_HOME = tmp_path
    return create_house()


class TestSenderAtIt:
    def test_rows_in_hand_are_cancelled_at_their_content(self, house, memory, monkeypatch):
        sending_id = create_sending(house, create_contacts(house, 20))
        monkeypatch.setattr(desk, "WATCH_SECONDS", -1.0)
        memory.rows_in_hand = 1
        send = memory.send

        def send_and_cancel(message, before_content):
            outcome = send(message, before_content)
            if len(memory.messages) == 5:
                delivery.cancel_customers(house.account_id, 42, ["c2", "c9", "c20"], clock=CLOCK)
            return outcome

        monkeypatch.setattr(memory, "send", send_and_cancel)
        view = send_until(house, sending_id)
        assert view.counts == {"accepted": 18, "cancelled": 2}
        gone = {message.recipient for message in memory.messages}
        assert "c2@people.example" in gone, "it had left before"
        assert delivery.reasons(house.account_id, sending_id) == {"cancelled": 2}

    def test_a_row_that_comes_back_from_a_dead_sender_does_not_leave(self, house, memory):
        sending_id = create_sending(house, create_contacts(house, 4))
        dead = sender.Life(CLOCK, None)
        intend_rows(dead.id)
        found = delivery.cancel_customers(house.account_id, 42, ["c1", "c2"], clock=CLOCK)
        assert (found.rows, found.left) == (0, 4)
        dead.close()
        view = send_until(house, sending_id)
        assert view.counts == {"accepted": 2, "cancelled": 2}
        assert {m.recipient for m in memory.messages} == {"c3@people.example", "c4@people.example"}

    def test_a_cancelled_sending_ends_though_its_sender_died(self, house, memory):
        sending_id = create_sending(house, create_contacts(house, 4))
        dead = sender.Life(CLOCK, None)
        intend_rows(dead.id)
        delivery.cancel_campaign(house.account_id, 42, clock=CLOCK)
        dead.close()
        view = send_until(house, sending_id)
        assert (view.state, view.counts, memory.messages) == ("cancelled", {"cancelled": 4}, [])

    def test_a_deferred_row_is_cancelled(self, house, memory):
        sending_id = create_sending(house, create_contacts(house, 2))
        memory.refuse["c1@people.example"] = Outcome(state=AttemptState.DEFERRED, detail="451 later")
        life = sender.Life(CLOCK, threading.Event())
        life.turn()
        life.close()
        assert delivery.cancel_customers(house.account_id, 42, ["c1"], clock=CLOCK).rows == 1
        assert send_until(house, sending_id).counts == {"accepted": 1, "cancelled": 1}


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    """Real transactions of several connections: a row is intended or cancelled, never both, never neither."""

    ROWS = 400

    @pytest.mark.parametrize("looks_again", [True, False])
    def test_a_sender_and_a_cancellation_divide_the_rows(self, house, monkeypatch, looks_again):
        """looks_again: at each content; without it the intent alone has to divide them."""
        memory = MemoryProvider()
        memory.rows_in_hand = 5
        monkeypatch.setattr(sender, "way_out_for", lambda *_: memory)
        monkeypatch.setattr(desk, "WATCH_SECONDS", -1.0 if looks_again else 60.0)
        monkeypatch.setattr(desk, "STALE_SECONDS", 60.0)
        customers = create_contacts(house, self.ROWS)
        sending_id = create_sending(house, customers)
        stop, errors = threading.Event(), []

        def work():
            life = sender.Life(CLOCK, stop)
            try:
                while not stop.is_set():
                    life.turn()
            except Exception as error:  # noqa: BLE001 - it fails in the test's own thread
                errors.append(error)
            finally:
                life.close()
                connection.close()

        worker = threading.Thread(target=work)
        worker.start()
        too_late = set()
        for start in range(0, self.ROWS, 8):
            part = customers[start : start + 6]
            delivery.cancel_customers(house.account_id, 42, part, clock=CLOCK)
            gone = {message.recipient for message in list(memory.messages)}
            too_late |= {f"{customer}@people.example" for customer in part} - gone
        deadline = CLOCK.system() + timedelta(seconds=20)
        while delivery.get_sending(house.account_id, sending_id).finished_at is None:
            assert CLOCK.system() < deadline
            stop.wait(0.05)
        stop.set()
        worker.join()

        assert errors == []
        found = Counter(AttemptState(row.state).words for row in Attempt.objects.all())
        assert sum(found.values()) == self.ROWS
        assert set(found) == {"accepted", "cancelled"}
        left = [message.recipient for message in memory.messages]
        assert len(left) == len(set(left)) == found["accepted"]
        cancelled = {f"{row.customer}@people.example" for row in Attempt.objects.filter(state=24)}
        assert not cancelled & set(left)
        in_hand = memory.rows_in_hand if not looks_again else 1
        assert len(too_late & set(left)) <= in_hand * (self.ROWS // 8)

    def test_a_list_and_its_cancellation_at_the_same_time(self, house):
        """Whichever is first: no cancelled customer waits to be sent."""
        customers = create_contacts(house, 30)
        for campaign in range(50, 62):
            barrier = threading.Barrier(2)

            def cancel(campaign=campaign, barrier=barrier):
                barrier.wait()
                delivery.cancel_customers(house.account_id, campaign, customers[:10], clock=CLOCK)
                connection.close()

            other = threading.Thread(target=cancel)
            other.start()
            barrier.wait()
            sending_id = create_sending(house, customers, campaign_id=campaign)
            other.join()
            found = delivery.get_sending(house.account_id, sending_id)
            assert found.counts == {"cancelled": 10, "pending": 20}
        assert recovery.recover_dead(0, {}, CLOCK.business()) == 0
