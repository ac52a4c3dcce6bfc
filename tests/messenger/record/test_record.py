"""Who got what, when, why not; that the numbers add up; what is left when rows are kept no more."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.sendings import CLOCK, create_sending, send_until

from tandem.kit.clock import FrozenClock, OffsetClock
from tandem.messenger.bounces import service as bounces
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import AttemptState
from tandem.messenger.delivery.models import Attempt, Block, Sending
from tandem.messenger.record import service
from tandem.messenger.record.domain import breaches
from tandem.messenger.record.errors import BadRetention
from tandem.messenger.record.models import BlockStates, Check, DaySum, Dropped
from tandem.messenger.record.service.keeping import months_before
from tandem.messenger.reporting import service as reporting

pytestmark = pytest.mark.django_db


def customers(rows):
    return [row.customer for row in rows]


class TestReads:
    def test_a_persons_record_newest_first(self, house, sent):
        again = create_sending(house, ["c1", "c3"], campaign_id=43)
        send_until(house, again)
        bounces.take_up_refusals(clock=CLOCK)
        rows = service.of_customer(house.account_id, "c3")
        assert [(row.sending_id, row.state) for row in rows] == [(again, "rejected"), (sent, "rejected")]
        assert rows[-1].back == (("hard", "bad-mailbox"),)
        assert (rows[-1].detail, rows[-1].template) == ("550 5.1.1 no such user", "Welcome email")
        assert service.of_customer(house.account_id, "c3", before=again) == rows[1:]
        assert service.of_customer(house.account_id, "c3", limit=1) == rows[:1]

    def test_one_person_in_one_sending(self, house, sent):
        assert service.of_customer_in(house.account_id, sent, "c2").reason == "unsubscribed"
        assert service.of_customer_in(house.account_id, sent, "stranger").reason == "no contact"
        assert service.of_customer_in(house.account_id, sent, "nobody") is None

    @pytest.mark.parametrize("summed", [False, True])
    @pytest.mark.parametrize(
        ("state", "found"),
        [
            ("rejected", ["c3"]),
            ("uncertain", ["c4"]),
            ("suppressed", ["c2"]),
            ("skipped", ["stranger"]),
            ("missed", []),
            ("accepted", ["c1", "c5", "c6", "c7", "c8", "c9", "c10"]),
        ],
    )
    def test_rows_of_a_state(self, house, sent, summed, state, found):
        service.sum_up_blocks(clock=CLOCK) if summed else None
        assert customers(service.of_sending(house.account_id, sent, state=state)) == found
        assert (
            customers(service.of_sending(house.account_id, sent, state=state, after=3, limit=2))
            == [one for one in found if one not in ("c1", "c2", "c3")][:2]
        )

    def test_what_an_uncertain_row_became_is_found_too(self, house, sent):
        service.sum_up_blocks(clock=CLOCK)
        Attempt.objects.filter(sending_id=sent, customer="c4").update(state=AttemptState.MISSED)
        assert customers(service.of_sending(house.account_id, sent, state="missed")) == ["c4"]

    def test_a_block_that_was_worked_on_again_is_looked_at_again(self, house, sent):
        assert service.sum_up_blocks(clock=CLOCK) == 1
        assert service.sum_up_blocks(clock=CLOCK) == 0
        Attempt.objects.filter(sending_id=sent, customer="c1").update(state=AttemptState.MISSED)
        Block.objects.filter(sending_id=sent).update(fence=99)
        assert customers(service.of_sending(house.account_id, sent, state="missed")) == ["c1"]
        assert service.sum_up_blocks(clock=CLOCK) == 1
        assert BlockStates.objects.get().fence == 99

    def test_another_account_sees_nothing(self, house, sent):
        assert service.of_customer(house.account_id + 1, "c1") == []
        assert service.of_sending(house.account_id + 1, sent) == []
        assert service.of_sending(house.account_id + 1, sent, state="accepted") == []
        assert service.last_check(house.account_id + 1, sent) is None

    def test_a_file_whose_cells_are_no_formulas(self, house, sent):
        Attempt.objects.filter(sending_id=sent, customer="c1").update(customer="=1+1", detail="@SUM(A1)")
        text = "".join(service.lines(service.all_of_sending(house.account_id, sent)))
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == 11
        assert (rows[0]["customer"], rows[0]["detail"]) == ("'=1+1", "'@SUM(A1)")
        assert [row["state"] for row in rows][:4] == ["accepted", "suppressed", "rejected", "uncertain"]
        assert rows[0]["done"].endswith("+00:00")
        assert len(list(service.lines(service.all_of_customer(house.account_id, "c2")))) == 2


class TestChecks:
    def test_a_sound_sending(self, house, sent):
        assert service.check_due(clock=CLOCK) == 1
        found = service.last_check(house.account_id, sent)
        assert found.breaches == ()
        assert found.counted == {"accepted": 7, "rejected": 1, "uncertain": 1, "suppressed": 1, "skipped": 1}
        assert service.check_due(clock=CLOCK) == 0
        assert service.breached(house.account_id) == []

    def test_how_fast_it_went_is_kept(self, house, sent):
        before = service.course(house.account_id, sent)
        service.check_due(clock=CLOCK)
        assert service.course(house.account_id, sent) == before == delivery.course(house.account_id, sent)
        Attempt.objects.filter(sending_id=sent).delete()
        assert service.course(house.account_id, sent) == before

    def test_a_row_too_few(self, house, sent):
        Attempt.objects.filter(sending_id=sent, customer="stranger").delete()
        service.check_due(clock=CLOCK)
        words = " ".join(service.breached(house.account_id)[0].breaches)
        assert "11 customers were listed, and the ledger has 10 rows" in words

    def test_a_row_that_changed_after_the_end(self, house, sent):
        Attempt.objects.filter(sending_id=sent, customer="c1").update(state=AttemptState.PENDING)
        service.check_due(clock=CLOCK)
        words = " ".join(service.last_check(house.account_id, sent).breaches)
        assert "has ended, and 1 rows are open" in words
        assert "7 rows were settled as accepted, and 6 are" in words

    def test_once_it_has_ended_it_is_counted_at_once_whatever_the_clocks_say(self, house, sent):
        ahead = OffsetClock(timedelta(days=3))
        Sending.objects.filter(id=sent).update(finished_at=None)
        assert service.check_due(clock=ahead) == 1
        assert service.check_due(clock=ahead) == 0
        Sending.objects.filter(id=sent).update(finished_at=ahead.business())
        assert [service.check_due(clock=ahead) for _ in range(2)] == [1, 0]

    def test_it_is_counted_again_when_it_is_due(self, house, sent):
        service.check_due(clock=CLOCK)
        Check.objects.update(next_at=CLOCK.system() - timedelta(seconds=1))
        assert service.check_due(clock=CLOCK) == 1

    @given(
        st.dictionaries(st.sampled_from([int(state) for state in AttemptState]), st.integers(0, 10**6)),
        st.integers(-3, 3),
    )
    def test_only_what_adds_up_is_sound(self, counted, off):
        listed = sum(counted.values())
        counted = {state: number for state, number in counted.items() if number}
        assert breaches(listed, counted, last_seq=listed) == ()
        found = breaches(listed + off, counted, last_seq=listed)
        assert bool(found) == (off != 0)

    def test_nobody_opens_what_nobody_got(self):
        assert breaches(2, {10: 1, 12: 1}, last_seq=2, opened=2, clicked=2) == ()
        assert len(breaches(2, {10: 1, 11: 1}, last_seq=2, opened=2, clicked=1)) == 1


class TestKeeping:
    def later(self, months=26):
        at = CLOCK.business() + timedelta(days=31 * months)
        return FrozenClock(at)

    def test_rows_become_sums(self, house, sent):
        before = delivery.get_sending(house.account_id, sent).counts
        assert service.drop_old(clock=CLOCK) == 0
        assert service.drop_old(clock=self.later()) == 11
        assert not Attempt.objects.exists()
        assert sum(DaySum.objects.values_list("rows", flat=True)) == 11
        assert delivery.get_sending(house.account_id, sent).counts == before
        summary = reporting.summary(house.account_id, sent)
        assert (summary.listed, summary.sent, summary.uncertain, summary.failed) == (11, 7, 1, 1)
        kept = service.dropped(house.account_id, sent)
        assert (kept.rows, kept.finished) == (11, True)
        assert service.drop_old(clock=self.later()) == 0
        service.check(house.account_id, sent, clock=CLOCK)
        assert service.breached(house.account_id) == []

    def test_one_that_runs_is_never_touched(self, house, sent):
        Sending.objects.filter(id=sent).update(finished_at=None)
        assert service.drop_old(clock=self.later(200)) == 0

    def test_an_account_decides_for_how_long(self, house, sent):
        with pytest.raises(BadRetention):
            service.keep_for(house.account_id, 1)
        service.keep_for(house.account_id, 60)
        assert service.months_kept(house.account_id) == 60
        assert service.drop_old(clock=self.later(30)) == 0
        service.keep_for(house.account_id, 3)
        assert service.drop_old(clock=self.later(5)) == 11

    def test_a_killed_process_goes_on(self, house, sent, monkeypatch):
        from tandem.messenger.record.service import keeping

        def dies(step):
            raise RuntimeError(step)

        monkeypatch.setattr(keeping, "DELETED_AT_ONCE", 4)
        monkeypatch.setattr(keeping, "failpoint", dies)
        with pytest.raises(RuntimeError):
            service.drop_old(clock=self.later())
        assert Attempt.objects.count() == 7
        assert Dropped.objects.get().finished is False
        monkeypatch.setattr(keeping, "failpoint", lambda step: None)
        assert service.drop_old(clock=self.later()) == 7
        assert sum(DaySum.objects.values_list("rows", flat=True)) == 11

    def test_uncertain_rows_go_last(self, house, sent, monkeypatch):
        from tandem.messenger.record.service import keeping

        order = []
        true_delete = keeping._delete_batch

        def watched(account_id, ids):
            order.append(set(Attempt.objects.filter(id__in=ids).values_list("customer", flat=True)))
            return true_delete(account_id, ids)

        monkeypatch.setattr(keeping, "_delete_batch", watched)
        service.drop_old(clock=self.later())
        assert order[-1] == {"c4"}
        assert "c4" not in order[0]

    @pytest.mark.parametrize(
        ("at", "months", "before"),
        [("2026-03-31", 1, "2026-02-28"), ("2026-01-15", 1, "2025-12-15"), ("2028-03-31", 25, "2026-02-28")],
    )
    def test_months_before(self, at, months, before):
        moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
        assert months_before(moment, months).date().isoformat() == before


def test_lines_of_a_person_may_be_many(house, sent):
    [row] = service.of_customer(house.account_id, "c1")
    assert len(list(service.lines([replace(row, seq=n) for n in range(5000)]))) == 5001
