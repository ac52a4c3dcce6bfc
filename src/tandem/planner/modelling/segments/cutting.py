"""Segments in DuckDB, over the tables `people`, `features` and `stages` of a snapshot being built."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from tandem.planner.customers.storage import literal, pattern
from tandem.planner.modelling.lifecycle.domain import LEAST_CASES, STEP, Stage, StageRules
from tandem.planner.modelling.lifecycle.queries import return_curve
from tandem.planner.modelling.scoring.domain import MONEY, SCORES, rank_columns
from tandem.planner.modelling.segments.domain import (
    HYSTERESIS,
    LAYERS,
    MOST_TIED,
    VALUE_SEGMENTS,
    Basis,
    Cell,
    Cuts,
    Layer,
    Segment,
)

HORIZON = 28
LEAST_VALUE = 0.01
_BASE = 4  # more than the bins of any layer


def make_standing(session: duckdb.DuckDBPyConnection) -> None:
    """The table `standing`: the stage and the figures that segments are cut from, of all who did not object."""
    flags = ("may_receive_email", "may_receive_sms")
    figures = sorted({layer.figure for layers in LAYERS.values() for layer in layers} - {*flags})
    chosen = ", ".join(f"coalesce(f.{figure}, 0)::DOUBLE AS {figure}" for figure in figures)
    asked = ", ".join(f"p.{flag}::INTEGER::DOUBLE AS {flag}" for flag in flags)
    people = {row[0] for row in session.execute("DESCRIBE people").fetchall()}
    willing = "WHERE p.profiled IS NOT FALSE" if "profiled" in people else ""
    session.execute(
        f"""CREATE OR REPLACE TABLE standing AS SELECT p.customer, coalesce(s.stage, {literal(Stage.REGISTERED)}) AS
          stage, f.days_since_last_order AS silence, v.future_value, {chosen}, {asked}
        FROM people p LEFT JOIN features f ON f.customer = p.customer LEFT JOIN stages s ON s.customer = p.customer
          LEFT JOIN scores v ON v.customer = p.customer {willing}"""
    )


def measured_basis(session: duckdb.DuckDBPyConnection) -> Basis:
    """Future value, unless there is none, or one value of it is that of too many customers."""
    row: Any = session.execute(
        """SELECT coalesce(sum(n), 0), coalesce(max(n), 0) FROM (SELECT future_value, count(*) AS n FROM standing
        WHERE future_value > 0 GROUP BY 1)"""
    ).fetchone()
    customers, tied = row
    if not customers:
        return Basis.NO_MODEL
    return Basis.TIED if customers > 1 and tied > MOST_TIED * customers else Basis.FUTURE


def measured_cuts(session: duckdb.DuckDBPyConnection) -> dict[Stage, Cuts]:
    """For each stage and layer the values that split its customers nearest to the layer's shares."""
    return {stage: tuple(_cut(session, stage, layer) for layer in layers) for stage, layers in LAYERS.items()}


def _cut(session: duckdb.DuckDBPyConnection, stage: Stage, layer: Layer) -> tuple[float, ...]:
    asked = ", ".join(f"arg_min(v, (abs(share - {share!r}), v))" for share in layer.shares)
    row: Any = session.execute(
        f"""WITH counted AS (SELECT {layer.figure} AS v, count(*) AS n FROM standing WHERE stage = ? GROUP BY 1),
          ranked AS (SELECT v, sum(n) OVER (ORDER BY v) / sum(n) OVER () AS share FROM counted)
        SELECT {asked} FROM ranked WHERE v < (SELECT max(v) FROM counted)""",
        [str(stage)],
    ).fetchone()
    return tuple(sorted({value for value in row if value is not None}))


def measured_value_cuts(
    session: duckdb.DuckDBPyConnection, shares: Sequence[float], basis: Basis
) -> tuple[float, ...]:
    """The least value of each segment but the last; shares in percent of those with a value above 0."""
    tops = [sum(shares[: place + 1]) / 100 for place in range(len(shares) - 1)]
    asked = ", ".join(f"max(v) FILTER (top >= {top - 1e-12!r})" for top in tops)
    row: Any = session.execute(
        f"""WITH counted AS (SELECT {basis.figure} AS v, count(*) AS n FROM standing WHERE v > 0 GROUP BY 1),
          ranked AS (SELECT v, sum(n) OVER (ORDER BY v DESC) / sum(n) OVER () AS top FROM counted)
        SELECT {asked} FROM ranked"""
    ).fetchone()
    return tuple(max(value or 0.0, LEAST_VALUE) for value in row)


