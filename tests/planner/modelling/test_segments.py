"""Micro-segments and value segments: the rules, the same in SQL, and the public log over two months."""

import itertools
from datetime import date

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem.planner.customers import service as customers
from tandem.planner.customers.trees import duck
from tandem.planner.modelling.lifecycle.domain import Stage, StageRules
from tandem.planner.modelling.models import MicroSegment, SegmentCuts
from tandem.planner.modelling.scoring.ranks import make_ranks, make_scores
from tandem.planner.modelling.segments import cutting, overview, trees
from tandem.planner.modelling.segments.domain import (
    BASIS_WORDS,
    LAYERS,
    LEAST_MEMBERS,
    VALUE_SEGMENTS,
    Basis,
    Segment,
    churn_risk,
    described,
    kept_numbers,
    merged,
    names,
    value_place,
    whole,
)
from tandem.planner.modelling.service import build_snapshot

CELLS = st.dictionaries(
    st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 1)), st.integers(0, 2000), max_size=12
)
CUTS = ((1.0, 2.0), (1.0,), (1.0,))
MONEY = st.decimals(0, 2000, places=2).map(float)


@given(CELLS, st.integers(0, 1_000_000))
def test_merged_parts_hold_every_customer_once_and_are_large_enough(counts, customers):
    parts = merged(counts, customers)
    held = [cell for part in parts for cell in part]
    assert sorted(held) == sorted(cell for cell, n in counts.items() if n)
    least = max(LEAST_MEMBERS, customers / 1000)
    assert len(parts) <= 1 or all(sum(counts[cell] for cell in part) >= least for part in parts)


@given(CELLS)
def test_whole_parts_have_a_place_for_every_cell_and_different_names(counts):
    parts = whole(merged(counts, 0) or (((0, 0, 0),),), CUTS)
    assert sorted(cell for part in parts for cell in part) == sorted(
        itertools.product(range(3), range(2), range(2))
    )
    named = names(Stage.ACTIVE, parts, CUTS)
    assert len(set(named)) == len(parts) and all(name.startswith("Active") for name in named)


def test_names_say_what_tells_a_part_apart():
    parts = (((0, 0, 0), (0, 0, 1)), ((0, 1, 0), (0, 1, 1)), ((1, 0, 0), (1, 1, 1), (2, 0, 1)))
    assert names(Stage.ACTIVE, parts, CUTS) == (
        "Active: small spenders, with one order",
        "Active: small spenders, who ordered again",
        "Active: middling to big spenders",
    )
    often = ((100.0, 200.0), (2.0,), (30.0,))
    assert names(Stage.ACTIVE, (((0, 1, 0), (2, 1, 0)),), often) == (
        "Active: small or big spenders, who order often, small baskets",
    )
    assert described(Stage.ACTIVE, ((0, 1, 0), (2, 1, 0)), often) == (
        "Customers in Active who spent at most 100 or more than 200 in the last 365 days and ordered on more than 2 "
        "days of the last 365 and spend at most 30 per order."
    )
    assert described(Stage.REGISTERED, ((1, 0),), ((0.0,), (0.0,))) == (
        "Registered without a purchase who are reached by email and are not reached by SMS."
    )
    assert (
        described(Stage.NEW, ((0, 0),), ((), (1.0,)))
        == "Customers in New who ordered on one day of the last 365."
    )
    assert described(Stage.NEW, parts, ((1.0, 2.0), (1.0,))) == ""


def test_a_small_cell_joins_the_one_nearest_to_it():
    parts = merged({(0, 0): 500, (0, 1): 150, (2, 1): 500}, 1_150)
    assert parts == (((0, 0), (0, 1)), ((2, 1),))


@settings(max_examples=50)
@given(
    st.dictionaries(st.tuples(st.integers(1, 4), st.integers(0, 3)), st.integers(0, 500)),
    st.integers(4, 5),
)
def test_ids_are_kept_for_as_many_members_as_can_be(overlap, new):
    numbers = kept_numbers(overlap, new, 21)
    assert len(set(numbers)) == new == len(numbers)
    assert all(number >= 21 or overlap[number, place] > 0 for place, number in enumerate(numbers))
    kept = sum(overlap.get((number, place), 0) for place, number in enumerate(numbers))
    ways = itertools.permutations([1, 2, 3, 4, 0][:new], new)
    assert kept == max(sum(overlap.get((n, place), 0) for place, n in enumerate(way)) for way in ways)


