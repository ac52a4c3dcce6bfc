"""How right predictions were. NumPy arrays in, plain numbers out; None where nothing can be said."""

import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning.domain import Decile

Array = NDArray[np.float64]
CUT = 0.995
TOP = 0.1


def auc(score: Array, hit: NDArray[np.bool_]) -> float | None:
    """Share of pairs (hit, not hit) in which the hit has the higher score; ties count half."""
    hits, others = int(hit.sum()), int((~hit).sum())
    if not hits or not others:
        return None
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((ranks[hit].sum() - hits * (hits + 1) / 2) / (hits * others))


def brier(chance: Array, hit: NDArray[np.bool_]) -> float | None:
    """Mean squared difference between chance and what happened (1 or 0)."""
    return float(np.mean((chance - hit) ** 2)) if len(chance) else None


def value_error(predicted: Array, actual: Array) -> float | None:
    """Root mean squared error; actual amounts above the 99.5 % quantile are cut to it."""
    if not len(actual):
        return None
    return float(np.sqrt(np.mean((predicted - np.minimum(actual, np.quantile(actual, CUT))) ** 2)))


def capture(score: Array, value: Array, top: float = TOP) -> float | None:
    """Share of all value brought by the `top` share of customers ranked highest; ties at the border count in part."""
    total, wanted = float(value.sum()), top * len(score)
    if total <= 0:
        return None
    _, place, count = np.unique(-score, return_inverse=True, return_counts=True)
    before = np.cumsum(count) - count
    share = np.clip((wanted - before) / count, 0, 1)
    return float((share * np.bincount(place, value)).sum() / total)


def deciles(predicted: Array, actual: Array) -> tuple[Decile, ...]:
    """Tenths by prediction, highest first; ties in the order they come."""
    order = np.argsort(-predicted, kind="stable")
    return tuple(
        Decile(decile=10 - n, customers=len(part), predicted=float(predicted[part].mean()),
               actual=float(actual[part].mean()))
        for n, part in enumerate(np.array_split(order, 10)) if len(part)
    )  # fmt: skip


def ratio(actual: Array, predicted: Array) -> float | None:
    """Sum of actual / sum of predicted."""
    total = float(predicted.sum())
    return float(actual.sum() / total) if total > 0 else None


def shares(values: Array, cuts: Array) -> Array:
    """Share of the values in each of the bins between `cuts`, and, last, of those not known."""
    known = ~np.isnan(values)
    counts = np.bincount(np.searchsorted(cuts, values[known], side="right"), minlength=len(cuts) + 1)
    return np.append(counts, (~known).sum()) / max(len(values), 1)


def cuts_of(values: Array, bins: int = 10) -> Array:
    """The borders of equally full bins, each once."""
    known = values[~np.isnan(values)]
    return np.unique(np.quantile(known, np.arange(1, bins) / bins)) if len(known) else np.zeros(0)


def psi(before: Array, now: Array) -> float:
    """Population stability index of two rows of shares; an empty bin counts as one in 10,000."""
    was, is_ = np.maximum(before, 1e-4), np.maximum(now, 1e-4)
    return float(((is_ - was) * np.log(is_ / was)).sum())
