"""The daily cycle's runs: what was done, what failed and what stays in force, who goes on where one was killed."""

from datetime import date

import psycopg
import pytest
from django.db import connection

from tandem.kit.problems import NotFound
from tandem.planner.customers import service as customers
from tandem.planner.daily import cycle, queries, service
from tandem.planner.daily.domain import STEPS, CycleBusy
from tandem.planner.daily.models import CycleFailure, CycleRun
from tandem.planner.modelling.learning import service as learning
from tandem.planner.targeting import service as targeting

DAY = date(2026, 6, 30)


@pytest.fixture
def shop(account, write, clock):
    text = "customer,date,amount\nA,2026-06-01,10\nB,2026-06-20,20\n"
    customers.import_orders(account.id, write("orders.csv", text), clock=clock)
    return account


def states(shop, clock):
    return {one.step: one.state for one in queries.standing(shop.id, clock=clock).run.steps}


def test_a_day_is_a_run_of_all_its_steps(shop, clock):
    assert queries.standing(shop.id, clock=clock).words.startswith("There is no snapshot")
    group = targeting.save_group  # groups need a catalogue: the first day has none
    assert cycle.run_cycle(shop.id, clock=clock)
    found = queries.standing(shop.id, clock=clock)
    assert (found.is_current, found.run.day, found.run.state, found.run.share) == (True, DAY, "done", 1.0)
    assert [one.step for one in found.run.steps] == list(STEPS)
    assert set(states(shop, clock).values()) == {"done"}
    first = customers.latest_snapshot(shop.id)
    made = group(shop.id, name="All", text="orders is at least 1", clock=clock)
    clock.move(days=1)
    assert cycle.run_cycle(shop.id, clock=clock)
    run = queries.history(shop.id, clock=clock)[0]
    told = {one.step: one.words for one in run.steps}
    assert told["orders"].startswith("Only what is new since 2026-06-30: 0 lines")
    assert told["changes"].startswith("Since 2026-06-30: ")
    assert targeting.group_sizes(shop.id)[made.id].days == ((date(2026, 7, 1), 2),)
    assert run.snapshot_id == customers.latest_snapshot(shop.id).id != first.id


def test_a_day_that_has_a_snapshot_is_not_built_again_unless_asked(shop, clock):
    service.build_snapshots(clock=clock)
    first = customers.latest_snapshot(shop.id)
    assert not cycle.run_cycle(shop.id, clock=clock)
    assert states(shop, clock)["orders"] == "skipped" and customers.latest_snapshot(shop.id) == first
    cycle.run_asked(shop.id, actor="ann@shop.example", whole=True, clock=clock)
    run = queries.history(shop.id, clock=clock)[0]
    assert (run.trigger, run.actor, run.state) == ("hand", "ann@shop.example", "done")
    assert "asked for" in run.steps[0].words and customers.latest_snapshot(shop.id) != first


def test_what_fails_leaves_the_last_snapshot_in_force_and_is_gone_on_with(shop, clock, monkeypatch):
    service.build_snapshots(clock=clock)
    clock.move(days=1)
    with monkeypatch.context() as broken:

        def fail(*args):
            raise NotFound("The disk is full.")

        broken.setattr("tandem.planner.customers.service.assembling.join_customers", fail)
        assert service.build_snapshots(clock=clock) == 0
        found = queries.standing(shop.id, clock=clock)
        assert (found.as_of, found.is_current, found.run.state) == (DAY, False, "failed")
        assert "stays in force" in found.words and "The disk is full." in found.words
        assert [one.step for one in found.run.failed_steps] == ["customers"]
        assert found.failures[0][0] == "snapshot"
    assert service.build_snapshots(clock=clock) == 0  # not yet again
    clock.move(seconds=10)
    assert service.build_snapshots(clock=clock) == 1
    found = queries.standing(shop.id, clock=clock)
    assert (found.is_current, found.run.attempts, found.failures) == (True, 2, ())
    assert CycleRun.objects.filter(account_id=shop.id).count() == 2


def test_what_fails_again_is_tried_less_often_but_at_once_by_hand(shop, clock, monkeypatch):
    tries = []

    def fail(*args, **how):
        tries.append(clock.system())
        raise ZeroDivisionError

    monkeypatch.setattr(cycle, "run_cycle", fail)
    service.build_snapshots(clock=clock)
    for number, wait in enumerate((10, 60, 600, 3600, 3600), 1):
        clock.move(seconds=wait - 1)
        service.build_snapshots(clock=clock)
        assert len(tries) == number
        clock.move(seconds=1)
        service.build_snapshots(clock=clock)
        assert len(tries) == number + 1
    cycle.run_asked(shop.id, actor="ann@shop.example", whole=False, clock=clock)
    assert tries[-1] == clock.system() and CycleFailure.objects.get(account_id=shop.id).times == 7


def test_models_that_fail_do_not_keep_the_day_back(shop, clock, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(learning, "score", lambda *args, **how: 1 / 0)
        assert service.build_snapshots(clock=clock) == 1
    found = queries.standing(shop.id, clock=clock)
    assert (found.is_current, found.run.state) == (True, "done") and cycle.told(shop.id, DAY)
    assert [(one.step, one.words[:17]) for one in found.run.failed_steps] == [("scores", "ZeroDivisionError")]
    assert [part for part, _ in found.failures] == ["models"]
    clock.move(days=1)
    assert service.build_snapshots(clock=clock) == 1
    assert queries.standing(shop.id, clock=clock).failures == ()


def test_a_killed_run_is_gone_on_with(shop, clock, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*args):
        raise Killed

    with monkeypatch.context() as killed:
        killed.setattr(cycle.targeting, "keep_membership", die)
        with pytest.raises(Killed):
            cycle.run_cycle(shop.id, clock=clock)
    assert queries.standing(shop.id, clock=clock).run.state == "running"
    clock.move(minutes=3)
    assert queries.standing(shop.id, clock=clock).run.state == "interrupted"
    first = customers.latest_snapshot(shop.id)
    assert cycle.run_cycle(shop.id, clock=clock)
    run = queries.get_run(shop.id, queries.history(shop.id, clock=clock)[0].id, clock=clock)
    assert (run.state, run.attempts) == ("done", 2) and customers.latest_snapshot(shop.id) == first
    assert not CycleFailure.objects.filter(account_id=shop.id).exists()


def test_one_at_a_time(shop, clock):
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as beside:
        beside.execute("SELECT pg_advisory_lock(%s, %s)", [cycle._LOCK, shop.id])
        with pytest.raises(CycleBusy):
            cycle.run_cycle(shop.id, DAY, clock=clock)
    assert not CycleRun.objects.filter(account_id=shop.id).exists()
    with cycle._alone(shop.id):
        assert not cycle.told(shop.id, DAY)


def test_consent_is_read_by_one_at_a_time_whoever_is_busy_with_a_day(db, clock, monkeypatch):
    monkeypatch.setattr(service.channels, "refresh_due", lambda now: ((1, 2, True),))
    monkeypatch.setattr(service, "attempt", lambda account_id, subject, work, clock: True)
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as beside:
        beside.execute("SELECT pg_advisory_lock(7302, 0)")
        assert service.daily_tick(clock=clock) == 0 and service.refresh_consent(clock=clock) == 1
        beside.execute("SELECT pg_advisory_unlock(7302, 0), pg_advisory_lock(7302, 1)")
        assert service.refresh_consent(clock=clock) == 0
        beside.execute("SELECT pg_advisory_unlock(7302, 1)")
        assert service.refresh_consent(clock=clock, wait=True) == 1
