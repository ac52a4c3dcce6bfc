import pytest
from django.db import transaction
from tests.fixtures.sendings import (
    CLOCK,
    create_contacts,
    create_sending,
    send_until,
    turn_once,
)

from tandem.messenger.delivery import holding, service
from tandem.messenger.delivery.domain import AttemptState, SendingState
from tandem.messenger.delivery.models import Attempt, Sending

pytestmark = pytest.mark.django_db


def hold(house, count=3):
    sending_id = create_sending(house, create_contacts(house, count))
    Sending.objects.filter(id=sending_id).update(gate_id=1, gate_held=True)
    return sending_id


def test_no_sender_can_claim_a_held_sending(house, memory):
    sending_id = hold(house)

    turn_once()
    assert memory.messages == []
    assert service.get_sending(house.account_id, sending_id).state is SendingState.SCHEDULED

    assert holding.release(house.account_id, sending_id)
    assert send_until(house, sending_id).counts == {"accepted": 3}
    assert not holding.release(house.account_id, sending_id)


def test_rejected_rows_stay_and_added_values_are_the_message_s_own(house, memory):
    sending_id = hold(house)
    with transaction.atomic():
        assert holding.lock_held(house.account_id, sending_id)
        done = holding.take_answers(
            house.account_id,
            sending_id,
            [("c1", True, None), ("c2", False, '{"contact.firstname": "x", "firstname": "Eva"}')],
            now=CLOCK.business(),
        )
    assert done == (1, 1)
    holding.release(house.account_id, sending_id)

    assert send_until(house, sending_id).counts == {"accepted": 2, "skipped": 1}
    assert service.reasons(house.account_id, sending_id) == {holding.REJECTED_WORD: 1}
    bodies = {message.recipient: message.content.decode() for message in memory.messages}
    assert "Hello Eva" in bodies["c2@people.example"]
    assert "Hello Ann 3" in bodies["c3@people.example"]


def test_an_answer_about_a_stranger_changes_nothing(house):
    sending_id = hold(house)
    with pytest.raises(holding.UnknownCustomer), transaction.atomic():
        holding.take_answers(
            house.account_id, sending_id, [("c1", True, None), ("zz", True, None)], now=CLOCK.business()
        )
    assert set(Attempt.objects.values_list("state", flat=True)) == {AttemptState.PENDING}


def test_a_held_sending_that_is_too_late_is_missed_without_being_let_go(house, memory):
    sending_id = hold(house)

    assert holding.miss(house.account_id, sending_id, CLOCK.business()) == 3

    assert send_until(house, sending_id).state is SendingState.MISSED
    assert memory.messages == []
    assert Sending.objects.get(id=sending_id).gate_held
