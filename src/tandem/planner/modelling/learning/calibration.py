"""Predictions brought to the level of what happened, by completed back-tests of earlier days only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning.domain import LEAST_FACTOR, MOST_FACTOR
from tandem.planner.modelling.learning.measures import CUT

Array = NDArray[np.float64]
LEAST_CASES = 30
LEAST_CURVE = 1_000
BINS = 20
LOWEST, HIGHEST = 0.2, 5.0


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What predictions of one stage are multiplied by; with a curve its points instead.

    factors: actual / predicted of each back-test, None where it had too few buyers to say.
    """

    factor: float = 1.0
    factors: tuple[float | None, ...] = ()
    curve: tuple[tuple[float, float], ...] = ()

    def apply(self, predicted: Array) -> Array:
        """Calibrated predictions."""
        if not self.curve:
            return predicted * self.factor
        known, to = np.array(self.curve).T
        above = predicted > known[-1]
        found = np.interp(predicted, known, to)
        return np.where(above, predicted * (to[-1] / max(known[-1], 1e-12)), found)

    @property
    def flagged(self) -> bool:
        """Whether the level was off by more than a quarter, or a fifth below."""
        return not LEAST_FACTOR <= self.factor <= MOST_FACTOR


def calibrated(folds: Sequence[tuple[Array, Array]]) -> Calibration:
    """By (predicted, actual) of the back-tests: the mean factor, or a curve where it did better.

    A curve is tried from 1,000 customers with something actual; it is taken only if, made without the newest
    back-test, it describes that one better than the factor does. Newest first.
    """
    factors, factor = _level(folds)
    return Calibration(factor=factor, factors=factors, curve=_curve(folds) if _worth(folds) else ())


def _level(folds: Sequence[tuple[Array, Array]]) -> tuple[tuple[float | None, ...], float]:
    factors = tuple(_factor(predicted, actual) for predicted, actual in folds)
    known = [one for one in factors if one is not None]
    return factors, float(np.clip(np.mean(known), LOWEST, HIGHEST)) if known else 1.0


def _factor(predicted: Array, actual: Array) -> float | None:
    total = float(predicted.sum())
    return float(actual.sum()) / total if total > 0 and int((actual > 0).sum()) >= LEAST_CASES else None


def _worth(folds: Sequence[tuple[Array, Array]]) -> bool:
    if len(folds) < 2 or sum(int((actual > 0).sum()) for _, actual in folds[1:]) < LEAST_CURVE:
        return False
    predicted, actual = folds[0]
    curve = _curve(folds[1:])
    plain = Calibration(factor=_level(folds[1:])[1])
    bent = Calibration(curve=curve) if curve else plain
    return _error(bent.apply(predicted), actual) < 0.995 * _error(plain.apply(predicted), actual)


def _error(predicted: Array, actual: Array) -> float:
    return float(np.mean((predicted - _cut(actual)) ** 2)) if len(actual) else 0.0


def _cut(actual: Array) -> Array:
    return np.minimum(actual, np.quantile(actual, CUT)) if len(actual) else actual


def _curve(folds: Sequence[tuple[Array, Array]]) -> tuple[tuple[float, float], ...]:
    """Means of 20 equally full bins, made to rise (pool adjacent violators), straight lines between."""
    predicted = np.concatenate([p for p, _ in folds])
    actual = np.concatenate([_cut(a) for _, a in folds])
    parts = np.array_split(np.argsort(predicted, kind="stable"), BINS)
    known = np.array([predicted[part].mean() for part in parts])
    if len(np.unique(known)) < BINS:
        return ()
    lift = np.concatenate([a for _, a in folds]).sum() / max(actual.sum(), 1e-12)
    to = rising(np.array([actual[part].mean() for part in parts]) * lift)
    to = to + np.arange(BINS) * 1e-9 * max(float(to[-1]), 1e-9)
    return tuple((float(x), float(y)) for x, y in zip(known, to, strict=True))


def rising(values: Array) -> Array:
    """The nearest values that never fall, by least squares, all of one weight."""
    blocks: list[list[float]] = []
    for value in values:
        blocks.append([float(value), 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (one, n), (other, m) = blocks[-2:]
            blocks[-2:] = [[(one * n + other * m) / (n + m), n + m]]
    return np.concatenate([np.full(int(n), mean) for mean, n in blocks])
