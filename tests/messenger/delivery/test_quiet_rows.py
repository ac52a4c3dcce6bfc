"""SMS of campaigns wait for the recipient's own morning; nothing else does."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.fixtures.sendings import (
    CLOCK,
    change_contact,
    create_contacts,
    create_house,
    create_sending,
    intend_rows,
)

from tandem.kit.clock import FrozenClock
from tandem.messenger.delivery import claims, quiet_rows
from tandem.messenger.delivery.domain import AttemptState, Channel
from tandem.messenger.delivery.models import Attempt, Block, Sender, Sending
from tandem.messenger.gateways import rules
from tandem.messenger.gateways import service as gateways

NIGHT = datetime(2027, 6, 1, 20, 0, tzinfo=UTC)  # 22:00 in Stockholm, 16:00 in New York, 05:00 in Tokyo
MORNING = datetime(2027, 6, 2, 6, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    made = create_house()
    gateways.set_gateway(
        made.account_id, profile="46elks", user="u", secret="s", default_sender="Shop", actor="t", clock=CLOCK
    )
    return made


def turn(sending_id, now):
    """One look at the sending's block at this time; the customers whose rows may leave."""
    sender = Sender.objects.create(host="h", pid=1, boot_id="b", journal="j", started_at=now, lease_until=now)
    held, rows = intend_rows(sender.pk, clock=FrozenClock(now))
    if held is None:
        return None
    left = sorted(row.customer for row in rows)
    Attempt.objects.filter(sending_id=sending_id, state=AttemptState.SENDING).update(state=10)
    claims.give_back(held)
    return left


def sending_of(house, customers, **more):
    return create_sending(
        house, customers, channel=Channel.SMS, due_at=NIGHT, clock=FrozenClock(NIGHT), **more
    )


def numbers(house):
    customers = create_contacts(house, 3)
    change_contact(house, "c2", mobile="+12125550100")
    change_contact(house, "c3", mobile="+819012345678")
    return customers


def test_each_waits_for_their_own_morning(house):
    sending = sending_of(house, numbers(house))
    assert turn(sending, NIGHT) == ["c2"]
    rows = {row.customer: row for row in Attempt.objects.filter(sending_id=sending)}
    assert (rows["c1"].due_at, rows["c1"].detail) == (MORNING, "waits until 08:00 in Stockholm")
    assert (rows["c3"].due_at, rows["c3"].tries) == (datetime(2027, 6, 1, 23, tzinfo=UTC), 0)
    assert Block.objects.get(sending_id=sending).next_at == rows["c3"].due_at
    found = quiet_rows.waiting(house.account_id, sending, NIGHT)
    assert [(words, number) for words, _, number in found] == [
        ("waits until 08:00 in Tokyo", 1),
        ("waits until 08:00 in Stockholm", 1),
    ]
    assert turn(sending, rows["c3"].due_at - timedelta(seconds=1)) is None
    assert turn(sending, rows["c3"].due_at) == ["c3"]
    assert turn(sending, MORNING) == ["c1"]
    assert quiet_rows.waiting(house.account_id, sending, MORNING) == []


def test_the_cut_off_runs_from_the_morning(house):
    sending = sending_of(house, numbers(house)[:1])
    turn(sending, NIGHT)
    assert turn(sending, MORNING + timedelta(minutes=61)) == []
    assert Attempt.objects.get(sending_id=sending).state == AttemptState.MISSED


def test_what_was_late_already_does_not_wait(house):
    sending = sending_of(house, numbers(house)[:1])
    assert turn(sending, NIGHT + timedelta(minutes=61)) == []
    assert Attempt.objects.get(sending_id=sending).state == AttemptState.MISSED


def test_who_is_not_sent_to_is_not_put_off(house):
    customers = numbers(house)[:1]
    change_contact(house, "c1", mobile_unsubscribed=True)
    sending = sending_of(house, customers)
    turn(sending, NIGHT)
    assert Attempt.objects.get(sending_id=sending).state == AttemptState.SUPPRESSED


@pytest.mark.parametrize("kind", ["realtime", "message"])
def test_what_a_person_asked_for_comes_at_night(house, kind):
    sending = sending_of(house, numbers(house)[:1])
    Sending.objects.filter(pk=sending).update(kind=kind)
    assert turn(sending, NIGHT) == ["c1"]


def test_the_account_may_decide_otherwise(house):
    rules.set_rules(house.account_id, quiet=False, actor="t", clock=CLOCK)
    assert turn(sending_of(house, numbers(house)[:1]), NIGHT) == ["c1"]


def test_other_hours_and_the_persons_own_zone(house):
    from tandem.messenger.contacts import service as contacts

    made = contacts.define_property(house.account_id, name="zone", clock=CLOCK)
    rules.set_rules(
        house.account_id, opens="10:00", closes="20:00", zone_attribute="Zone", actor="t", clock=CLOCK
    )
    customers = numbers(house)[:1]
    change_contact(house, "c1", properties={str(made.id): "America/Los_Angeles"})  # 13:00 there
    assert turn(sending_of(house, customers), NIGHT) == ["c1"]


def test_mail_and_the_outbox_know_no_night(house):
    sending = create_sending(house, numbers(house)[:1], due_at=NIGHT, clock=FrozenClock(NIGHT))
    assert turn(sending, NIGHT) == ["c1"]
    gateways.close_gateway(house.account_id, actor="t", clock=CLOCK)
    assert turn(sending_of(house, ["c1"], campaign_id=43), NIGHT) == ["c1"]
