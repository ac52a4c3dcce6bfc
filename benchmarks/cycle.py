"""The daily cycle of n customers with 10 n transactions: a day read whole, and the day after it with what is new."""

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import data, measure

YESTERDAY = data.LAST_DAY - timedelta(days=1)
DAYS = 730


def run(n: int) -> dict[str, Any]:
    """Both, with the steps of each; then totals of the snapshot against a direct reading of the files."""
    from tandem.kit import clock
    from tandem.planner.customers import service

    now = clock.from_environment()
    files = order_files(n)
    account_id = data.new_account(f"benchmark cycle {n}")
    service.import_orders(account_id, files[0], clock=now)
    whole = _cycle(account_id, YESTERDAY)
    report = service.import_orders(account_id, files[1], clock=now)
    added = _cycle(account_id, data.LAST_DAY)
    made = service.latest_snapshot(account_id)
    want = duckdb.execute(
        "SELECT count(DISTINCT customer_id), sum(amount::DECIMAL(18,2)), count(DISTINCT (customer_id, ordered_at)) "
        "FROM read_csv(?, columns = {'customer_id': 'VARCHAR', 'ordered_at': 'DATE', 'amount': 'VARCHAR', "
        "'category': 'VARCHAR'})",
        [[str(file) for file in files]],
    ).fetchone()
    with duckdb.connect(str(made.cache), read_only=True) as session:
        got = session.execute("SELECT count(*), sum(total_spent), sum(orders) FROM customers").fetchone()
    if got != want or want is None:
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


def order_files(n: int) -> tuple[Path, Path]:
    """Orders to the day before the last, and those of the last with one late line in a thousand; made once.

    Customers come, buy at rates of their own and stay away for good after a time of their own.
    """
    targets = tuple(data.home() / f"cycle-{n}-{part}.csv" for part in ("before", "day"))
    if all(target.exists() for target in targets):
        return targets  # type: ignore[return-value]
    u = "((hash(i, {0}) % 1000003) / 1000003.0)"
    of_customer = "((hash(c, {0}) % 1000003) / 1000003.0)"
    with duckdb.connect(config={"memory_limit": "1500MB", "temp_directory": str(data.home())}) as session:
        session.execute(
            f"""CREATE TABLE drawn AS SELECT i, c, round(born + least({DAYS} - born, -ln(1 - life) * 300)
              * {u.format(2)})::INTEGER AS offset_days, round(exp(3 + spend + {u.format(3)}), 2) AS amount FROM (
                SELECT *, {of_customer.format(4)} * {DAYS} * .9 AS born, {of_customer.format(5)} AS life,
                  {of_customer.format(6)} AS spend FROM (
                  SELECT i, floor({n} * pow({u.format(1)}, 1.4))::BIGINT AS c FROM range({10 * n}) AS r(i)))"""
        )
        chosen = (
            f"offset_days < {DAYS} AND i % 1000 <> 7",
            f"offset_days = {DAYS} OR (offset_days < {DAYS} AND i % 1000 = 7)",
        )
        first = data.LAST_DAY - timedelta(days=DAYS)
        for target, where in zip(targets, chosen, strict=True):
            made = target.with_suffix(".making")
            session.execute(
                f"""COPY (SELECT 'B' || c AS customer_id, DATE '{first}' + offset_days AS ordered_at, amount,
                  ['Clothing', 'Shoes', 'Running', 'Cycling', 'Camping', 'Food'][1 + (hash(i, 7) % 6)::INTEGER]
                  AS category FROM drawn WHERE {where}) TO '{made}' (FORMAT csv, HEADER)"""
            )
            made.replace(target)
    return targets  # type: ignore[return-value]
