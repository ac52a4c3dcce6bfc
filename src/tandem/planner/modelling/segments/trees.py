"""How customers are put into segments, as expression trees that every engine runs.

Over the tables `people`, `features`, `stages`, `scores` and `ranks` of a snapshot being built, and `standing`, which
`standing` here describes. A cell is told by one number, its code: the bin of each layer as a digit.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlglot
from sqlglot import exp

from tandem.planner.modelling.lifecycle.domain import STEP, Stage, StageRules
from tandem.planner.modelling.scoring.domain import MONEY, SCORES, rank_columns
from tandem.planner.modelling.segments.domain import (
    HYSTERESIS,
    LAYERS,
    VALUE_SEGMENTS,
    Basis,
    Cell,
    Clusters,
    Cutting,
    Layer,
    Segment,
)

HORIZON = 28
#: more than the bins of any layer
BASE = 4
_FLAGS = ("may_receive_email", "may_receive_sms")
_MEANS = ("future_value", "future_value_raw")


def _read(text: str) -> Any:
    return sqlglot.parse_one(text, dialect="duckdb")


def _text(value: str) -> str:
    return exp.Literal.string(value).sql(dialect="duckdb")


def standing(*, profiled: bool) -> exp.Select:
    """Stage and figures that segments are cut from; profiled: `people` says who objects, and they are left out."""
    figures = sorted({layer.figure for layers in LAYERS.values() for layer in layers} - {*_FLAGS})
    chosen = ", ".join(f"CAST(COALESCE(f.{figure}, 0) AS DOUBLE) AS {figure}" for figure in figures)
    asked = ", ".join(f"CAST(CAST(p.{flag} AS INTEGER) AS DOUBLE) AS {flag}" for flag in _FLAGS)
    made: exp.Select = _read(
        f"""SELECT p.customer, COALESCE(s.stage, {_text(Stage.REGISTERED)}) AS stage,
          f.days_since_last_order AS silence, v.future_value, {chosen}, {asked}
        FROM people AS p LEFT JOIN features AS f ON f.customer = p.customer
        LEFT JOIN stages AS s ON s.customer = p.customer LEFT JOIN scores AS v ON v.customer = p.customer"""
    )
    return made.where("NOT p.profiled IS FALSE", dialect="duckdb") if profiled else made


def tied() -> exp.Expr:
    """How many customers have a future value, and how many at most the same one."""
    return _read(
        """SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) AS customers, COALESCE(MAX(n), 0) AS tied FROM
          (SELECT future_value, COUNT(*) AS n FROM standing WHERE future_value > 0 GROUP BY 1) AS counted"""
    )


def cut(stage: Stage, layer: Layer) -> exp.Expr:
    """For each share of a layer the value that splits the stage's customers nearest to it."""
    asked = ", ".join(
        f"ARG_MIN(v, (ABS(share - {share!r}), v)) AS cut{place}" for place, share in enumerate(layer.shares)
    )
    return _read(
        f"""WITH counted AS (SELECT {layer.figure} AS v, COUNT(*) AS n FROM standing WHERE stage = {_text(stage)}
            GROUP BY 1),
          ranked AS (SELECT v, SUM(n) OVER (ORDER BY v) / SUM(n) OVER () AS share FROM counted)
        SELECT {asked} FROM ranked WHERE v < (SELECT MAX(v) FROM counted)"""
    )


def value_cuts(shares: Sequence[float], basis: Basis) -> exp.Expr:
    """The least value of each value segment but the last; shares in percent of those with a value above 0."""
    tops = [sum(shares[: place + 1]) / 100 for place in range(len(shares) - 1)]
    asked = ", ".join(
        f"MAX(v) FILTER (WHERE top >= {top - 1e-12!r}) AS cut{place}" for place, top in enumerate(tops)
    )
    return _read(
        f"""WITH counted AS (SELECT {basis.figure} AS v, COUNT(*) AS n FROM standing
            WHERE {basis.figure} > 0 GROUP BY 1),
          ranked AS (SELECT v, SUM(n) OVER (ORDER BY v DESC) / SUM(n) OVER () AS top FROM counted)
        SELECT {asked} FROM ranked"""
    )


