"""The daily cycle: data to the last whole day, and event 3 once a day whoever built the snapshot."""

import pytest

from tandem.planner.customers import service as customers
from tandem.planner.daily import cycle, service
from tandem.planner.listeners import service as listeners
from tandem.planner.listeners.models import Event
from tandem.planner.modelling.service import build_snapshot, last_whole_day
from tandem.planner.targeting import service as targeting
from tandem.planner.targeting.service import membership


@pytest.fixture
def shop(account, write, clock):
    listeners.register(
        account.id, event_type=3, channel_id=None, url="https://host.example/hook", clock=clock
    )
    return account


@pytest.fixture
def orders(shop, write, clock):
    text = "customer,date,amount\nA,2026-06-01,10\nB,2026-06-20,20\n"
    customers.import_orders(shop.id, write("orders.csv", text), clock=clock)


def told(account):
    return Event.objects.filter(account_id=account.id, event_type=3).count()


def test_without_orders_there_is_no_day(shop, clock):
    assert service.build_snapshots(clock=clock) == 0 and told(shop) == 0


def test_a_day_is_built_and_told_once(shop, orders, clock):
    assert [service.build_snapshots(clock=clock) for _ in range(3)] == [1, 0, 0]
    assert told(shop) == 1
    clock.move(days=1)
    assert service.build_snapshots(clock=clock) == 1 and told(shop) == 2
    assert customers.latest_snapshot(shop.id).as_of == last_whole_day(shop.id, clock)


def test_a_day_that_an_import_built_is_told_too(shop, orders, clock):
    ref = build_snapshot(shop.id, clock=clock)
    assert service.build_snapshots(clock=clock) == 1
    assert told(shop) == 1 and customers.latest_snapshot(shop.id) == ref


def test_who_was_in_which_group_is_kept_and_no_later_change_alters_it(shop, orders, clock):
    build_snapshot(shop.id, clock=clock)
    group = targeting.save_group(shop.id, name="All", text="orders is at least 1", clock=clock)
    service.build_snapshots(clock=clock)
    first = customers.latest_snapshot(shop.id)
    clock.move(days=1)
    service.build_snapshots(clock=clock)
    targeting.save_group(shop.id, name="All", text="orders is at least 5", group_id=group.id, clock=clock)
    last = customers.latest_snapshot(shop.id)
    assert (first.parquet / membership.FILE).exists()
    rows = targeting.group_changes(shop.id, start=first.as_of, end=last.as_of)
    assert [(row.customer_id, row.before, row.after) for row in rows] == [
        ("A", group.id, None),
        ("B", group.id, None),
    ]


def test_a_failure_of_the_groups_does_not_keep_the_day_back(shop, orders, clock, monkeypatch):
    from tandem.kit.problems import NotFound

    def fail(snapshot):
        raise NotFound("gone")

    monkeypatch.setattr(cycle.targeting, "keep_membership", fail)
    assert service.build_snapshots(clock=clock) == 1 and told(shop) == 1
