"""Discovery at size: N customers x 12 features, cut, searched three deep, shortened, confirmed.

The group planted (+40 % spend among lapsed Norwegians with many orders) has to be found; the strongest rule's
conditions are counted once more over the raw columns.
"""

from typing import Any

import numpy as np

from benchmarks import measure, shoppers

HALF = ""


def run(n: int) -> dict[str, Any]:
    """Candidates scored, rules shown, and the CPU seconds of the binning apart."""
    from tandem.planner.discovery.discovering import discover
    from tandem.planner.discovery.domain import GoalKind, Outcome
    from tandem.planner.discovery.pruning import members

    raw, y, customers = shoppers.columns(n, 1), shoppers.spend(n, 2), shoppers.rows(n)
    planted = (raw["days_since_last_order"] > 60) & (raw["orders"] > 2) & (raw["country"] == "NO")
    y[planted] *= 1.4
    with measure.part():
        features = shoppers.features(raw)
    bins_cpu = measure.figures()["cpu_s"]
    with measure.part():
        found = discover(features, Outcome(goal=GoalKind.SPENDS, y=y), customers, seed=7)
    for rule in found.rules[:3]:
        inside = members(rule.conditions, features)
        again = np.logical_and.reduce([one.holds(raw[one.name]) for one in rule.conditions])
        if rule.size != int(again.sum()) or not np.array_equal(inside, again):
            raise SystemExit("A rule's conditions over the raw columns are not its bins.")
    return {
        "features": len(features),
        "candidates": found.candidates,
        "rules": len(found.rules),
        "bins_cpu_s": bins_cpu,
        "checked": f"{min(3, len(found.rules))} rules hold the same customers by bins and by raw values; "
        f"planted {int(planted.sum())}, strongest rule holds {found.rules[0].size if found.rules else 0}",
    }
