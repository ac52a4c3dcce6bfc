"""Generated customers for discovery: twelve features of the kinds a shop has, and skewed spend that follows none."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem.planner.discovery import binning
from tandem.planner.discovery.domain import Feature, Role, Unit

COUNTRIES = ("SE", "NO", "DK", "FI", "DE", "NL", "PL", "FR", "IT", "ES", "AT", "BE")


def columns(customers: int, seed: int) -> dict[str, NDArray[Any]]:
    """Raw columns as a snapshot has them; money, days, counts, shares, categories, flags, some of them unknown."""
    rng = np.random.default_rng(seed)
    orders = 1 + rng.negative_binomial(0.6, 0.25, customers)
    spent = np.round(orders * rng.lognormal(3.6, 0.6, customers), 2)
    share = np.where(rng.random(customers) < 0.4, 0, np.round(rng.beta(1, 4, customers), 3))
    country = np.array(COUNTRIES, object)[np.minimum(rng.geometric(0.3, customers) - 1, len(COUNTRIES) - 1)]
    age = np.where(rng.random(customers) < 0.3, np.nan, rng.integers(18, 80, customers).astype(np.float64))
    return {
        "days_since_last_order": np.floor(rng.exponential(90, customers)),
        "orders": orders.astype(np.float64),
        "total_spent": spent,
        "average_order": np.round(spent / orders, 2),
        "share_of_bags": share,
        "discount_share": np.round(rng.beta(0.5, 2, customers), 3),
        "returns": rng.poisson(0.3, customers).astype(np.float64),
        "tenure_days": rng.integers(1, 1500, customers).astype(np.float64),
        "opens": rng.poisson(4, customers).astype(np.float64),
        "age": age,
        "country": country,
        "may_receive_sms": rng.random(customers) < 0.35,
    }


def features(raw: dict[str, NDArray[Any]]) -> list[Feature]:
    """The columns in bins."""
    roles = {"days_since_last_order": (Unit.DAYS, Role.RECENCY), "total_spent": (Unit.MONEY, Role.VALUE)}
    made: list[Any] = []
    for name, values in raw.items():
        if values.dtype == np.object_:
            made.append(binning.category(name, values))
        elif values.dtype == np.bool_:
            made.append(binning.flag(name, values))
        else:
            unit, role = roles.get(name, (Unit.NONE, Role.OTHER))
            made.append(binning.number(name, values, unit=unit, role=role))
    return made


def spend(customers: int, seed: int, rate: float = 0.3) -> NDArray[np.float64]:
    """Skewed spend that follows no feature: three in ten buy, sums are lognormal."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(customers) < rate, np.round(rng.lognormal(3.5, 1.0, customers), 2), 0.0)


def rows(customers: int) -> NDArray[np.int64]:
    """Their numbers."""
    return np.arange(1, customers + 1, dtype=np.int64)
