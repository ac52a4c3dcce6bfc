"""What discovery found to a day, on the days after it: on each of the public logs, at DATES dates spread over it.

At each date T groups are searched as the product does: customers as they stood HORIZON days before T, what they did to
T, for each of GOALS. Each rule shown is then asked of the customers of T, and judged by the HORIZON days after T, which
nothing before has seen. Lifts are in the direction found; of `orders` and `surprise` in shares of customers who bought,
of `spends` in shares of the mean spend of all: `lift_vs_rfm` against as many customers of the same recency, frequency
and spend cells; `lift_vs_stage_value` against as many of the same lifecycle stages and value segments; `lift_vs_single`
against as many customers at the end of the one attribute that was best on the days searched. Each is the mean and its
95 % interval, of means over all rules of dates drawn anew. `kept_sign_share`: rules still on their side of the rest,
or of what was expected. `nothing`: why dates showed no rule.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from benchmarks import measure

HALF = ""
ROOT = Path(__file__).resolve().parents[1]
_DRAWS = 4000


@dataclass(frozen=True, kw_only=True)
class Log:
    """A public log as orders of a snapshot, and what an account would import of its customers besides.

    own: attributes by name with label and kind; of_customers: their values as they stood at the end of a day.
    """

    file: str
    orders: str
    own: tuple[tuple[str, str, str], ...] = ()
    of_customers: str = ""


_CDNOW = """SELECT column0::BIGINT AS customer, strptime(column1, '%Y%m%d')::DATE AS day,
      column3::DECIMAL(18,2) AS value, column2::DOUBLE AS quantity, NULL::VARCHAR AS category, 'sale' AS kind
    FROM (SELECT regexp_split_to_array(trim(line), '\\s+') AS p, p[1] AS column0, p[2] AS column1, p[3] AS column2,
        p[4] AS column3
      FROM read_csv('{file}', columns = {{'line': 'VARCHAR'}}, delim = '|', header = true, auto_detect = false))"""
_UCI = """SELECT CustomerID::BIGINT AS customer, InvoiceDate::DATE AS day,
      abs(Quantity * UnitPrice)::DECIMAL(18,2) AS value, abs(Quantity)::DOUBLE AS quantity,
      regexp_extract(upper(trim(Description)), '([A-Z]+)$', 1) AS category,
      CASE WHEN Quantity > 0 THEN 'sale' ELSE 'return' END AS kind
    FROM '{file}' WHERE CustomerID IS NOT NULL AND UnitPrice > 0"""
_JOURNEY = """SELECT household_id::BIGINT AS customer, transaction_timestamp::DATE AS day,
      sales_value::DECIMAL(18,2) AS value, quantity::DOUBLE AS quantity, 'store ' || store_id AS category,
      'sale' AS kind
    FROM '{file}'"""
_HABITS = """(WITH l AS (SELECT household_id::BIGINT AS customer, transaction_timestamp AS stamp, sales_value, quantity,
        retail_disc, coupon_disc + coupon_match_disc AS coupon
      FROM '{file}' WHERE transaction_timestamp::DATE <= DATE '{day}'),
    lines AS (SELECT customer, sum(retail_disc) / nullif(sum(sales_value + retail_disc), 0) AS discount_share,
        sum(coupon) AS coupons, avg((dayofweek(stamp) IN (0, 6))::INT) AS weekend_share, avg(hour(stamp)) AS hour,
        median(sales_value / nullif(quantity, 0)) AS price_level
      FROM l GROUP BY 1)
    SELECT lines.*, d.* EXCLUDE (household_id)
    FROM lines
      LEFT JOIN '{folder}/completejourney_demographics.parquet' d ON d.household_id::BIGINT = lines.customer)"""
_COUNTRY = """(SELECT CustomerID::BIGINT AS customer, arg_max(Country, InvoiceDate) AS country,
      median(UnitPrice) AS price_level, count(DISTINCT StockCode)::DOUBLE AS products,
      avg(hour(InvoiceDate)) AS hour, avg((dayofweek(InvoiceDate) IN (0, 6))::INT) AS weekend_share
    FROM '{file}' WHERE CustomerID IS NOT NULL AND Quantity > 0 AND UnitPrice > 0
      AND InvoiceDate::DATE <= DATE '{day}' GROUP BY 1)"""
_TIMES = (
    ("price_level", "usual price", "money"), ("weekend_share", "share of lines at weekends", "number"),
    ("hour", "usual hour", "number"),
)  # fmt: skip
_LOGS = {
    "cdnow": Log(file="CDNOW_master.txt", orders=_CDNOW),
    "online_retail": Log(
        file="online_retail_uci.parquet", orders=_UCI, of_customers=_COUNTRY,
        own=(("country", "country", "text"), ("products", "different products", "number"), *_TIMES),
    ),
    "complete_journey": Log(
        file="completejourney_transactions_sample.parquet", orders=_JOURNEY, of_customers=_HABITS,
        own=(
            ("discount_share", "share of discounts", "number"), ("coupons", "coupons", "money"), *_TIMES,
            ("age", "age", "text"), ("income", "income", "text"), ("household_size", "household size", "text"),
            ("kids_count", "children", "text"), ("home_ownership", "home", "text"),
        ),
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One rule on the days after."""

    goal: str
    date: int
    rfm: float
    stage_value: float
    single: float
    kept: bool