def measured_returns(session: duckdb.DuckDBPyConnection, day: date) -> tuple[tuple[int, float], ...]:
    """(days of silence, share that buys in the following 28 days), while there are enough cases."""
    points = []
    for point in return_curve(session, day, HORIZON):
        if point.cases < LEAST_CASES:
            break
        points.append((point.silence, point.share))
    return tuple(points)


def counted_cells(
    session: duckdb.DuckDBPyConnection, cuts: Mapping[Stage, Cuts]
) -> dict[Stage, dict[Cell, int]]:
    """How many customers each cell holds."""
    rows = session.execute(
        f"SELECT stage, {_code(cuts)} AS code, count(*) AS n FROM standing GROUP BY 1, 2"
    ).fetchall()
    found: dict[Stage, dict[Cell, int]] = {stage: {} for stage in Stage}
    for stage, code, members in rows:
        found[Stage(stage)][_cell(Stage(stage), code)] = members
    return found


def counted_overlap(
    session: duckdb.DuckDBPyConnection,
    old: tuple[Mapping[Stage, Cuts], Sequence[Segment]],
    new: tuple[Mapping[Stage, Cuts], Sequence[tuple[Stage, tuple[Cell, ...]]]],
) -> dict[tuple[int, int], int]:
    """(old segment's id, place of the new one) -> today's customers who are in both."""
    rows = session.execute(
        f"SELECT stage, {_code(old[0])} AS was, {_code(new[0])} AS is_now, count(*) AS n FROM standing "
        "GROUP BY ALL"
    ).fetchall()
    numbers = {(s.stage, cell): s.number for s in old[1] for cell in s.cells}
    places = {(stage, cell): place for place, (stage, cells) in enumerate(new[1]) for cell in cells}
    found: dict[tuple[int, int], int] = {}
    for text, was, is_now, members in rows:
        stage = Stage(text)
        number = numbers.get((stage, _cell(stage, was)))
        place = places.get((stage, _cell(stage, is_now)))
        if number is not None and place is not None:
            found[number, place] = found.get((number, place), 0) + members
    return found


def make_segments(
    session: duckdb.DuckDBPyConnection,
    cuts: Mapping[Stage, Cuts],
    segments: Iterable[Segment],
    value_cuts: Sequence[float],
    basis: Basis,
    before: Path | None,
) -> None:
    """The table `segments`: everyone's micro-segment, value segment, scores and ranks.

    before: the Parquet of the snapshot of an earlier day, whose value segment is left only 5 % past a cut. Without any
    future value the stage's mean spend of 365 days stands for it, corrected or not.
    """
    listed = [
        f"({literal(one.stage)}, {_packed(cell)}, {one.number:d}, {literal(one.name)})"
        for one in segments
        for cell in one.cells
    ]
    session.execute(
        "CREATE OR REPLACE TABLE cells AS SELECT * FROM (VALUES "
        f"{', '.join(listed)}) AS listed(stage, code, microsegment_id, microsegment)"
    )
    session.execute(
        f"""CREATE OR REPLACE TABLE worth AS SELECT stage,
          CASE WHEN {basis is Basis.NO_MODEL} THEN avg(spent_365) END AS mean FROM standing GROUP BY stage"""
    )
    joined, known = _before(session, before)
    session.execute(
        f"""CREATE OR REPLACE TABLE segments AS SELECT s.customer, c.microsegment_id, c.microsegment,
          {_names()}[{_place(f"coalesce(s.{basis.figure}, 0)", value_cuts, known)}] AS value_segment, {_scores()}
        FROM (SELECT *, {_code(cuts)} AS code FROM standing) s JOIN worth w ON w.stage = s.stage
        LEFT JOIN scores v ON v.customer = s.customer LEFT JOIN ranks r ON r.customer = s.customer
        LEFT JOIN cells c ON c.stage = s.stage AND c.code = s.code {joined}"""
    )