@given(MONEY, st.lists(st.floats(1, 1000), min_size=4, max_size=4), st.none() | st.integers(1, 5))
def test_a_value_segment_is_left_only_past_a_cut(value, cuts, before):
    cuts = sorted(cuts, reverse=True)
    plain, place = value_place(value, cuts, None), value_place(value, cuts, before)
    assert 1 <= place <= 5
    between = sorted({plain, before or plain})
    assert between[0] <= place <= between[-1]
    near = all(0.95 * cut <= value < 1.05 * cut for cut in cuts[between[0] - 1 : between[-1] - 1])
    assert place == before if before and near else place in range(between[0], between[-1] + 1)
    assert value_place(value, cuts, place) == place


@pytest.mark.parametrize("basis", list(Basis))
def test_sql_segments_equal_the_rules(tmp_path, basis):
    values = [round(step * 7.3, 2) for step in range(60)]
    cuts, before = (300.0, 200.0, 100.0, 50.0), [None, 1, 3, 5]
    people = list(itertools.product(values, before))
    parquet = tmp_path / "before.parquet"
    others = {layer.figure for layers in LAYERS.values() for layer in layers} - {"spent_365", "orders_365"}
    with duckdb.connect() as session:
        session.execute(
            "CREATE TABLE given AS SELECT unnest(range(?)) AS customer, unnest(?::DOUBLE[]) AS v, "
            "unnest(?::VARCHAR[]) AS was",
            [len(people), [v for v, _ in people], [b and VALUE_SEGMENTS[b - 1] for _, b in people]],
        )
        session.execute(
            f"CREATE TABLE standing AS SELECT customer, 'New' AS stage, v AS spent_365, 2.0 AS orders_365, "
            f"{'2 * v' if basis is Basis.FUTURE else 'NULL::DOUBLE'} AS future_value, "
            f"{', '.join(f'0.0 AS {figure}' for figure in others)} FROM given"
        )
        session.execute("CREATE TABLE people AS SELECT customer FROM given")
        session.execute("CREATE TABLE stages AS SELECT customer, stage FROM standing")
        make_scores(session)
        session.execute(
            "UPDATE scores SET future_value = s.future_value FROM standing s WHERE s.customer = scores.customer"
        )
        make_ranks(session)
        session.execute(
            f"COPY (SELECT customer, was AS value_segment FROM given WHERE was IS NOT NULL) TO '{parquet}'"
        )
        bounds = {stage: tuple(() for _ in layers) for stage, layers in LAYERS.items()}
        bounds[Stage.NEW] = ((100.0, 250.0), (1.0,))
        segments = [
            Segment(
                number=10 * spent + ordered,
                stage=Stage.NEW,
                name=f"{spent}{ordered}",
                cells=((spent, ordered),),
            )
            for spent, ordered in itertools.product(range(3), range(2))
        ]
        cutting.make_segments(session, bounds, segments, cuts, basis, parquet)
        got = session.execute(
            "SELECT microsegment_id, microsegment, value_segment, future_value, future_value_percentile "
            "FROM segments ORDER BY customer"
        ).fetchall()
    mean = round(sum(values) / len(values), 2)
    expected = {Basis.NO_MODEL: lambda _: mean, Basis.FUTURE: lambda v: 2 * v, Basis.TIED: lambda _: None}
    for (value, was), (number, name, segment, future, rank) in zip(people, got, strict=True):
        spent = (value > 100) + (value > 250)
        assert (number, name) == (10 * spent + 1, f"{spent}1")
        worth = 2 * value if basis is Basis.FUTURE else value
        assert segment == VALUE_SEGMENTS[value_place(worth, cuts, was) - 1]
        assert (future and float(future)) == pytest.approx(expected[basis](value))
        assert (rank is None) == (basis is not Basis.FUTURE)


