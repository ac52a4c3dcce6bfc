"""The scores of an earlier snapshot, for a day whose models went wrong."""

import duckdb

from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.customers.service.snapshot import CUSTOMERS_FILE
from tandem.planner.customers.storage import literal, pattern
from tandem.planner.modelling.lifecycle.domain import Stage
from tandem.planner.modelling.models import SegmentCuts
from tandem.planner.modelling.scoring.domain import SCORES
from tandem.planner.modelling.segments.domain import Basis


def has_scores(account_id: int) -> bool:
    """Whether the last snapshot's future values are a model's, and not the mean spend of the stage."""
    rows = SegmentCuts.objects.filter(account_id=account_id).exclude(basis=Basis.NO_MODEL)
    return rows.exists()


def carry(session: duckdb.DuckDBPyConnection, before: SnapshotRef) -> int:
    """Make the table `scores` of an earlier snapshot, for who may be profiled and is in the same stage; how many."""
    source = f"read_parquet({pattern(before.parquet / CUSTOMERS_FILE)})"
    known = {row[0] for row in session.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    if not {"stage", *SCORES} <= known:
        return 0
    chosen = ", ".join(f"b.{one}::DOUBLE AS {one}" for one in SCORES)
    session.execute(
        f"""CREATE OR REPLACE TABLE scores AS SELECT p.customer, {chosen}
        FROM people p LEFT JOIN stages s ON s.customer = p.customer LEFT JOIN {source} b ON b.customer = p.customer
          AND p.profiled AND b.stage = coalesce(s.stage, {literal(Stage.REGISTERED)})"""
    )
    anything = " OR ".join(f"{one} IS NOT NULL" for one in SCORES)
    row = session.execute(f"SELECT count(*) FROM scores WHERE {anything}").fetchone()
    return int(row[0]) if row else 0
