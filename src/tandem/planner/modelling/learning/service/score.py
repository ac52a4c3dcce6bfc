"""The scores of a snapshot being built, and the registry rows of what made them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import orjson

from tandem.kit.clock import Clock
from tandem.planner.customers import storage
from tandem.planner.customers.service import ledger
from tandem.planner.modelling.learning.domain import Evidence, Model, ModelEvidence, Rung
from tandem.planner.modelling.learning.keeping import Store, packed, unpacked
from tandem.planner.modelling.learning.learning import SEED
from tandem.planner.modelling.learning.questions import Trained
from tandem.planner.modelling.learning.running import Wish, run
from tandem.planner.modelling.learning.service.beside import beside_of
from tandem.planner.modelling.learning.service.conversion import Conversions
from tandem.planner.modelling.lifecycle.domain import StageRules
from tandem.planner.modelling.models import ModelRun, TrainingWish

FOLDER = "models"
Progress = Callable[[str, float], None]


def score(
    session: duckdb.DuckDBPyConnection,
    account_id: int,
    day: date,
    rules: StageRules,
    *,
    clock: Clock,
    seed: int = SEED,
    progress: Progress | None = None,
    no_learning: str = "",
) -> Evidence | None:
    """Make the table `scores` of `people`; what is returned is to be kept when the snapshot is published.

    People who object to profiling have no scores and are not learnt from. no_learning: why nothing is to be learnt, in
    words that are told; None then if there is nothing that was learnt before.
    """
    stored = _stored(account_id, day)
    if no_learning and stored is None:
        return None
    bought = stored and replace(stored, evidence=_but(stored.evidence, Model.CONVERSION))
    wish = Wish(
        rules=rules, seed=seed, only=_whose(session), currency=ledger.account(account_id).currency,
        stored=bought, keep=bool(no_learning), retrain=TrainingWish.objects.filter(account_id=account_id).exists(),
        tell=progress or (lambda _words, _share: None),
        beside=beside_of(session, account_id, day, clock.business() - clock.system()),
    )  # fmt: skip
    store = run(session, day, wish)
    changed = bool(store.evidence.retrained)
    if store.evidence.models:
        asked = Conversions(
            session=session, account_id=account_id, day=day, only=wish.only, beside=wish.beside, seed=seed
        )
        before = None if changed else stored
        store, learnt = _with_conversion(store, asked, before, may_learn=not no_learning)
        changed = changed or learnt
    if no_learning:
        notes = (no_learning, *store.evidence.notes)
        store = replace(store, evidence=replace(store.evidence, notes=notes))
    return _written(account_id, store) if changed else store.evidence


def _with_conversion(
    store: Store, asked: Conversions, before: Store | None, *, may_learn: bool
) -> tuple[Store, bool]:
    """Score conversion by what was learnt before, else learn it; whether it was learnt."""
    found = before.evidence.of(Model.CONVERSION) if before else None
    trained = before.trained.get(Model.CONVERSION, Trained()) if before else Trained()
    learn = may_learn and (found is None or Rung.NONE in found.rungs)
    if learn:
        found, trained = asked.learn()
    elif found is not None:
        found = asked.again(found)
    if found is None:
        return store, False
    asked.score(found, trained)
    evidence = replace(store.evidence, models=(*store.evidence.models, found))
    made = replace(store, evidence=evidence, trained={**store.trained, Model.CONVERSION: trained})
    return made, learn and bool(trained.estimators)


def _but(evidence: Evidence, model: Model) -> Evidence:
    return replace(evidence, models=tuple(one for one in evidence.models if one.model is not model))


def keep(account_id: int, snapshot_id: int, evidence: Evidence, *, clock: Clock) -> None:
    """Write down what made the scores of a snapshot, in the transaction that publishes it."""
    later = ModelRun.objects.filter(account_id=account_id, in_force=True, day__gt=evidence.day).exists()
    if not later:
        ModelRun.objects.filter(account_id=account_id, in_force=True).update(in_force=False)
    shared = _shared(evidence)
    for one in evidence.models:
        ModelRun.objects.create(
            account_id=account_id, model=one.model.value, day=evidence.day, trained_on=evidence.trained_on,
            rung=",".join(rung.value for rung in one.rungs), seed=evidence.seed, code=evidence.code,
            data_hash=evidence.data.sha256, parameters=_parameters(evidence),
            evidence={**shared, "models": [_plain(one)]},
            in_force=not later, snapshot_id=snapshot_id, drift=evidence.drift, made_at=clock.system(),
        )  # fmt: skip
    if evidence.retrained:
        TrainingWish.objects.filter(account_id=account_id).delete()


def _whose(session: duckdb.DuckDBPyConnection) -> str:
    columns = {row[0] for row in session.execute("DESCRIBE people").fetchall()}
    allowed = " WHERE profiled" if "profiled" in columns else ""
    return f"customer IN (SELECT customer FROM people{allowed})"


def _stored(account_id: int, day: date) -> Store | None:
    """What was learnt last, up to a day."""
    rows = ModelRun.objects.filter(account_id=account_id, day__lte=day).order_by("-day", "-id")
    newest = rows.values("day", "snapshot_id").first()
    if newest is None:
        return None
    found = list(rows.filter(**newest).order_by("id").values_list("evidence", flat=True))
    parts = [part for evidence in found for part in evidence["models"]]
    evidence = Evidence.from_json({**found[0], "models": parts})
    file = _file(account_id, evidence.estimators)
    if not evidence.estimators or not file.is_file():
        return None
    return unpacked(file.read_bytes(), evidence.estimators_sha256, evidence)


def _written(account_id: int, store: Store) -> Evidence:
    content, sha256 = packed(store)
    name = f"{store.evidence.day:%Y%m%d}-{sha256[:16]}.npz"
    target = storage.folder(account_id, FOLDER) / name
    made = target.with_suffix(".making")
    made.write_bytes(content)
    storage.put(made, target)
    return replace(store.evidence, estimators=name, estimators_sha256=sha256)


def _file(account_id: int, name: str) -> Path:
    return storage.folder(account_id, FOLDER) / Path(name).name


def _plain(one: ModelEvidence) -> dict[str, object]:
    found: dict[str, object] = orjson.loads(orjson.dumps(one))
    return found


def _shared(evidence: Evidence) -> dict[str, object]:
    found: dict[str, object] = orjson.loads(orjson.dumps(replace(evidence, models=())))
    return found


def _parameters(evidence: Evidence) -> dict[str, object]:
    return {fit.kind: dict(fit.parameters) for fit in evidence.fits}
