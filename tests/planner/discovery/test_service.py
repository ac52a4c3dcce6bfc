"""Searches as a person sees them: asked for, found, made a target group, not interesting, followed."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from tests.planner.discovery import finding_shop

from tandem.kit.clock import FrozenClock
from tandem.planner.customers import service as customers
from tandem.planner.discovery import service
from tandem.planner.discovery.discovering import discover
from tandem.planner.discovery.domain import Condition, GoalKind, Kind, Test
from tandem.planner.discovery.errors import DiscoveryNotFound, SearchRefused, SearchRunning
from tandem.planner.discovery.frames import COLUMNS, DEEDS, frame
from tandem.planner.discovery.models import Discovery, DiscoveryRun
from tandem.planner.discovery.service.following import follow
from tandem.planner.discovery.service.preparing import opened, prepare
from tandem.planner.discovery.translating import condition_of
from tandem.planner.modelling import service as modelling
from tandem.planner.targeting import service as targeting

#: what the search proper found, by the number of customers: it is tested apart, and takes its time
_FOUND = {}


def _search(features, outcome, customers, **told):
    known = (outcome.goal, len(customers), told["seed"])
    if known not in _FOUND:
        _FOUND[known] = discover(features, outcome, customers, **{**told, "depth": 2})
    return _FOUND[known]


def _patched(monkeypatch):
    monkeypatch.setattr("tandem.planner.discovery.service.running.discover", _search)
    monkeypatch.setattr("tandem.planner.discovery.discovering.SPLITS", 5)


def _build(folder):
    account, clock = finding_shop.build(folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        _patched(monkeypatch)
        run = service.ask(account.pk, goal="surprise", days=90, actor="test", clock=clock, wake=False)
        service.run_now(account.pk, run.id, clock=clock)
    return account, clock, run.id


@pytest.fixture(scope="module")
def kept(keep):
    return keep(_build)


@pytest.fixture
def searched(kept, db, settings, tmp_path, monkeypatch):
    _patched(monkeypatch)
    return kept.take(settings, tmp_path)


def test_what_was_planted_is_found_told_and_new(searched):
    account, _, run_id = searched
    run = service.get_run(account.pk, run_id)
    assert (run.state, run.problem, run.as_of) == ("done", "", finding_shop.AS_OF)
    assert run.looked_from == finding_shop.AS_OF - timedelta(days=90)
    assert (
        run.how.candidates > 1000
        and run.how.splits == 5
        and run.how.search + run.how.confirm == run.how.customers
    )
    first = service.groups_of(account.pk, run_id)[0]
    assert "Bags" in first.text and first.new_to_you
    assert first.direction * first.estimate.difference > 0.2 and first.estimate.q <= 0.05
    assert f"{first.members:,} customers with" in first.sentence and "expected" in first.sentence
    assert targeting.members_count(account.pk, first.condition) == first.members
    told = [one.text for one in service.groups_of(account.pk, run_id)]
    assert sum("Bags" in one for one in told) == 1, "a group and its rest are told once"
    assert len(first.condition["rules"]) <= 2, "one condition, and that there was an order"
    assert first.estimate.other == pytest.approx(0.37, abs=0.08), (
        "expected: what all did, whose view knows no bags"
    )
    assert any(one.label == "main category" or "spent on" in one.label for one in run.simple if one.confirmed)


def test_one_click_makes_the_group_once(searched):
    account, clock, run_id = searched
    found = service.groups_of(account.pk, run_id)[0]
    made = service.make_group(account.pk, found.id, actor="test", clock=clock)
    assert service.make_group(account.pk, found.id, actor="test", clock=clock) == made
    assert (made.name, made.condition["rules"]) == (found.title, found.condition["rules"])
    assert service.get_discovery(account.pk, found.id).group_id == made.id
    again = service.ask(account.pk, goal="surprise", days=90, actor="test", clock=clock, wake=False)
    service.run_now(account.pk, again.id, clock=clock)
    told = service.groups_of(account.pk, again.id)[0]
    assert (told.alike_id, told.alike_share) == (made.id, 1.0) and not told.new_to_you
    assert [told.text, told.sentence] == [found.text, found.sentence], (
        "the same day and seed give the same answer"
    )


def test_not_interesting_is_remembered_and_undone(searched):
    account, clock, run_id = searched
    found = service.groups_of(account.pk, run_id)[0]
    told = service.dismiss(account.pk, found.id, actor="test", clock=clock)
    assert service.dismiss(account.pk, found.id, actor="test", clock=clock) == told
    again = service.ask(account.pk, goal="surprise", days=90, actor="test", clock=clock, wake=False)
    service.run_now(account.pk, again.id, clock=clock)
    for one in (run_id, again.id):
        assert found.text not in [group.text for group in service.groups_of(account.pk, one)]
        assert found.text in [group.text for group in service.groups_of(account.pk, one, hidden=True)]
    service.undo_dismissal(account.pk, told.id, actor="test", clock=clock)
    assert service.groups_of(account.pk, again.id)[0].text == found.text
    assert service.dismissals(account.pk) == ()


def test_the_days_after_judge_the_groups(searched):
    account, clock, run_id = searched
    before = customers.latest_snapshot(account.pk).as_of - timedelta(days=90)
    DiscoveryRun.objects.filter(id=run_id).update(as_of=before)
    assert follow(account.pk, customers.latest_snapshot(account.pk), clock=clock) == 1
    found = service.groups_of(account.pk, run_id)[0]
    later = found.later
    assert later is not None and later.kept and later.until == finding_shop.AS_OF
    record = service.record_of(account.pk)
    assert record.groups >= record.kept >= 1 and record.rest.low <= record.rest.mean <= record.rest.high
    assert found.direction * (later.mean - later.usual) > 0.2, (
        "nor did customers of the same recency, orders and spend do as well"
    )
    assert record.usual.groups == record.groups >= record.alone.groups
    assert DiscoveryRun.objects.get(id=run_id).judged_at is not None


def test_what_nobody_can_search_is_refused_or_told(searched):
    account, clock, _ = searched
    for wanted in ({"goal": "luck"}, {"goal": "orders", "days": 7}, {"goal": "responds"}):
        with pytest.raises(SearchRefused):
            service.ask(account.pk, actor="test", clock=clock, **wanted)
    asked = service.ask(account.pk, goal="surprise", days=180, actor="test", clock=clock, wake=False)
    with pytest.raises(SearchRunning):
        service.ask(account.pk, goal="orders", actor="test", clock=clock)
    assert not service.weekly(account.pk, clock=clock), "one search at a time"
    DiscoveryRun.objects.filter(id=asked.id).update(days=450)
    done = service.run_now(account.pk, asked.id, clock=clock)
    assert (done.state, done.found) == ("done", 0) and "A shorter period may do." in done.how.why


def test_once_a_week_and_lost_work_is_taken_up(searched):
    account, clock, _ = searched
    assert service.weekly(account.pk, clock=clock)
    run = service.latest_run(account.pk)
    assert run.weekly and run.state == "waiting" and service.due(clock=clock) == (run.id,)
    DiscoveryRun.objects.filter(id=run.id).update(state="running")
    assert service.due(clock=clock) == ()
    later = FrozenClock(clock.now + timedelta(minutes=16))
    assert service.due(clock=later) == (run.id,)
    service.work(run.id, clock=later)
    for goal in ("orders", "spends"):  # each asks for the next when it is over
        run = service.latest_run(account.pk)
        assert (run.goal, run.weekly, run.state) == (goal, True, "waiting")
        DiscoveryRun.objects.filter(id=run.id).update(state="failed")
        assert service.weekly(account.pk, clock=later) == (goal == "orders")
    week = service.of_the_week(service.list_runs(account.pk))
    assert [one.goal for one in week] == ["surprise", "orders", "spends"]
    found = [replace(one, found=n) for one, n in zip(week, (0, 0, 2), strict=True)]
    assert service.to_show(found[::-1]).goal == "spends"
    assert service.to_show([replace(one, found=0) for one in week[::-1]]).goal == "surprise"
    by_hand = replace(week[0], weekly=False, goal="churns")
    assert service.to_show([by_hand, *week]) == by_hand
    assert not service.weekly(account.pk, clock=FrozenClock(clock.now + timedelta(days=6)))
    assert service.weekly(account.pk, clock=FrozenClock(clock.now + timedelta(days=8)))
    assert service.latest_run(account.pk).goal == "surprise"


def test_a_search_whose_worker_is_gone_keeps_nobody_waiting(searched):
    account, clock, _ = searched
    lost = service.ask(account.pk, goal="spends", actor="test", clock=clock, wake=False)
    later = FrozenClock(clock.now + timedelta(minutes=16))
    with pytest.raises(SearchRunning):
        service.ask(account.pk, goal="orders", actor="test", clock=clock, wake=False)
    service.ask(account.pk, goal="orders", actor="test", clock=later, wake=False)
    given_up = service.get_run(account.pk, lost.id)
    assert given_up.state == "failed" and "Another search" in given_up.problem


def test_who_objects_is_not_looked_at(searched):
    account, clock, _ = searched
    customers.object_to_profiling(account.pk, "c1", how="by letter", actor="test", clock=clock)
    snapshot = customers.latest_snapshot(account.pk)
    with opened(snapshot, "objected") as session:
        ready = prepare(session, snapshot, GoalKind.ORDERS, finding_shop.AS_OF - timedelta(days=90), 90)
    assert len(ready.frame.customers) == finding_shop.PEOPLE - 1
    assert customers.surrogate_of(account.pk, "c1") not in ready.frame.customers


def test_nothing_of_another_account(searched):
    account, clock, run_id = searched
    number = Discovery.objects.filter(run_id=run_id).first().pk
    other = account.pk + 1
    for wanted in (
        lambda: service.get_run(other, run_id),
        lambda: service.groups_of(other, run_id),
        lambda: service.make_group(other, number, actor="x", clock=clock),
        lambda: service.dismiss(other, number, actor="x", clock=clock),
    ):
        with pytest.raises(DiscoveryNotFound):
            wanted()


def test_the_columns_are_those_of_a_snapshot_of_the_day(searched):
    """The same day's snapshot is the oracle: built apart, by other statements."""
    account, clock, _ = searched
    day = date(2026, 3, 31)
    newest = customers.latest_snapshot(account.pk)
    that_day = modelling.build_snapshot(account.pk, day, clock=clock)
    with opened(newest, "now") as session:
        found = frame(session, day, finding_shop.AS_OF, orders="snap.orders")
    with opened(that_day, "then") as session:
        rows = session.execute(
            f"SELECT customer, {', '.join(COLUMNS)} FROM snap.customers WHERE orders > 0 ORDER BY customer"
        ).fetchnumpy()
    assert found.customers.tolist() == rows["customer"].tolist()
    for name in COLUMNS:
        if name == "main_category":
            assert list(found.raw[name]) == list(rows[name])
        else:
            theirs = np.ma.filled(rows[name].astype(np.float64), np.nan)
            assert np.allclose(found.raw[name], theirs, equal_nan=True, atol=0.005), name


