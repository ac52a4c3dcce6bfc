"""Logistic regression and boosted trees over named columns, kept as plain arrays: nothing is unpickled.

Columns that are constant or wholly unknown in training are left out, and those that repeat another one; single
unknown values stay unknown for trees and count as the middle value for the logistic regression. A category counts as
the mean answer of its customers, rare ones together as one. Seeds are given, so the same data make the same model.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Columns = Mapping[str, Array]
LEAST_POSITIVES = 200
TREES, LEAVES, RATE, LEAST_LEAF, BINS = 60, 15, 0.1, 40, 64
#: fewer customers of a category than this are not told apart, and this many more of the mean count beside its own
LEAST_ALIKE, DRAWN = 50, 20
#: columns correlated more than this say the same; measured on so many rows
SAME, LOOKED_AT = 0.99, 10_000
_CODES = "codes|"


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimator:
    """A fitted model. kind: `chance` or `mean` (boosted trees), `logistic`; arrays: what it consists of.

    `codes|NAME` among them: what each category of a column counts as, the first those not told apart.
    """

    kind: str
    names: tuple[str, ...]
    arrays: dict[str, Any] = field(default_factory=dict)

    def predict(self, columns: Columns) -> Array:
        """A chance, or a mean, for each row; a column that is missing is not known of anybody."""
        rows = _matrix(columns, self.names, self.arrays)
        if self.kind == "logistic":
            return _chance(_scaled(rows, self.arrays) @ self.arrays["weights"] + self.arrays["at"][0])
        raw = self._trees(rows)
        return _chance(raw) if self.kind == "chance" else np.exp(np.clip(raw, -30, 30))

    def _trees(self, rows: Array) -> Array:
        from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

        none, no_map = np.zeros((0, 8), dtype=np.uint32), np.zeros(rows.shape[1], dtype=np.uint32)
        ends = np.cumsum(self.arrays["sizes"])
        found = np.full(len(rows), self.arrays["at"][0])
        for low, high in zip(np.append(0, ends), ends, strict=False):
            tree = TreePredictor(self.arrays["nodes"][low:high], none, none)
            found += tree.predict(rows, none, no_map, 1)
        return found


def boosted(
    columns: Columns, y: Array, *, kind: str, seed: int, categories: Collection[str] = ()
) -> Estimator:
    """Boosted trees: kind `chance` for y of 0 and 1, `mean` for amounts from 0 (Poisson loss).

    categories: columns of whole numbers that are names of groups.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    codes = _codes(columns, y, categories)
    names, rows = _useful(columns, codes)
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
        made.fit(rows, y)
    nodes = [one.nodes for row in made._predictors for one in row]
    return Estimator(
        kind=kind, names=names,
        arrays={**_of(codes, names), "nodes": np.concatenate(nodes), "sizes": np.array([len(one) for one in nodes]),
                "at": np.asarray(made._baseline_prediction, dtype=np.float64).reshape(-1)},
    )  # fmt: skip


def logistic(columns: Columns, y: Array, *, seed: int, categories: Collection[str] = ()) -> Estimator:
    """Logistic regression on log-scaled, standardised columns."""
    from sklearn.linear_model import LogisticRegression

    codes = _codes(columns, y, categories)
    names, rows = _useful(columns, codes)
    middle = np.nanmedian(rows, axis=0)
    bent = _bent(np.where(np.isnan(rows), middle, rows))
    spread = bent.std(axis=0)
    arrays = {"middle": middle, "mean": bent.mean(axis=0), "spread": np.where(spread > 0, spread, 1.0)}
    made = LogisticRegression(C=1.0, max_iter=500, random_state=seed).fit(_scaled(rows, arrays), y)
    arrays |= {**_of(codes, names), "weights": made.coef_[0], "at": made.intercept_}
    return Estimator(kind="logistic", names=names, arrays=arrays)


def useful(columns: Columns, y: Array, categories: Collection[str] = ()) -> tuple[str, ...]:
    """The columns that tell one row from another."""
    return _useful(columns, _codes(columns, y, categories))[0] if columns else ()


def _codes(columns: Columns, y: Array, categories: Collection[str]) -> dict[str, Array]:
    """What each category counts as: the mean answer of its customers, drawn towards that of all."""
    return {_CODES + name: _means(columns[name], y) for name in categories if name in columns}


def _means(codes: Array, y: Array) -> Array:
    known = ~np.isnan(codes)
    number = codes[known].astype(np.int64)
    count, total = np.bincount(number, minlength=1).astype(np.float64), np.bincount(number, y[known], 1)
    rare = count < LEAST_ALIKE
    rare[0] = True  # those that have no number of their own
    count, total = np.where(rare, count[rare].sum(), count), np.where(rare, total[rare].sum(), total)
    return (total + DRAWN * float(y.mean())) / (count + DRAWN)


def _of(codes: Mapping[str, Array], names: tuple[str, ...]) -> dict[str, Array]:
    return {key: means for key, means in codes.items() if key.removeprefix(_CODES) in names}


def _useful(columns: Columns, codes: Mapping[str, Array]) -> tuple[tuple[str, ...], Array]:
    """The columns worth looking at, and their rows."""
    names = tuple(columns)
    rows = _matrix(columns, names, codes)
    places = [place for place in range(len(names)) if _varies(rows[:, place])]
    places = [places[one] for one in _different(rows[:: max(1, len(rows) // LOOKED_AT)][:, places])]
    return tuple(names[place] for place in places), np.ascontiguousarray(rows[:, places])


def _different(rows: Array) -> list[int]:
    """Places of columns that no earlier one repeats: neither its values, to a straight line, nor what is unknown."""
    unknown = np.isnan(rows)
    bent = _bent(np.where(unknown, 0.0, rows))
    away = np.where(unknown, 0.0, bent - bent.sum(axis=0) / np.maximum((~unknown).sum(axis=0), 1))
    size = np.sqrt((away**2).sum(axis=0))
    away /= np.where(size > 0, size, 1.0)
    near = np.abs(away.T @ away) > SAME
    taken: list[int] = []
    for place in range(rows.shape[1]):
        alike = (one for one in taken if near[place, one])
        if not any(bool((unknown[:, place] == unknown[:, one]).all()) for one in alike):
            taken.append(place)
    return taken


def _varies(values: Array) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known)) and bool(known.min() < known.max() or len(known) < len(values))


def _matrix(columns: Columns, names: tuple[str, ...], codes: Mapping[str, Any]) -> Array:
    """Rows of the columns, categories as what they count as."""
    rows = np.empty((len(next(iter(columns.values()))), len(names)))
    for place, name in enumerate(names):
        rows[:, place] = _numbers(columns.get(name), codes.get(_CODES + name))
    return rows


def _numbers(values: Array | None, means: Array | None) -> Array | float:
    if values is None:
        return np.nan
    if means is None:
        return values
    unknown = np.isnan(values)
    number = np.where(unknown, 0, values).astype(np.int64)
    return np.where(unknown, np.nan, means[np.where(number < len(means), number, 0)])


def _bent(rows: Array) -> Array:
    return np.sign(rows) * np.log1p(np.abs(rows))


def _scaled(rows: Array, arrays: Mapping[str, Any]) -> Array:
    filled = np.where(np.isnan(rows), arrays["middle"], rows)
    return (_bent(filled) - arrays["mean"]) / arrays["spread"]


def _chance(raw: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(raw, -30, 30)))
