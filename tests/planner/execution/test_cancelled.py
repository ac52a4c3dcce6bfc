"""A processed campaign is cancelled: what is certain then, what the messenger is told, and what it says afterwards."""

import threading
from datetime import timedelta

import orjson
import pytest
from django.db import connection
from tests.fixtures import shop as shops
from typer.testing import CliRunner

from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.domain import MoveRefused
from tandem.planner.cli.campaign import app
from tandem.planner.execution import service
from tandem.planner.execution.domain import REPORT_TIME
from tandem.planner.listeners import service as listeners
from tandem.planner.listeners.models import Event

URL = "https://messenger.example.com/listener/secret"
EVERYTHING = {(11, 0), (11, 5), (11, 9)}


@pytest.fixture
def view(shop):
    for event_type in (4, 13):
        listeners.register(shop.account.pk, event_type=event_type, channel_id=504, url=URL, clock=shop.clock)
    return shops.frozen(shop)


@pytest.fixture
def fetched(shop, view):
    assert fetch(shop, view)
    return view


def fetch(shop, view):
    rows = service.list_summary(shop.account.pk, view.occurrence_id).targeted
    return service.details_served(shop.account.pk, view.occurrence_id, 504, rows=rows, clock=shop.clock)


def cancel(shop, view):
    return campaigns.cancel_campaign(shop.account.pk, view.id, clock=shop.clock)


def found(shop, view):
    return campaigns.get_campaign(shop.account.pk, view.id)


def report(shop, view, totals):
    service.metrics_arrived(shop.account.pk, view.occurrence_id, totals, stated=EVERYTHING, clock=shop.clock)


def numbers(shop, view):
    n = service.outcome(shop.account.pk, view.occurrence_id)
    assert n.listed == n.control + n.sent + sum(n.skipped.values()) + n.failed + n.uncertain
    return n


def targeted(shop, view):
    return service.list_summary(shop.account.pk, view.occurrence_id).targeted


def names(shop, view):
    steps = service.timeline(shop.account.pk, view.occurrence_id).steps
    return {step.name: step.state for step in steps}


def test_before_it_is_fetched_nobody_gets_anything(shop, view):
    after = cancel(shop, view)
    assert after.state == "cancelled"
    assert after.cause == "Cancelled before the messenger fetched the list. Nothing is sent."
    n = numbers(shop, view)
    assert (n.sent, n.uncertain, n.skipped["cancelled"]) == (0, 0, targeted(shop, view))
    assert not fetch(shop, view), "a page that was on its way is kept back"
    assert found(shop, view).fetched_at is None


def test_until_nobody_fetched_it_even_after_the_send_time(shop, view):
    shop.clock.now = view.send_at + timedelta(minutes=5)
    assert cancel(shop, view).state == "cancelled"


def test_a_fetched_one_is_being_cancelled_until_the_messenger_says_that_it_stopped(shop, fetched):
    after = cancel(shop, fetched)
    assert after.state == "being cancelled"
    [told] = Event.objects.filter(occurrence_id=fetched.occurrence_id, event_type=4)
    assert (told.channel_id, told.cancelled) == (504, False)
    assert told.deadline == shop.clock.now + timedelta(hours=2)
    assert numbers(shop, fetched).uncertain == targeted(shop, fetched)
    assert names(shop, fetched) == {
        "List made": "done", "Messenger fetched details": "done", "Cancelled here": "done",
        "Messenger told to stop": "now", "Messenger stopped": "now",
    }  # fmt: skip

    report(shop, fetched, {0: 0, 5: targeted(shop, fetched), 9: 0})

    after = found(shop, fetched)
    assert (after.state, after.cause) == ("cancelled", "The messenger sent nothing.")
    n = numbers(shop, fetched)
    assert (n.sent, n.uncertain, n.skipped["cancelled"]) == (0, 0, targeted(shop, fetched))
    assert names(shop, fetched)["Messenger stopped"] == "done"


def test_what_left_in_spite_of_it_is_shown(shop, fetched):
    cancel(shop, fetched)
    report(shop, fetched, {0: 3, 5: targeted(shop, fetched) - 5, 9: 1})
    after = found(shop, fetched)
    assert after.state == "cancelled"
    assert after.cause.startswith(
        "4 messages had left before the messenger stopped. The messenger cannot tell"
    )
    n = numbers(shop, fetched)
    assert (n.sent, n.failed, n.uncertain) == (3, 1, 1)
    details = service.campaign_details(shop.account.pk, fetched.occurrence_id)
    assert (details.status, details.test_group_size) == ("Failed", 0)


