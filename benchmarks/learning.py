"""Learning and scoring of a whole account, without import or snapshot: n customers, ten purchases each on average.

Two runs: the day on which everything is learnt, and a day that takes what was learnt before.
"""

import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import measure

HALF = ""
LAST = date(2026, 6, 30)
SPAN = 730


def run(n: int) -> dict[str, Any]:
    """n: customers."""
    from tandem.planner.customers import storage
    from tandem.planner.modelling.learning.running import Wish, run
    from tandem.planner.modelling.lifecycle.domain import rules_from_curve
    from tandem.planner.modelling.lifecycle.queries import return_curve

    with (
        tempfile.TemporaryDirectory() as work,
        storage.duck(Path(work), Path(work) / "day.duckdb") as session,
    ):
        _log(session, n)
        wish = Wish(rules=rules_from_curve(return_curve(session, LAST)))
        with measure.part():
            store = run(session, LAST, wish)
        learnt = measure.figures()
        with measure.part():
            run(session, LAST, replace(wish, stored=store))
        cpu = round(measure.figures()["cpu_s"] - learnt["cpu_s"], 2)
        days = session.execute("SELECT count(*) FROM daily").fetchall()[0][0]
        scored = session.execute("SELECT count(future_value) FROM scores").fetchall()[0][0]
    return {
        "purchase_days": days, "scored": scored, "learning_cpu_s": learnt["cpu_s"], "learning_wall_s": learnt["wall_s"],
        "scoring_cpu_s": cpu,
        "methods": {one.model.value: [r.value for r in one.rungs] for one in store.evidence.models},
        "checked": "both runs score the same customers",
    }  # fmt: skip


def _log(session: Any, n: int) -> None:
    """People with rates, lives and amounts of their own, by a hash of their number."""
    session.execute("CREATE TABLE people AS SELECT i AS customer, TRUE AS profiled FROM range(?) r(i)", [n])
    session.execute(
        f"""CREATE TABLE daily AS WITH person AS (SELECT i AS customer, (hash(i) % {SPAN}) AS born,
            8 + hash(i, 1) % 120 AS gap, 20 + hash(i, 2) % 1500 AS life, 5 + hash(i, 3) % 80 AS size
            FROM range({n}) r(i)),
          bought AS (SELECT customer, born + (k * gap * (50 + hash(customer, k) % 100) / 100)::BIGINT AS n, size,
            k, life, born FROM person, range(40) s(k))
        SELECT customer, DATE '{LAST}' - ({SPAN} - n)::INTEGER AS day,
          sum(size * (50 + hash(customer, k, 9) % 100) / 100)::DECIMAL(18,2) AS value
        FROM bought WHERE n <= {SPAN} AND n <= born + life GROUP BY ALL"""
    )
