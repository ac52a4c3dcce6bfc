"""Ranks of the scores: percentile and permille, over a model's population and within the stage; the highest is the top.

A rank is the share of customers whose score is at most one's own, rounded up to 1..100 or 1..1000: equal scores share
it. Customers who cannot reach Churn in time have a risk of exactly 0; among them the one less likely to be alive ranks
higher.
"""

from functools import cache

import duckdb
import sqlglot
from sqlglot import exp

from tandem.planner.customers.storage import literal
from tandem.planner.modelling.learning.domain import Model
from tandem.planner.modelling.lifecycle.domain import Stage
from tandem.planner.modelling.scoring.domain import RANKS, SCORES, rank_column

#: 100 x .07 is a little more than 7 and would be 8; a share that is really more is so by more, up to 10^8 customers
_HAIR = "1e-9"


def make_scores(session: duckdb.DuckDBPyConnection) -> None:
    """Make the table `scores` with no score of anybody, unless it is there."""
    columns = ", ".join(f"NULL::DOUBLE AS {column}" for column in SCORES)
    session.execute(f"CREATE TABLE IF NOT EXISTS scores AS SELECT customer, {columns} FROM people")


def make_ranks(session: duckdb.DuckDBPyConnection) -> None:
    """Make the table `ranks` of the tables `scores` and `stages`: a row for each customer of `scores`."""
    session.execute(f"CREATE OR REPLACE TABLE ranks AS {_written()}")


@cache
def _written() -> str:
    return ranks_query().sql(dialect="duckdb")


def ranks_query() -> exp.Select:
    """Everyone's ranks, as a tree any engine may run; the tables `scores` and `stages` are there."""
    query = exp.select("s.customer").from_("scores AS s")
    for model in Model:
        query = query.with_(f"{model}_ranked", as_=_ranked(model), dialect="duckdb")
        query = query.select(*(f"{model}_ranked.{rank_column(model, rank)}" for rank in RANKS))
        query = query.join(
            f"{model}_ranked", on=f"{model}_ranked.customer = s.customer", join_type="left", dialect="duckdb"
        )
    return query


def _ranked(model: Model) -> exp.Expr:
    """Those who have a score, with its ranks."""
    order = f"s.{model}"
    if model is Model.CHURN:
        order += f", CASE WHEN s.{model} = 0 THEN 1 - COALESCE(s.p_alive, 1) ELSE 0 END"
    stage = f"COALESCE(t.stage, {literal(Stage.REGISTERED)})"
    ranks = ", ".join(_rank(model, rank, most, inside) for rank, (most, inside) in RANKS.items())
    return sqlglot.parse_one(
        f"""SELECT customer, {ranks} FROM (SELECT s.customer, CUME_DIST() OVER (ORDER BY {order}) AS share,
          CUME_DIST() OVER (PARTITION BY {stage} ORDER BY {order}) AS share_in_stage
        FROM scores s LEFT JOIN stages t ON t.customer = s.customer WHERE s.{model} IS NOT NULL) ranked""",
        dialect="duckdb",
    )


def _rank(model: Model, rank: str, most: int, inside: bool) -> str:
    share = "share_in_stage" if inside else "share"
    return f"CAST(GREATEST(1, CEIL({most} * {share} - {_HAIR})) AS SMALLINT) AS {rank_column(model, rank)}"
