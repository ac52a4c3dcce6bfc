"""Features and scores are the same values in every engine."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlglot import exp
from tests.fixtures.examples import examples
from tests.planner.engine.test_conformance import both
from tests.planner.targeting.generated import AS_OF

from tandem.planner.customers import trees
from tandem.planner.modelling.scoring.alive import p_alive
from tandem.planner.modelling.scoring.ranks import ranks_query
from tandem.planner.modelling.value import Fitted, Histories

FEATURES = {
    "daily": trees.daily(),
    "features": trees.features(AS_OF),
    "features of some": trees.features(AS_OF, "customers"),
    "returned": trees.returned(),
    "returned by some": trees.returned("customers"),
    "favourite": trees.favourite(),
    "favourite of some": trees.favourite("customers"),
    "dated": trees.dated(AS_OF, "features_kept"),
    "ranks": ranks_query(),
    **{name: trees.classes(feature, "features") for name, feature in trees.RFM.items()},
}


@pytest.mark.parametrize("name", FEATURES)
def test_features_and_ranks_are_the_same_values(reference, candidate, name):
    assert both(reference, candidate, FEATURES[name])


@settings(max_examples=examples(10), deadline=None, suppress_health_check=list(HealthCheck))
@given(cents=st.integers(-(10**14), 10**14), times=st.integers(1, 10**6))
@example(cents=201, times=2)
@example(cents=-201, times=2)
@example(cents=-1, times=3)
def test_money_by_a_count_is_exact_to_the_cent(reference, candidate, cents, times):
    total = Decimal(cents) / 100
    expected = (total / times).quantize(Decimal("0.01"), ROUND_HALF_UP)
    whole = exp.cast(exp.Literal.string(str(total)), trees.MONEY)
    query = exp.select(exp.alias_(trees.mean(whole, exp.cast(exp.Literal.number(times), "bigint")), "v"))
    assert [engine.value(query) for engine in (reference, candidate)] == [expected, expected]


@pytest.mark.parametrize("kind", ["bg", "mbg"])
def test_the_chance_to_be_alive_is_that_of_the_model(reference, candidate, kind):
    parameters = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    columns = [exp.column(name, quoted=True) for name in ("x", "tx", "T")]
    query = exp.select(*columns, exp.alias_(p_alive(kind, parameters, 7.0), "p")).from_("histories")
    rows = candidate.rows(query.order_by("1", "2", "3"))
    fitted = Fitted(
        kind=kind,
        parameters=parameters,
        log_likelihood=0.0,
        converged=True,
        unit_days=7.0,
        rows=1,
        customers=1.0,
        note="",
    )
    expected = fitted.p_alive(
        Histories(*(np.array(column, float) for column in list(zip(*rows, strict=True))[:3]))
    )
    for engine in (reference, candidate):
        found = [row[3] for row in engine.rows(query.order_by("1", "2", "3"))]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)
    assert len(set(np.round(expected, 6))) > 10
