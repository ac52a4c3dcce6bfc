"""The season of an account: how much more or less is bought in each part of a year than on average.

A year has 13 windows of 28 days from January 1 (the last has 29 or 30). Purchases after the first one are counted by
window and by windows since a customer's first purchase, and explained as number of customers x rate at that age x
level of the year x season. So neither growth nor customers who leave look like a season.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning.domain import LIFE_KINDS, Rung, Season, SeasonWindow

Array = NDArray[np.float64]
Days = NDArray[np.int64]
WINDOWS, WIDTH, YEAR = 13, 28, 365
#: days of a log before a season is used: each part of a year was seen twice
LEAST_LOG = 2 * YEAR
#: how far the same weeks of two years differ by themselves, as standard deviation of the logarithm
YEARLY = 0.1
#: windows that must be left over to measure that on the log itself
LEAST_SPARE = 6
ROUNDS, LOWEST, CUT = 60, 0.05, 0.995
_LENGTHS = np.array([WIDTH] * (WINDOWS - 1) + [YEAR - WIDTH * (WINDOWS - 1)], dtype=np.float64)
TOO_SHORT = (
    "The log covers {days:,} days. A season is looked for from {least:,} days on; until then figures are too low "
    "before a busy part of the year and too high before a quiet one."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Bought:
    """Purchase days counted: rows of (window of the first purchase, day, repeats, their amount, first purchases).

    spread: how much more amounts vary than numbers: 1 + squared coefficient of variation.
    """

    born: Days
    on: Days
    again: Array
    amount: Array
    new: Array
    spread: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Stand:
    """What a back-test's answers rest on: its day, days of log, expected repeats by window, days learnt from."""

    day: date
    age: int
    exposure: Array
    trained: tuple[date, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Index:
    """Level of each of the 13 windows, 1 = a year's mean: of amounts and of purchase days; as seen and shrunk."""

    value: Array
    orders: Array
    seen_value: Array
    seen_orders: Array
    purchases: Array
    years: Array

    @classmethod
    def of(cls, season: Season) -> "Index":
        """What evidence keeps."""
        names = ("value", "orders", "seen_value", "seen_orders", "purchases", "years")
        return cls(
            **{name: np.array([getattr(one, name) for one in season.windows], float) for name in names}
        )

    def mean(self, day: date, days: int, *, orders: bool = False) -> float:
        """The mean level of so many days after `day`."""
        level = self.orders if orders else self.value
        return float(level[_windows(day.toordinal() + np.arange(1, days + 1)) % WINDOWS].mean())

    def level(self, rung: Rung, stand: Stand, days: int, *, orders: bool = False) -> float:
        """The mean level of the days that a method's answers for so many days rest on."""
        if rung in LIFE_KINDS:
            level = self.orders if orders else self.value
            total = float(stand.exposure.sum())
            return float(stand.exposure @ level) / total if total > 0 else 1.0
        if rung is Rung.PACE:
            back = min(stand.age, YEAR)
            return self.mean(stand.day - timedelta(days=back), back)
        means = [self.mean(day, days) for day in stand.trained]
        return sum(means) / len(means) if means else 1.0

    def factor(self, rung: Rung, stand: Stand, days: int) -> float:
        """What a method's answer for the days after `stand` is multiplied by."""
        return self.mean(stand.day, days) / max(self.level(rung, stand, days), LOWEST)


def count(session: duckdb.DuckDBPyConnection, first: date) -> Bought:
    """Of the table `sampled`; single amounts above a quantile of the log's first year are cut to it."""
    row: Any = session.execute(
        f"SELECT coalesce(quantile_cont(value, {CUT}), 0)::DOUBLE FROM sampled WHERE day <= ?",
        [first + timedelta(YEAR)],
    ).fetchone()
    found = session.execute(
        f"""WITH known AS (SELECT day, gap, least(value::DOUBLE, {row[0]!r}) AS v,
            min(day) OVER (PARTITION BY customer) AS first FROM sampled)
        SELECT (year(first) - 1970) * {WINDOWS} + least((dayofyear(first) - 1) // {WIDTH}, {WINDOWS - 1}) AS born,
          day - DATE '1970-01-01' AS "on", count(gap) AS again, coalesce(sum(v) FILTER (gap IS NOT NULL), 0) AS amount,
          count(*) FILTER (gap IS NULL) AS new, coalesce(sum(v * v) FILTER (gap IS NOT NULL), 0) AS squares
        FROM known GROUP BY 1, 2 ORDER BY 1, 2"""
    ).fetchnumpy()
    again, amount = (np.asarray(found[name], dtype=np.float64) for name in ("again", "amount"))
    mean = amount.sum() / max(again.sum(), 1)
    squares = float(np.asarray(found["squares"], dtype=np.float64).sum()) / max(again.sum(), 1)
    return Bought(
        born=np.asarray(found["born"], dtype=np.int64),
        on=np.asarray(found["on"], dtype=np.int64) + date(1970, 1, 1).toordinal(),
        again=again, amount=amount, new=np.asarray(found["new"], dtype=np.float64),
        spread=max(squares / mean**2, 1.0) if mean > 0 else 1.0,
    )  # fmt: skip


def measured(bought: Bought, first: date, day: date) -> Index | None:
    """The index by what was known on a day; None while a part of the year was not seen yet."""
    if (day - first).days < YEAR:
        return None
    cells = _cells(bought, first, day)
    orders, value = (_explained(cells, cells.sums(what)) for what in ("again", "amount"))
    seen = _sums(cells.window % WINDOWS, cells.share_of_first, WINDOWS)
    purchases = _sums(cells.window % WINDOWS, cells.sums("again"), WINDOWS)
    return Index(
        value=_shrunk(value, seen, purchases / bought.spread), orders=_shrunk(orders, seen, purchases),
        seen_value=value.season, seen_orders=orders.season, purchases=purchases, years=seen,
    )  # fmt: skip


def exposure(bought: Bought, first: date, day: date) -> Array:
    """Repeat purchases expected in each window of the year up to a day, had there been no season."""
    cells = _cells(bought, first, day)
    found = _explained(cells, cells.sums("again"), seasonal=False)
    return _sums(cells.window % WINDOWS, found.expected, WINDOWS)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cells:
    """Customers by window of their first purchase (born) x each later window up to a day."""

    bought: Bought
    until: int
    start: int
    born: Days
    window: Days
    customers: Array
    share: Array

    @property
    def age(self) -> Days:
        return self.window - self.born

    @property
    def year(self) -> Days:
        """Whole years before the last window."""
        return (int(self.window.max(initial=0)) - self.window) // WINDOWS

    @property
    def share_of_first(self) -> Array:
        """The share of each window that was over, counted once for all who could buy in it."""
        return np.where(self.born == self.start, self.share, 0.0)

    def sums(self, what: str) -> Array:
        """Repeats or their amount in each cell."""
        b, width = self.bought, int(self.window.max(initial=0)) + 1
        known = b.on <= self.until
        found = np.bincount(b.born[known] * width + _windows(b.on[known]), getattr(b, what)[known])
        keys = self.born * width + self.window
        return np.where(keys < len(found), found[np.minimum(keys, len(found) - 1)], 0.0)


def _cells(bought: Bought, first: date, day: date) -> _Cells:
    until = day.toordinal()
    start, end = (int(one) for one in _windows(np.array([first.toordinal(), until])))
    places = np.arange(start, end + 1)
    born, window = (
        grid[np.triu_indices(len(places), 1)] for grid in np.meshgrid(places, places, indexing="ij")
    )
    known = bought.on <= until
    customers = _sums(bought.born[known] - start, bought.new[known], len(places))
    left = date(1970 + end // WINDOWS, 1, 1).toordinal() + WIDTH * (end % WINDOWS)
    share = np.where(window == end, min((until - left + 1) / _LENGTHS[end % WINDOWS], 1.0), 1.0)
    return _Cells(
        bought=bought, until=until, start=start, born=born, window=window, customers=customers[born - start],
        share=share,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class _Explained:
    """season: 13 levels; expected: of each cell without them; left: log of actual / explained by window, or none."""

    season: Array
    expected: Array
    left: Array


def _explained(cells: _Cells, actual: Array, *, seasonal: bool = True) -> _Explained:
    """The sums of the model equal the actual ones by age, by year and by season: proportional fitting."""
    base, age, year, place = cells.customers * cells.share, cells.age, cells.year, cells.window % WINDOWS
    season, level, rate = (
        np.ones(WINDOWS),
        np.ones(int(year.max(initial=0)) + 1),
        np.ones(int(age.max(initial=0)) + 1),
    )
    for _ in range(ROUNDS):
        before = season
        rate = _ratio(age, actual, base * season[place] * level[year], rate)
        level = _ratio(year, actual, base * season[place] * rate[age], level)
        if not seasonal:
            continue
        season = _ratio(place, actual, base * rate[age] * level[year], season)
        season = np.maximum(season, LOWEST)
        season = season / np.average(season, weights=_LENGTHS)
        if np.abs(season - before).max() < 1e-6:
            break
    expected = base * rate[age] * level[year]
    return _Explained(season=season, expected=expected, left=_left(cells, actual, expected * season[place]))


def _sums(group: Days, values: Array, groups: int) -> Array:
    return np.asarray(np.bincount(group, values, groups), dtype=np.float64)


def _ratio(group: Days, actual: Array, expected: Array, default: Array) -> Array:
    have, want = (_sums(group, one, len(default)) for one in (actual, expected))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(want > 0, have / want, default)


def _left(cells: _Cells, actual: Array, explained: Array) -> Array:
    window = cells.window - cells.start
    have, want = (np.bincount(window, one) for one in (actual, explained))
    whole = (have > 0) & (want > 0)
    return np.log(have[whole] / want[whole])


def _shrunk(found: _Explained, years: Array, purchases: Array) -> Array:
    """The logarithms drawn to 0 as far as chance, and years that differ by themselves, explain them."""
    spare = len(found.left) - WINDOWS - int(np.ceil(len(found.left) / WINDOWS))
    yearly = YEARLY**2
    if spare >= LEAST_SPARE:
        yearly = max(float((found.left**2).sum()) / spare, YEARLY**2 / 4)
    log = np.log(found.season)
    noise = 1 / np.maximum(purchases, 1) + yearly / np.maximum(years, 0.5)
    true = max(float(np.mean(log**2) - np.mean(noise)), 0.0)
    shrunk = np.exp(log * true / (true + noise))
    return np.asarray(shrunk / np.average(shrunk, weights=_LENGTHS))


def _windows(ordinals: NDArray[Any]) -> Days:
    """Number of the window of each day: 13 a year since 1970."""
    days = (np.asarray(ordinals, dtype=np.int64) - date(1970, 1, 1).toordinal()).astype("datetime64[D]")
    years = days.astype("datetime64[Y]")
    within = (days - years.astype("datetime64[D]")).astype(np.int64)
    return np.asarray(years.astype(np.int64) * WINDOWS + np.minimum(within // WIDTH, WINDOWS - 1))


def described(
    index: Index, stand: Stand, rungs: Sequence[Rung], horizon: int, *, shown: Sequence[int]
) -> dict[str, Any]:
    """The figures of an index as evidence keeps them."""
    windows = tuple(
        SeasonWindow(
            begins=(date(2001, 1, 1) + timedelta(days=WIDTH * n)).strftime("%m-%d"), value=float(index.value[n]),
            orders=float(index.orders[n]), seen_value=float(index.seen_value[n]),
            seen_orders=float(index.seen_orders[n]), purchases=int(index.purchases[n]), years=float(index.years[n]),
        )
        for n in range(WINDOWS)
    )  # fmt: skip
    return {
        "windows": windows, "levels": tuple((rung.value, index.level(rung, stand, horizon)) for rung in rungs),
        "order_level": index.level(Rung.LIFE, stand, horizon, orders=True),
        "ahead": tuple((days, index.mean(stand.day, days)) for days in shown),
    }  # fmt: skip
