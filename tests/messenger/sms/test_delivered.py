"""What reached its phone is told to the planner as one total, when it is settled."""

from datetime import timedelta

import pytest
from tests.fixtures.sendings import CLOCK

from tandem.kit.clock import FrozenClock
from tandem.messenger.delivery.models import Sending
from tandem.messenger.reporting import delivered
from tandem.messenger.reporting import service as reporting
from tandem.messenger.reporting.models import MetricReport
from tandem.messenger.sms import service


@pytest.fixture
def ended(ours):
    """One accepted, one uncertain, one rejected; over an hour ago."""
    trigger = ours.house.sms_trigger
    Sending.objects.filter(pk=ours.sending_id).update(
        state="finished",
        finished_at=CLOCK.business() - timedelta(hours=1),
        totals=[{"template": trigger, "state": state, "reason": "", "rows": 1} for state in (10, 11, 12)],
    )
    return ours


def told(side):
    rows = MetricReport.objects.filter(account_id=side.account_id, metric_id=delivered.DELIVERED)
    return [(row.template_id, row.value, row.state) for row in rows.order_by("round")]


def receive(side, status, customer):
    side.receipt(status, customer)
    service.work_due(CLOCK)


def test_when_each_message_has_its_receipt(ended):
    delivered.prepare(CLOCK)
    assert told(ended) == []
    receive(ended, "delivered", "c1")
    receive(ended, "delivered", "c1")
    delivered.prepare(CLOCK)
    delivered.prepare(CLOCK)
    assert told(ended) == [(ended.house.sms_trigger, 1, "waiting")]


def test_an_uncertain_one_that_was_delivered_counts(ended):
    receive(ended, "delivered", "c2")
    delivered.prepare(CLOCK)
    assert told(ended) == []  # two are accepted now, one is not heard of
    receive(ended, "failed", "c1")
    delivered.prepare(CLOCK)
    assert told(ended) == [(ended.house.sms_trigger, 1, "waiting")]


def test_or_when_none_is_worth_waiting_for(ended):
    receive(ended, "failed", "c1")
    receive(ended, "delivered", "c2")
    Sending.objects.filter(pk=ended.sending_id).update(
        totals=[{"template": ended.house.sms_trigger, "state": 10, "reason": "", "rows": 9}]
    )
    later = FrozenClock(CLOCK.business() + timedelta(hours=72))
    delivered.prepare(FrozenClock(CLOCK.business() + timedelta(hours=70)))
    assert told(ended) == []
    delivered.prepare(later)
    assert told(ended) == [(ended.house.sms_trigger, 1, "waiting")]


def test_without_receipts_nothing_is_said(ended, theirs):
    delivered.prepare(FrozenClock(CLOCK.business() + timedelta(days=6)))
    assert told(ended) == told(theirs) == []


def test_an_uncertain_one_that_is_heard_of_after_the_telling_is_told_then(ended):
    reporting.prepare_reports(CLOCK)
    receive(ended, "delivered", "c1")
    delivered.prepare(CLOCK)
    MetricReport.objects.filter(account_id=ended.account_id).update(state="posted")
    receive(ended, "delivered", "c2")
    for _ in range(2):
        reporting.prepare_reports(CLOCK)
        delivered.prepare(CLOCK)
    trigger = ended.house.sms_trigger
    assert told(ended) == [(trigger, 1, "posted"), (trigger, 1, "waiting")]
