"""The daily snapshot over n orders of n/10 customers."""

from typing import Any

import duckdb

from benchmarks import data, measure


def run(n: int) -> dict[str, Any]:
    """Build it, then compare totals with a direct reading of the file."""
    from tandem.kit import clock
    from tandem.planner.modelling.service import build_snapshot

    account_id = data.account_with_orders(n)
    with measure.part():
        made = build_snapshot(account_id, data.LAST_DAY, clock=clock.from_environment())
    want = duckdb.execute(
        "SELECT count(DISTINCT customer_id), sum(amount::DECIMAL(18,2)), count(DISTINCT (customer_id, "
        "ordered_at::DATE)) "
        "FROM read_csv(?) WHERE customer_id IS NOT NULL",
        [str(data.order_file(n))],
    ).fetchone()
    with duckdb.connect(str(made.cache), read_only=True) as session:
        got = session.execute("SELECT count(*), sum(total_spent), sum(orders) FROM customers").fetchone()
    if got != want:
        raise SystemExit(f"The snapshot holds {got}, the file {want}.")
    return {
        "customers": made.customers,
        "cache_mb": round(made.cache.stat().st_size / 2**20, 1),
        "checked": f"customers {want[0]}, total spent {want[1]}, order days {want[2]} equal a direct reading",
    }
