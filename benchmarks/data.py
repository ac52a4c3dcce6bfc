"""Order files of any size and accounts that hold them."""

import os
from datetime import date
from pathlib import Path

import duckdb

LAST_DAY = date(2026, 6, 30)


def home() -> Path:
    """Where benchmark files lie, kept between runs."""
    folder = Path(os.environ["TANDEM_HOME"]) / "benchmark-files"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def order_file(n: int, *, one_each: bool = False) -> Path:
    """A CSV file of `n` orders of n/10 customers over two years, 1 in 1,000 rows without a customer.

    one_each: of n customers instead, one order each.
    """
    target = home() / (f"orders-{n}-each.csv" if one_each else f"orders-{n}.csv")
    if target.exists():
        return target
    made = target.with_suffix(".making")
    customer = (
        "'B' || i::VARCHAR"
        if one_each
        else f"CASE WHEN i % 1000 = 999 THEN '' ELSE 'B' || (hash(i) % {max(n // 10, 1)})::VARCHAR END"
    )
    with duckdb.connect(config={"memory_limit": "1GB"}) as session:
        session.execute(
            f"""COPY (SELECT {customer} AS customer_id,
              TIMESTAMP '2024-07-01' + INTERVAL (hash(i, 1) % (729 * 24 * 60)) MINUTE AS ordered_at,
              (100 + hash(i, 2) % 20000) / 100.0 AS amount, 1 + hash(i, 3) % 3 AS quantity,
              ['Clothing', 'Shoes', 'Running', 'Cycling', 'Camping', 'Food', 'Climbing'][1 + (hash(i, 4) % 7)::INTEGER]
              AS category FROM range({n}) AS r(i)) TO '{made}' (FORMAT csv, HEADER)"""
        )
    made.replace(target)
    return target


def new_account(name: str) -> int:
    """An account of that name; an earlier one keeps its data under its own name."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import create_account, list_accounts

    taken = sum(account.name.startswith(f"{name} ") for account in list_accounts())
    made = create_account(
        name=f"{name} {taken + 1}", zone="UTC", currency="EUR", clock=clock.from_environment()
    )
    return made.id


def account_with_orders(n: int, *, one_each: bool = False) -> int:
    """An account that holds `order_file(n)` and its snapshot, made once."""
    from tandem.kit import clock
    from tandem.planner.accounts.service import list_accounts
    from tandem.planner.customers import service
    from tandem.planner.modelling.service import build_snapshot

    name = f"benchmark {n} orders{' one each' if one_each else ''}"
    now = clock.from_environment()
    found = [account.id for account in list_accounts() if account.name == f"{name} 1"]
    account_id = found[0] if found else new_account(name)
    service.import_orders(account_id, order_file(n, one_each=one_each), clock=now)
    if not service.snapshots(account_id):
        build_snapshot(account_id, LAST_DAY, clock=now)
    return account_id
