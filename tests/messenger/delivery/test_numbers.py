"""Numbers of a sending under way: what is kept of blocks at rest is what the rows say, whatever happens meanwhile."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone
from tests.fixtures.sendings import CLOCK, create_contacts, create_sending, intend_rows

from tandem.messenger.delivery import claims, finishing, ledger, numbers, retrying, service
from tandem.messenger.delivery.domain import AttemptState, Outcome
from tandem.messenger.delivery.models import Attempt, Block, BlockNumbers, Sender, Sending
from tandem.messenger.delivery.resolving import resolve_row
from tandem.messenger.delivery.rows import Change

pytestmark = pytest.mark.django_db

OK, NO, UNSURE = AttemptState.ACCEPTED, AttemptState.REJECTED, AttemptState.UNCERTAIN


@pytest.fixture
def sending(house, monkeypatch):
    """Ten rows in blocks of four."""
    monkeypatch.setattr(ledger, "BLOCK_ROWS", 4)
    return create_sending(house, create_contacts(house, 10))


@pytest.fixture
def sender():
    now = timezone.now()
    return Sender.objects.create(host="h", pid=1, boot_id="b", journal="", started_at=now, lease_until=now).id


def work(sender, *states, give_back=True):
    """The next block: its rows come to these states, and it is given back."""
    held, rows = intend_rows(sender)
    changes = [
        Change(row=row, outcome=Outcome(state=state, detail="x"))
        for row, state in zip(rows, states, strict=False)
    ]
    claims.settle(held, changes, CLOCK.business())
    if give_back:
        claims.give_back(held)
    return held


def told(house, sending):
    """What the pages are told equals what the rows say, and how many blocks were not counted again."""
    assert numbers.totals(house.account_id, sending) == finishing.totals_of(house.account_id, sending)
    rows = Attempt.objects.filter(sending_id=sending)
    assert numbers.states(house.account_id, sending) == Counter(rows.values_list("state", flat=True))
    course = service.course_so_far(house.account_id, sending)
    assert sum(course.counts if course else ()) == rows.filter(state=OK).count()
    return len(numbers._blocks(house.account_id, sending, "lines").kept)


def test_blocks_at_rest_are_counted_once_and_held_ones_each_time(house, sending, sender):
    assert told(house, sending) == 0
    work(sender, OK, OK, NO, OK)
    assert numbers.keep(larger_than=9) == 3
    assert told(house, sending) == 3
    assert numbers.keep(larger_than=9) == 0
    held = work(sender, OK, OK, give_back=False)
    assert told(house, sending) == 2
    assert numbers.keep(larger_than=9) == 0, "a block in hand is not kept"
    claims.settle(held, [], CLOCK.business())
    assert numbers.keep(larger_than=10) == 0, "small sendings are counted each time"


def test_an_uncertain_row_keeps_its_block_from_being_kept(house, sending, sender):
    work(sender, OK, OK, UNSURE, OK)
    numbers.keep(larger_than=9)
    assert told(house, sending) == 2
    resolve_row(house.account_id, sending, 3, OK, source="the relay's log")
    assert told(house, sending) == 2
    assert service.get_sending(house.account_id, sending).uncertain == 0


@pytest.mark.parametrize("what", ["cancel", "cancel one", "retry", "claimed again"])
def test_what_changes_rows_makes_what_was_kept_void(house, sending, sender, what):
    work(sender, OK, OK, NO, OK)
    numbers.keep(larger_than=9)
    if what == "cancel":
        service.cancel(house.account_id, sending, clock=CLOCK)
    elif what == "cancel one":
        service.cancel_customers(house.account_id, 42, ["c9"], clock=CLOCK)
    elif what == "retry":
        retrying.retry_failed(house.account_id, sending, clock=CLOCK)
    else:
        work(sender, OK, OK, OK, OK)
    assert told(house, sending) < 3
    numbers.keep(larger_than=9)
    told(house, sending)


def test_what_waits_is_one_line_a_limit_and_one_a_morning(house, sending):
    rows = Attempt.objects.filter(sending_id=sending)
    now = CLOCK.business()
    rows.filter(seq__lte=6).update(detail=numbers.PACED_WORDS)
    rows.filter(seq=2).update(due_at=now - timedelta(hours=1))
    rows.filter(seq__gt=8).update(detail="waits until 08:00", due_at=now + timedelta(hours=9))
    expected = [
        (numbers.PACED_WORDS, now - timedelta(hours=1), 6),
        ("waits until 08:00", now + timedelta(hours=9), 2),
    ]
    assert numbers.waits(house.account_id, sending) == expected
    assert numbers.keep(larger_than=9) == 3
    assert numbers.waits(house.account_id, sending) == expected
    assert service.paced(house.account_id, sending) == (6, now - timedelta(hours=1))


def test_the_end_leaves_nothing_behind(house, sending, sender):
    for _ in range(3):
        work(sender, OK, OK, OK, OK)
    numbers.keep(larger_than=9)
    assert BlockNumbers.objects.count() == Block.objects.filter(sending_id=sending).count() == 3
    assert finishing.finish_due(CLOCK.business()) == 1
    assert not BlockNumbers.objects.exists()
    assert sum(line["rows"] for line in Sending.objects.get(id=sending).totals) == 10
