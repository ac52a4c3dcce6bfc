"""One customer and one condition, answered fast: while an event waits."""

from typing import Any

import sqlglot.expressions as exp

from tandem.planner.customers.service import latest_snapshot, snapshot_catalogue
from tandem.planner.engine.domain import CUSTOMER, CUSTOMERS
from tandem.planner.engine.duckdb import open_snapshot
from tandem.planner.targeting.compiling import truth
from tandem.planner.targeting.pieces import column, literal, table
from tandem.planner.targeting.reading import read


def is_member(account_id: int, condition: dict[str, Any], surrogate: int) -> bool:
    """Whether a customer meets a condition on the latest snapshot's day; one it does not hold meets none.

    Raises NoSnapshot, ConditionRefused.
    """
    snapshot = latest_snapshot(account_id)
    tree = read(condition, snapshot_catalogue(account_id, snapshot.id))
    asked = exp.alias_(truth(tree, snapshot.as_of, only=surrogate), "met")
    mine = exp.EQ(this=column(CUSTOMER), expression=literal(surrogate))
    rows = open_snapshot(snapshot.cache).rows(exp.select(asked).from_(table(CUSTOMERS)).where(mine))
    return bool(rows and rows[0][0])
