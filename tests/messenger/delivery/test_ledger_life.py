"""The life of a ledger's rows under several senders that work, die, come back as zombies and are buried."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.fixtures.examples import examples
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending

from tandem.messenger.delivery import cancelling, claims, finishing, journal, recovery, service
from tandem.messenger.delivery.domain import AttemptState, Channel, Outcome, SendingState
from tandem.messenger.delivery.models import Attempt, Block, Sender, Sending
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.rows import Change, Row

ROWS = 12
WAYS = {channel: MemoryProvider() for channel in Channel}


class Ledger(RuleBasedStateMachine):
    """`left` counts the times that a row's content left; under `hold` never more than once."""

    @initialize()
    def begin(self):
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.house = create_house()
        self.sending = create_sending(self.house, create_contacts(self.house, ROWS))
        Block.objects.all().delete()
        account = {"account_id": self.house.account_id, "sending_id": self.sending}
        Block.objects.bulk_create(
            Block(**account, first_seq=first, last_seq=first + 2, next_at=CLOCK.business())
            for first in range(1, ROWS + 1, 3)
        )
        self.left: Counter[int] = Counter()
        #: what each sender of ours believes: claim, rows in hand and whether their content has left
        self.hands: dict[int, tuple[claims.Claim, list[tuple[Row, bool]]]] = {}
        self.journals: dict[int, journal.Journal] = {}
        self.zombies: list[tuple[claims.Claim, list[tuple[Row, bool]]]] = []

    def teardown(self):
        if hasattr(self, "outer"):
            for one in self.journals.values():
                one.close()
            transaction.set_rollback(True)
            self.outer.__exit__(None, None, None)

    @rule()
    def a_sender_claims(self):
        now = CLOCK.business()
        sender = Sender.objects.create(
            host="elsewhere", pid=1, boot_id=journal.boot_id(), journal="", started_at=now,
            lease_until=CLOCK.system() + timedelta(hours=1),
        )  # fmt: skip
        claim = claims.claim(sender.pk, now)
        if claim is None:
            sender.delete()
            return
        path = self.folder / f"{sender.pk}.log"
        self.journals[sender.pk] = journal.Journal(path, sender.pk)
        Sender.objects.filter(pk=sender.pk).update(journal=str(path))
        self.hands[sender.pk] = (claim, [])

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), most=st.integers(1, 3))
    def it_intends(self, data, most):
        claim, rows = self.hands[data.draw(st.sampled_from(sorted(self.hands)))]
        [standing] = claims.standings([claim], lock=True).values()
        now = CLOCK.business()
        seqs = claims.open_rows(claim, now)[:most]
        if standing.sends and seqs:
            found = claims.intend(claim, seqs, standing, Channel.EMAIL, business=now, system=now)
            rows += [(row, False) for row in found]

    @precondition(lambda self: any(rows for _, rows in self.hands.values()))
    @rule(data=st.data())
    def content_leaves(self, data):
        sender = data.draw(st.sampled_from([key for key, (_, rows) in self.hands.items() if rows]))
        _, rows = self.hands[sender]
        place = data.draw(st.integers(0, len(rows) - 1))
        row, gone = rows[place]
        if not gone:
            self.journals[sender].intent(row.id, row.tries)
            self.left[row.id] += 1
            rows[place] = (row, True)

    @precondition(lambda self: any(rows for _, rows in self.hands.values()))
    @rule(data=st.data(), state=st.sampled_from([10, 11, 12, 2]))
    def answers_are_recorded(self, data, state):
        sender = data.draw(st.sampled_from([key for key, (_, rows) in self.hands.items() if rows]))
        claim, rows = self.hands[sender]
        answered = [row for row, gone in rows if gone]
        outcome = Outcome(state=AttemptState(state), detail="250 ok")
        for row in answered:
            self.journals[sender].outcome(row.id, row.tries, outcome)
            if state == AttemptState.DEFERRED:
                self.left[row.id] -= 1  # it was not taken: it may leave again
        claims.settle(claim, [Change(row, outcome) for row in answered], CLOCK.business())
        self.journals[sender].settled(row.id for row in answered)
        rows[:] = [(row, gone) for row, gone in rows if not gone]

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), is_zombie=st.booleans())
    def one_dies(self, data, is_zombie):
        sender = data.draw(st.sampled_from(sorted(self.hands)))
        self.zombies += [self.hands.pop(sender)] if is_zombie else []
        self.hands.pop(sender, None)
        self.journals.pop(sender).close()
        Sender.objects.filter(pk=sender).update(ended_at=CLOCK.system())
        recovery.recover_dead(0, WAYS, CLOCK.business())

    @precondition(lambda self: self.zombies)
    @rule()
    def a_zombie_is_turned_away(self):
        for claim, _ in self.zombies:
            before = list(Block.objects.order_by("id").values_list("sender_id", "fence", "done"))
            assert claims.standings([claim], lock=True) == {}
            claims.give_back(claim)
            assert list(Block.objects.order_by("id").values_list("sender_id", "fence", "done")) == before

    @precondition(lambda self: self.hands)
    @rule(data=st.data())
    def one_gives_back(self, data):
        sender = data.draw(st.sampled_from(sorted(self.hands)))
        claim, rows = self.hands[sender]
        if not rows:
            claims.give_back(claim)
            del self.hands[sender]
            self.journals.pop(sender).close()
            Sender.objects.filter(pk=sender).update(recovered=True)

    @rule()
    def deferred_ones_come_due(self):
        now = CLOCK.business()
        Attempt.objects.filter(state=AttemptState.DEFERRED).update(due_at=now)
        Block.objects.filter(done=False).update(next_at=now)

    @rule(customer=st.integers(1, ROWS))
    def a_customer_is_cancelled(self, customer):
        cancelling.cancel_customers(self.house.account_id, 42, [f"c{customer}"], clock=CLOCK)

    @rule()
    def the_end_is_looked_for(self):
        finishing.finish_due(CLOCK.business())

    @invariant()
    def nothing_leaves_twice_and_nobody_is_lost(self):
        if not hasattr(self, "outer"):
            return
        rows = {row.id: AttemptState(row.state) for row in Attempt.objects.all()}
        assert len(rows) == ROWS
        assert not [row for row, times in self.left.items() if times > 1]
        done = {AttemptState.ACCEPTED, AttemptState.REJECTED, AttemptState.UNCERTAIN, AttemptState.SENDING}
        assert all(rows[row] in done for row, times in self.left.items() if times), "gone, and it is known"
        sending = Sending.objects.get(pk=self.sending)
        finished = sending.finished_at is not None
        assert not finished or all(state.terminal for state in rows.values())
        assert finished == SendingState(sending.state).over or not finished
        assert sum(service.get_sending(self.house.account_id, self.sending).counts.values()) == ROWS


@pytest.mark.django_db
def test_the_life_of_the_ledger(tmp_path, monkeypatch):
    monkeypatch.setattr(Ledger, "folder", tmp_path, raising=False)
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=examples(6),
            stateful_step_count=22,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=(Phase.generate,),
        ),
    )
