"""Import of a CSV file of n orders into a new account."""

from typing import Any

import duckdb

from benchmarks import data, measure


def run(n: int) -> dict[str, Any]:
    """Import, then compare counts and sum with DuckDB's own reading of the file."""
    from tandem.kit import clock
    from tandem.planner.customers import service

    file = data.order_file(n)
    account_id = data.new_account("benchmark import")
    with measure.part():
        report = service.import_orders(account_id, file, clock=clock.from_environment())
    want = duckdb.execute(
        "SELECT count(*) FILTER (customer_id IS NOT NULL), count(DISTINCT customer_id), "
        "sum(amount::DECIMAL(18,2)) FILTER (customer_id IS NOT NULL), count(*) FROM read_csv(?)",
        [str(file)],
    ).fetchone()
    got = (report.taken, report.customers, report.amount, report.rows)
    if got != want or service.count_customers(account_id) != report.customers:
        raise SystemExit(f"The import counted {got}, the file holds {want}.")
    return {
        "rows_per_s": round(n / measure.figures()["wall_s"]),
        "file_mb": round(file.stat().st_size / 2**20, 1),
        "checked": f"rows {want[3]}, taken {want[0]}, customers {want[1]}, sum {want[2]} equal a direct reading",
    }
