"""Why a customer has the scores it has: one customer against the others of the stage."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import sqlglot
from sqlglot import exp

from tandem.kit.problems import NotFound
from tandem.planner.accounts import service as accounts
from tandem.planner.customers import service as customers
from tandem.planner.engine.domain import CUSTOMER, CUSTOMERS
from tandem.planner.engine.duckdb import DuckEngine, open_snapshot
from tandem.planner.modelling.learning.domain import LABELS, Model, ModelEvidence
from tandem.planner.modelling.scoring import wording
from tandem.planner.modelling.scoring.domain import Explanation, ScoreLine, rank_column

#: what reasons may be: numbers that every snapshot has
FIGURES = (
    "days_since_last_order", "orders", "orders_30", "orders_90", "orders_365", "total_spent", "spent_30", "spent_90",
    "spent_365", "average_order", "first_day_value", "usual_gap", "tenure_days", "p_alive",
)  # fmt: skip
#: figures of figures: name -> words, kind, expression
DERIVED = {
    "silence_ratio": ("silence, in usual gaps", "number", "days_since_last_order / nullif(usual_gap, 0)")
}
LEAST_COMPARED = 50
_SILENCE = "days_since_last_order"
SAMPLED = 200_000


def explain_customer(account_id: int, customer_id: str) -> Explanation | None:
    """Where a customer stands and why; None before the first snapshot that knows it. Raises UnknownCustomer."""
    surrogate = customers.surrogate_of(account_id, customer_id)
    try:
        snapshot = customers.latest_snapshot(account_id)
    except NotFound:
        return None
    engine = open_snapshot(snapshot.cache)
    known = _one(engine, surrogate)
    if not known:
        return None
    stage, willing = known["stage"], known.get("may_be_profiled") is not False
    members, others = _others(engine, known) if willing else (0, None)
    compared = members >= LEAST_COMPARED
    labels = _labels(account_id, snapshot.id, known)
    middle = _middle(engine, stage, labels, snapshot.customers) if compared else {}
    evidence = _evidence(account_id)
    currency = accounts.get_account(account_id).currency
    lines = [_line(model, known, labels, middle, evidence.get(model), currency) for model in Model if willing]
    told = any(line and line.reasons for line in lines)
    return Explanation(
        customer_id=customer_id, as_of=snapshot.as_of, stage=stage,
        rhythm=wording.rhythm(stage, known, others if compared else None),
        scores=tuple(line for line in lines if line),
        notes=_notes(willing, compared, stage, judged=bool(evidence), scored=any(lines)),
        differs=() if told else wording.reasons(stage, labels, _figures(known, labels), middle),
    )  # fmt: skip


def _one(engine: DuckEngine, surrogate: int) -> dict[str, Any]:
    """The customer's row by column, derived figures with it; empty for one the snapshot does not know."""
    names = [row[0] for row in engine.rows(_parsed(f"SELECT name FROM pragma_table_info('{CUSTOMERS}')"))]
    derived = ", ".join(f"{expression} AS {name}" for name, (_, _, expression) in DERIVED.items())
    asked = _parsed(f"SELECT *, {derived} FROM {CUSTOMERS} WHERE {CUSTOMER} = {surrogate:d}")
    rows = engine.rows(asked)
    return dict(zip((*names, *DERIVED), rows[0], strict=True)) if rows else {}


def _others(engine: DuckEngine, known: Mapping[str, Any]) -> tuple[int, tuple[float, float] | None]:
    """Customers of the stage; the shares of them more and less active: by the chance to be a customer, else silence."""
    by, sign, against = ("p_alive", ">", "<") if known.get("p_alive") is not None else (_SILENCE, "<", ">")
    mine = known[by]
    shares = [
        "NULL" if mine is None else f"avg(CASE WHEN {by} {one} {float(mine)!r} THEN 1.0 ELSE 0.0 END)"
        for one in (sign, against)
    ]
    stage = exp.Literal.string(known["stage"]).sql(dialect="duckdb")
    asked = f"SELECT count(*), {', '.join(shares)} FROM {CUSTOMERS} WHERE stage = {stage}"
    members, more, less = engine.rows(_parsed(asked))[0]
    return int(members), None if more is None else (float(more), float(less))


def _labels(account_id: int, snapshot_id: int, known: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    catalogue = {one.name: one for one in customers.snapshot_catalogue(account_id, snapshot_id)}
    plain = {
        name: (catalogue[name].label, str(catalogue[name].kind)) for name in FIGURES if name in catalogue
    }
    return plain | {name: (label, kind) for name, (label, kind, _) in DERIVED.items() if name in known}


def _middle(
    engine: DuckEngine, stage: str, names: Mapping[str, Any], size: int
) -> dict[str, tuple[float, float] | None]:
    """Attribute -> median and interquartile range in the stage; of large accounts every so many-th customer."""
    columns = ", ".join(
        f"quantile_cont(({DERIVED[name][2] if name in DERIVED else name})::DOUBLE, [.25, .5, .75])"
        for name in names
    )
    every = max(1, size // SAMPLED)
    where = f"stage = {exp.Literal.string(stage).sql(dialect='duckdb')} AND {CUSTOMER} % {every:d} = 0"
    row = engine.rows(_parsed(f"SELECT {columns} FROM {CUSTOMERS} WHERE {where}"))[0]
    return {
        name: None if found is None else (found[1], found[2] - found[0])
        for name, found in zip(names, row, strict=True)
    }


def _line(
    model: Model,
    known: Mapping[str, Any],
    labels: Mapping[str, tuple[str, str]],
    middle: Mapping[str, tuple[float, float] | None],
    found: ModelEvidence | None,
    currency: str,
) -> ScoreLine | None:
    value = known.get(model)
    if value is None:
        return None
    ranks = ("percentile", "percentile_in_stage")
    alike = bool(value) and found is not None and known["stage"] in found.unranked
    percentile, inside = (
        known.get(rank_column(model, rank)) if value and not alike else None for rank in ranks
    )
    importance = found.importance if found else ()
    return ScoreLine(
        model=str(model), label=LABELS[model], kind="money" if model is Model.VALUE else "share", value=float(value),
        percentile=percentile, percentile_in_stage=inside,
        words=wording.says(model, float(value), currency) + (wording.alike(known["stage"]) if alike else ""),
        right=wording.right(model, float(value), percentile, found, currency),
        reasons=wording.reasons(known["stage"], labels, _figures(known, labels), middle, importance)
        if importance else (),
    )  # fmt: skip


def _figures(known: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: None if known.get(name) is None else float(known[name]) for name in names}


def _notes(willing: bool, compared: bool, stage: str, *, judged: bool, scored: bool) -> tuple[str, ...]:
    if not willing:
        return ("This person objected to profiling: there are no scores.",)
    notes = (
        []
        if compared
        else [f"Fewer than {LEAST_COMPARED} customers are in {stage}: nothing to compare with."]
    )
    if not scored:
        return (*notes, f"There are no scores of customers in {stage}.")
    if not judged:
        notes.append("No model was judged yet.")
    return tuple(notes)


def _evidence(account_id: int) -> dict[Model, ModelEvidence]:
    """What the models in force were found to do; nothing before there are any."""
    from tandem.planner.modelling.learning import service as learning

    found = {}
    for model in Model:
        with suppress(NotFound):
            found[model] = learning.backtest_of(account_id, model).of(model)
    return {model: evidence for model, evidence in found.items() if evidence}


def _parsed(query: str) -> exp.Expr:
    return sqlglot.parse_one(query, dialect="duckdb")
