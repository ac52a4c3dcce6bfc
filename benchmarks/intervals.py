"""How often the spend of a group lay in its interval: n simulated customers in shops of their own, a hidden year after.

Every shop is scored at the end of its 25 months and its interval of each group is held against what it then
spent: random groups, stages, tenths by future value, the young and the old. 80 % is what is promised. The groups of a
shop share its level, so shops count more than groups.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from benchmarks import measure

HALF = "planner"
FIRST, SPAN, AHEAD = date(2023, 6, 1), 760, 365
LAST = FIRST + timedelta(days=SPAN - 1)
PEOPLE = 4_000
LEAST = 50


def run(n: int) -> dict[str, Any]:
    """n: customers, 4,000 to a shop."""
    shops = max(n // PEOPLE, 1)
    found: list[tuple[str, bool, bool]] = []
    width: list[float] = []
    with measure.part():
        for seed in range(shops):
            for kind, size, inside, churned, wide in _judged(seed):
                found.append((kind if size >= LEAST else "", inside, churned))
                width.append(wide)
    kinds = sorted({kind for kind, _, _ in found})
    return {
        "shops": shops, "groups": len(found),
        "spend_inside": round(float(np.mean([one[1] for one in found])), 3),
        "churn_inside": round(float(np.mean([one[2] for one in found])), 3),
        "by_kind": {
            kind: [round(float(np.mean([one[place] for one in found if one[0] == kind])), 3) for place in (1, 2)]
            for kind in kinds
        },
        "median_width": round(float(np.median(width)), 3), "cpu_s": measure.figures()["cpu_s"],
    }  # fmt: skip


def _judged(seed: int) -> Iterator[tuple[str, int, bool, bool, float]]:
    """(kind of group, members, spend inside, share in Churn inside, width by middle) for the groups of one shop."""
    from tandem.planner.modelling.learning.domain import Model
    from tandem.planner.modelling.learning.intervals import churn_range, value_range
    from tandem.planner.modelling.learning.running import Wish, run
    from tandem.planner.modelling.lifecycle.domain import rules_from_curve
    from tandem.planner.modelling.lifecycle.queries import return_curve

    who, when, amount = _shop(seed)
    with duckdb.connect() as session:
        known = when < SPAN
        session.register("lines", {"customer": who[known], "n": when[known], "v": amount[known]})
        session.execute(
            f"CREATE TABLE daily AS SELECT customer, DATE '{FIRST}' + n::INTEGER AS day, v AS value FROM lines"
        )
        session.execute("CREATE TABLE people AS SELECT DISTINCT customer, true AS profiled FROM daily")
        rules = rules_from_curve(return_curve(session, LAST))
        evidence = run(session, LAST, Wish(rules=rules)).evidence
        scores = session.execute(
            """SELECT s.customer, s.future_value, s.churn_risk, s.reactivation, (SELECT max(day) FROM daily d
              WHERE d.customer = s.customer) AS last FROM scores s ORDER BY 1"""
        ).fetchnumpy()
    people = scores["customer"]
    value, churn, back = (
        np.asarray(np.ma.filled(scores[name], np.nan), float)
        for name in ("future_value", "churn_risk", "reactivation")
    )
    silent = (np.datetime64(LAST) - scores["last"].astype("datetime64[D]")).astype(int)
    stage = _stages(silent, who, when, people, rules)
    spent = np.bincount(who[~known], amount[~known], PEOPLE)[people]
    later = np.bincount(who, (when >= SPAN) & (when < SPAN + 28), PEOPLE)[people] > 0
    in_churn = ~later & (silent + 28 > rules.churn_days)
    asked_of = (Model.VALUE, Model.CHURN, Model.REACTIVATION)
    spreads = [(evidence.of(one) or evidence.models[0]).spread for one in asked_of]
    for kind, rows in _groups(seed, people, value, stage, when, who):
        sums = _sums(stage[rows], value[rows], churn[rows], back[rows])
        worth, leaving = value_range(spreads[0], sums), churn_range(spreads[1], spreads[2], sums)
        if worth is not None and leaving is not None and rows.sum() >= LEAST:
            asked = np.isfinite(value[rows])
            total = float(spent[rows][asked].sum())
            share = float(in_churn[rows].mean())
            yield (
                kind, int(rows.sum()), worth.low <= total <= worth.high,
                leaving.low - 1e-9 <= share <= leaving.high + 1e-9, (worth.high - worth.low) / worth.expected,
            )  # fmt: skip


def _stages(
    silent: NDArray[Any], who: NDArray[Any], when: NDArray[Any], people: NDArray[Any], rules: Any
) -> NDArray[np.str_]:
    """Near enough to the lifecycle's for groups; dormant ones have no value and no risk."""
    first = np.full(PEOPLE, SPAN)
    np.minimum.at(first, who, when)
    young = SPAN - first[people] <= rules.new_days
    tests = [silent > rules.dormant_days, silent > rules.churn_days, silent > rules.at_risk_days, young]
    return np.select(tests, ["Dormant", "Churn", "At risk", "New"], "Active")