def sampled(stage: Stage, layers: Sequence[Layer], most: int) -> exp.Expr:
    """Figures of at most so many customers of a stage, taken by their number."""
    chosen = ", ".join(f"CAST({layer.figure} AS DOUBLE) AS {layer.figure}" for layer in layers)
    return _read(
        f"""SELECT {chosen} FROM standing WHERE stage = {_text(stage)}
        ORDER BY ((customer % 4294967296) * 2654435761) % 4294967296, customer LIMIT {most:d}"""
    )


def group(clusters: Clusters) -> exp.Expr:
    """The number of the nearest centre by squared distance of ranks, in whole numbers; the first of equals."""
    ranks = [
        " + ".join(f"CAST({figure} > {knot!r} AS INTEGER)" for knot in knots) or "0"
        for figure, knots in zip(clusters.figures, clusters.knots, strict=True)
    ]
    far = [
        " ".join(
            (
                str(sum(one**2 for one in centre)),
                *(f"- {200 * one} * ({rank})" for one, rank in zip(centre, ranks, strict=True)),
            )
        )
        for centre in clusters.centres
    ]
    steps = " ".join(
        f"WHEN {' AND '.join(f'({one}) <= ({other})' for other in far[n + 1 :])} THEN {n}"
        for n, one in enumerate(far[:-1])
    )
    return _read(f"CASE {steps} ELSE {len(far) - 1} END")


def stage_code(stage: Stage, cuts: Cutting) -> exp.Expr:
    """The code of a customer of this stage."""
    if isinstance(cuts, Clusters):
        return group(cuts)
    parts = ["0"]
    for place, (layer, bounds) in enumerate(zip(LAYERS[stage], cuts, strict=True)):
        parts += [f"CAST({layer.figure} > {bound!r} AS INTEGER) * {BASE**place}" for bound in bounds]
    return _read(" + ".join(parts))


def code(cuts: Mapping[Stage, Cutting]) -> exp.Expr:
    """The code of a customer's cell."""
    ifs = [exp.If(this=exp.Literal.string(stage), true=stage_code(stage, cuts[stage])) for stage in LAYERS]
    return exp.Case(this=exp.column("stage"), ifs=ifs)


def counted(*codes: exp.Expr) -> exp.Select:
    """How many customers have each stage and codes."""
    named = [exp.alias_(one, f"code{place}") for place, one in enumerate(codes)]
    asked = exp.select("stage", *named, exp.alias_(exp.Count(this=exp.Star()), "n")).from_("standing")
    return asked.group_by(*map(str, range(1, len(codes) + 2)))


def packed(cell: Cell) -> int:
    """A cell as its code."""
    return sum(place * BASE**n for n, place in enumerate(cell))


def value_place(value: str, cuts: Sequence[float], before: str) -> str:
    """As `domain.value_place`, in words of SQL; before: the place a day earlier, perhaps unknown."""

    def place(factor: float) -> str:
        steps = " ".join(f"WHEN {value} >= {cut * factor!r} THEN {n}" for n, cut in enumerate(cuts, 1))
        return f"CASE {steps} ELSE {len(cuts) + 1} END"

    moved = f"LEAST({place(1 + HYSTERESIS)}, GREATEST({place(1 - HYSTERESIS)}, {before}))"
    return f"CASE WHEN {before} IS NULL THEN {place(1)} ELSE {moved} END"


