"""Limits as they are set, and tokens as senders draw them, in PostgreSQL."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from tandem.kit.clock import FrozenClock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.pacing import service
from tandem.messenger.pacing.domain import PauseRules
from tandem.messenger.pacing.errors import BadLimit, NoSuchLimit
from tandem.messenger.pacing.models import Bucket, MailDomain
from tandem.messenger.pacing.service import drawing, hearing

SHOP = "shop.example"
GOOGLE, APPLE = 1, 4


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2027, 3, 1, 9, tzinfo=UTC))


@pytest.fixture(autouse=True)
def no_memory():
    drawing._plans.clear()
    hearing._told.clear()


@pytest.fixture
def account(db) -> int:
    return accounts.create_account(name="Shop", zone="Europe/Stockholm").id


def draw(account: int, wanted: dict[int, int], clock: FrozenClock, **more):
    given = {"sending": 7, "sending_rate": None, "small": False, **more}
    return service.draw(account, SHOP, wanted, clock=clock, **given)


def limit(account: int, clock: FrozenClock, **values):
    made = service.set_limit(account, actor="a", clock=clock, **values)
    drawing._plans.clear()
    hearing._told.clear()
    return made


class TestDraw:
    def test_without_limits_everybody_passes_and_nothing_is_kept(self, account, clock):
        assert draw(account, {0: 500, GOOGLE: 500}, clock).granted == {0: 500, GOOGLE: 500}
        assert not Bucket.objects.exists()

    def test_a_provider_is_slow_and_the_others_are_not(self, account, clock):
        limit(account, clock, provider="google", per_second=10)
        first = draw(account, {0: 50, GOOGLE: 50}, clock)
        assert first.granted == {0: 50, GOOGLE: 15}
        assert first.wait == pytest.approx(3.5)
        clock.move(seconds=1)
        assert draw(account, {GOOGLE: 50}, clock).granted == {GOOGLE: 10}

    def test_a_sending_has_its_own_pace(self, account, clock):
        assert draw(account, {0: 50}, clock, sending_rate=4).granted == {0: 6}
        assert draw(account, {0: 50}, clock, sending=8).granted == {0: 50}
        service.forget_sending(account, 7)
        assert not Bucket.objects.exists()

    def test_a_small_sending_finds_room_beside_a_large_one(self, account, clock):
        limit(account, clock, per_second=10)
        draw(account, {0: 1000}, clock)
        assert draw(account, {0: 10}, clock, sending=8, small=True).granted == {0: 5}
        clock.move(seconds=0.5)
        assert draw(account, {0: 1000}, clock).granted == {0: 0}
        assert draw(account, {0: 5}, clock, sending=8, small=True).granted == {0: 5}

    def test_a_warming_sender_stops_at_the_days_number(self, account, clock):
        service.start_warm_up(account, f"news@{SHOP}", "careful", actor="a", clock=clock)
        sent = 0
        for _ in range(13):
            clock.move(hours=1)
            drawing._plans.clear()
            if clock.system().day == 1:
                sent += draw(account, {0: 1000}, clock, small=True).granted[0]
        assert 0 < sent <= 50
        (view,) = service.list_warm_ups(account, clock=clock)
        assert (view.sender, view.day, view.today, view.used) == (SHOP, 1, 50, sent)
        service.stop_warm_up(account, SHOP, actor="a", clock=clock)
        drawing._plans.clear()
        assert draw(account, {0: 1000}, clock).granted == {0: 1000}

    def test_a_day_that_is_used_up_waits(self, account, clock):
        limit(account, clock, per_day=3)
        drawn = draw(account, {0: 10}, clock, small=True)
        assert (drawn.granted, drawn.day_over) == ({0: 3}, False)
        assert draw(account, {0: 10}, clock, small=True).day_over

    def test_another_account_has_its_own(self, account, clock):
        other = accounts.create_account(name="Other", zone="UTC").id
        limit(account, clock, per_second=1)
        assert draw(other, {0: 50}, clock).granted == {0: 50}
        with pytest.raises(NoSuchLimit):
            service.remove_limit(other, service.list_limits(account)[0].id, actor="a", clock=clock)


@pytest.mark.django_db(transaction=True)
def test_two_processes_together_draw_no_more_than_the_limit(clock):
    account = accounts.create_account(name="Shop", zone="UTC").id
    limit(account, clock, per_second=100)
    drawn: list[int] = []

    def process() -> None:
        try:
            for _ in range(10):
                with transaction.atomic():
                    drawn.append(draw(account, {0: 30}, clock, small=True).granted[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=process) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sum(drawn) == 200, "the bucket, which stands still with the clock"


class TestLimits:
    @pytest.mark.parametrize(
        "values",
        [
            {},
            {"per_second": 0},
            {"per_second": float("nan")},
            {"per_second": float("inf")},
            {"per_day": 0},
            {"per_day": -1},
            {"per_second": 1, "provider": "carrier pigeon"},
            {"per_second": 1, "sender": "a b"},
        ],
    )
    def test_what_cannot_be_is_refused(self, account, clock, values):
        with pytest.raises(BadLimit):
            service.set_limit(account, actor="a", clock=clock, **values)
        assert service.list_limits(account) == ()

    def test_a_limit_is_changed_in_its_place(self, account, clock):
        service.set_limit(account, provider="Google", per_second=5, actor="a", clock=clock)
        service.set_limit(account, provider="gmail.com", per_day=7, actor="a", clock=clock)
        (only,) = service.list_limits(account)
        assert (only.provider_name, only.per_second, only.per_day) == ("Google", None, 7)

    @pytest.mark.parametrize(
        "rules", [PauseRules(bounces=101), PauseRules(errors=float("nan")), PauseRules(least=0)]
    )
    def test_rules_that_cannot_be(self, account, clock, rules):
        with pytest.raises(BadLimit):
            service.set_pause_rules(account, rules, actor="a", clock=clock)
        assert service.pause_rules(account) == PauseRules()


class TestDomains:
    def test_asked_once_a_month_and_known_ones_never(self, db, clock):
        asked: list[str] = []

        def ask(domain: str) -> tuple[str, ...] | None:
            asked.append(domain)
            return {"shop.example": ("aspmx.l.google.com",), "silent.example": None}.get(domain, ())

        service.learn()
        domains = ["gmail.com", "shop.example", "silent.example", "own.example"]
        assert service.look_up(domains, clock=clock, ask=ask) == 3
        service.look_up(domains, clock=clock, ask=ask)
        assert asked == ["shop.example", "silent.example", "own.example", "silent.example"]
        found = dict(MailDomain.objects.filter(domain__in=domains).values_list("domain", "provider"))
        assert found == {"gmail.com": GOOGLE, "shop.example": GOOGLE, "own.example": 0}
        clock.move(days=31)
        assert service.look_up(["shop.example"], clock=clock, ask=ask) == 1


class TestWhatProvidersSay:
    @pytest.mark.parametrize(
        ("words", "provider"),
        [
            ("421 4.7.28 Gmail has detected an unusual rate of mail", GOOGLE),
            ("451 4.7.650 The mail server [1.2.3.4] has been temporarily rate limited", 2),
            ("421 4.7.0 [TSS04] Messages from 1.2.3.4 temporarily deferred", 3),
            ("421 4.7.1 Messages deferred [CS01]", APPLE),
            ("421 4.3.2 Service not available", None),
            ("450 4.2.1 The user you are trying to contact is receiving mail too quickly", None),
            ("451 4.7.1 Greylisted, try again in 300 seconds", None),
        ],
    )
    def test_whose_words_they_are(self, words, provider):
        assert hearing.provider_of(words) == provider

    def test_the_sender_is_slower_there_for_an_hour_and_half_as_fast_with_each_word(self, account, clock):
        def rate():
            drawing._plans.clear()
            draw(account, {GOOGLE: 5000}, clock)
            clock.move(seconds=1)
            return draw(account, {0: 500, GOOGLE: 500}, clock).granted

        assert rate() == {0: 500, GOOGLE: 500}
        service.hear(account, SHOP, ["421 4.7.28 unusual rate", "450 4.2.0 later"], clock=clock)
        assert rate() == {0: 500, GOOGLE: 10}
        hearing.slow_down(account, SHOP, GOOGLE, clock=clock)  # within the half minute: the same word
        clock.move(seconds=40)
        hearing.slow_down(account, SHOP, GOOGLE, clock=clock)
        assert rate() == {0: 500, GOOGLE: 5}
        assert service.is_free(account, "other.example", None, clock)
        clock.move(minutes=61)
        drawing._plans.clear()
        assert service.is_free(account, SHOP, None, clock)
        (first, _) = [
            one for one in accounts.recent_activity(account) if one.action == "provider asked for less"
        ]
        assert first.detail["provider"] == "Google"