def _scores() -> str:
    """Every score and rank under its name, money as money."""
    means = ("future_value", "future_value_raw")
    scores = [
        f"{f'coalesce(v.{one}, w.mean)' if one in means else f'v.{one}'}"
        f"{'::DECIMAL(18,2)' if one in MONEY else ''} AS {one}"
        for one in SCORES
    ]
    return ", ".join((*scores, *(f"r.{one}" for one in rank_columns())))


def _before(session: duckdb.DuckDBPyConnection, parquet: Path | None) -> tuple[str, str]:
    """The join with an earlier day's value segments, and the place it gives."""
    if parquet is None:
        return "", "NULL::INTEGER"
    source = f"read_parquet({pattern(parquet)})"
    named = {row[0] for row in session.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    if "value_segment" not in named:
        return "", "NULL::INTEGER"
    return f"LEFT JOIN {source} b ON b.customer = s.customer", f"list_position({_names()}, b.value_segment)"


def figures(
    session: duckdb.DuckDBPyConnection, rules: StageRules, returns: Sequence[tuple[int, float]]
) -> dict[int, tuple[int, Decimal, float]]:
    """Micro-segment -> members, mean future value, mean chance to be in Churn in 28 days.

    That chance: the risk of churn, in Churn one less that of reactivation; without a score what such silences led to.
    """
    churned = f"CASE WHEN s.stage = {literal(Stage.CHURN)} THEN 1 - g.reactivation ELSE g.churn_risk END"
    rows = session.execute(
        f"""SELECT g.microsegment_id, count(*), avg(coalesce(g.future_value, 0))::DECIMAL(18,2),
          avg(coalesce({churned}, {_risk(rules, returns)}))
        FROM segments g JOIN standing s ON s.customer = g.customer GROUP BY 1"""
    ).fetchall()
    return {row[0]: (row[1], row[2], float(row[3])) for row in rows}


def _risk(rules: StageRules, returns: Sequence[tuple[int, float]]) -> str:
    """As `segments.churn_risk`."""
    shares = ", ".join(repr(float(share)) for _, share in returns)
    returning = f"[{shares}][least(silence // {STEP}, {len(returns) - 1}) + 1]" if returns else "0.0"
    waiting = f"least(greatest({rules.churn_days:d} - silence, 0) / {HORIZON}, 1.0)"
    return f"""CASE WHEN silence IS NULL OR silence + {HORIZON} <= {rules.churn_days:d} THEN 0.0
      ELSE pow(1 - {returning}, CASE WHEN silence <= {rules.churn_days:d} THEN {waiting} ELSE 1.0 END) END"""


def _names() -> str:
    return "[" + ", ".join(literal(one) for one in VALUE_SEGMENTS) + "]"


def _place(value: str, cuts: Sequence[float], before: str) -> str:
    """As `segments.value_place`."""

    def place(factor: float) -> str:
        steps = " ".join(f"WHEN {value} >= {cut * factor!r} THEN {n}" for n, cut in enumerate(cuts, 1))
        return f"CASE {steps} ELSE {len(cuts) + 1} END"

    moved = f"least({place(1 + HYSTERESIS)}, greatest({place(1 - HYSTERESIS)}, {before}))"
    return f"CASE WHEN {before} IS NULL THEN {place(1)} ELSE {moved} END"


def _code(cuts: Mapping[Stage, Cuts]) -> str:
    """A customer's cell as one number."""
    stages = " ".join(f"WHEN {literal(stage)} THEN {_stage_code(stage, cuts)}" for stage in LAYERS)
    return f"CASE stage {stages} END"


def _stage_code(stage: Stage, cuts: Mapping[Stage, Cuts]) -> str:
    parts = ["0"]
    for n, (layer, bounds) in enumerate(zip(LAYERS[stage], cuts[stage], strict=True)):
        parts += [f"({layer.figure} > {bound!r})::INTEGER * {_BASE**n}" for bound in bounds]
    return " + ".join(parts)


def _packed(cell: Cell) -> int:
    return sum(place * _BASE**n for n, place in enumerate(cell))


def _cell(stage: Stage, code: int) -> Cell:
    return tuple(code // _BASE**n % _BASE for n in range(len(LAYERS[stage])))
