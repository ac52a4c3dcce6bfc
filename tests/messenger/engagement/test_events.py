from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.fixtures.sendings import create_contacts, create_house, create_sending

from tandem.kit.clock import FrozenClock
from tandem.messenger.delivery.models import Attempt
from tandem.messenger.engagement import service
from tandem.messenger.engagement.domain import Actor, Happened, Kind
from tandem.messenger.engagement.models import Event, FirstReaction, HourCount, Seen
from tandem.messenger.engagement.service import reading

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15"


@pytest.fixture
def clock():
    return FrozenClock(NOW)


@pytest.fixture
def sent():
    """A sending of three messages that left an hour ago, and another account's of one."""
    house, other = create_house("Alder"), create_house("Birch")
    sending = create_sending(house, create_contacts(house, 3))
    foreign = create_sending(other, create_contacts(other, 1))
    for one in (sending, foreign):
        Attempt.objects.filter(sending_id=one).update(state=10, done_at=NOW - timedelta(hours=1))
    rows = Attempt.objects.filter(sending_id=sending).order_by("seq").values_list("id", flat=True)
    return house, sending, list(rows), other, Attempt.objects.get(sending_id=foreign).id


def happened(account: int, attempt: int, kind: Kind = Kind.OPENED, after: float = 0, **more) -> Happened:
    at = NOW + timedelta(seconds=after)
    link = more.get("link", 0)
    words = {"source": f"{at:%H%M%S}.{link}", "ip": "192.0.2.7", "agent": PHONE, **more}
    return Happened(account_id=account, attempt_id=attempt, kind=kind, at=at, **words)


def click(account: int, attempt: int, link: int, after: float = 0, **more) -> Happened:
    return happened(account, attempt, Kind.CLICKED, after, link=link, **more)


def test_the_same_event_counts_once_however_often_it_is_told(sent, clock):
    house, sending, rows, _, _ = sent
    told = [happened(house.account_id, rows[0]), click(house.account_id, rows[1], 2, source="x")]
    fresh = service.record([*told, told[0]], clock=clock)
    assert [(one.attempt_id, one.kind, one.sending_id, one.template_id) for one in fresh] == [
        (rows[0], Kind.OPENED, sending, house.email_trigger),
        (rows[1], Kind.CLICKED, sending, house.email_trigger),
    ]
    assert all(one.contact_id for one in fresh)
    assert service.record(told, clock=clock) == ()
    assert Event.objects.count() == 2 == sum(HourCount.objects.values_list("number", flat=True))


def test_a_message_of_another_account_is_left_out(sent, clock):
    house, _, rows, other, foreign = sent
    crossed = [
        happened(house.account_id, foreign),
        happened(other.account_id, rows[0]),
        happened(99999, rows[0]),
    ]
    assert service.record(crossed, clock=clock) == ()
    assert not Event.objects.exists() and not Seen.objects.exists()


def test_a_click_is_an_opening_too_and_the_first_of_each_is_kept(sent, clock):
    house, sending, rows, _, _ = sent
    account = house.account_id
    service.record([click(account, rows[0], 1, 60)], clock=clock)
    service.record([happened(account, rows[0], after=30), happened(account, rows[1], after=90)], clock=clock)
    service.record([click(account, rows[0], 2, 20), happened(account, rows[1], after=200)], clock=clock)
    reactions = service.first_reactions(account, rows)
    assert reactions.keys() == {rows[0], rows[1]}
    first = reactions[rows[0]]
    assert (first.opened_at, first.clicked_at) == (NOW + timedelta(seconds=20), NOW + timedelta(seconds=20))
    assert reactions[rows[1]].clicked_at is None
    (tally,) = service.tallies_of(account, sending)
    assert (tally.template_id, tally.opened, tally.clicked) == (house.email_trigger, 2, 1)
    (early,) = service.tallies_of(account, sending, until=NOW + timedelta(seconds=40))
    assert early.opened == 1


def test_machines_are_kept_and_counted_apart(sent, clock):
    house, sending, rows, _, _ = sent
    account = house.account_id
    service.record(
        [
            happened(account, rows[0], actor=Actor.PROXY, source="a"),
            click(account, rows[1], 1, actor=Actor.BOT, source="b"),
            happened(account, rows[2], source="c"),
        ],
        clock=clock,
    )
    assert service.first_reactions(account, rows).keys() == {rows[2]}
    response = service.response_of(account, sending)
    assert (response.opened, response.clicked) == (1, 0)
    assert response.machines == {
        (Kind.OPENED, Actor.PROXY): 1,
        (Kind.CLICKED, Actor.BOT): 1,
        (Kind.OPENED, Actor.PERSON): 1,
    }
    assert [(link.number, link.recipients, link.machines) for link in response.links] == [(1, 0, 1)]


