"""Messages in doubt: held or sent again, as was chosen, and settled by whoever knows."""

from datetime import timedelta
from email import message_from_bytes

import pytest
from django.db import IntegrityError, transaction
from tests.fixtures.sendings import (
    CLOCK,
    change_contact,
    create_contacts,
    create_sending,
    intend_rows,
    send_until,
    turn_once,
)

from tandem.messenger.delivery import cancelling, claims, policies, resolving, service
from tandem.messenger.delivery.domain import AttemptState, Channel, Outcome, Policy
from tandem.messenger.delivery.models import Attempt, Block, Sending
from tandem.messenger.delivery.sender import life as sender
from tandem.messenger.reporting import service as reporting

pytestmark = pytest.mark.django_db


def died_in_the_middle(count=4):
    """A sender that dies with two of its messages gone and unanswered."""
    dead = sender.Life(CLOCK, None)
    _, rows = intend_rows(dead.id)
    for row in rows[:2]:
        dead.journal.intent(row.id, row.tries)
    dead.close()
    return rows


def test_held_ones_stay_uncertain_and_resent_ones_go_once_more(house, memory):
    for policy, campaign, counts in (
        (Policy.HOLD, 1, {"accepted": 2, "uncertain": 2}),
        (Policy.RESEND, 2, {"accepted": 4}),
    ):
        if campaign == 1:
            customers = create_contacts(house, 4)
        sending = create_sending(house, customers, campaign_id=campaign)
        view = policies.choose(house.account_id, sending, policy, by="Ann")
        assert (view.policy, view.policy_by) == (policy, "Ann")
        died_in_the_middle()
        assert send_until(house, sending).counts == counts


def test_a_message_that_goes_again_has_its_message_id(house, memory, monkeypatch):
    sending = create_sending(house, create_contacts(house, 1))
    policies.choose(house.account_id, sending, Policy.RESEND, by="Ann")
    send, seen = memory.send, []

    def unheard(message, leave):
        seen.append(message)
        return (
            Outcome(state=AttemptState.UNCERTAIN, detail="lost") if len(seen) == 1 else send(message, leave)
        )

    monkeypatch.setattr(memory, "send", unheard)
    turn_once()
    row = Attempt.objects.get(sending_id=sending)
    assert (AttemptState(row.state), row.detail) == (AttemptState.DEFERRED, "lost")

    Attempt.objects.update(due_at=CLOCK.business())
    Block.objects.update(next_at=CLOCK.business())
    assert send_until(house, sending).counts == {"accepted": 1}

    first, again = (message_from_bytes(one.content)["Message-ID"] for one in seen)
    assert first == again


def test_sms_are_never_sent_again(house):
    sending = create_sending(house, create_contacts(house, 1), channel=Channel.SMS)
    with pytest.raises(policies.NotForSms):
        policies.choose(house.account_id, sending, Policy.RESEND, by="Ann")
    with pytest.raises(IntegrityError, match="sending_policy_of_channel"), transaction.atomic():
        Sending.objects.filter(id=sending).update(policy="resend")


def test_what_is_over_and_what_is_anothers_keeps_its_policy(house, memory):
    sending = create_sending(house, create_contacts(house, 1))
    with pytest.raises(service.SendingNotFound):
        policies.choose(house.account_id + 1, sending, Policy.RESEND, by="Ann")
    send_until(house, sending)
    with pytest.raises(service.SendingOver):
        policies.choose(house.account_id, sending, Policy.RESEND, by="Ann")


@pytest.mark.parametrize("state", [AttemptState.ACCEPTED, AttemptState.REJECTED])
def test_who_looked_settles_an_uncertain_row_and_the_numbers(house, memory, state):
    sending = create_sending(house, create_contacts(house, 2))
    memory.refuse["c1@people.example"] = Outcome(state=AttemptState.UNCERTAIN, detail="lost")
    assert send_until(house, sending).uncertain == 1

    assert resolving.resolve_row(house.account_id, sending, 1, state, source="said by Ann")
    assert not resolving.resolve_row(house.account_id, sending, 1, state, source="said again")
    assert not resolving.resolve_row(house.account_id, sending, 2, state, source="of an accepted row")
    assert not resolving.resolve_row(house.account_id + 1, sending, 1, state, source="another's")

    view = service.get_sending(house.account_id, sending)
    assert view.counts == (
        {"accepted": 2} if state is AttemptState.ACCEPTED else {"accepted": 1, "rejected": 1}
    )
    assert reporting.summary(house.account_id, sending).uncertain == 0


def test_new_email_sendings_begin_with_the_accounts_policy_and_sms_do_not(house, memory):
    assert policies.default_of(house.account_id) == policies.Default()
    policies.choose_default(house.account_id, Policy.RESEND, by="Ann")
    people = create_contacts(house, 1)
    mail = service.get_sending(house.account_id, create_sending(house, people))
    sms = service.get_sending(house.account_id, create_sending(house, people, channel=Channel.SMS))
    assert (mail.policy, mail.policy_by, sms.policy, sms.policy_by) == ("resend", "Ann", "hold", "")
    with pytest.raises(policies.BadPolicy):
        policies.policy_named("twice")


@pytest.mark.parametrize(
    "how", ["opts out", "customer cancelled", "sending cancelled", "contact gone", "given up"]
)
def test_one_that_may_have_left_is_never_said_to_have_got_nothing(house, memory, how):
    """Under `resend` it waits for its next try; what stops it then does not call the first one back."""
    sending = create_sending(house, create_contacts(house, 1))
    policies.choose(house.account_id, sending, Policy.RESEND, by="Ann")
    memory.refuse["c1@people.example"] = Outcome(state=AttemptState.UNCERTAIN, detail="lost")
    turn_once()
    assert Attempt.objects.get(sending_id=sending).reason == claims.DOUBTFUL_WORD
    Attempt.objects.update(due_at=CLOCK.business())
    Block.objects.update(next_at=CLOCK.business())
    if how == "opts out":
        change_contact(house, "c1", unsubscribed=True)
    elif how == "customer cancelled":
        Sending.objects.update(campaign_id=9)
        cancelling.cancel_customers(house.account_id, 9, ["c1"], clock=CLOCK)
    elif how == "sending cancelled":
        service.cancel(house.account_id, sending, clock=CLOCK)
    elif how == "contact gone":
        Attempt.objects.update(contact_id=0)
    else:
        memory.refuse["c1@people.example"] = Outcome(state=AttemptState.DEFERRED, detail="451 later")
        Sending.objects.update(due_at=CLOCK.business() - timedelta(hours=73))
    view = send_until(house, sending)
    row = Attempt.objects.get(sending_id=sending)
    assert (view.counts, row.detail) == ({"uncertain": 1}, "451 later" if how == "given up" else "lost")
    assert row.reason not in ("", claims.DOUBTFUL_WORD), "the row says what stopped it"


def test_one_that_may_have_left_before_its_sender_died_keeps_that_too(house, memory):
    sending = create_sending(house, create_contacts(house, 4))
    policies.choose(house.account_id, sending, Policy.RESEND, by="Ann")
    died_in_the_middle()
    change_contact(house, "c1", unsubscribed=True)
    change_contact(house, "c4", unsubscribed=True)
    assert send_until(house, sending).counts == {"accepted": 2, "uncertain": 1, "suppressed": 1}
    assert set(Attempt.objects.filter(state=10).values_list("reason", flat=True)) == {""}
