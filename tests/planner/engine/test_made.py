"""What a snapshot is built of - history, stages, segments - is the same values in every engine."""

from datetime import date
from itertools import product

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlglot import exp
from tests.fixtures.examples import examples
from tests.planner.engine.test_conformance import both
from tests.planner.targeting.generated import AS_OF

from tandem.planner.customers import past, trees
from tandem.planner.modelling.lifecycle import trees as lifecycle
from tandem.planner.modelling.lifecycle.domain import Stage, StageRules
from tandem.planner.modelling.segments import trees as segments
from tandem.planner.modelling.segments.domain import LAYERS, SILENCE, VALUE_SHARES, Basis, Clusters, Segment

RULES = StageRules(new_days=28, at_risk_days=60, churn_days=120)
CURVE = ((0, 0.6), (7, 0.5), (14, 0.2))
BOUNDS = {"orders": (8.0,), "orders_365": (3.0,), "may_receive_email": (0.5,), "may_receive_sms": (0.5,)}
CUTS = {
    stage: tuple(BOUNDS.get(one.figure, (250.5, 1000.0)[: len(one.words) - 1]) for one in layers)
    for stage, layers in LAYERS.items()
}
CELLS = tuple(
    Segment(number=100 * n + place, stage=stage, name=f"{stage}: {place}, it's", cells=(cell,))
    for n, (stage, cuts) in enumerate(CUTS.items())
    for place, cell in enumerate(product(*(range(len(bounds) + 1) for bounds in cuts)))
)
GROUPS = Clusters(
    figures=("spent_365", "orders_365", "silence"), knots=((10.5, 250.5), (), (30.0,)),
    centres=((0, 0, 100), (150, 0, 0), (200, 0, 50)), names=("a", "b", "c"), told=("", "", ""),
)  # fmt: skip

MADE = {
    "categories": past.categories("orders"),
    "more categories": past.categories("arrived", known=True),
    "lines": past.lines(),
    "lines of some": past.lines("arrived"),
    "whole": past.whole(),
    "sales of history": past.of_whole(False, 0, 10**6),
    "returns of history": past.of_whole(True, 30, 10**6),
    "categories of history": past.of_categories(1, 3),
    "who moved": past.moved(date(2026, 6, 1), AS_OF, trees.WINDOWS),
    "homes": past.homes("arrived"),
    "return curve": lifecycle.curve(AS_OF, 28),
    "standing": segments.standing(profiled=True),
    "standing of all": segments.standing(profiled=False),
    "tied values": segments.tied(),
    **{f"cuts of {layer.figure}": segments.cut(Stage.ACTIVE, layer) for layer in LAYERS[Stage.ACTIVE]},
    **{f"value cuts, {basis}": segments.value_cuts(VALUE_SHARES, basis) for basis in Basis},
    "cells": segments.counted(segments.code(CUTS)),
    "cells by k-means": segments.counted(segments.code({**CUTS, Stage.ACTIVE: GROUPS, Stage.CHURN: GROUPS})),
    "a sample for k-means": segments.sampled(Stage.ACTIVE, (*LAYERS[Stage.ACTIVE], SILENCE), 3),
    "overlap": segments.counted(segments.code(CUTS), segments.code(dict(CUTS, **{Stage.ACTIVE: ((), (2.0,), ())}))),
    "figures": segments.figures(RULES, CURVE),
    "figures without a curve": segments.figures(RULES, ()),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_what_a_snapshot_is_built_of_is_the_same(reference, candidate, name):
    assert both(reference, candidate, MADE[name])


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("basis", list(Basis))
def test_segments_are_the_same(reference, candidate, basis, before):
    rows = both(
        reference,
        candidate,
        segments.segments(CUTS, CELLS, (3000.0, 1500.0, 30.0, 20.0), basis, before=before),
    )
    assert len({row[3] for row in rows}) > 2 and len({row[1] for row in rows}) > 3


@settings(max_examples=examples(4), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    as_of=st.dates(date(2024, 2, 20), AS_OF), new=st.integers(1, 60), more=st.integers(0, 90), last=st.integers(1, 90)
)  # fmt: skip
@example(as_of=date(2024, 2, 29), new=28, more=0, last=1)
@example(as_of=date(2025, 3, 1), new=1, more=365, last=1)
def test_features_and_stages_of_any_day_are_the_same(reference, candidate, as_of, new, more, last):
    rules = StageRules(new_days=new, at_risk_days=new + more, churn_days=new + more + last)
    both(reference, candidate, trees.features(as_of))
    both(reference, candidate, lifecycle.stages(as_of, rules))
    both(reference, candidate, lifecycle.sizes(as_of, rules, "features"))
    both(reference, candidate, segments.risks(rules, CURVE))


@pytest.mark.parametrize("value", ["0.005", "1.005", "-1.005", "2.675", "1e12", "123456789.125", "-0.015"])
def test_a_score_is_the_same_money(reference, candidate, value):
    asked = exp.select(segments.cents(exp.cast(exp.Literal.string(value), "double").sql(dialect="duckdb")))
    both(reference, candidate, asked)