@pytest.mark.parametrize(
    "clicks",
    [
        [(1, 0), (2, 3), (3, 9)],  # three links in ten seconds
        [(0, 500)],  # the link that nobody sees
        [(1, -3599), (2, -3597)],  # two links within seconds of the hand-over
    ],
)
def test_what_no_person_does_is_put_down_to_a_machine_later(sent, clock, clicks):
    house, sending, rows, _, _ = sent
    account = house.account_id
    mine = [click(account, rows[0], link, after) for link, after in clicks]
    opened = happened(account, rows[0], after=clicks[0][1])
    phone = happened(account, rows[0], after=4000, ip="198.51.100.9", source="later")
    other = click(account, rows[1], 1, 5)
    service.record([*mine, opened, phone, other], clock=clock)
    assert service.judge(clock=clock) == len(mine) + 1
    assert service.judge(clock=clock) == 0
    first = service.first_reactions(account, rows)
    assert first[rows[0]].opened_at == phone.at and first[rows[0]].clicked_at is None
    assert first[rows[1]].clicked_at == other.at
    response = service.response_of(account, sending)
    assert response.machines[Kind.CLICKED, Actor.BOT] == len(mine)
    assert response.machines[Kind.CLICKED, Actor.PERSON] == 1
    assert (response.opened, response.clicked) == (2, 1)


def test_a_reader_who_takes_time_stays_a_person(sent, clock):
    house, sending, rows, _, _ = sent
    service.record([click(house.account_id, rows[0], n, 11 * n) for n in (1, 2, 3, 4)], clock=clock)
    assert service.judge(clock=clock) == 0
    assert service.response_of(house.account_id, sending).clicked == 1


def test_address_and_browser_are_gone_within_a_day_and_nowhere_else(sent, clock):
    house, _, rows, _, _ = sent
    service.record(
        [happened(house.account_id, rows[0], after=n, ip="192.0.2.77") for n in range(3)], clock=clock
    )
    assert set(Seen.objects.values_list("ip", "agent")) == {("192.0.2.77", PHONE)}
    clock.move(hours=22)
    assert service.drop_raw(clock=clock) == 0
    clock.move(hours=1, minutes=1)
    assert service.drop_raw(clock=clock) == 3
    assert not Seen.objects.exists()
    kept = [
        str(value)
        for table in (Event, FirstReaction, HourCount)
        for row in table.objects.values()
        for value in row.values()
    ]
    assert not any("192.0.2.77" in value or "iPhone" in value for value in kept)
    assert Event.objects.count() == 3


def test_a_forgotten_person_leaves_numbers_only(sent, clock):
    house, sending, rows, _, _ = sent
    account = house.account_id
    bounce = happened(
        account, rows[0], Kind.BOUNCED_HARD, -1, source="dsn", detail="5.1.1 unknown user", ip="", agent=""
    )
    service.record([bounce, happened(account, rows[0]), happened(account, rows[1])], clock=clock)
    assert [line["what"] for line in service.export(account, "c1")] == ["bounced_hard", "opened"]
    assert service.forget(account, "c1", dry_run=True) == service.forget(account, "c1")
    assert not Event.objects.exclude(detail="").exists()
    assert list(Seen.objects.values_list("attempt_id", flat=True)) == [rows[1]]
    assert service.response_of(account, sending).opened == 2


def test_strange_words_are_kept_as_far_as_they_can_be(sent, clock):
    house, _, rows, _, _ = sent
    odd = happened(
        house.account_id, rows[0], Kind.FAILED, source="s" * 300, detail="x\0\ud800" * 400, agent="\0" * 900
    )
    (fresh,) = service.record([odd], clock=clock)
    assert len(fresh.source) == 100 and len(fresh.detail) == 500
    assert service.record([odd], clock=clock) == ()


def test_a_large_sending_is_counted_in_the_background_and_says_when(sent, clock, monkeypatch):
    house, sending, rows, _, _ = sent
    account = house.account_id
    told = [
        happened(account, rows[0]),
        click(account, rows[1], 2),
        click(account, rows[1], 3, 5),
        click(account, rows[2], 2),
    ]
    service.record(told, clock=clock)
    live = service.response_of(account, sending)
    assert live.counted_at is None
    monkeypatch.setattr(reading, "COUNTED_LIVE", 0)
    assert service.response_of(account, sending) == live, "not counted yet"
    assert service.count_due(clock=clock) == 0, "only large ones"
    assert service.count_due(clock=clock, larger_than=0) == 1
    assert service.response_of(account, sending) == replace(live, counted_at=NOW)
    service.record([happened(account, rows[2], after=1)], clock=clock)
    assert service.count_due(clock=clock, larger_than=0) == 0, "not again so soon"
    later = FrozenClock(NOW + timedelta(minutes=1))
    service.record([happened(account, rows[0], after=2)], clock=later)
    assert service.count_due(clock=later, larger_than=0) == 1
