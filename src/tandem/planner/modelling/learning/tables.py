"""Everything of one model's evidence as tables: a header and rows, for pages, terminals and CSV."""

from typing import Any

from tandem.planner.modelling.learning.domain import RUNG_LABELS, Decile, Evidence, Model, ModelEvidence

Table = tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]


def tables_of(evidence: Evidence, model: Model | str) -> dict[str, Table]:
    """Name -> (header, rows)."""
    found = evidence.of(Model(model))
    made = _of_model(found) if found else {}
    return {**made, **_of_all(evidence)}


def _of_model(one: ModelEvidence) -> dict[str, Table]:
    stages = [
        (s.stage, s.customers, RUNG_LABELS[s.rung], s.why, s.factor, s.flagged, s.judged, s.positives, s.error, s.auc,
         s.brier, s.capture, s.past_capture, s.ratio)
        for s in one.stages
    ]  # fmt: skip
    candidates = [
        (s.stage, RUNG_LABELS[c.rung], c.error, c.auc, c.capture, c.folds, c.refused)
        for s in one.stages for c in s.candidates
    ]  # fmt: skip
    deciles = [("All", *_decile(d)) for d in one.deciles]
    deciles += [(s.stage, *_decile(d)) for s in one.stages for d in s.deciles]
    factors = [(s.stage, day, factor) for s in one.stages for day, factor in s.factors]
    return {
        "stages": (
            ("stage", "customers", "method", "why", "factor", "flagged", "judged", "positives", "error", "auc",
             "brier", "capture", "past_capture", "actual_by_predicted"), tuple(stages)),
        "candidates": (
            ("stage", "method", "error", "auc", "capture", "backtests", "refused"), tuple(candidates)),
        "deciles": (("stage", "decile", "customers", "predicted", "actual"), tuple(deciles)),
        "factors": (("stage", "as_of", "actual_by_predicted"), tuple(factors)),
        "importance": (("attribute", "size"), one.importance),
        **_season(one),
    }  # fmt: skip


def _season(one: ModelEvidence) -> dict[str, Table]:
    if one.season is None or not one.season.windows:
        return {}
    header = (
        "from",
        "level_of_amounts",
        "level_of_purchases",
        "amounts_seen",
        "purchases_seen",
        "purchases",
        "years",
    )
    rows = [
        (w.begins, w.value, w.orders, w.seen_value, w.seen_orders, w.purchases, w.years)
        for w in one.season.windows
    ]
    return {"season": (header, tuple(rows))}


def _decile(one: Decile) -> tuple[Any, ...]:
    return one.decile, one.customers, one.predicted, one.actual


def _of_all(evidence: Evidence) -> dict[str, Table]:
    return {
        "weeks": (
            ("week_ends", "actual", "expected", "cumulative", "cumulative_expected", "held_out"),
            tuple((w.ends, w.actual, w.expected, w.cumulative, w.cumulative_expected, w.held_out)
                  for w in evidence.weeks)),
        "frequencies": (
            ("repeat_days", "actual", "expected"), tuple((f.x, f.actual, f.expected) for f in evidence.frequencies)),
        "by_frequency": (
            ("repeat_days", "customers", "expected", "actual"),
            tuple((f.x, f.customers, f.expected, f.actual) for f in evidence.by_frequency)),
        "gates": (
            ("gate", "passed", "value", "limit", "words"),
            tuple((g.name, g.passed, g.value, g.limit, g.words) for g in evidence.gates)),
        "fits": (
            ("model", "parameters", "log_likelihood", "converged", "note"),
            tuple((f.kind, " ".join(f"{k}={v}" for k, v in f.parameters.items()), f.log_likelihood, f.converged,
                   f.note) for f in evidence.fits)),
    }  # fmt: skip