def segments(
    cuts: Mapping[Stage, Cutting],
    defined: Iterable[Segment],
    bounds: Sequence[float],
    basis: Basis,
    *,
    before: bool,
) -> exp.Expr:
    """Everyone's micro-segment, value segment, scores and ranks; bounds: of the value segments.

    before: there is a table `day_before` of customer and value_segment.
    """
    listed = ", ".join(
        f"({_text(one.stage)}, {packed(cell)}, {one.number:d}, {_text(one.name)})"
        for one in defined
        for cell in one.cells
    )
    mean = "AVG(spent_365)" if basis is Basis.NO_MODEL else "CAST(NULL AS DOUBLE)"
    places = " ".join(f"WHEN {_text(one)} THEN {n}" for n, one in enumerate(VALUE_SEGMENTS, 1))
    known = f"CASE b.value_segment {places} END" if before else "CAST(NULL AS INTEGER)"
    joined = "LEFT JOIN day_before AS b ON b.customer = s.customer" if before else ""
    coded = code(cuts).sql(dialect="duckdb")
    place = value_place(f"COALESCE(s.{basis.figure}, 0)", bounds, known)
    named = " ".join(f"WHEN {n} THEN {_text(one)}" for n, one in enumerate(VALUE_SEGMENTS, 1))
    made: exp.Select = _read(
        f"""WITH cells AS (SELECT * FROM (VALUES {listed}) AS listed(stage, code, microsegment_id, microsegment)),
          worth AS (SELECT stage, {mean} AS mean FROM standing GROUP BY stage),
          placed AS (SELECT s.customer, s.stage, {place} AS place, {coded} AS code FROM standing AS s {joined})
        SELECT s.customer, c.microsegment_id, c.microsegment, CASE s.place {named} END AS value_segment
        FROM placed AS s JOIN worth AS w ON w.stage = s.stage LEFT JOIN scores AS v ON v.customer = s.customer
        LEFT JOIN ranks AS r ON r.customer = s.customer
        LEFT JOIN cells AS c ON c.stage = s.stage AND c.code = s.code"""
    )
    return made.select(*_scores(), *(f"r.{one}" for one in rank_columns()))


def _scores() -> list[exp.Expr]:
    """Every score under its name, money as money."""
    found = []
    for one in SCORES:
        value = f"COALESCE(v.{one}, w.mean)" if one in _MEANS else f"v.{one}"
        found.append(exp.alias_(_read(cents(value) if one in MONEY else value), one))
    return found


def cents(value: str) -> str:
    """A floating-point number as money: engines disagree on which cent is nearest, unless they are told."""
    return f"CAST(CAST(CAST(ROUND({value} * 100) AS BIGINT) AS DECIMAL(18,0)) * 0.01 AS DECIMAL(18,2))"


def figures(rules: StageRules, returns: Sequence[tuple[int, float]]) -> exp.Expr:
    """Micro-segment, members, mean future value, mean chance to be in Churn in 28 days.

    That chance: the risk of churn, in Churn one less that of reactivation; without a score what such silences led to.
    """
    churned = f"CASE WHEN s.stage = {_text(Stage.CHURN)} THEN 1 - g.reactivation ELSE g.churn_risk END"
    value = cents("AVG(CAST(COALESCE(g.future_value, 0) AS DOUBLE))")
    return _read(
        f"""SELECT g.microsegment_id, COUNT(*) AS members, {value} AS future_value,
          AVG(COALESCE({churned}, {_risk(rules, returns)})) AS churn_rate
        FROM segments AS g JOIN standing AS s ON s.customer = g.customer {_returning(returns)} GROUP BY 1"""
    )


def risks(rules: StageRules, returns: Sequence[tuple[int, float]]) -> exp.Expr:
    """As `domain.churn_risk`: silence and the chance, over `standing`."""
    return _read(
        f"SELECT s.silence, {_risk(rules, returns)} AS risk FROM standing AS s {_returning(returns)}"
    )


def _returning(returns: Sequence[tuple[int, float]]) -> str:
    if not returns:
        return ""
    listed = ", ".join(f"({place}, {float(share)!r})" for place, (_, share) in enumerate(returns))
    return (
        f"LEFT JOIN (VALUES {listed}) AS led(step, share) "
        f"ON led.step = LEAST(s.silence // {STEP}, {len(returns) - 1})"
    )


def _risk(rules: StageRules, returns: Sequence[tuple[int, float]]) -> str:
    share = "CAST(led.share AS DOUBLE)" if returns else "CAST(0 AS DOUBLE)"
    waiting = f"LEAST(GREATEST({rules.churn_days:d} - s.silence, 0) / {HORIZON}, 1.0)"
    return f"""CASE WHEN s.silence IS NULL OR s.silence + {HORIZON} <= {rules.churn_days:d} THEN CAST(0 AS DOUBLE)
      ELSE POWER(1 - {share}, CASE WHEN s.silence <= {rules.churn_days:d} THEN {waiting} ELSE 1.0 END) END"""
