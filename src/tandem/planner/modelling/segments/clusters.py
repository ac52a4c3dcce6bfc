"""Layers by k-means: customers of a stage who are alike in all its figures at once, found in a sample, told by names.

A figure is turned into its rank in tenths; the number of groups is that of the best silhouette. Centres are whole
numbers, so that the same customer falls into the same group in every engine.
"""

from collections.abc import Sequence

import duckdb
import numpy as np
from numpy.typing import NDArray

from tandem.planner.customers.trees import duck
from tandem.planner.modelling.lifecycle.domain import Stage
from tandem.planner.modelling.segments import trees
from tandem.planner.modelling.segments.domain import LAYERS, SILENCE, Clusters, Layer, unused

Array = NDArray[np.float64]
MOST_ROWS = 20_000
MOST_GROUPS = 5
SEED = 20_260_101
TENTHS = np.arange(1, 10) / 10
#: a group is called by a second figure only if that sets it apart by as much of its spread
LEAST_SHIFT = 0.25


def measured(session: duckdb.DuckDBPyConnection, stage: Stage, least: float) -> Clusters | None:
    """The groups of a stage, of the table `standing`; None where not even two have `least` members each."""
    layers = (*LAYERS[stage], SILENCE)
    found = session.execute(duck(trees.sampled(stage, layers, MOST_ROWS))).fetchnumpy()
    values = np.stack([np.asarray(np.ma.filled(found[layer.figure], 0), float) for layer in layers], axis=1)
    if len(values) < 2:
        return None
    knots = tuple(tuple(float(one) for one in _knots(column)) for column in values.T)
    ranks = np.stack([_ranks(column, cuts) for column, cuts in zip(values.T, knots, strict=True)], axis=1)
    share = least / max(_members(session, stage), 1)
    centres = _best(ranks, share)
    if centres is None:
        return None
    groups = place(ranks, centres)
    return Clusters(
        figures=tuple(layer.figure for layer in layers), knots=knots,
        centres=tuple(tuple(int(one) for one in row) for row in centres),
        names=_names(stage, values, groups, layers), told=_told(stage, values, groups, layers),
    )  # fmt: skip


def place(ranks: Array, centres: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row of ranks (tenths, 0 to 9) the nearest centre (hundredths of a tenth); the first of equals."""
    far = (centres**2).sum(axis=1)[None, :] - 2 * 100 * (ranks.astype(np.int64) @ centres.T)
    return np.argmin(far, axis=1)


def silhouette(ranks: Array, groups: NDArray[np.int64]) -> float:
    """The mean silhouette by squared distances, which sums give exactly without any pair of rows."""
    numbers = np.unique(groups)
    if len(numbers) < 2:
        return -1.0
    sizes = np.array([(groups == one).sum() for one in numbers], float)
    means = np.array([ranks[groups == one].mean(axis=0) for one in numbers])
    around = np.array(
        [
            ((ranks[groups == one] - mean) ** 2).sum(axis=1).mean()
            for one, mean in zip(numbers, means, strict=True)
        ]
    )
    mean_to = ((ranks[:, None, :] - means[None]) ** 2).sum(axis=2) + around[None]
    own = np.searchsorted(numbers, groups)
    rows = np.arange(len(ranks))
    inside = mean_to[rows, own] * sizes[own] / np.maximum(sizes[own] - 1, 1)
    mean_to[rows, own] = np.inf
    outside = mean_to.min(axis=1)
    most = np.maximum(inside, outside)
    found = np.where((sizes[own] > 1) & (most > 0), (outside - inside) / np.maximum(most, 1e-12), 0.0)
    return float(found.mean())


def _members(session: duckdb.DuckDBPyConnection, stage: Stage) -> int:
    row = session.execute("SELECT count(*) FROM standing WHERE stage = ?", [str(stage)]).fetchone()
    return int(row[0]) if row else 0


def _knots(column: Array) -> Array:
    return np.unique(np.quantile(column, TENTHS, method="inverted_cdf"))


def _ranks(column: Array, knots: Sequence[float]) -> Array:
    """How many of the knots a value is above: as the SQL counts them."""
    return np.searchsorted(np.array(knots), column, side="left").astype(float)


def _best(ranks: Array, share: float) -> NDArray[np.int64] | None:
    """Centres of the number of groups with the best silhouette, among those whose groups are all large enough."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    found: list[tuple[float, NDArray[np.int64]]] = []
    with threadpool_limits(1):
        for number in range(2, min(MOST_GROUPS, len(np.unique(ranks, axis=0))) + 1):
            made = KMeans(number, n_init=4, random_state=SEED).fit(ranks)
            centres = np.rint(100 * made.cluster_centers_).astype(np.int64)
            centres = centres[np.lexsort(centres.T[::-1])]
            groups = place(ranks, centres)
            sizes = np.bincount(groups, minlength=number) / len(ranks)
            if sizes.min() >= share:
                found.append((silhouette(ranks, groups), centres))
    return max(found, key=lambda one: one[0])[1] if found else None


def _shifts(values: Array, groups: NDArray[np.int64], group: int) -> Array:
    """For each figure how far the group's median is from the stage's, by the stage's middle half."""
    middle, low, high = (np.quantile(values, at, axis=0) for at in (0.5, 0.25, 0.75))
    spread = np.where(high > low, high - low, np.maximum(values.std(axis=0), 1e-12))
    return np.asarray((np.median(values[groups == group], axis=0) - middle) / spread)


def _traits(values: Array, groups: NDArray[np.int64], group: int) -> list[tuple[int, float]]:
    """One or two figures that set the group apart the most, with the shift."""
    shifts = _shifts(values, groups, group)
    order = sorted(range(len(shifts)), key=lambda n: (-abs(shifts[n]), n))
    return [(n, float(shifts[n])) for n in order[:2] if n == order[0] or abs(shifts[n]) >= LEAST_SHIFT]


def _names(
    stage: Stage, values: Array, groups: NDArray[np.int64], layers: Sequence[Layer]
) -> tuple[str, ...]:
    given: list[str] = []
    for group in range(int(groups.max()) + 1):
        words = [
            "middling" if not shift else layers[n].words[-1 if shift > 0 else 0]
            for n, shift in _traits(values, groups, group)
        ]
        given.append(unused(f"{stage}: {', '.join(words)}", given))
    return tuple(given)


def _told(stage: Stage, values: Array, groups: NDArray[np.int64], layers: Sequence[Layer]) -> tuple[str, ...]:
    """Between which figures the middle half of each group is, in the figures that set it apart."""
    found = []
    for group in range(int(groups.max()) + 1):
        mine = values[groups == group]
        parts = []
        for n, _ in _traits(values, groups, group):
            low, high = np.quantile(mine[:, n], (0.25, 0.75))
            between = f"{low:,.0f}" if round(low) == round(high) else f"{low:,.0f} to {high:,.0f}"
            parts.append(layers[n].told.format(between))
        found.append(f"Customers in {stage}, alike in all figures; the middle half {' and '.join(parts)}.")
    return tuple(found)
