"""Layers by k-means: how many groups, what they are called, where a customer falls, ids over another cut."""

import duckdb
import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from tandem.planner.customers.trees import duck
from tandem.planner.modelling.lifecycle.domain import Stage
from tandem.planner.modelling.segments import clusters, cutting, segmenting, trees
from tandem.planner.modelling.segments.domain import LAYERS, SILENCE, Clusters, Method, Segment, kept_numbers

LAYERED = (*LAYERS[Stage.ACTIVE], SILENCE)


@pytest.fixture(scope="module")
def standing():
    """Three kinds of active customers: big spenders, those who order often and little, and those silent for long."""
    rng = np.random.default_rng(1)
    kinds = ((900, 4, 200, 20), (120, 14, 12, 15), (60, 2, 25, 200))
    rows = [(Stage.ACTIVE, *(rng.normal(1, 0.1, 4) * kind)) for kind in kinds for _ in range(400)] + [
        (Stage.NEW, 5.0, 1.0, 5.0, 3.0)
    ] * 30
    with duckdb.connect() as session:
        session.execute(
            """CREATE TABLE standing (customer BIGINT, stage VARCHAR, spent_365 DOUBLE, orders_365 DOUBLE,
              average_order DOUBLE, silence DOUBLE, total_spent DOUBLE, orders DOUBLE, may_receive_email DOUBLE,
              may_receive_sms DOUBLE)"""
        )
        session.executemany(
            "INSERT INTO standing VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, 0)",
            [(n, str(row[0]), *map(float, row[1:])) for n, row in enumerate(rows)],
        )
        yield session


def test_the_groups_that_are_there_are_found_called_and_told(standing):
    found = clusters.measured(standing, Stage.ACTIVE, 200)
    assert len(found.centres) == 3 and found == clusters.measured(standing, Stage.ACTIVE, 200)
    named = " | ".join(found.names)
    assert all(words in named for words in ("large baskets", "who order often", "long silent")), named
    assert all(one.startswith("Customers in Active, alike") and " to " in one for one in found.told)
    assert Clusters.from_json({name: getattr(found, name) for name in vars(found)}) == found
    # every customer of a kind is in one group
    cuts = {stage: tuple(() for _ in layers) for stage, layers in LAYERS.items()} | {Stage.ACTIVE: found}
    counted = cutting.counted_cells(standing, cuts)[Stage.ACTIVE]
    assert sorted(counted.values()) == [400, 400, 400] and set(counted) == {(0,), (1,), (2,)}


def test_the_database_puts_customers_where_the_sample_had_them(standing):
    found = clusters.measured(standing, Stage.ACTIVE, 200)
    values = standing.execute(duck(trees.sampled(Stage.ACTIVE, LAYERED, 10**6))).fetchnumpy()
    ranks = np.stack(
        [
            clusters._ranks(values[name], knots)
            for name, knots in zip(found.figures, found.knots, strict=True)
        ],
        axis=1,
    )
    here = clusters.place(ranks, np.array(found.centres))
    sizes = standing.execute(
        f"""SELECT g, count(*) FROM (SELECT {duck(trees.group(found))} AS g FROM standing WHERE stage = 'Active')
        GROUP BY 1"""
    ).fetchall()
    assert dict(sizes) == dict(enumerate(np.bincount(here).tolist()))
    assert clusters.silhouette(ranks, here) == pytest.approx(
        silhouette_score(ranks, here, metric="sqeuclidean")
    )


def test_a_stage_too_small_for_two_groups_is_cut_by_quantiles(standing):
    assert clusters.measured(standing, Stage.NEW, 200) is None
    assert clusters.measured(standing, Stage.ACTIVE, 700) is None
    cuts = segmenting._measured(standing, {Stage.NEW: Method.KMEANS, Stage.ACTIVE: Method.KMEANS})
    assert isinstance(cuts[Stage.ACTIVE], Clusters) and not isinstance(cuts[Stage.NEW], Clusters)


def test_ids_stay_with_those_who_keep_most_members_when_the_method_changes(standing):
    plain = cutting.measured_cuts(standing)
    groups = {**plain, Stage.ACTIVE: clusters.measured(standing, Stage.ACTIVE, 200)}
    was = [
        Segment(number=10 + n, stage=Stage.ACTIVE, name=str(n), cells=(cell,))
        for n, cell in enumerate(cutting.counted_cells(standing, plain)[Stage.ACTIVE])
    ]
    places = [(Stage.ACTIVE, ((n,),)) for n in range(3)]
    overlap = cutting.counted_overlap(standing, (plain, was), (groups, places))
    numbers = kept_numbers(overlap, 3, 99)
    assert len(set(numbers)) == 3 and set(numbers) <= {one.number for one in was} | {99, 100, 101}
    most = max(overlap, key=lambda pair: overlap[pair])
    assert numbers[most[1]] == most[0]
