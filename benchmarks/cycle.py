"""The daily cycle of n customers with 10 n transactions: a day read whole, and the day after it with what is new.

The orders come in Parquet files of about ten million lines each, in order of time, so that ten million customers fit
on a small disk: about 2 GB of files for each million of customers at the worst moment, what PostgreSQL keeps included.
"""

import os
import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import data, measure

YESTERDAY = data.LAST_DAY - timedelta(days=1)
DAYS = 730
#: lines in a file
PIECE = 10_000_000


def run(n: int) -> dict[str, Any]:
    """Both, with the steps of each; then totals of the snapshot against a direct reading of the files."""
    from tandem.kit import clock
    from tandem.planner.customers import service

    now = clock.from_environment()
    *earlier, newest = order_files(n)
    account_id = data.new_account(f"benchmark cycle {n}")
    for file in earlier:
        service.import_orders(account_id, file, clock=now)
    whole = _cycle(account_id, YESTERDAY)
    report = service.import_orders(account_id, newest, clock=now)
    added = _cycle(account_id, data.LAST_DAY)
    made = service.latest_snapshot(account_id)
    want = _direct(n, (*earlier, newest))
    with duckdb.connect(str(made.cache), read_only=True) as session:
        got = session.execute("SELECT count(*), sum(total_spent), sum(orders) FROM customers").fetchone()
    if got != want:
        raise SystemExit(f"The snapshot holds {got}, the files {want}.")
    return {
        "customers": made.customers, "load": os.getloadavg()[0], "cache_mb": round(made.cache.stat().st_size / 2**20),
        "new_lines": report.taken, "whole": whole, "day": added,
        "checked": f"customers {want[0]}, total spent {want[1]}, order days {want[2]} equal a direct reading",
    }  # fmt: skip


def _cycle(account_id: int, day: Any) -> dict[str, Any]:
    from tandem.kit import clock
    from tandem.planner.daily import cycle, queries

    now = clock.from_environment()
    started, cpu = time.perf_counter(), time.process_time()
    with measure.part():
        cycle.run_cycle(account_id, day, clock=now)
    steps = queries.history(account_id, limit=1, clock=now)[0].steps
    return {
        "wall_s": round(time.perf_counter() - started, 1), "cpu_s": round(time.process_time() - cpu, 1),
        "steps": {one.step: [round(one.seconds or 0, 1), round(one.cpu_seconds, 1)] for one in steps},
    }  # fmt: skip


def _direct(n: int, files: tuple[Path, ...]) -> tuple[Any, ...]:
    """Customers, what they spent, and their order days as the files have them; some customers at a time."""
    found: list[Any] = []
    parts = max(1, n // 1_000_000)
    with duckdb.connect(config={"memory_limit": "1500MB", "temp_directory": str(data.home())}) as session:
        for part in range(parts):
            found += session.execute(
                "SELECT count(DISTINCT customer_id), sum(amount), count(DISTINCT (customer_id, ordered_at)) "
                f"FROM read_parquet(?) WHERE hash(customer_id) % {parts} = {part}",
                [[str(file) for file in files]],
            ).fetchall()
    return tuple(map(sum, zip(*found, strict=True)))


def order_files(n: int) -> tuple[Path, ...]:
    """Orders to the day before the last, then those of the last with one late line in a thousand; made once.

    Customers come, buy at rates of their own and stay away for good after a time of their own.
    """
    folder = data.home() / f"cycle-{n}"
    if not folder.exists():
        made = data.home() / f"cycle-{n}.making"
        shutil.rmtree(made, ignore_errors=True)
        _draw(n, made)
        for part in sorted(made.glob("part=*")):
            for place, file in enumerate(sorted(part.iterdir())):
                file.rename(made / f"{part.name.removeprefix('part=')}-{place}.parquet")
            part.rmdir()
        made.rename(folder)
    return tuple(sorted(folder.iterdir()))


def _draw(n: int, folder: Path) -> None:
    pieces = max(1, 10 * n // PIECE)
    first = data.LAST_DAY - timedelta(days=DAYS)
    u = "((hash(i, {0}) % 1000003) / 1000003.0)"
    of_customer = "((hash(c, {0}) % 1000003) / 1000003.0)"
    with duckdb.connect(
        config={"memory_limit": "1500MB", "temp_directory": str(data.home()), "threads": 1}
    ) as session:
        session.execute(
            "SET partitioned_write_flush_threshold = 1000000; SET preserve_insertion_order = false"
        )
        session.execute(
            f"""COPY (SELECT 'B' || c AS customer_id, DATE '{first}' + offset_days AS ordered_at,
              amount::DECIMAL(18,2) AS amount,
              ['Clothing', 'Shoes', 'Running', 'Cycling', 'Camping', 'Food'][1 + (hash(i, 7) % 6)::INTEGER] AS category,
              CASE WHEN offset_days = {DAYS} OR i % 1000 = 7 THEN 'last'
                ELSE format('{{:03d}}', offset_days * {pieces} // {DAYS}) END AS part
            FROM (SELECT i, c, round(born + least({DAYS} - born, -ln(1 - life) * 300) * {u.format(2)})::INTEGER AS
              offset_days, round(exp(3 + spend + {u.format(3)}), 2) AS amount FROM (
              SELECT *, {of_customer.format(4)} * {DAYS} * .9 AS born, {of_customer.format(5)} AS life,
                {of_customer.format(6)} AS spend FROM (
                SELECT i, floor({n} * pow((hash(i, 1) % 2147483647) / 2147483647.0, 1.4))::BIGINT AS c
                FROM range({10 * n}) AS r(i)))))
            TO '{folder}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (part))"""
        )
