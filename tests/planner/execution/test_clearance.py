"""A conditional campaign in every order of sayings, ticks, crashes and cancelling: only cleared ones are sent to."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.fixtures import shop as shops
from tests.fixtures.examples import examples

from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.domain import MoveRefused, PlanRefused
from tandem.planner.execution import queries, service
from tandem.planner.execution.domain import Who
from tandem.planner.execution.errors import NotToClear
from tandem.planner.execution.models import CustomerList, ListRow
from tandem.planner.execution.service import clearance
from tandem.planner.listeners.models import Event

TEST_CUSTOMERS = [f"c{n}" for n in range(1, 21) if n % 10 not in (0, 1)]


class Crash(BaseException):
    pass


@pytest.fixture
def small(db, tmp_path, settings):
    settings.TANDEM_STORAGE = tmp_path / "storage"
    return shops.build(tmp_path, 20)


def rows_of(shop, view, who=Who.BOTH):
    found = service.frozen_list(shop.account.pk, view.occurrence_id)
    pages = service.pages(shop.account.pk, [found], who, 0, 1000)
    return [row for _, rows in pages for row in rows]


class Clearance(RuleBasedStateMachine):
    shop = patch = None

    @initialize(control=st.sampled_from([0, 30]))
    def freeze(self, control):
        self.shop.clock.now = shops.NOW
        self.view = shops.frozen(self.shop, clearance_minutes=5, control_percent=control)
        self.said, self.cancelled = {}, False
        self.promised = {row.customer_id for row in rows_of(self.shop, self.view, Who.TEST)}
        self.control = {row.customer_id for row in rows_of(self.shop, self.view, Who.CONTROL)}

    @property
    def over(self):
        return self.shop.clock.now >= self.view.clearance_at

    @rule(statuses=st.dictionaries(st.sampled_from([*TEST_CUSTOMERS, "c10", "c404"]), st.booleans()))
    def say(self, statuses):
        account, occurrence = self.shop.account.pk, self.view.occurrence_id
        try:
            service.say_cleared(account, occurrence, statuses, clock=self.shop.clock)
        except NotToClear:
            assert self.over or self.cancelled
        else:
            assert not self.over
            assert not self.cancelled
            self.said |= statuses

    @rule(minutes=st.sampled_from([1, 4, 9]))
    def wait(self, minutes):
        if self.shop.clock.now < self.view.clearance_at + timedelta(minutes=5):
            self.shop.clock.move(minutes=minutes)

    @rule()
    def tick(self):
        service.clear_due(clock=self.shop.clock)

    @rule(step=st.sampled_from(["p3", "p4", "p5"]))
    def crash(self, step):
        def fall(name):
            if name == step:
                raise Crash

        before = self.state
        with self.patch.context() as patched:
            patched.setattr(clearance, "failpoint", fall)
            try:
                service.clear_due(clock=self.shop.clock)
            except Crash:  # here, or at a campaign of an earlier life, which waits too
                assert self.state == before

    @precondition(lambda self: not self.cancelled)
    @rule()
    def cancel(self):
        try:
            campaigns.cancel_campaign(self.shop.account.pk, self.view.id, clock=self.shop.clock)
        except MoveRefused:
            assert self.state == "not run"
        else:
            self.cancelled = True

    @property
    def state(self):
        return campaigns.get_campaign(self.shop.account.pk, self.view.id).state

    @invariant()
    def the_list_is_what_its_head_says(self):
        account, occurrence = self.shop.account.pk, self.view.occurrence_id
        head = CustomerList.objects.get(account_id=account, occurrence_id=occurrence)
        assert head.listed == head.targeted + head.control + sum(head.skipped.values()) == 20
        assert head.sha256 == queries.list_hash(account, occurrence)
        numbers = ListRow.objects.filter(account_id=account, occurrence_id=occurrence, seq__isnull=False)
        assert sorted(numbers.values_list("seq", flat=True)) == list(
            range(1, head.targeted + head.control + 1)
        )
        assert {row.customer_id for row in rows_of(self.shop, self.view, Who.CONTROL)} == self.control

    @invariant()
    def only_cleared_customers_are_scheduled(self):
        cleared = {one for one, status in self.said.items() if status} & self.promised
        left = {row.customer_id for row in rows_of(self.shop, self.view, Who.TEST)}
        events = Event.objects.filter(occurrence_id=self.view.occurrence_id, event_type__in=(1, 13))
        told = set(events.values_list("event_type", flat=True))
        state = self.state
        if state == "waiting for clearance":
            assert (left, told) == (self.promised, set())
        elif state == "waiting for messenger":
            assert (left, told) == (cleared, {1, 13})
            assert cleared
            assert self.over
        elif state == "not run":
            assert (left, told, cleared) == (set(), set(), set())
        else:
            assert state == "cancelled"
            assert not events.filter(cancelled=False).exists()
        served = service.served_lists(self.shop.account.pk, self.view.occurrence_id, 504)
        assert bool(served) == (state == "waiting for messenger")


def test_whatever_happens_only_cleared_customers_are_scheduled(small, monkeypatch):
    run_state_machine_as_test(
        type("Life", (Clearance,), {"shop": small, "patch": monkeypatch}),
        settings=settings(
            max_examples=examples(5),
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("minutes", [15, 16, -1])
def test_clearance_ends_between_the_list_and_the_send_time(small, minutes):
    with pytest.raises(PlanRefused) as refused:
        campaigns.plan_campaign(small.account.pk, small.plan(clearance_minutes=minutes), clock=small.clock)
    assert refused.value.field == "clearance"


def test_a_list_made_after_clearance_is_not_sent(small):
    view = shops.scheduled(small, clearance_minutes=5)
    small.clock.now = view.clearance_at
    assert service.make_list(small.account.pk, view.occurrence_id, clock=small.clock) is None
    found = campaigns.get_campaign(small.account.pk, view.id)
    assert found.cause == "Its list was ready only when clearance was over, so nothing was sent."


def test_run_now_gives_the_third_party_its_time(small):
    view = shops.scheduled(small, clearance_minutes=5)
    small.clock.now = view.gives_up_at + timedelta(hours=1)
    service.prepare_due(clock=small.clock)
    service.run_now(small.account.pk, view.occurrence_id, clock=small.clock)
    found = campaigns.get_campaign(small.account.pk, view.id)
    assert found.state == "waiting for clearance"
    assert found.clearance_at - small.clock.now == timedelta(minutes=10)
    assert found.send_at - found.clearance_at == timedelta(minutes=5)