def _groups(
    seed: int,
    people: NDArray[Any],
    value: NDArray[Any],
    stage: NDArray[Any],
    when: NDArray[Any],
    who: NDArray[Any],
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    rng = np.random.default_rng(seed + 10_000)
    live = stage != "Dormant"
    for share in (0.03, 0.1, 0.3, 1.0):
        for _ in range(3):
            yield f"random {share:g}", live & (rng.random(len(people)) < share)
    for one in np.unique(stage[live]):
        yield "stage", stage == one
    edges = np.nanquantile(value[live], np.arange(1, 10) / 10)
    tenth = np.searchsorted(edges, value)
    for one in range(10):
        yield "tenth", live & (tenth == one) & np.isfinite(value)
    first = np.full(PEOPLE, SPAN)
    np.minimum.at(first, who, when)
    for low, high in ((0, 250), (250, 500), (500, SPAN)):
        yield "by age", live & (first[people] >= low) & (first[people] < high)


def _sums(stage: NDArray[Any], value: NDArray[Any], churn: NDArray[Any], back: NDArray[Any]) -> list[Any]:
    from tandem.planner.modelling.learning.intervals import Sums

    found = []
    for one in np.unique(stage):
        rows = stage == one
        v, c, b = (np.nan_to_num(part[rows]) for part in (value, churn, back))
        found.append(
            Sums(stage=str(one), members=int(rows.sum()), value=v.sum(), value_squares=(v**2).sum(), churn=c.sum(),
                 churn_squares=(c**2).sum(), back=b.sum(), back_squares=(b**2).sum(),
                 asked_back=int(np.isfinite(back[rows]).sum()))
        )  # fmt: skip
    return found


def _shop(seed: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """People of different rates, lives and baskets; a shop has a level, a growth and ups and downs of its own."""
    rng = np.random.default_rng(seed)
    days = np.arange(SPAN + AHEAD)
    born = np.floor(SPAN * rng.random(PEOPLE) ** rng.uniform(0.6, 1.0)).astype(int)
    born[:10] = 0
    ends = born + rng.exponential(rng.uniform(150, 500), PEOPLE)
    rate = rng.gamma(1.2, 1 / rng.uniform(30, 90), PEOPLE)
    drift = np.exp(np.cumsum(rng.normal(0, 0.04, len(days) // 28 + 1)))[days // 28]
    bought = rng.random((PEOPLE, len(days)), dtype=np.float32) < (rate[:, None] * drift).astype(np.float32)
    bought &= (days > born[:, None]) & (days < ends[:, None])
    bought[np.arange(PEOPLE), born] = True
    who, when = np.nonzero(bought)
    basket = rng.gamma(4, 12, PEOPLE)
    return who, when, np.round(basket[who] * rng.gamma(3, 1 / 3, len(who)), 2)
