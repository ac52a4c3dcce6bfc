"""Token buckets, sharing, warm-up and pause rules, as pure rules."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples

from tandem.messenger.pacing import mailboxes
from tandem.messenger.pacing.domain import (
    KEPT_FOR_SMALL,
    WARM_UP,
    LimitView,
    PauseRules,
    Rate,
    Seen,
    burst,
    effective,
    full_bucket,
    share,
    warm_up_rate,
)

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = NOW.date()
rates = st.builds(
    Rate,
    per_second=st.none() | st.floats(0.01, 5000),
    per_day=st.none() | st.integers(1, 100_000),
)


class TestBucket:
    @settings(max_examples=examples(40))
    @given(rates, st.lists(st.tuples(st.floats(0, 400), st.integers(0, 3000), st.booleans()), max_size=30))
    def test_never_more_than_the_rate_allows(self, rate, visits):
        bucket, now, passed = full_bucket(rate, NOW, DAY), NOW, 0
        for seconds, wanted, small in visits:
            now += timedelta(seconds=seconds)
            bucket = bucket.filled(rate, now, DAY)
            allowed = bucket.allows(rate, 0.0 if small else KEPT_FOR_SMALL)
            taken = wanted if allowed is None else min(wanted, allowed)
            bucket, passed = bucket.without(taken, rate), passed + taken
            if rate.per_second is not None:
                most = burst(rate.per_second) + rate.per_second * (now - NOW).total_seconds()
                assert passed <= most + 1e-3
            if rate.per_day is not None:
                assert passed <= rate.per_day

    def test_a_large_sending_leaves_room_for_a_small_one(self):
        rate = Rate(per_second=10)
        bucket = full_bucket(rate, NOW, DAY)
        large = bucket.allows(rate, KEPT_FOR_SMALL)
        assert large == 15
        assert bucket.without(large, rate).allows(rate) == 5

    def test_a_slow_bucket_still_lets_a_large_sending_pass(self):
        rate = Rate(per_second=0.1)
        assert full_bucket(rate, NOW, DAY).allows(rate, KEPT_FOR_SMALL) == 1

    def test_a_new_day_begins_at_nothing_used(self):
        rate = Rate(per_day=5)
        bucket = full_bucket(rate, NOW, DAY).without(5, rate)
        assert bucket.allows(rate) == 0
        tomorrow = bucket.filled(rate, NOW + timedelta(days=1), DAY + timedelta(days=1))
        assert tomorrow.allows(rate) == 5

    def test_a_clock_that_steps_back_gives_nothing(self):
        rate = Rate(per_second=1)
        bucket = full_bucket(rate, NOW, DAY).without(2, rate).filled(rate, NOW - timedelta(hours=1), DAY)
        assert bucket.allows(rate) == 0


wanted = st.dictionaries(st.integers(0, 9), st.integers(0, 500), max_size=6)


class TestShare:
    @settings(max_examples=examples(60))
    @given(
        wanted,
        st.dictionaries(st.integers(1, 9), st.none() | st.integers(0, 400)),
        st.none() | st.integers(0, 900),
    )
    def test_within_every_limit_and_nothing_left_lying(self, wanted, allowed, together):
        given_ = share(wanted, allowed, together)
        within = {
            key: min(rows, rows if allowed.get(key) is None else allowed[key]) for key, rows in wanted.items()
        }
        assert given_.keys() == wanted.keys()
        assert all(0 <= given_[key] <= within[key] for key in wanted)
        most = sum(within.values())
        assert sum(given_.values()) == (most if together is None else min(most, together))

    def test_equal_turns(self):
        assert share({1: 900, 2: 10, 3: 900}, {}, 100) == {1: 45, 2: 10, 3: 45}


class TestWarmUp:
    def test_grows_day_by_day_and_ends(self):
        start = date(2027, 3, 1)
        numbers = [warm_up_rate("careful", start, start + timedelta(days=n)).per_day for n in range(31)]
        assert numbers[:4] == [50, 100, 200, 400]
        assert numbers[29] == 175_000
        assert numbers[30] is None
        assert warm_up_rate("fast", start, start).per_second == pytest.approx(200 / 43_200)

    @pytest.mark.parametrize("schedule", WARM_UP)
    def test_a_schedule_never_falls(self, schedule):
        assert list(WARM_UP[schedule]) == sorted(WARM_UP[schedule])

    def test_a_clock_before_the_first_day_allows_the_first_days_number(self):
        assert warm_up_rate("fast", DAY, DAY - timedelta(days=3)).per_day == 200


class TestPauseRules:
    @pytest.mark.parametrize(
        ("seen", "words"),
        [
            (Seen(tried=199, errors=199), ""),
            (Seen(tried=400, errors=201), "refused or asked to wait"),
            (Seen(tried=400, handed_over=200, bounces=21), "came back"),
            (Seen(tried=400, handed_over=200, bounces=20), ""),
            (Seen(tried=400, handed_over=200, complaints=2), "complained (2 of 200); the limit is 0.5 %"),
        ],
    )
    def test_says_why(self, seen, words):
        reason = PauseRules().reason(seen)
        assert (words in reason) if words else reason == ""

    def test_zero_turns_a_rule_off(self):
        assert PauseRules(errors=0).reason(Seen(tried=1000, errors=1000)) == ""


def _limit(
    sender: str, provider: int, per_second: float | None = None, per_day: int | None = None
) -> LimitView:
    return LimitView(
        id=1, sender=sender, provider=provider, provider_name="", per_second=per_second, per_day=per_day
    )


def test_the_most_particular_limit_counts_for_each_of_second_and_day():
    limits = [_limit("", 1, 100, 5000), _limit("shop.example", 1, 10), _limit("", 0, 1)]
    assert effective(limits, "shop.example", 1) == Rate(per_second=10, per_day=5000)
    assert effective(limits, "other.example", 1) == Rate(per_second=100, per_day=5000)
    assert effective(limits, "shop.example", 2).free


@pytest.mark.parametrize(
    ("hosts", "name"),
    [
        (["aspmx.l.google.com."], "Google"),
        (["shop-example.mail.protection.outlook.com"], "Microsoft"),
        (["mx1.biz.mail.yahoo.com", "aspmx.l.google.com"], "Yahoo and AOL"),
        (["mx01.mail.icloud.com"], "Apple"),
        (["notgoogle.com", "evil.google.com.example"], "everybody else"),
        ([], "everybody else"),
    ],
)
def test_a_domain_is_known_by_its_exchangers(hosts, name):
    assert mailboxes.name_of(mailboxes.provider_of(hosts)) == name
