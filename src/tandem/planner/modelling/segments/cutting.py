"""Segments in DuckDB, over the tables `people`, `features` and `stages` of a snapshot being built."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from tandem.planner.customers.storage import pattern
from tandem.planner.customers.trees import duck
from tandem.planner.modelling.lifecycle.domain import LEAST_CASES, Stage, StageRules
from tandem.planner.modelling.lifecycle.queries import return_curve
from tandem.planner.modelling.segments import trees
from tandem.planner.modelling.segments.domain import (
    LAYERS,
    MOST_TIED,
    Basis,
    Cell,
    Clusters,
    Cuts,
    Cutting,
    Layer,
    Segment,
)
from tandem.planner.modelling.segments.trees import BASE, HORIZON

LEAST_VALUE = 0.01


def make_standing(session: duckdb.DuckDBPyConnection) -> None:
    """The table `standing`: the stage and the figures that segments are cut from, of all who did not object."""
    people = {row[0] for row in session.execute("DESCRIBE people").fetchall()}
    standing = trees.standing(profiled="profiled" in people)
    session.execute(f"CREATE OR REPLACE TABLE standing AS {duck(standing)}")


def measured_basis(session: duckdb.DuckDBPyConnection) -> Basis:
    """Future value, unless there is none, or one value of it is that of too many customers."""
    row: Any = session.execute(duck(trees.tied())).fetchone()
    customers, tied = row
    if not customers:
        return Basis.NO_MODEL
    return Basis.TIED if customers > 1 and tied > MOST_TIED * customers else Basis.FUTURE


def measured_cuts(session: duckdb.DuckDBPyConnection) -> dict[Stage, Cuts]:
    """For each stage and layer the values that split its customers nearest to the layer's shares."""
    return {stage: tuple(_cut(session, stage, layer) for layer in layers) for stage, layers in LAYERS.items()}


def _cut(session: duckdb.DuckDBPyConnection, stage: Stage, layer: Layer) -> tuple[float, ...]:
    row: Any = session.execute(duck(trees.cut(stage, layer))).fetchone()
    return tuple(sorted({value for value in row if value is not None}))


def measured_value_cuts(
    session: duckdb.DuckDBPyConnection, shares: Sequence[float], basis: Basis
) -> tuple[float, ...]:
    """The least value of each segment but the last; shares in percent of those with a value above 0."""
    row: Any = session.execute(duck(trees.value_cuts(shares, basis))).fetchone()
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
    session: duckdb.DuckDBPyConnection, cuts: Mapping[Stage, Cutting]
) -> dict[Stage, dict[Cell, int]]:
    """How many customers each cell holds."""
    rows = session.execute(duck(trees.counted(trees.code(cuts)))).fetchall()
    found: dict[Stage, dict[Cell, int]] = {stage: {} for stage in Stage}
    for stage, code, members in rows:
        found[Stage(stage)][_cell(Stage(stage), code, cuts)] = members
    return found


def counted_overlap(
    session: duckdb.DuckDBPyConnection,
    old: tuple[Mapping[Stage, Cutting], Sequence[Segment]],
    new: tuple[Mapping[Stage, Cutting], Sequence[tuple[Stage, tuple[Cell, ...]]]],
) -> dict[tuple[int, int], int]:
    """(old segment's id, place of the new one) -> today's customers who are in both."""
    rows = session.execute(duck(trees.counted(trees.code(old[0]), trees.code(new[0])))).fetchall()
    numbers = {(s.stage, cell): s.number for s in old[1] for cell in s.cells}
    places = {(stage, cell): place for place, (stage, cells) in enumerate(new[1]) for cell in cells}
    found: dict[tuple[int, int], int] = {}
    for text, was, is_now, members in rows:
        stage = Stage(text)
        number = numbers.get((stage, _cell(stage, was, old[0])))
        place = places.get((stage, _cell(stage, is_now, new[0])))
        if number is not None and place is not None:
            found[number, place] = found.get((number, place), 0) + members
    return found


def make_segments(
    session: duckdb.DuckDBPyConnection,
    cuts: Mapping[Stage, Cutting],
    segments: Iterable[Segment],
    value_cuts: Sequence[float],
    basis: Basis,
    before: Path | None,
) -> None:
    """The table `segments`: everyone's micro-segment, value segment, scores and ranks.

    before: the Parquet of the snapshot of an earlier day, whose value segment is left only 5 % past a cut. Without any
    future value the stage's mean spend of 365 days stands for it, corrected or not.
    """
    known = _keep_before(session, before)
    made = trees.segments(cuts, segments, value_cuts, basis, before=known)
    session.execute(f"CREATE OR REPLACE TABLE segments AS {duck(made)}")
    session.execute("DROP VIEW IF EXISTS day_before")


def _keep_before(session: duckdb.DuckDBPyConnection, parquet: Path | None) -> bool:
    """Show an earlier day's value segments as `day_before`; whether there are any."""
    if parquet is None:
        return False
    source = f"read_parquet({pattern(parquet)})"
    named = {row[0] for row in session.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    if "value_segment" not in named:
        return False
    session.execute(f"CREATE OR REPLACE TEMP VIEW day_before AS SELECT customer, value_segment FROM {source}")
    return True


def figures(
    session: duckdb.DuckDBPyConnection, rules: StageRules, returns: Sequence[tuple[int, float]]
) -> dict[int, tuple[int, Decimal, float]]:
    """Micro-segment -> members, mean future value, mean chance to be in Churn in 28 days."""
    rows = session.execute(duck(trees.figures(rules, returns))).fetchall()
    return {row[0]: (row[1], row[2], float(row[3])) for row in rows}


def _cell(stage: Stage, code: int, cuts: Mapping[Stage, Cutting]) -> Cell:
    if isinstance(cuts[stage], Clusters):
        return (code,)
    return tuple(code // BASE**n % BASE for n in range(len(LAYERS[stage])))