def run(n: int) -> dict[str, Any]:
    """Every log by itself, and all rules together. LOGS=cdnow,... runs some."""
    dates, days = int(os.environ.get("DATES", "8")), int(os.environ.get("HORIZON", "60"))
    folder = Path(os.environ.get("TANDEM_TEST_DATA", ROOT.parent / "shared" / "data"))
    wanted = os.environ.get("LOGS", ",".join(_LOGS)).split(",")
    goals = os.environ.get("GOALS", "surprise,orders,spends").split(",")
    found: dict[str, list[Judged]] = {}
    told: dict[str, Any] = {}
    for name in wanted:
        log = _LOGS[name]
        file = folder / log.file
        if not file.exists():
            raise SystemExit(f"{file} is not there; set TANDEM_TEST_DATA to the folder of the public logs.")
        with measure.part(), duckdb.connect(config={"memory_limit": "1GB"}) as session:
            session.execute(f"CREATE TABLE orders AS {log.orders.format(file=file)}")
            nothing: Counter[str] = Counter()
            found[name] = list(_log(_Looked(session, log, file), dates, days, goals, nothing))
        told[name] = {"dates": dates, **_by_goal(found[name], goals), "nothing": dict(nothing)}
    every = [
        Judged(**{**one.__dict__, "date": place * dates + one.date})
        for place, rules in enumerate(found.values())
        for one in rules
    ]
    return {
        "horizon_days": days, "dates": dates, **_summary(every), "by_goal": _by_goal(every, goals), "logs": told,
        "checked": "nothing after T is read before the rules of T are fixed",
    }  # fmt: skip


@dataclass(frozen=True)
class _Looked:
    """A log that is looked at."""

    session: duckdb.DuckDBPyConnection
    log: Log
    file: Path

    @property
    def own(self) -> dict[str, Any]:
        from tandem.planner.discovery.frames import Own

        return {name: Own(label=label, kind=kind) for name, label, kind in self.log.own}

    def frame(self, day: date, until: date, categories: Sequence[str] = ()) -> Any:
        """The customers at the end of a day; own attributes as they stood then."""
        from tandem.planner.discovery.frames import frame

        table = self.log.of_customers.format(file=self.file, folder=self.file.parent, day=day)
        return frame(self.session, day, until, own=self.own, own_from=table, categories=categories)


def _log(
    looked: _Looked, dates: int, days: int, goals: Sequence[str], nothing: Counter[str]
) -> Iterator[Judged]:
    from tandem.planner.discovery.discovering import discover
    from tandem.planner.discovery.frames import features_of
    from tandem.planner.discovery.judging import categories_of

    first, last = looked.session.execute("SELECT min(day), max(day) FROM orders").fetchone() or (None, None)
    begin, end = first + timedelta(days=28 + days), last - timedelta(days=days)
    horizon = timedelta(days=days)
    for place in range(dates):
        at = begin + (end - begin) * place / max(dates - 1, 1)
        before = looked.frame(at - horizon, at)
        features, _ = features_of(before, looked.own)
        for goal in goals:
            found = discover(features, _outcome(goal, before), before.customers, seed=place)
            nothing.update([f"{goal}: {found.note}"] if found.note else [])
            if found.rules:
                after = looked.frame(at, at + horizon, categories_of(found.rules))
                yield from _judged(goal, found.rules, before, after, place)


def _outcome(goal: str, found: Any) -> Any:
    from tandem.planner.discovery.domain import GoalKind, Outcome, Side

    if goal == "surprise":
        return Outcome(goal=GoalKind.SURPRISE, y=found.bought, rfm=found.rfm, side=Side.BOTH)
    return Outcome(goal=GoalKind(goal), y=found.spent if goal == "spends" else found.bought)


def _judged(goal: str, rules: Sequence[Any], before: Any, after: Any, place: int) -> Iterator[Judged]:
    from tandem.planner.discovery.judging import inside_of

    ys = [_figure(goal, one) for one in (before, after)]
    over = [_surprise(one, y, place) for one, y in zip((before, after), ys, strict=True)]
    told = over if goal == "surprise" else ys
    then, now, y = told[0], told[1], ys[1]
    cells = _stage_value(after)
    for rule in rules:
        inside = inside_of(rule, after)
        if inside.any() and not inside.all():
            side = rule.direction
            mean = side * float(now[inside].mean())
            yield Judged(
                goal=goal, date=place, rfm=side * float(over[1][inside].mean()),
                stage_value=side * (float(y[inside].mean()) - _like(cells, inside, y)),
                single=mean - _single(before, after, then, now, (rule.size, int(inside.sum()), side)),
                kept=side * (float(now[inside].mean()) - float(now[~inside].mean())) > 0,
            )  # fmt: skip