@pytest.mark.parametrize(
    ("values", "basis"),
    [
        ([None, 0.0], Basis.NO_MODEL),
        ([5.0], Basis.FUTURE),
        ([*range(1, 10), None, 0, 0], Basis.TIED),
        ([*range(1, 11)], Basis.FUTURE),
        ([7.0, 7.0, *range(10, 27)], Basis.TIED),
    ],
)
def test_value_segments_need_values_that_tell_customers_apart(values, basis):
    with duckdb.connect() as session:
        session.execute("CREATE TABLE standing AS SELECT unnest(?::DOUBLE[]) AS future_value", [[*values]])
        assert cutting.measured_basis(session) is basis
        assert BASIS_WORDS[basis].startswith("By ")


CURVE = ((0, 0.6), (7, 0.5), (14, 0.2))


@pytest.mark.parametrize("curve", [(), CURVE])
def test_sql_churn_risk_equals_the_rule(curve):
    rules = StageRules(new_days=7, at_risk_days=20, churn_days=40)
    silences = [None, *range(120)]
    with duckdb.connect() as session:
        session.execute("CREATE TABLE standing AS SELECT unnest(?::INTEGER[]) AS silence", [silences])
        got = dict(session.execute(duck(trees.risks(rules, curve))).fetchall())
    for silence in silences:
        assert got[silence] == pytest.approx(churn_risk(silence, 40, curve, trees.HORIZON)), silence
    assert churn_risk(12, 40, CURVE, 28) == 0 and 0.99 < churn_risk(39, 40, CURVE, 28) < 1


@pytest.fixture
def cdnow(account, clock, real):
    mapping = "customer=column1,at=column3,value=column5"
    customers.import_orders(account.id, real("CDNOW_sample.txt"), clock=clock, mapping=mapping)
    return account.id


def table(ref, query):
    with duckdb.connect(str(ref.cache), read_only=True) as session:
        return session.execute(query).fetchall()


def test_segments_of_cdnow_over_two_months(cdnow, clock):
    first = build_snapshot(cdnow, date(1998, 3, 31), clock=clock)
    sizes = dict(table(first, "SELECT value_segment, count(*) FROM customers WHERE spent_365 > 0 GROUP BY 1"))
    spenders = sum(sizes.values())
    for name, share in zip(VALUE_SEGMENTS, (1, 4, 15, 30, 50), strict=True):
        assert sizes[name] == pytest.approx(spenders * share / 100, abs=0.01 * spenders + 2)
    [(without,)] = table(
        first, "SELECT count(*) FROM customers WHERE spent_365 = 0 AND value_segment <> 'Bronze'"
    )
    [(nowhere,)] = table(
        first, "SELECT count(*) FROM customers WHERE microsegment IS NULL OR future_value IS NULL"
    )
    assert (without, nowhere) == (0, 0)
    for stage, future, mean in table(
        first, "SELECT stage, any_value(future_value), avg(spent_365) FROM customers GROUP BY 1"
    ):
        assert float(future) == pytest.approx(float(mean), abs=0.01), stage
    kept = {row.number: row for row in MicroSegment.objects.filter(account_id=cdnow)}
    counted = table(
        first, "SELECT microsegment_id, any_value(microsegment), count(*) FROM customers GROUP BY 1"
    )
    assert {n: (kept[n].name, kept[n].members) for n, *_ in counted} == {n: (w, c) for n, w, c in counted}
    assert len(counted) >= 5 and any(kept[n].churn_rate > 0.5 for n, *_ in counted)

    build_snapshot(cdnow, date(1998, 4, 10), clock=clock)
    assert SegmentCuts.objects.get(account_id=cdnow).cut_on == date(1998, 3, 31)
    later = build_snapshot(cdnow, date(1998, 5, 31), clock=clock)
    assert SegmentCuts.objects.get(account_id=cdnow).cut_on == date(1998, 5, 31)
    again = MicroSegment.objects.filter(account_id=cdnow, is_current=True)
    same = [one.number for one in again if one.number in kept and one.stage == kept[one.number].stage]
    assert len(same) >= len(counted) // 2
    used = {number for (number,) in table(later, "SELECT DISTINCT microsegment_id FROM customers")}
    assert used <= {one.number for one in again}


