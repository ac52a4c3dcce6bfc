"""What the registry says: the models in force, those before them, and how right each was."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound
from tandem.planner.accounts import service as accounts
from tandem.planner.modelling.learning.domain import (
    LABELS,
    MEANINGS,
    RUNG_LABELS,
    Evidence,
    GateResult,
    Model,
    ModelEvidence,
    StageEvidence,
)
from tandem.planner.modelling.models import ModelRun, TrainingWish


class NoModels(NotFound):
    """Nothing was learnt yet, or not that."""

    title = "There is no such model"


@dataclass(frozen=True, kw_only=True)
class RunView:
    """One model as it was made for one snapshot."""

    id: int
    model: Model
    day: date
    trained_on: date
    made_at: datetime
    rungs: tuple[str, ...]
    in_force: bool
    seed: int
    code: str
    data_hash: str
    parameters: dict[str, Any]
    drift: float | None
    snapshot_id: int


@dataclass(frozen=True, kw_only=True)
class ModelLine:
    """One model in force: what it says, how, and how often it was right."""

    model: Model
    label: str
    meaning: str
    rungs_words: str
    population: int
    horizon: int
    stages: tuple[StageEvidence, ...]
    judged_on: date | None
    judged: int
    error: float | None
    auc: float | None
    brier: float | None
    capture: float | None
    past_capture: float | None
    ratio: float | None
    flagged: bool
    words: tuple[str, ...]
    run_id: int
    in_force_since: date
    trained_on: date


@dataclass(frozen=True, kw_only=True)
class ModelsView:
    """The models in force."""

    day: date
    trained_on: date
    retrained: str
    retrain_asked: bool
    currency: str
    gates: tuple[GateResult, ...]
    drift: float | None
    drifted: tuple[tuple[str, float], ...]
    notes: tuple[str, ...]
    models: tuple[ModelLine, ...]


def models_of(account_id: int) -> ModelsView | None:
    """The models in force; None before the first snapshot that had enough data."""
    rows = list(ModelRun.objects.filter(account_id=account_id, in_force=True).order_by("id"))
    if not rows:
        return None
    evidence = Evidence.from_json(rows[0].evidence)
    asked = TrainingWish.objects.filter(account_id=account_id).exists()
    return ModelsView(
        day=evidence.day, trained_on=evidence.trained_on, retrained=evidence.retrained, retrain_asked=asked,
        currency=evidence.currency, gates=evidence.gates, drift=evidence.drift, drifted=evidence.drifted,
        notes=evidence.notes, models=tuple(_line(row) for row in rows),
    )  # fmt: skip


def runs(account_id: int, model: Model | str | None = None, limit: int = 50) -> tuple[RunView, ...]:
    """What was made, newest first; of one model or all."""
    rows = ModelRun.objects.filter(account_id=account_id)
    if model is not None:
        rows = rows.filter(model=_model(model).value)
    return tuple(_view(row) for row in rows.order_by("-day", "-id")[:limit])


def model_run(account_id: int, run_id: int) -> RunView:
    """One of them. Raises NoModels."""
    row = ModelRun.objects.filter(account_id=account_id, id=run_id).first()
    if row is None:
        raise NoModels(f"There is no model run {run_id}.", "`tandem models list` shows those that are there.")
    return _view(row)


def backtest_of(account_id: int, model: Model | str, day: date | None = None) -> Evidence:
    """The evidence of one model: of the run in force, or of the newest up to a day. Raises NoModels."""
    wanted = _model(model)
    rows = ModelRun.objects.filter(account_id=account_id, model=wanted.value)
    rows = rows.filter(in_force=True) if day is None else rows.filter(day__lte=day)
    row = rows.order_by("-day", "-id").first()
    if row is None:
        raise NoModels(
            f"{LABELS[wanted]} was not learnt yet.",
            "Import orders of at least 100 customers over 28 days, then build a snapshot.",
        )
    return Evidence.from_json(row.evidence)


def ask_training(account_id: int, *, actor: str, clock: Clock) -> None:
    """Have everything learnt again when the next snapshot is built."""
    with transaction.atomic():
        TrainingWish.objects.get_or_create(account_id=account_id, defaults={"asked_at": clock.system()})
        accounts.record(account_id, actor=actor, action="models.train", subject="", clock=clock)


def _model(text: Model | str) -> Model:
    try:
        return Model(text)
    except ValueError as error:
        names = ", ".join(one.value for one in Model)
        raise NoModels(f"There is no model {text}.", f"The models are {names}.") from error


def _line(row: ModelRun) -> ModelLine:
    found = _only(row)
    since = (
        ModelRun.objects.filter(
            account_id=row.account_id, model=row.model, trained_on=row.trained_on, rung=row.rung
        )
        .order_by("day")
        .values_list("day", flat=True)
        .first()
    )
    return ModelLine(
        model=found.model, label=LABELS[found.model], meaning=MEANINGS[found.model], population=found.population,
        rungs_words=", ".join(RUNG_LABELS[rung] for rung in found.rungs) or "No model", horizon=found.horizon,
        stages=found.stages, judged_on=found.judged_on, judged=found.judged,
        error=found.error, auc=found.auc, brier=found.brier,
        capture=found.capture, past_capture=found.past_capture, ratio=found.ratio, flagged=found.factor_flagged,
        words=found.told, run_id=row.id, in_force_since=since or row.day, trained_on=row.trained_on,
    )  # fmt: skip


def _only(row: ModelRun) -> ModelEvidence:
    return Evidence.from_json({**row.evidence}).models[0]


def _view(row: ModelRun) -> RunView:
    return RunView(
        id=row.id, model=Model(row.model), day=row.day, trained_on=row.trained_on, made_at=row.made_at,
        rungs=tuple(filter(None, row.rung.split(","))), in_force=row.in_force, seed=row.seed, code=row.code,
        data_hash=row.data_hash, parameters=row.parameters, drift=row.drift, snapshot_id=row.snapshot_id,
    )  # fmt: skip
