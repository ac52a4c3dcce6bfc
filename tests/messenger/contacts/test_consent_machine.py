"""Whatever happens in whatever order: nobody gets what they did not agree to, and every end leaves its proof."""

import itertools

import pytest
from hypothesis import settings as h
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.fixtures.examples import examples

from tandem.kit import clock as clocks
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import queries, service
from tandem.messenger.contacts.domain import Changes
from tandem.messenger.contacts.errors import BadContact, StillSuppressed, UnknownContact
from tandem.messenger.contacts.models import ConsentEvent, Contact
from tandem.messenger.contacts.proofs import Door, Origin, Proof

CLOCK = clocks.from_environment()
#: the first two read the same mailbox
MAIL = {"1": "home@x.example", "2": "home@x.example", "3": "three@x.example"}
PEOPLE = st.sampled_from(sorted(MAIL))
LISTS = st.sampled_from([0, 1])
NUMBERS = itertools.count(1)


class Consent(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.account = accounts.create_account(name=f"Shop {next(NUMBERS)}", zone="Europe/Stockholm").id
        self.lists = [
            service.create_list(self.account, name=name, clock=CLOCK).id for name in ("News", "Club")
        ]
        self.agreed, self.all_ended, self.closed_boxes, self.complained, self.forgotten = (
            {},
            set(),
            set(),
            set(),
            set(),
        )

    def contact(self, who, where):
        return service.contact_id_of(self.account, self.lists[where], who)

    def save(self, who, where, flags, **more):
        changes = Changes(columns={"email": MAIL[who]}, flags=flags)
        service.save_contact(
            self.account, self.lists[where], who, changes, source="test", clock=CLOCK, force=True, **more
        )
        if (who, where) not in self.agreed:
            self.agreed[who, where] = who not in self.all_ended and MAIL[who] not in self.closed_boxes

    @rule(who=PEOPLE, where=LISTS)
    def brought(self, who, where):
        """An import, or a program that makes the contact: flags that say `subscribed` change nothing."""
        if who in self.forgotten:
            with pytest.raises(BadContact):
                self.save(who, where, {"unsubscribed": False}, may_subscribe=False)
        else:
            self.save(who, where, {"unsubscribed": False}, may_subscribe=False)

    @rule(who=PEOPLE, where=LISTS)
    def put_by_force(self, who, where):
        if (who, where) in self.agreed:
            self.save(who, where, {"unsubscribed": False})
            self.agreed[who, where] = True

    @rule(who=PEOPLE, where=LISTS)
    def unsubscribed(self, who, where):
        if (who, where) in self.agreed:
            service.unsubscribe(self.account, self.contact(who, where), "email", source="test", clock=CLOCK)
            self.agreed[who, where] = False

    @rule(who=PEOPLE, where=LISTS)
    def ended_everything(self, who, where):
        if (who, where) in self.agreed:
            proof = Proof(door=Door.PAGE)
            service.end_everything(self.account, self.contact(who, where), "email", proof=proof, clock=CLOCK)
            self.all_ended.add(who)
            self.closed_boxes.add(MAIL[who])
            self._end_others(who, but=None)

    @rule(who=PEOPLE, where=LISTS)
    def subscribed_again(self, who, where):
        if (who, where) not in self.agreed:
            return
        try:
            service.subscribe_again(
                self.account, self.contact(who, where), "email", source="the person", proof=Proof(door=Door.PAGE),
                clock=CLOCK,
            )  # fmt: skip
        except StillSuppressed:
            by_another = MAIL[who] in self.closed_boxes and who not in self.all_ended
            assert MAIL[who] in self.complained or by_another
            return
        assert MAIL[who] not in self.complained
        if who in self.all_ended:
            self._end_others(who, but=(who, where))
            self.all_ended.discard(who)
            self.closed_boxes.discard(MAIL[who])
        self.agreed[who, where] = True
        assert self.why(who, where) is None, "the person's wish is heard"

    @rule(who=PEOPLE)
    def complained_about(self, who):
        service.suppress(
            self.account,
            address=MAIL[who],
            channel="email",
            reason="complaint",
            origin=Origin.COMPLAINT,
            clock=CLOCK,
        )
        self.complained.add(MAIL[who])

    @rule(who=st.just("3"))
    def forgot(self, who):
        service.forget(self.account, who, clock=CLOCK)
        self.forgotten.add(who)
        self.agreed = {key: value for key, value in self.agreed.items() if key[0] != who}

    def _end_others(self, who, but):
        for pair in self.agreed:
            if pair != but and (pair[0] == who or MAIL[pair[0]] == MAIL[who]):
                self.agreed[pair] = False

    def why(self, who, where):
        try:
            pk = self.contact(who, where)
        except UnknownContact:
            return "no contact"
        return queries.reasons(self.account, "email", [pk], now=CLOCK.system()).get(pk)

    @invariant()
    def nobody_gets_what_they_did_not_agree_to(self):
        for who, where in itertools.product(MAIL, (0, 1)):
            if self.why(who, where) is None:
                assert self.agreed.get((who, where)), (who, where)
                assert MAIL[who] not in self.complained
                assert who not in self.all_ended | self.forgotten

    @invariant()
    def every_end_has_its_proof(self):
        for row in Contact.objects.filter(account_id=self.account, unsubscribed=True):
            last = ConsentEvent.objects.filter(account_id=self.account, contact=row, channel="email").latest(
                "id"
            )
            assert last.change == "unsubscribed"


def test_consent(db, settings, tmp_path):
    settings.TANDEM_STORAGE = tmp_path
    run_state_machine_as_test(
        Consent, settings=h(max_examples=examples(8), stateful_step_count=12, deadline=None)
    )
