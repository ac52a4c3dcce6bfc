"""The day: who is listed, drawn and left out, what is served, how it ends, and what a crash leaves."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures import shop as shops

from tandem.kit import installation
from tandem.kit.problems import NotFound
from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.domain import OccurrenceState, TemplateShare
from tandem.planner.customers import service as customers
from tandem.planner.execution import service
from tandem.planner.execution.domain import Who, cut
from tandem.planner.execution.models import CustomerList, ListRow
from tandem.planner.execution.service import prepare
from tandem.planner.listeners import service as listeners
from tandem.planner.targeting import service as targeting

URL = "https://messenger.example.com/listener/secret"


def scheduled(shop, **changed):
    listeners.register(shop.account.pk, event_type=13, channel_id=504, url=URL, clock=shop.clock)
    draft = campaigns.plan_campaign(shop.account.pk, shop.plan(**changed), clock=shop.clock)
    return campaigns.schedule_campaign(shop.account.pk, draft.id, clock=shop.clock)


def state(shop, view):
    return campaigns.get_campaign(shop.account.pk, view.id).state


def served(shop, view, channel=504, skip=0, top=1000):
    lists = service.served_lists(shop.account.pk, view.occurrence_id, channel)
    pages = service.pages(shop.account.pk, lists, Who.TEST, skip, top)
    return [row for _, rows in pages for row in rows]


def at_lead(shop, view):
    shop.clock.now = view.lock_at


def test_nothing_is_prepared_before_its_time_and_everything_at_it(shop):
    view = scheduled(shop)
    assert service.prepare_due(clock=shop.clock) == 0
    at_lead(shop, view)
    assert service.prepare_due(clock=shop.clock) == 1
    assert state(shop, view) == OccurrenceState.WAITING
    summary = service.list_summary(shop.account.pk, view.occurrence_id)
    assert summary.listed == 200
    assert summary.skipped == {"no contact": 20, "no consent": 20}
    assert summary.control + summary.targeted == 160
    assert 4 <= summary.control <= 32
    assert len(listeners.events_of(shop.account.pk, view.occurrence_id)) == 1


def test_on_a_database_that_was_put_back_nothing_is_prepared_until_it_is_released(shop, settings):
    view = scheduled(shop)
    at_lead(shop, view)
    with connection.cursor() as cursor:
        installation.hold(cursor)
        assert service.prepare_due(clock=shop.clock) == 0 and state(shop, view) == OccurrenceState.SCHEDULED
        installation.release(cursor, Path(settings.TANDEM_HOME))
    assert service.prepare_due(clock=shop.clock) == 1


def test_preparing_again_changes_nothing(shop):
    view = scheduled(shop)
    at_lead(shop, view)
    first = service.make_list(shop.account.pk, view.occurrence_id, clock=shop.clock)
    again = service.make_list(shop.account.pk, view.occurrence_id, clock=shop.clock)
    assert first == again
    assert service.prepare_due(clock=shop.clock) == 0
    assert len(listeners.events_of(shop.account.pk, view.occurrence_id)) == 1


@pytest.mark.parametrize("step", ["p2", "p3", "p4", "p5"])
def test_a_crash_at_any_step_leaves_nothing_half_done_and_the_same_draw(shop, monkeypatch, step):
    view = scheduled(shop)
    dry = service.dry_run(shop.account.pk, view.id, clock=shop.clock)
    at_lead(shop, view)

    class Crash(BaseException):
        pass

    def fall(name):
        if name == step:
            raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(prepare, "failpoint", fall)
        patched.setattr(prepare.queries, "failpoint", fall)
        with pytest.raises(Crash):
            service.make_list(shop.account.pk, view.occurrence_id, clock=shop.clock)
    assert state(shop, view) == OccurrenceState.MAKING_LIST
    assert not ListRow.objects.filter(account=shop.account).exists()
    assert not CustomerList.objects.filter(account=shop.account).exists()
    assert listeners.events_of(shop.account.pk, view.occurrence_id) == ()
    assert service.prepare_due(clock=shop.clock) == 1
    assert service.list_summary(shop.account.pk, view.occurrence_id).sha256 == dry.sha256


def test_pages_are_dense_and_hold_each_test_customer_once(shop):
    view = scheduled(shop, templates=(TemplateShare(11, 70), TemplateShare(12, 30)))
    at_lead(shop, view)
    summary = service.make_list(shop.account.pk, view.occurrence_id, clock=shop.clock)
    account, occurrence, rows, skip = shop.account.pk, view.occurrence_id, [], 0
    while page := served(shop, view, skip=skip, top=7):
        rows += page
        skip += 7
    assert len(rows) == len({row.customer_id for row in rows}) == summary.targeted
    assert [row.seq for row in rows] == list(range(1, summary.targeted + 1))
    assert {row.role for row in rows} == {2}
    assert {row.template_id for row in rows} == {11, 12}
    assert sum(row.template_id == 11 for row in rows) > sum(row.template_id == 12 for row in rows)
    assert service.frozen_list(account, occurrence).scheduled == "2026-07-01 12:00:00"
    unreachable = {f"c{n}" for n in range(1, 201) if n % 10 in (0, 1)}
    assert not unreachable & {row.customer_id for row in rows}
    assert served(shop, view, channel=999) == []
    assert len(service.channel_details(account, occurrence, 504)) == 2
    details = service.campaign_details(account, occurrence)
    assert (details.test_group_size, details.control_group_size) == (summary.targeted, summary.control)
    assert service.executed_on(account, 504, view.day) == (occurrence,)
    assert service.executed_on(account, 505, view.day) == ()


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=6),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_a_page_over_many_lists_is_a_slice_of_all_their_rows(sizes, skip, top):
    spans = [(first, first + size) for first, size in sizes]
    rows = [(place, seq) for place, (after, upto) in enumerate(spans) for seq in range(after + 1, upto + 1)]
    page = [
        (place, seq) for place, after, upto in cut(spans, skip, top) for seq in range(after + 1, upto + 1)
    ]
    assert page == rows[skip : skip + top]


def test_sms_uses_its_own_consent(shop):
    view = scheduled(shop, channel="sms", templates=(TemplateShare(13, 100),), control_percent=Decimal(0))
    at_lead(shop, view)
    summary = service.make_list(shop.account.pk, view.occurrence_id, clock=shop.clock)
    assert (summary.targeted, summary.control) == (80, 0)
    assert summary.skipped == {"no contact": 120}


def test_the_consent_of_the_moment_counts_not_the_snapshots(shop):
    view = scheduled(shop, control_percent=Decimal(0))
    shop.clock.move(seconds=1)
    gone = [row for row in shops.consent(200) if int(row.customer_id[1:]) > 100]
    customers.refresh_consent(
        shop.account.pk, shop.connection, gone, full=True, read_at=shop.clock.business()
    )
    at_lead(shop, view)
    summary = service.make_list(shop.account.pk, view.occurrence_id, clock=shop.clock)
    assert summary.targeted == 80
    assert summary.skipped["no contact"] == 110


def test_a_forgotten_customer_is_not_listed(shop):
    view = scheduled(shop)
    customers.forget(shop.account.pk, "c2", clock=shop.clock)
    at_lead(shop, view)
    assert service.make_list(shop.account.pk, view.occurrence_id, clock=shop.clock).listed == 199


def test_an_empty_group_does_not_run_and_says_why(shop):
    group = targeting.save_group(
        shop.account.pk, name="Nobody", text="orders is at least 5000", clock=shop.clock
    )
    view = scheduled(shop, group_id=group.id)
    at_lead(shop, view)
    assert service.make_list(shop.account.pk, view.occurrence_id, clock=shop.clock) is None
    found = campaigns.get_campaign(shop.account.pk, view.id)
    assert found.state == OccurrenceState.NOT_RUN
    assert found.cause.startswith("Nobody is in this group today, so nothing will be sent.")
    assert listeners.events_of(shop.account.pk, view.occurrence_id) == ()
    assert not ListRow.objects.filter(account=shop.account).exists()


def test_too_late_does_not_run_and_just_in_time_does(shop):
    early, late = scheduled(shop), scheduled(shop)
    shop.clock.now = early.gives_up_at
    assert service.make_list(shop.account.pk, early.occurrence_id, clock=shop.clock) is not None
    shop.clock.now += timedelta(seconds=1)
    assert service.make_list(shop.account.pk, late.occurrence_id, clock=shop.clock) is None
    assert state(shop, late) == OccurrenceState.NOT_RUN


def test_a_list_nobody_fetched_is_not_run_after_the_cut_off(shop):
    view = scheduled(shop)
    at_lead(shop, view)
    service.prepare_due(clock=shop.clock)
    shop.clock.now = view.gives_up_at + timedelta(seconds=1)
    service.follow_due(clock=shop.clock)
    assert state(shop, view) == OccurrenceState.NOT_RUN
    assert service.campaign_details(shop.account.pk, view.occurrence_id).status == "Failed"
    assert served(shop, view) == []


def test_metrics_settle_it_and_the_identity_holds(shop):
    view = scheduled(shop)
    at_lead(shop, view)
    account, occurrence = shop.account.pk, view.occurrence_id
    summary = service.make_list(account, occurrence, clock=shop.clock)
    service.details_served(account, occurrence, 504, rows=summary.targeted, clock=shop.clock)
    shop.clock.now = view.send_at
    service.follow_due(clock=shop.clock)
    assert state(shop, view) == OccurrenceState.SENDING
    service.metrics_arrived(account, occurrence, {0: 10}, clock=shop.clock)
    assert state(shop, view) == OccurrenceState.SENDING
    totals = {0: summary.targeted - 3, 5: 2, 9: 1}
    service.metrics_arrived(account, occurrence, totals, clock=shop.clock)
    service.metrics_arrived(account, occurrence, totals, clock=shop.clock)
    assert state(shop, view) == OccurrenceState.SENT_WITH_FAILURES
    n = service.outcome(account, occurrence)
    assert n.listed == n.control + n.sent + sum(n.skipped.values()) + n.failed + n.uncertain
    assert (n.sent, n.failed, n.uncertain, n.skipped["left out by the messenger"]) == (
        summary.targeted - 3,
        1,
        0,
        2,
    )
    steps = service.timeline(account, occurrence).steps
    assert [step.name for step in steps][:3] == ["List made", "Messenger told", "Messenger fetched details"]


def test_a_complete_report_settles_it_though_some_are_uncertain(shop):
    view = scheduled(shop)
    at_lead(shop, view)
    account, occurrence = shop.account.pk, view.occurrence_id
    summary = service.make_list(account, occurrence, clock=shop.clock)
    service.details_served(account, occurrence, 504, rows=summary.targeted, clock=shop.clock)
    shop.clock.now = view.send_at
    totals = {0: summary.targeted - 2, 5: 0, 9: 0}
    for stated in ((), {(11, 0)}, {(11, 0), (11, 5)}, {(12, 0), (12, 5), (12, 9)}):
        service.metrics_arrived(account, occurrence, totals, stated=stated, clock=shop.clock)
        assert state(shop, view) == OccurrenceState.WAITING
    service.metrics_arrived(account, occurrence, totals, stated={(11, 0), (11, 5), (11, 9)}, clock=shop.clock)
    assert state(shop, view) == OccurrenceState.SENT_WITH_FAILURES
    n = service.outcome(account, occurrence)
    assert (n.sent, n.failed, n.uncertain) == (summary.targeted - 2, 0, 2)
    assert campaigns.get_campaign(account, view.id).cause.startswith("The messenger cannot tell whether 2 of")
    for heard, words, after in (
        (1, "whether 1 of", OccurrenceState.SENT_WITH_FAILURES),
        (2, "", OccurrenceState.SENT),
    ):
        totals[0] = summary.targeted - 2 + heard
        service.metrics_arrived(account, occurrence, totals, stated={(11, 0)}, clock=shop.clock)
        found = campaigns.get_campaign(account, view.id)
        assert (found.state, words in found.cause, bool(found.cause)) == (after, True, bool(words))
    service.metrics_arrived(account, occurrence, {**totals, 9: 1}, stated={(11, 9)}, clock=shop.clock)
    assert state(shop, view) == OccurrenceState.SENT, "what bounces later changes the numbers only"


def test_a_cancelled_campaign_is_never_listed(shop):
    view = scheduled(shop)
    campaigns.cancel_campaign(shop.account.pk, view.id, clock=shop.clock)
    at_lead(shop, view)
    assert service.prepare_due(clock=shop.clock) == 0


def test_run_now_after_not_run(shop):
    view = scheduled(shop)
    shop.clock.now = view.gives_up_at + timedelta(hours=1)
    service.prepare_due(clock=shop.clock)
    assert state(shop, view) == OccurrenceState.NOT_RUN
    assert service.run_now(shop.account.pk, view.occurrence_id, clock=shop.clock).targeted > 0
    assert state(shop, view) == OccurrenceState.WAITING


def test_another_tenant_gets_nothing(shop):
    view = scheduled(shop)
    at_lead(shop, view)
    service.prepare_due(clock=shop.clock)
    other = shops.Account.objects.create(name="Other", zone="Europe/Stockholm", currency="EUR").pk
    for ask in (
        lambda: service.campaign_details(other, view.occurrence_id),
        lambda: service.channel_details(other, view.occurrence_id, 504),
        lambda: service.served_lists(other, view.occurrence_id, 504),
        lambda: service.processed_lists(other, view.occurrence_id),
        lambda: service.cancelled_lists(other, view.occurrence_id, clock=shop.clock),
        lambda: service.say_cleared(other, view.occurrence_id, {"c2": True}, clock=shop.clock),
        lambda: service.make_list(other, view.occurrence_id, clock=shop.clock),
        lambda: service.timeline(other, view.occurrence_id),
        lambda: service.metrics_arrived(other, view.occurrence_id, {0: 1}, clock=shop.clock),
    ):
        with pytest.raises(NotFound):
            ask()
    assert service.executed_on(other, 504, view.day) == ()
