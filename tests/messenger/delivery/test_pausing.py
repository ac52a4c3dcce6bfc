"""Sendings that pause by themselves: refusals while sending, bounces and complaints meanwhile; a person overrules."""

import pytest
from tests.fixtures.sendings import CLOCK, create_contacts, create_sending, turn_once

from tandem.messenger.accounts import service as accounts
from tandem.messenger.delivery import pausing
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import AttemptState, Outcome, SendingState
from tandem.messenger.delivery.models import Attempt, Sending
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.engagement import service as engagement
from tandem.messenger.engagement.domain import Happened, Kind
from tandem.messenger.pacing import service as pacing
from tandem.messenger.pacing.domain import PauseRules, Seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def refusing(settings, monkeypatch):
    """A next hop that refuses everything."""
    settings.TANDEM_SENDING = {
        **settings.TANDEM_SENDING,
        "TANDEM_PROVIDER": "memory",
        "TANDEM_PROVIDER_LOCK": "0",
    }
    refused = Outcome(state=AttemptState.REJECTED, detail="554 no")
    monkeypatch.setattr(MemoryProvider, "send", lambda self, message, leave: refused if leave() else None)


def rules(house, **values):
    pacing.set_pause_rules(house.account_id, PauseRules(**values), actor="a", clock=CLOCK)


def state_of(house, sending_id):
    return delivery.get_sending(house.account_id, sending_id)


def test_a_next_hop_that_refuses_everything_is_not_offered_the_whole_list(house, refusing):
    rules(house, least=20)
    sending_id = create_sending(house, create_contacts(house, 1500))
    turn_once()
    found = state_of(house, sending_id)
    assert found.state is SendingState.PAUSED
    assert "100.0 % of the messages were refused" in found.paused_because
    assert 20 <= found.counts["rejected"] < 1000
    assert found.counts["rejected"] + found.counts["pending"] == 1500
    (line,) = [
        one for one in accounts.recent_activity(house.account_id) if one.action == "sending paused itself"
    ]
    assert line.detail["reason"] == found.paused_because

    delivery.resume(house.account_id, sending_id)
    turn_once()
    found = state_of(house, sending_id)
    assert (found.counts, found.paused_because) == ({"rejected": 1500}, ""), (
        "all that could come has been overruled"
    )


def test_a_person_overrules_what_was_seen_and_not_what_comes():
    rules = PauseRules(least=10)
    for rule, shares in {"errors": (60, 79, 81), "bounces": (12, 23, 25), "complaints": (1, 2, 3)}.items():
        paused_at, still_fine, too_many = shares
        after = rules.overruled({rule: paused_at})

        def broken(count, rules=after, rule=rule):
            found = rules.broken(Seen(tried=100, handed_over=100, **{rule: count}))
            return found and found.rule

        assert broken(paused_at, rules) == broken(too_many) == rule and broken(still_fine) is None
    assert rules.overruled({"errors": 100}).broken(Seen(tried=500, errors=500)) is None
    assert PauseRules(bounces=0).overruled({"bounces": 12}).bounces == 0


@pytest.mark.parametrize(
    ("kind", "words"), [(Kind.BOUNCED_HARD, "came back"), (Kind.COMPLAINED, "complained")]
)
def test_what_comes_back_pauses_a_sending_that_runs(house, kind, words):
    rules(house, least=10)
    sending_id = create_sending(house, create_contacts(house, 12))
    turn_once()
    Sending.objects.filter(id=sending_id).update(state="sending", finished_at=None)
    some = Attempt.objects.filter(sending_id=sending_id).order_by("seq")[:2]
    for attempt in some:
        happened = Happened(
            account_id=house.account_id, attempt_id=attempt.pk, kind=kind, at=CLOCK.business(), source="test"
        )
        engagement.record([happened, happened], clock=CLOCK)
    assert engagement.watch_running(clock=CLOCK) == 1
    found = state_of(house, sending_id)
    assert (found.state, words in found.paused_because) == (SendingState.PAUSED, True)
    delivery.resume(house.account_id, sending_id)
    assert engagement.watch_running(clock=CLOCK) == 0
    for attempt in Attempt.objects.filter(sending_id=sending_id).order_by("seq")[2:6]:
        happened = Happened(
            account_id=house.account_id, attempt_id=attempt.pk, kind=kind, at=CLOCK.business(), source="test"
        )
        engagement.record([happened], clock=CLOCK)
    assert engagement.watch_running(clock=CLOCK) == 1, "three times as many as when a person let it go on"
    assert len(Sending.objects.get(id=sending_id).brakes) == 1


def test_only_what_runs_pauses(house):
    sending_id = create_sending(house, create_contacts(house, 1))
    assert not pausing.pause_by_itself(house.account_id, sending_id, "why", clock=CLOCK)
    assert state_of(house, sending_id).state is SendingState.SCHEDULED
