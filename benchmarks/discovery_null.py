"""How often discovery reports anything where there is nothing: RUNS runs on N customers whose outcome is drawn apart.

Under 20,000 customers (N=4000) there are 20 splits. Ten features of each kind that a shop has.

Four goals in turn: spend (skewed), an order (rate), surprise against recency, frequency and spend (both directions),
and uplift with a control group of one in ten. `lower_bound` is the one-sided 95 % bound of Clopper and Pearson; the
command fails only if it exceeds 5 %. MINUTES ends it earlier; the runs done are told. GOAL=surprise runs one goal only.
"""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from benchmarks import measure, shoppers

HALF = ""
LEVEL = 0.05
GOALS = ("spends", "orders", "surprise", "uplift")
#: ten features are searched
LEFT_OUT = ("average_order", "returns")
_AT_ONCE = 2


def run(n: int) -> dict[str, Any]:
    """Shares of runs with any rule, over all and by goal."""
    from scipy.stats import beta

    n = n if os.environ.get("N") else 20_000
    runs, minutes = int(os.environ.get("RUNS", "1000")), float(os.environ.get("MINUTES", "0"))
    ends = time.monotonic() + minutes * 60 if minutes else float("inf")
    goals = tuple(goal for goal in GOALS if goal == os.environ.get("GOAL", goal))
    hits: dict[str, list[int]] = {goal: [] for goal in goals}
    with measure.part(), ProcessPoolExecutor(_AT_ONCE) as pool:
        for first in range(0, runs, 20):
            if time.monotonic() > ends:
                break
            numbers = range(first, min(first + 20, runs))
            for number, rules in zip(
                numbers, pool.map(_one, [n] * len(numbers), numbers, [goals] * len(numbers)), strict=True
            ):
                hits[goals[number % len(goals)]].append(rules)
            print(
                f"{numbers[-1] + 1} of {runs} runs",
                {goal: sum(map(bool, hits[goal])) for goal in goals},
                file=sys.stderr,
            )
    counts = [rules for one in hits.values() for rules in one]
    any_found = sum(rules > 0 for rules in counts)
    bound = float(beta.ppf(LEVEL, any_found, len(counts) - any_found + 1)) if any_found else 0.0
    if bound > LEVEL:
        raise SystemExit(f"{any_found} of {len(counts)} runs report a group: more than {LEVEL:.0%}.")
    return {
        "customers": n,
        "runs": len(counts),
        "share_with_any": round(any_found / len(counts), 4),
        "lower_bound": round(bound, 4),
        "by_goal": {
            goal: f"{sum(rules > 0 for rules in one)} of {len(one)}" for goal, one in hits.items() if one
        },
        "rules_shown": sum(counts),
        "checked": "the outcome is drawn without a look at the features",
    }


def _one(n: int, number: int, goals: tuple[str, ...]) -> int:
    from tandem.planner.discovery.discovering import discover
    from tandem.planner.discovery.domain import GoalKind, Outcome, Side

    raw, y = shoppers.columns(n, 2 * number + 1), shoppers.spend(n, 2 * number + 2)
    raw = {name: values for name, values in raw.items() if name not in LEFT_OUT}
    goal = goals[number % len(goals)]
    if goal == "orders":
        outcome = Outcome(goal=GoalKind.ORDERS, y=(y > 0).astype(np.float64))
    elif goal == "surprise":
        rfm = (raw["days_since_last_order"], raw["orders"], raw["total_spent"])
        outcome = Outcome(goal=GoalKind.SURPRISE, y=y, rfm=rfm, side=Side.BOTH)
    elif goal == "uplift":
        treated = np.random.default_rng(number).random(n) < 0.9
        outcome = Outcome(goal=GoalKind.UPLIFT_SPENDS, y=y, treated=treated)
    else:
        outcome = Outcome(goal=GoalKind.SPENDS, y=y)
    return len(discover(shoppers.features(raw), outcome, shoppers.rows(n), seed=number).rules)
