from datetime import UTC, date, datetime

import pytest

from tandem.kit.clock import FrozenClock
from tandem.planner.accounts import service as accounts
from tandem.planner.customers import service as customers
from tandem.planner.modelling.service import build_snapshot

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
ORDERS = """customer_id,ordered_at,amount,quantity,category
anna,2026-06-20 10:00:00,400.00,2,Books
anna,2026-01-05 10:00:00,100.00,1,Shoes
bert,2026-06-01 10:00:00,20.00,1,Books
cleo,2025-03-01 10:00:00,900.00,3,Shoes
"""
PEOPLE = """customer_id,country
anna,SE
bert,NO
cleo,SE
dora,
"""


@pytest.fixture
def clock():
    return FrozenClock(NOW)


@pytest.fixture(scope="module")
def kept_account(keep):
    return keep(_filled)


@pytest.fixture
def filled(kept_account, db, settings, tmp_path):
    """An account with four customers and its snapshot of 30 June."""
    return kept_account.take(settings, tmp_path)


def _filled(folder):
    clock = FrozenClock(NOW)
    account = accounts.create_account(name="Aster", zone="Europe/Stockholm", currency="SEK", clock=clock)
    fill(account.id, folder, clock)
    return account.id


def fill(account_id, folder, clock):
    for name, text, take in (
        ("o", ORDERS, customers.import_orders),
        ("p", PEOPLE, customers.import_attributes),
    ):
        file = folder / f"{name}-{account_id}.csv"
        file.write_text(text)
        take(account_id, file, clock=clock)
    build_snapshot(account_id, date(2026, 6, 30), clock=clock)