def _figure(goal: str, found: Any) -> NDArray[np.float64]:
    """Whether each bought; of spends the sum, the largest capped as discovery does, by the mean of all."""
    from tandem.planner.discovery.binning import cap

    if goal != "spends":
        return np.asarray(found.bought)
    spent = np.minimum(found.spent, cap(found.spent))
    return np.asarray(spent / max(float(spent.mean()), 1e-9))


def _surprise(found: Any, y: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """What was done less what customers of the same cells did, each without their own fold."""
    from tandem.planner.discovery.expected import cells, expected

    return np.asarray(y - expected(cells(found.rfm), y, found.customers, seed))


def _like(cells: NDArray[np.intp], inside: NDArray[np.bool_], y: NDArray[np.float64]) -> float:
    """The mean of the other customers of the same cells, each cell as often as the group has it."""
    n = np.bincount(cells[~inside], minlength=int(cells.max()) + 1)
    s = np.bincount(cells[~inside], y[~inside], minlength=len(n))
    means = np.where(n > 0, s / np.maximum(n, 1), float(y[~inside].mean()))
    return float(means[cells[inside]].mean())


def _stage_value(found: Any) -> NDArray[np.intp]:
    """Lifecycle stage by value segment, by the usual limits; returning customers count as active."""
    from tandem.planner.modelling.lifecycle.domain import StageRules
    from tandem.planner.modelling.segments.domain import VALUE_SHARES

    rules = StageRules()
    silent, spent = found.raw["days_since_last_order"], found.raw["spent_365"]
    bounds = [rules.at_risk_days, rules.churn_days, rules.dormant_days]
    stage = np.searchsorted(bounds, silent, side="left")
    stage = np.where((stage == 0) & (found.raw["tenure_days"] <= rules.new_days), len(bounds) + 1, stage)
    rank = np.argsort(np.argsort(-spent, kind="stable"), kind="stable") / max(len(spent), 1)
    value = np.searchsorted(np.cumsum(VALUE_SHARES) / 100, rank, side="right")
    return np.asarray(stage * (len(VALUE_SHARES) + 1) + value, np.intp)


def _single(
    before: Any, after: Any, then: NDArray[np.float64], now: NDArray[np.float64], asked: tuple[int, int, int]
) -> float:
    """The surprise of as many customers at one end of one attribute, the one that was best on the earlier days."""
    size, later, side = asked
    best, found = -np.inf, 0.0
    for name, values in before.raw.items():
        if values.dtype != np.object_ and name in after.raw:
            for sign in (1, -1):
                reached = side * float(then[_end(values, sign, size)].mean())
                if reached > best:
                    best, found = reached, side * float(now[_end(after.raw[name], sign, later)].mean())
    return found


def _end(values: NDArray[np.float64], sign: int, size: int) -> NDArray[np.intp]:
    """Places of the customers at the high or low end of an attribute; the unknown are at neither."""
    order = np.argsort(np.where(np.isnan(values), np.inf, -sign * values), kind="stable")
    return order[:size]


def _by_goal(rules: Sequence[Judged], goals: Sequence[str]) -> dict[str, Any]:
    return {goal: _summary([one for one in rules if one.goal == goal]) for goal in goals}


def _summary(rules: Sequence[Judged]) -> dict[str, Any]:
    if not rules:
        return {"rules": 0}
    told: dict[str, Any] = {"rules": len(rules), "dates_with_rules": len({one.date for one in rules})}
    for name in ("rfm", "stage_value", "single"):
        told[f"lift_vs_{name}"] = _mean([(one.date, getattr(one, name)) for one in rules])
    told["kept_sign_share"] = round(sum(one.kept for one in rules) / len(rules), 3)
    return told


def _mean(values: Sequence[tuple[int, float]]) -> list[float]:
    """The mean and its interval: rules of one date stand or fall together, so dates are drawn."""
    rng = np.random.default_rng(1)
    dates = sorted({day for day, _ in values})
    n = np.array([sum(day == one for day, _ in values) for one in dates], np.float64)
    s = np.array([sum(value for day, value in values if day == one) for one in dates])
    drawn = rng.integers(0, len(dates), (_DRAWS, len(dates)))
    means = s[drawn].sum(1) / n[drawn].sum(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return [round(float(one), 4) for one in (s.sum() / n.sum(), low, high)]