_NUMBERS = (
    (Test.RANGE, {"low": 50, "low_open": True, "high": 120, "high_open": True}),
    (Test.RANGE, {"low": 50, "high": 50}),
    (Test.RANGE, {"high": 90}),
    (Test.RANGE, {"low": 20, "unknown_too": True}),
    (Test.UNKNOWN, {}),
    (Test.KNOWN, {}),
)


def test_a_condition_holds_the_same_customers_as_a_target_group(searched):
    account, _, _ = searched
    snapshot = customers.latest_snapshot(account.pk)
    with opened(snapshot, "same") as session:
        today = frame(session, snapshot.as_of, snapshot.as_of, orders="snap.orders")
    asked = [
        Condition(name=name, kind=Kind.NUMBER, test=test, **fields)
        for name in ("total_spent", "usual_gap", *DEEDS, "spent on Bags")
        for test, fields in _NUMBERS
        if name != "spent on Bags" or (test is Test.RANGE and "unknown_too" not in fields)
    ]
    asked += [
        Condition(
            name="main_category", kind=Kind.CATEGORY, test=test, values=("Bags", "Books"), unknown_too=unknown
        )
        for test in (Test.ONE_OF, Test.NOT_ONE_OF)
        for unknown in (True, False)
    ]
    for one in asked:
        held = int(one.holds(today.raw[one.name]).sum())
        assert targeting.members_count(account.pk, condition_of([one], buyers=True)) == held, one
