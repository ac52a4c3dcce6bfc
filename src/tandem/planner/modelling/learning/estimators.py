"""Logistic regression and boosted trees over named columns, kept as plain arrays: nothing is unpickled.

Columns that are constant or wholly unknown in training are left out; single unknown values stay unknown for trees
and count as the middle value for the logistic regression. Seeds are given, so the same data make the same model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Columns = Mapping[str, Array]
LEAST_POSITIVES = 200
TREES, LEAVES, RATE, LEAST_LEAF, BINS = 60, 15, 0.1, 40, 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimator:
    """A fitted model. kind: `chance` or `mean` (boosted trees), `logistic`; arrays: what it consists of."""

    kind: str
    names: tuple[str, ...]
    arrays: dict[str, Any] = field(default_factory=dict)

    def predict(self, columns: Columns) -> Array:
        """A chance, or a mean, for each row."""
        if self.kind == "logistic":
            return _chance(self._scaled(columns) @ self.arrays["weights"] + self.arrays["at"][0])
        raw = self._trees(_matrix(columns, self.names))
        return _chance(raw) if self.kind == "chance" else np.exp(np.clip(raw, -30, 30))

    def _scaled(self, columns: Columns) -> Array:
        return _scaled(_matrix(columns, self.names), self.arrays)

    def _trees(self, rows: Array) -> Array:
        from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

        none, no_map = np.zeros((0, 8), dtype=np.uint32), np.zeros(rows.shape[1], dtype=np.uint32)
        found = np.full(len(rows), self.arrays["at"][0])
        ends = np.cumsum(self.arrays["sizes"])
        for low, high in zip(np.append(0, ends), ends, strict=False):
            tree = TreePredictor(self.arrays["nodes"][low:high], none, none)
            found += tree.predict(rows, none, no_map, 1)
        return found


def boosted(columns: Columns, y: Array, *, kind: str, seed: int) -> Estimator:
    """Boosted trees: kind `chance` for y of 0 and 1, `mean` for amounts from 0 (Poisson loss)."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    names = _useful(columns)
    settings: dict[str, Any] = {
        "max_iter": TREES, "max_leaf_nodes": LEAVES, "learning_rate": RATE, "min_samples_leaf": LEAST_LEAF,
        "l2_regularization": 1.0, "max_bins": BINS, "early_stopping": False, "random_state": seed,
    }  # fmt: skip
    made = (
        HistGradientBoostingClassifier(**settings)
        if kind == "chance"
        else HistGradientBoostingRegressor(loss="poisson", **settings)
    )
    with threadpool_limits(1, "openmp"):
        made.fit(_matrix(columns, names), y)
    nodes = [one.nodes for row in made._predictors for one in row]
    return Estimator(
        kind=kind, names=names,
        arrays={"nodes": np.concatenate(nodes), "sizes": np.array([len(one) for one in nodes]),
                "at": np.asarray(made._baseline_prediction, dtype=np.float64).reshape(-1)},
    )  # fmt: skip


def logistic(columns: Columns, y: Array, *, seed: int) -> Estimator:
    """Logistic regression on log-scaled, standardised columns."""
    from sklearn.linear_model import LogisticRegression

    names = _useful(columns)
    rows = _matrix(columns, names)
    middle = np.nanmedian(rows, axis=0)
    bent = _bent(np.where(np.isnan(rows), middle, rows))
    spread = bent.std(axis=0)
    arrays = {"middle": middle, "mean": bent.mean(axis=0), "spread": np.where(spread > 0, spread, 1.0)}
    made = LogisticRegression(C=1.0, max_iter=500, random_state=seed).fit(_scaled(rows, arrays), y)
    return Estimator(
        kind="logistic", names=names, arrays={**arrays, "weights": made.coef_[0], "at": made.intercept_}
    )


def _useful(columns: Columns) -> tuple[str, ...]:
    return tuple(name for name, values in columns.items() if _varies(values))


def _varies(values: Array) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known)) and bool(known.min() < known.max() or len(known) < len(values))


def _matrix(columns: Columns, names: tuple[str, ...]) -> Array:
    if not names:
        return np.zeros((len(next(iter(columns.values()))), 0))
    return np.ascontiguousarray(np.stack([columns[name] for name in names], axis=1))


def _bent(rows: Array) -> Array:
    return np.sign(rows) * np.log1p(np.abs(rows))


def _scaled(rows: Array, arrays: Mapping[str, Any]) -> Array:
    filled = np.where(np.isnan(rows), arrays["middle"], rows)
    return (_bent(filled) - arrays["mean"]) / arrays["spread"]


def _chance(raw: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(raw, -30, 30)))
