"""Whether discovery finds what is there: RUNS runs on N customers, each with a group of its own that spends 80 % more.

The group is a conjunction of two or three features, 4 to 20 % of the customers. Found: a rule shares at least half of
its customers with it. A condition on a feature the group was not made of is a noise condition; each feature is shuffled
for itself, so that none tells of the group by another name.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import measure, shoppers

HALF = ""
MORE = 1.8
_AT_ONCE = 2


def run(n: int) -> dict[str, Any]:
    """found_share, noise_condition_share and how well the best rule fits."""
    n = n if os.environ.get("N") else 60_000
    runs = int(os.environ.get("RUNS", "100"))
    with measure.part(), ProcessPoolExecutor(_AT_ONCE) as pool:
        told = list(pool.map(_one, [n] * runs, range(runs)))
    best = np.array([one[0] for one in told])
    conditions, noise = sum(one[1] for one in told), sum(one[2] for one in told)
    return {
        "customers": n,
        "runs": runs,
        "found_share": round(float((best >= 0.5).mean()), 4),
        "noise_condition_share": round(noise / max(conditions, 1), 4),
        "rules_with_planted_features_only": round(
            sum(one[4] for one in told) / max(sum(one[3] for one in told), 1), 4
        ),
        "jaccard_mean": round(float(best.mean()), 3),
        "rules_shown": sum(one[3] for one in told),
        "conditions_shown": conditions,
        "checked": "each rule's customers against the planted ones, its conditions by name",
    }


def _one(n: int, number: int) -> tuple[float, int, int, int, int]:
    """Best Jaccard; conditions and those of noise; rules and those without noise."""
    from tandem.planner.discovery.discovering import discover
    from tandem.planner.discovery.domain import GoalKind, Outcome
    from tandem.planner.discovery.pruning import jaccard, members

    drawn = np.random.default_rng(40_000 + number)
    raw = {name: drawn.permutation(one) for name, one in shoppers.columns(n, 10_000 + number).items()}
    y = shoppers.spend(n, 20_000 + number)
    features = shoppers.features(raw)
    planted, names = _planted(raw, number)
    y[planted] *= MORE
    found = discover(features, Outcome(goal=GoalKind.SPENDS, y=y), shoppers.rows(n), seed=number)
    best, conditions, noise, clean = 0.0, 0, 0, 0
    for rule in found.rules:
        best = max(best, jaccard(members(rule.conditions, features), planted))
        strange = sum(one.name not in names for one in rule.conditions)
        conditions, noise, clean = conditions + len(rule.conditions), noise + strange, clean + (not strange)
    return best, conditions, noise, len(found.rules), clean


def _planted(raw: dict[str, NDArray[Any]], number: int) -> tuple[NDArray[np.bool_], set[str]]:
    """Ranges between quantiles drawn at random, not at the bins' bounds."""
    rng = np.random.default_rng(30_000 + number)
    numbers = ["days_since_last_order", "orders", "total_spent", "tenure_days", "opens", "discount_share"]
    while True:
        names = list(rng.choice(numbers, 2, replace=False))
        inside = np.ones(len(raw["orders"]), np.bool_)
        for name in names:
            low = rng.uniform(0, 0.6)
            bounds = np.quantile(raw[name], (low, min(1.0, low + rng.uniform(0.3, 0.6))))
            inside &= (raw[name] >= bounds[0]) & (raw[name] <= bounds[1])
        if rng.random() < 0.5:
            names.append("country")
            inside &= raw["country"] != "SE"
        if 0.04 <= inside.mean() <= 0.2:
            return inside, set(names)
