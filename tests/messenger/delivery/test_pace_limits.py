"""Limits of pace as sendings feel them: who leaves now, who waits, and that waiting is not being late."""

from datetime import timedelta

import pytest
from tests.fixtures.sendings import (
    CLOCK,
    change_contact,
    create_contacts,
    create_sending,
    turn_once,
)

from tandem.messenger.delivery import paced_rows
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import AttemptState, Outcome
from tandem.messenger.delivery.models import Attempt, Block, Sending
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.pacing import service as pacing
from tandem.messenger.pacing.service import drawing, hearing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered():
    drawing._plans.clear()
    yield
    drawing._plans.clear()


def limited(house, **values):
    pacing.set_limit(house.account_id, actor="a", clock=CLOCK, **values)
    drawing._plans.clear()


def counts(house, sending_id):
    return delivery.get_sending(house.account_id, sending_id).counts


def due_now(sending_id):
    """Time passes: what waits is looked at again."""
    Attempt.objects.filter(sending_id=sending_id, state__in=(0, 2)).update(due_at=CLOCK.business())
    Block.objects.filter(sending_id=sending_id, done=False).update(next_at=CLOCK.business())


def test_a_days_limit_lets_so_many_leave_and_the_others_wait(house):
    limited(house, sender="northwind.example", per_day=7)
    sending_id = create_sending(house, create_contacts(house, 20))
    turn_once()
    assert counts(house, sending_id) == {"accepted": 7, "pending": 13}
    number, first = paced_rows.waiting(house.account_id, sending_id)
    assert number == 13
    assert first > CLOCK.business() + timedelta(seconds=30)
    due_now(sending_id)
    turn_once()
    assert counts(house, sending_id) == {"accepted": 7, "pending": 13}, "not before another day"
    assert set(Attempt.objects.filter(sending_id=sending_id, state=0).values_list("tries", flat=True)) == {0}


def test_what_a_provider_says_slows_its_own_mailboxes(house, memory, monkeypatch):
    hearing._told.clear()
    said = Outcome(
        state=AttemptState.DEFERRED, detail="421 4.7.28 Gmail has detected an unusual rate of mail"
    )
    monkeypatch.setattr(MemoryProvider, "send", lambda self, message, leave: said if leave() else None)
    create_sending(house, create_contacts(house, 3))
    turn_once()
    sender = "northwind.example"
    assert hearing.slowed(house.account_id, sender, CLOCK.system()) == {1: hearing.FIRST}
    assert drawing._plan(house.account_id, sender, CLOCK).rate(sender, 4).free


def test_one_providers_limit_does_not_slow_the_others(house):
    limited(house, provider="Google", per_second=1)
    pacing.learn()
    customers = create_contacts(house, 12)
    for customer in customers[:6]:
        change_contact(house, customer, email=f"{customer}@gmail.com")
    sending_id = create_sending(house, customers)
    turn_once()
    accepted = Attempt.objects.filter(sending_id=sending_id, state=10).values_list("customer", flat=True)
    assert set(customers[6:]) <= set(accepted)
    assert len(accepted) in (8, 9), "two at once, a third if a second has passed"


def test_a_sendings_own_rate(house):
    sending_id = create_sending(house, create_contacts(house, 9))
    delivery.set_rate(house.account_id, sending_id, 2.0)
    turn_once()
    assert counts(house, sending_id)["accepted"] in (4, 5, 6)
    delivery.set_rate(house.account_id, sending_id, None)
    due_now(sending_id)
    turn_once()
    assert counts(house, sending_id) == {"accepted": 9}


def test_waiting_for_a_limit_is_not_being_late(house):
    limited(house, per_day=1)
    sending_id = create_sending(house, create_contacts(house, 3))
    turn_once()
    Sending.objects.filter(id=sending_id).update(due_at=CLOCK.business() - timedelta(hours=30))
    due_now(sending_id)
    pacing.remove_limit(house.account_id, pacing.list_limits(house.account_id)[0].id, actor="a", clock=CLOCK)
    drawing._plans.clear()
    turn_once()
    assert counts(house, sending_id) == {"accepted": 3}