def test_a_messenger_that_never_reports_does_not_keep_it_open(shop, fetched):
    cancel(shop, fetched)
    shop.clock.now = fetched.gives_up_at + REPORT_TIME
    assert service.follow_due(clock=shop.clock) == 0
    shop.clock.move(seconds=1)
    assert service.follow_due(clock=shop.clock) == 1
    after = found(shop, fetched)
    assert (after.state, after.cause) == (
        "cancelled",
        "The messenger did not report what became of its list.",
    )
    assert numbers(shop, fetched).uncertain == targeted(shop, fetched)
    report(shop, fetched, {0: 2, 5: targeted(shop, fetched) - 2, 9: 0})
    assert numbers(shop, fetched).sent == 2, "a late report is counted all the same"


def test_from_its_send_time_on_a_fetched_one_is_refused_with_what_to_do(shop, fetched):
    shop.clock.now = fetched.send_at - timedelta(seconds=1)
    assert campaigns.cancelling(shop.account.pk, fetched.id, clock=shop.clock) == "being cancelled"
    assert fetched.can_be_cancelled(shop.clock.now)
    shop.clock.now = fetched.send_at
    for _ in range(2):
        with pytest.raises(MoveRefused) as refused:
            cancel(shop, fetched)
        assert "send time" in refused.value.detail
        assert "Pause or cancel its sending at the messenger" in refused.value.advice
        service.follow_due(clock=shop.clock)
    assert found(shop, fetched).state == "sending"
    assert not Event.objects.filter(event_type=4).exists()


def test_a_second_time_is_refused_and_told_once(shop, fetched):
    cancel(shop, fetched)
    with pytest.raises(MoveRefused):
        cancel(shop, fetched)
    assert Event.objects.filter(event_type=4).count() == 1


def test_for_two_hours_it_is_told_who_was_on_the_list(shop, fetched):
    ask = lambda: service.cancelled_lists(shop.account.pk, fetched.occurrence_id, clock=shop.clock)  # noqa: E731
    assert not ask()
    cancel(shop, fetched)
    assert [one.targeted for one in ask()] == [targeted(shop, fetched)]
    report(shop, fetched, {0: 0, 5: targeted(shop, fetched), 9: 0})
    shop.clock.move(hours=1, minutes=59)
    assert ask()
    shop.clock.move(minutes=1)
    assert not ask()


def test_the_command_says_what_it_would_do_and_does_it(shop, fetched, monkeypatch):
    monkeypatch.setattr("tandem.kit.clock.from_environment", lambda: shop.clock)

    def run(*words, code=0):
        done = CliRunner().invoke(app, ["cancel", str(fetched.id), *words])
        assert done.exit_code == code, done.output
        return done

    assert "would leave it being cancelled." in " ".join(run("--dry-run").stderr.split())
    assert found(shop, fetched).state == "waiting for messenger"
    done = run("--json")
    assert orjson.loads(done.stdout)["state"] == "being cancelled"
    assert "it is told to send nothing" in " ".join(done.stderr.split())
    assert "is being cancelled already" in " ".join(run("--dry-run", code=1).stderr.split())


@pytest.mark.django_db(transaction=True)
def test_a_page_and_a_cancellation_at_the_same_time_agree(tmp_path, settings):
    """Either the page went out and the messenger is told to stop, or it is kept back and nothing is sent."""
    settings.TANDEM_STORAGE = tmp_path / "storage"
    shop = shops.build(tmp_path, 20)
    for _ in range(6):
        view = shops.frozen(shop)
        gate, went_out = threading.Barrier(2), []

        def serve(view=view, gate=gate, went_out=went_out):
            gate.wait()
            went_out.append(fetch(shop, view))
            connection.close()

        other = threading.Thread(target=serve)
        other.start()
        gate.wait()
        after = cancel(shop, view)
        other.join()
        assert after.state == ("being cancelled" if went_out[0] else "cancelled")
        assert found(shop, view).is_fetched == went_out[0]