def test_an_earlier_day_takes_the_cuts_in_force_and_leaves_todays_figures(cdnow, clock):
    build_snapshot(cdnow, date(1998, 5, 31), clock=clock)
    before = list(MicroSegment.objects.filter(account_id=cdnow).order_by("number").values())
    build_snapshot(cdnow, date(1997, 12, 31), clock=clock)
    assert SegmentCuts.objects.get(account_id=cdnow).cut_on == date(1998, 5, 31)
    assert list(MicroSegment.objects.filter(account_id=cdnow).order_by("number").values()) == before


def test_edited_shares_are_cut_with_the_next_snapshot(cdnow, clock):
    build_snapshot(cdnow, date(1998, 3, 31), clock=clock)
    for wrong in ((1, 4, 15, 30), (1, 4, 15, 30, 40), (0, 5, 15, 30, 50), (float("nan"), 4, 15, 30, 50)):
        with pytest.raises(overview.BadShares):
            overview.set_value_shares(cdnow, wrong, actor="test", clock=clock)
    overview.set_value_shares(cdnow, (20.0, 20.0, 20.0, 20.0, 20.0), actor="test", clock=clock)
    ref = build_snapshot(cdnow, date(1998, 3, 31), clock=clock)
    sizes = dict(table(ref, "SELECT value_segment, count(*) FROM customers WHERE spent_365 > 0 GROUP BY 1"))
    spenders = sum(sizes.values())
    assert all(size == pytest.approx(spenders / 5, rel=0.1) for size in sizes.values()) and len(sizes) == 5
    found = overview.value_segments(cdnow)
    assert [one.share for one in found] == [20.0] * 5 and found[4].least is None
    assert found[0].least > found[1].least > found[2].least > found[3].least > 0
    assert SegmentCuts.objects.get(account_id=cdnow).cut_on == date(1998, 3, 31)
    _cut_by_groups(cdnow, ref, clock)


def _cut_by_groups(account_id, ref, clock):
    """A stage cut by k-means with the next snapshot, kept in the one after; ids stay where most members do."""
    before = dict(table(ref, "SELECT customer, microsegment_id FROM customers WHERE stage = 'Dormant'"))
    for stage, method in (("Registered only", "kmeans"), ("Dormant", "luck"), ("Nobody", "kmeans")):
        with pytest.raises(overview.BadLayers):
            overview.set_layers(account_id, {stage: method}, actor="test", clock=clock)
    overview.set_layers(account_id, {"Dormant": "kmeans"}, actor="test", clock=clock)
    others = {one.id: one.name for one in overview.microsegments(account_id) if one.stage != "Dormant"}
    made = []
    for _ in range(2):
        ref = build_snapshot(account_id, date(1998, 3, 31), clock=clock)
        churned = [one for one in overview.microsegments(account_id) if one.stage == "Dormant"]
        assert 2 <= len(churned) <= 5 and all("alike in all figures" in one.description for one in churned)
        assert sum(one.members for one in churned) == len(before) and all(
            one.members >= 200 for one in churned
        )
        made.append(
            table(ref, "SELECT customer, microsegment_id FROM customers WHERE stage = 'Dormant' ORDER BY 1")
        )
    assert made[0] == made[1]
    assert sum(before[one] == number for one, number in made[0]) >= max(one.members for one in churned) / 4
    assert {
        one.id: one.name for one in overview.microsegments(account_id) if one.stage != "Dormant"
    } == others


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=60),
    st.lists(st.floats(0.1, 0.9), min_size=1, max_size=2),
)
def test_cuts_split_at_the_values_nearest_to_the_shares(values, shares):
    layer = LAYERS[Stage.NEW][0].__class__(figure="v", shares=tuple(shares), words=("a", "b"))
    with duckdb.connect() as session:
        session.execute("CREATE TABLE standing (stage VARCHAR, v DOUBLE)")
        session.executemany("INSERT INTO standing VALUES ('New', ?)", [[v] for v in values])
        cuts = cutting._cut(session, Stage.NEW, layer)
    below = {v: sum(x <= v for x in values) / len(values) for v in set(values) if v < max(values)}
    assert set(cuts) <= set(below)
    for share in shares if below else ():
        best = min(abs(at - share) for at in below.values())
        assert any(abs(below[cut] - share) == pytest.approx(best) for cut in cuts)
