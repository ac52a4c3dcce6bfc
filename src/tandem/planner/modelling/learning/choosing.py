"""Which method answers in which stage: the one that was least wrong, on days it had not been calibrated by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning import measures
from tandem.planner.modelling.learning.calibration import Calibration, calibrated
from tandem.planner.modelling.learning.domain import RUNG_LABELS, SIMPLEST, Candidate, Rung
from tandem.planner.modelling.learning.folding import Fold, completed

Array = NDArray[np.float64]
#: fewer customers than this over all back-tests: the stage takes what all stages together take
LEAST_MEMBERS = 200
#: how much of the value the best tenth may bring less than that of past spend: less than this is chance
NEAR_PAST = 0.02
#: errors nearer than this are equal, and the simpler method is taken
TIE = 0.005
BELOW_PAST = "Its best tenth brought clearly less than the tenth with the most past spend."


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The method taken and why; every candidate with its figures."""

    rung: Rung
    why: str
    candidates: tuple[Candidate, ...] = ()


def choose(folds: Sequence[Fold], *, value: bool) -> Choice:
    """By the back-tests given, each calibrated by those that were over on its day."""
    judged, rungs = _comparable(folds)
    refused = _refusals(folds, rungs)
    if not judged:
        words = "No day is far enough back to compare methods on."
        return Choice(rung=Rung.NONE, why=words, candidates=refused)
    figures = [_figures(rung, judged, folds, value=value) for rung in rungs]
    past = _past(judged) if value else None
    figures = [_against_past(one, past) for one in figures]
    rung, why = _taken(figures, value=value)
    return Choice(rung=rung, why=why, candidates=(*figures, *refused))


def calibration(folds: Sequence[Fold], rung: Rung) -> Calibration:
    """Of one method by the back-tests in which it answered, newest first."""
    return calibrated([(one.answers[rung], one.actual) for one in folds if rung in one.answers])


def _comparable(folds: Sequence[Fold]) -> tuple[tuple[Fold, ...], tuple[Rung, ...]]:
    """Back-tests and the methods that answered in all of them: as many of the first as two, then most methods."""
    able = [one for one in folds if len(one.actual)]
    ready = [one for one in able if completed(able, one.day)] or able
    if not ready:
        return (), ()
    order = sorted({rung for one in ready for rung in one.answers}, key=SIMPLEST.index)
    wanted = min(2, len(ready))
    rungs = tuple(r for r in order if sum(r in one.answers for one in ready) >= wanted)
    judged = tuple(one for one in ready if all(r in one.answers for r in rungs))
    while rungs and len(judged) < wanted:
        rarest = min(reversed(rungs), key=lambda r: sum(r in one.answers for one in ready))
        rungs = tuple(r for r in rungs if r is not rarest)
        judged = tuple(one for one in ready if all(r in one.answers for r in rungs))
    return (judged, rungs) if rungs else ((), ())


def _refusals(folds: Sequence[Fold], rungs: Sequence[Rung]) -> tuple[Candidate, ...]:
    words: dict[Rung, str] = {}
    for one in folds:
        for rung in one.answers:
            words.setdefault(rung, "It could answer on fewer than two of the days looked back at.")
        for rung, why in one.refused.items():
            words[rung] = words.get(rung) or why
    return tuple(
        Candidate(rung=rung, error=None, refused=words[rung])
        for rung in sorted(words, key=SIMPLEST.index) if rung not in rungs
    )  # fmt: skip


def _figures(rung: Rung, judged: Sequence[Fold], folds: Sequence[Fold], *, value: bool) -> Candidate:
    made = []
    for one in judged:
        before = [each.in_season(one.season) for each in completed(folds, one.day)]
        predicted = calibration(before, rung).apply(one.in_season(one.season).answers[rung])
        made.append((predicted if value else np.clip(predicted, 0, 1), one.actual))
    predicted, actual = (np.concatenate(part) for part in zip(*made, strict=True))
    errors = [measures.value_error(p, a) if value else measures.brier(p, a > 0) for p, a in made]
    weights = [len(a) for _, a in made]
    return Candidate(
        rung=rung, folds=len(judged), error=_mean(errors, weights), auc=measures.auc(predicted, actual > 0),
        capture=_mean([measures.capture(p, a) for p, a in made], weights) if value else None,
    )  # fmt: skip


def _mean(found: Sequence[float | None], weights: Sequence[int]) -> float | None:
    known = [(one, weight) for one, weight in zip(found, weights, strict=True) if one is not None]
    total = sum(weight for _, weight in known)
    return sum(one * weight for one, weight in known) / total if total else None


def _past(judged: Sequence[Fold]) -> float | None:
    return _mean(
        [measures.capture(one.past, one.actual) for one in judged], [len(one.actual) for one in judged]
    )


def _against_past(one: Candidate, past: float | None) -> Candidate:
    if past is None or one.capture is None or one.capture >= past - NEAR_PAST:
        return one
    return Candidate(**{**vars(one), "refused": BELOW_PAST})


def _taken(figures: Sequence[Candidate], *, value: bool) -> tuple[Rung, str]:
    allowed = [one for one in figures if not one.refused and one.error is not None]
    among = allowed or [one for one in figures if one.error is not None]
    best = min(one.error for one in among if one.error is not None)
    taken = next(one for one in among if one.error is not None and one.error <= best * (1 + TIE))
    what = "value" if value else "chance"
    days = "one earlier day" if taken.folds == 1 else f"{taken.folds} earlier days"
    words = f"{RUNG_LABELS[taken.rung]}: the least error of {what} on {days}"
    words += "." if taken.error == best else ", as good as the best and simpler."
    if not allowed:
        words += " None of the methods ranks better than past spend does."
    return taken.rung, words
