"""Scores of a snapshot: ranks against plain Python, columns, segments by future value, the catalogue."""

import math

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem.planner.customers.score_words import HEADINGS, score_attributes
from tandem.planner.modelling.learning.domain import Model
from tandem.planner.modelling.scoring.domain import RANKS, SCORES, rank_column, rank_columns
from tandem.planner.modelling.scoring.ranks import make_ranks, make_scores

STAGES = ("New", "Active", "Churn", None)
SCORE = st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1)
PERSON = st.tuples(st.sampled_from(STAGES), SCORE, SCORE)


@pytest.fixture(scope="module")
def session():
    with duckdb.connect() as session:
        yield session


def fill(session, people):
    """people: (stage, chance to be alive, risk of churn); the risk stands for the chance of top spending too."""
    stage, alive, risk = (list(one) for one in zip(*people, strict=True))
    session.execute(
        "CREATE OR REPLACE TABLE given AS SELECT unnest(range(?)) AS customer, unnest(?::VARCHAR[]) AS stage, "
        "unnest(?::DOUBLE[]) AS alive, unnest(?::DOUBLE[]) AS risk",
        [len(people), stage, alive, risk],
    )
    session.execute("CREATE OR REPLACE TABLE people AS SELECT customer FROM given")
    session.execute(
        "CREATE OR REPLACE TABLE stages AS SELECT customer, stage FROM given WHERE stage IS NOT NULL"
    )
    session.execute("DROP TABLE IF EXISTS scores")
    make_scores(session)
    session.execute(
        "UPDATE scores SET p_alive = g.alive, churn_risk = g.risk, top_spender = g.risk FROM given g "
        "WHERE g.customer = scores.customer"
    )
    make_ranks(session)


def plain_rank(mine, all_, most):
    return max(1, math.ceil(most * sum(one <= mine for one in all_) / len(all_)))


@settings(max_examples=15, deadline=None)
@given(people=st.lists(PERSON, min_size=1, max_size=120))
def test_ranks_equal_plain_python(session, people):
    fill(session, people)
    keys = {
        Model.TOP: [None if risk is None else (risk,) for _, _, risk in people],
        Model.CHURN: [
            None if risk is None else (risk, 0 if risk else 1 - (1 if alive is None else alive))
            for _, alive, risk in people
        ],
    }
    for model, key in keys.items():
        for rank, (most, inside) in RANKS.items():
            asked = f"SELECT {rank_column(model, rank)} FROM ranks ORDER BY customer"
            got = [row[0] for row in session.execute(asked).fetchall()]
            for n, (stage, _, _) in enumerate(people):
                among = [
                    k
                    for k, p in zip(key, people, strict=True)
                    if k is not None and (not inside or p[0] == stage)
                ]
                assert got[n] == (None if key[n] is None else plain_rank(key[n], among, most))


def test_ranks_are_exact_where_floats_are_not(session):
    fill(session, [("Active", 1.0, (n + 1) / 1000) for n in range(1000)])
    asked = "SELECT churn_risk_percentile, churn_risk_permille FROM ranks ORDER BY customer"
    got = session.execute(asked).fetchall()
    assert got == [(n // 10 + 1, n + 1) for n in range(1000)]
    fill(session, [("Active", 1.0, (n + 1) / 700) for n in range(700)])
    got = [row[0] for row in session.execute(asked).fetchall()]
    assert got == [-(-(n + 1) // 7) for n in range(700)]


def test_without_scores_every_column_is_there_and_empty(session):
    fill(session, [("Active", None, None), (None, None, None)])
    names = [row[0] for row in session.execute("DESCRIBE ranks").fetchall()]
    assert names == ["customer", *rank_columns()]
    rows = session.execute("SELECT * EXCLUDE (customer) FROM ranks").fetchall()
    assert rows == [(None,) * len(rank_columns())] * 2


def test_every_score_and_rank_has_its_words():
    rows = score_attributes()
    assert {row[0] for row in rows} == {*SCORES, *rank_columns()}
    assert len({row[1] for row in rows}) == len(rows) == 33
    assert list(dict.fromkeys(row[3] for row in rows)) == list(HEADINGS)
    assert all(row[4].endswith(".") for row in rows)
