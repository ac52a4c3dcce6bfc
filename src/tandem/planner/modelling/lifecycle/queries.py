"""The return curve and the stages, over the tables of a snapshot being built or of a published one."""

from datetime import date

import duckdb

from tandem.planner.customers.trees import duck
from tandem.planner.engine.domain import Engine
from tandem.planner.modelling.lifecycle import trees
from tandem.planner.modelling.lifecycle.domain import WINDOW, CurvePoint, StageRules


def return_curve(
    session: duckdb.DuckDBPyConnection, as_of: date, window: int = WINDOW
) -> tuple[CurvePoint, ...]:
    """The curve by steps of 7 days: purchase days with silence + `window` days of follow-up and no purchase meanwhile.

    share: of those, how many are followed by a purchase within `window` days.
    """
    rows = session.execute(duck(trees.curve(as_of, window))).fetchall()
    return tuple(CurvePoint(silence=s, cases=int(cases), share=float(share)) for s, cases, share in rows)


def make_stages(session: duckdb.DuckDBPyConnection, as_of: date, rules: StageRules) -> None:
    """Make the table `stages(customer, stage)` of `features` and `history`."""
    session.execute(f"CREATE OR REPLACE TABLE stages AS {duck(trees.stages(as_of, rules))}")


def stage_sizes(engine: Engine, as_of: date, rules: StageRules) -> dict[str, int]:
    """How many customers of a published snapshot each stage would hold under these rules."""
    return dict(engine.rows(trees.sizes(as_of, rules)))
