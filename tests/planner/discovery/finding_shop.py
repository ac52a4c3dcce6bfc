"""A shop in which buyers of bags come back far more often than their recency, frequency and spend say."""

from datetime import UTC, date, datetime, timedelta

import numpy as np

from tandem.kit.clock import FrozenClock
from tandem.planner.accounts.models import Account
from tandem.planner.customers import service as customers
from tandem.planner.modelling import service as modelling

NOW = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
AS_OF = date(2026, 6, 30)
PEOPLE = 1600


def build(folder):
    """1,600 customers with one to four orders in the year before April; a third of the main categories is bags."""
    clock = FrozenClock(NOW)
    account = Account.objects.create(name="Finding shop", zone="Europe/Stockholm", currency="EUR")
    file = folder / "orders.csv"
    file.write_text("customer,date,amount,category,items\n" + "\n".join(_lines()) + "\n")
    mapping = "customer=customer,at=date,value=amount,category=category,quantity=items"
    customers.import_orders(account.pk, file, clock=clock, mapping=mapping)
    modelling.build_snapshot(account.pk, AS_OF, clock=clock)
    return account, clock


def _lines():
    rng = np.random.default_rng(7)
    begins = AS_OF - timedelta(days=90)
    for number in range(PEOPLE):
        kind = ("Bags", "Shoes", "Books")[int(rng.integers(3))]
        for _ in range(int(rng.integers(1, 5))):
            day = begins - timedelta(days=int(rng.integers(0, 365)))
            yield f"c{number},{day},{rng.integers(10, 200)},{kind},{1 + number % 4}"
        if rng.random() < (0.9 if kind == "Bags" else 0.1):
            yield f"c{number},{begins + timedelta(days=int(rng.integers(1, 90)))},50,{kind},1"
