"""What is known of each customer at the end of a day, and what came after it, from purchase days in DuckDB.

Only days up to the as-of go into features; what came later goes into labels. Amounts are money of the account.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.lifecycle.domain import Stage, StageRules
from tandem.planner.modelling.value import Histories

Array = NDArray[np.float64]
CHUNK = 250_000
#: with more purchase days than this it is worth sorting customers, so that a chunk of them is read and not searched
MANY = 30_000_000
#: a sample is taken by the customer's number times this, so that it is the same on every day and machine
_SPREAD, _MODULUS = 2654435761, 4294967296
STAGES = (Stage.NEW, Stage.ACTIVE, Stage.FROM_CHURN, Stage.AT_RISK, Stage.CHURN, Stage.DORMANT)
WINDOWS = (30, 90, 365)
#: features that the boosted trees and the logistic regression read, named as in the snapshot
FEATURES = (
    "days_since_last_order", "tenure_days", "orders", "total_spent", "average_order", "first_day_value",
    "last_value", "largest_order", "usual_gap", "longest_gap", "gap_spread", "last_gap", "silence_ratio",
    *(f"{what}_{d}" for d in WINDOWS for what in ("orders", "spent")), "stage_number",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """Customers with at least one purchase day up to `day`; arrays of one length.

    age: days of the log up to then; features: name -> float (NaN = not known); stage: index into STAGES; next_gap:
    days until the next purchase day (NaN: none seen); later: horizon in days -> (purchase days, value) within it;
    beside: what was known of them beside purchases, as `features`, its names beginning with one of `beside.BESIDE`.
    """

    day: date
    age: int
    customer: NDArray[np.int64]
    stage: NDArray[np.int8]
    features: dict[str, Array]
    next_gap: Array
    later: dict[int, tuple[Array, Array]]
    beside: dict[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.customer)

    def of(self, name: str) -> Array:
        """One feature."""
        return self.features[name]

    @property
    def histories(self) -> Histories:
        """The same people as the purchase models see them."""
        orders, silence, tenure = (self.of(n) for n in ("orders", "days_since_last_order", "tenure_days"))
        with np.errstate(divide="ignore", invalid="ignore"):
            m = np.where(
                orders > 1, (self.of("total_spent") - self.of("first_day_value")) / (orders - 1), np.nan
            )
        return Histories(orders - 1, tenure - silence, tenure, m)


def prepare(session: duckdb.DuckDBPyConnection, day: date, *, only: str = "TRUE") -> None:
    """Make `buys(customer, day, value, gap)` of the purchase days up to `day`; gap in days to the one before.

    only: SQL of our own text over `customer`. It is a view of `history`, else a table: gaps are then found once.
    """
    forget(session)
    tables = {row[0] for row in session.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    until = f"day <= DATE '{day.isoformat()}' AND ({only})"
    if "history" in tables:
        source = f"""SELECT customer, day, amount AS value,
          CASE WHEN "before" > DATE '0001-01-01' THEN day - "before" END AS gap
          FROM history WHERE code = 0 AND NOT returned AND {until}"""
        session.execute(f"CREATE TEMP VIEW buys AS {source}")
    else:
        source = f"""SELECT customer, day, value::DECIMAL(18,2) AS value,
          day - lag(day) OVER (PARTITION BY customer ORDER BY day) AS gap FROM daily WHERE {until}"""
        session.execute(f"CREATE TEMP TABLE buys AS {source}")


def forget(session: duckdb.DuckDBPyConnection) -> None:
    """Drop what was made here."""
    views = {row[0] for row in session.execute("SELECT view_name FROM duckdb_views()").fetchall()}
    session.execute(f"DROP {'VIEW' if 'buys' in views else 'TABLE'} IF EXISTS buys CASCADE")
    for table in ("sampled", "framed"):
        session.execute(f"DROP TABLE IF EXISTS {table} CASCADE")


def sample(session: duckdb.DuckDBPyConnection, most: int) -> float:
    """Make the table `sampled` of the purchase days of at most about `most` customers; the share taken."""
    row: Any = session.execute("SELECT count(*) FROM buys WHERE gap IS NULL").fetchone()
    share = min(1.0, most / max(row[0], 1))
    session.execute(f"CREATE OR REPLACE TEMP TABLE sampled AS SELECT * FROM buys WHERE {among(share)}")
    return share


def among(share: float) -> str:
    """SQL over `customer` of a share of all customers, the same ones on every day."""
    wanted = f"((customer % {_MODULUS}) * {_SPREAD}) % {_MODULUS} < {int(share * _MODULUS)}"
    return wanted if share < 1 else "TRUE"


def make_frame(
    session: duckdb.DuckDBPyConnection,
    day: date,
    rules: StageRules,
    first: date,
    horizons: tuple[int, ...] = (),
) -> Frame:
    """The frame of `sampled` at the end of `day`, with what came within `horizons` after it; first: day of the log."""
    until = day + timedelta(days=max(horizons, default=0))
    query = _query("sampled", day, rules, horizons, until)
    return _frame((day, first), rules, session.execute(query + " ORDER BY customer").fetchnumpy(), horizons)


def frame_all(session: duckdb.DuckDBPyConnection, day: date, rules: StageRules) -> int:
    """Make the table `framed` of all customers of `buys` at the end of `day`; how many they are."""
    days: Any = session.execute("SELECT count(*) FROM buys").fetchone()
    order = "ORDER BY customer" if days[0] > MANY else ""
    session.execute(f"CREATE OR REPLACE TEMP TABLE framed AS {_query('buys', day, rules, (), day)} {order}")
    row: Any = session.execute("SELECT count(*) FROM framed").fetchone()
    return int(row[0])


def chunks(
    session: duckdb.DuckDBPyConnection, day: date, rules: StageRules, first: date, most: int = CHUNK
) -> Iterator[Frame]:
    """Frames of `framed`, a chunk of customers at a time."""
    borders = session.execute(
        "SELECT customer FROM (SELECT customer, row_number() OVER (ORDER BY customer) AS n FROM framed) "
        f"WHERE (n - 1) % {most:d} = 0 ORDER BY 1"
    ).fetchall()
    ends: list[int | None] = [*(low for (low,) in borders[1:]), None]
    for (low,), high in zip(borders, ends, strict=True):
        upto = "" if high is None else f" AND customer < {high}"
        query = f"SELECT * FROM framed WHERE customer >= {low}{upto} ORDER BY customer"
        yield _frame((day, first), rules, session.execute(query).fetchnumpy(), ())


def make_histories(session: duckdb.DuckDBPyConnection) -> None:
    """Make the view `histories` of `framed`, as the purchase models read it."""
    session.execute(
        """CREATE OR REPLACE TEMP VIEW histories AS SELECT customer, (orders - 1)::INTEGER AS x,
          (tenure_days - days_since_last_order)::INTEGER AS tx, tenure_days::INTEGER AS T,
          CASE WHEN orders > 1 THEN (total_spent - first_day_value)::DOUBLE / (orders - 1) END AS m FROM framed"""
    )


def _query(source: str, day: date, rules: StageRules, horizons: tuple[int, ...], until: date) -> str:
    as_of = f"DATE '{day.isoformat()}'"
    ends = until == day  # nothing after the day is asked for: what is there is known
    known, so_far = ("", "") if ends else (f"FILTER (day <= {as_of})", f"day <= {as_of} AND ")
    windows = ", ".join(
        f"count(*) FILTER ({so_far}day > {as_of} - {d}) AS orders_{d}, "
        f"sum(value) FILTER ({so_far}day > {as_of} - {d}) AS spent_{d}"
        for d in WINDOWS
    )
    next_gap = "NULL" if ends else f"min(day) FILTER (day > {as_of}) - {as_of}"
    later = "".join(
        f", count(*) FILTER (day > {as_of} AND day <= {as_of} + {d}) AS later_{d}, "
        f"sum(value) FILTER (day > {as_of} AND day <= {as_of} + {d}) AS later_spent_{d}"
        for d in horizons
    )
    return f"""SELECT customer, count(*) {known} AS orders,
      {as_of} - max(day) {known} AS days_since_last_order, {as_of} - min(day) AS tenure_days,
      sum(value) {known} AS total_spent, max(value) FILTER (gap IS NULL) AS first_day_value,
      arg_max(value, day) {known} AS last_value, max(value) {known} AS largest_order,
      max(gap) {known} AS longest_gap, sum(gap) {known} AS gaps,
      sum(gap * gap) {known} AS squares, arg_max(gap, day) {known} AS last_gap,
      coalesce(bool_or(gap > {rules.churn_days:d}) FILTER ({so_far}day >= {as_of} - {rules.new_days:d}),
        false) AS back, {windows},
      {next_gap} AS next_gap{later}
    FROM {source} WHERE day <= DATE '{until.isoformat()}' GROUP BY customer HAVING min(day) <= {as_of}"""


def _frame(
    days: tuple[date, date], rules: StageRules, found: dict[str, Any], horizons: tuple[int, ...]
) -> Frame:
    day, first = days
    columns = {name: _floats(values) for name, values in found.items() if name not in ("customer", "back")}
    later = {d: (columns.pop(f"later_{d}"), np.nan_to_num(columns.pop(f"later_spent_{d}"))) for d in horizons}
    next_gap = columns.pop("next_gap")
    for d in WINDOWS:
        columns[f"spent_{d}"] = np.nan_to_num(columns[f"spent_{d}"])
    orders, silence = columns["orders"], columns["days_since_last_order"]
    with np.errstate(divide="ignore", invalid="ignore"):
        columns["average_order"] = columns["total_spent"] / orders
        gap = np.where(orders > 1, (columns["tenure_days"] - silence) / (orders - 1), np.nan)
        columns["usual_gap"], columns["silence_ratio"] = gap, silence / gap
        around = columns.pop("squares") - columns.pop("gaps") ** 2 / (orders - 1)
        columns["gap_spread"] = np.where(orders > 2, np.sqrt(np.maximum(around, 0) / (orders - 2)), np.nan)
    stage = stages_of(rules, silence, columns["tenure_days"], np.ma.filled(found["back"], False).astype(bool))
    columns["stage_number"] = stage.astype(np.float64)
    customers = np.asarray(found["customer"], dtype=np.int64)
    return Frame(
        day=day,
        age=(day - first).days + 1,
        customer=customers,
        stage=stage,
        features=columns,
        next_gap=next_gap,
        later=later,
    )


def stages_of(rules: StageRules, silence: Array, tenure: Array, back: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Indices into STAGES by the rules of the lifecycle; first match wins."""
    tests = (
        (Stage.DORMANT, silence > rules.dormant_days),
        (Stage.CHURN, silence > rules.churn_days),
        (Stage.AT_RISK, silence > rules.at_risk_days),
        (Stage.FROM_CHURN, back),
        (Stage.NEW, tenure <= rules.new_days),
    )
    numbers = [STAGES.index(stage) for stage, _ in tests]
    return np.select([test for _, test in tests], numbers, STAGES.index(Stage.ACTIVE)).astype(np.int8)


def _floats(values: Any) -> Array:
    return np.asarray(np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan))
