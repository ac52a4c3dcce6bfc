"""Every conjunction of up to three conditions, scored exactly from cubes of counts.

For each set of features one `bincount` over the customers gives a cube: customers, sum and sum of squares of the
outcome in each cell. Contracting each axis with the matrix of its options (all contiguous ranges; a value or all
others) gives the same three figures of every group at once. Nothing is sampled and nothing is grown greedily.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tandem.planner.discovery.contrasts import Moments, contrast
from tandem.planner.discovery.domain import LEAST_MEMBERS, LEAST_SHARE, Axis, Feature, Flags, Floats, Side

PROMISING = 12
LEAST_Z = 4.0
#: of each set of features so many are looked at further
KEPT_OF_A_SET = 20
#: of uplift, fewer of either arm say nothing
LEAST_OF_AN_ARM = 50

#: (place of the feature, place of the option on its axis), by feature
Terms = tuple[tuple[int, int], ...]


class Candidate(NamedTuple):
    """A group and its z on the half where it was found."""

    terms: Terms
    z: float
    moments: tuple[Moments, ...]


class Cubes:
    """The half of the customers that is searched, with one outcome; two arms for uplift.

    codes: shape (n,) per feature; y: centred by the caller or not; treated: None, or who is of the first arm.
    """

    def __init__(self, features: Sequence[Feature], y: Floats, treated: Flags | None = None) -> None:
        self.axes: tuple[Axis, ...] = tuple(one.axis for one in features)
        self.options = tuple(axis.options() for axis in self.axes)
        self._spans = tuple(
            np.vstack([options, np.ones((1, options.shape[1]), np.bool_)]).astype(np.float64)
            for options in self.options
        )
        arms = [slice(None)] if treated is None else [np.flatnonzero(treated), np.flatnonzero(~treated)]
        self._codes = [[one.codes[arm].astype(np.intp) for one in features] for arm in arms]
        self._y = [np.ascontiguousarray(y[arm], np.float64) for arm in arms]
        self._y = [one - one.mean() if len(one) else one for one in self._y]
        self.wholes = tuple(Moments.of(one) for one in self._y)
        self.least = max(LEAST_MEMBERS, LEAST_SHARE * len(y))
        self.candidates = 0
        self._pair: tuple[tuple[int, int, int], NDArray[Any]] | None = None

    def tables(self, chosen: Sequence[int]) -> tuple[Moments, ...]:
        """All groups over these features, for each arm arrays of shape (options + 1,) per feature; last = all bins."""
        return tuple(
            Moments(*(self._table(arm, chosen, which, spanning=True) for which in range(3)))
            for arm in range(len(self._y))
        )

    def _table(self, arm: int, chosen: Sequence[int], which: int, *, spanning: bool = False) -> Floats:
        """Customers (0), sum (1) or sum of squares (2) of every group over these features."""
        shape = tuple(len(self.axes[place].bins) for place in chosen)
        index = self._index(arm, chosen)
        y = self._y[arm]
        weights = (None, y, y)[which] if which < 2 else y * y
        cells = np.bincount(index, weights, minlength=int(np.prod(shape))).astype(np.float64, copy=False)
        spans = [self._spans[place] if spanning else self._spans[place][:-1] for place in chosen]
        return contracted(cells.reshape(shape), spans)

    def _index(self, arm: int, chosen: Sequence[int]) -> NDArray[Any]:
        """The cell of each customer; that of the first two features is kept while they stay the same."""
        codes = self._codes[arm]
        sizes = [len(self.axes[place].bins) for place in chosen]
        if len(chosen) == 1:
            return codes[chosen[0]]
        key = (arm, chosen[0], chosen[1])
        if self._pair is None or self._pair[0] != key:
            self._pair = (key, codes[chosen[0]] * sizes[1] + codes[chosen[1]])
        index = self._pair[1]
        for place, size in zip(chosen[2:], sizes[2:], strict=True):
            index = index * size + codes[place]
        return index

    def scored(self, chosen: Sequence[int], side: Side, least: float) -> tuple[list[Candidate], float]:
        """The strongest groups over these features with at least that z, best first; and the best z of all."""
        counts = [self._table(arm, chosen, 0) for arm in range(len(self._y))]
        sums = [self._table(arm, chosen, 1) for arm in range(len(self._y))]
        allowed = self._allowed(counts)
        self.candidates += int(np.count_nonzero(allowed))
        if len(counts) == 1:
            allowed &= self._may_reach(counts[0], sums[0], side, least)
        found = np.flatnonzero(allowed)
        if not len(found):
            return [], 0.0
        squares = [self._table(arm, chosen, 2) for arm in range(len(self._y))]
        groups = [
            Moments(n.ravel()[found], s.ravel()[found], q.ravel()[found])
            for n, s, q in zip(counts, sums, squares, strict=True)
        ]
        return self._best(chosen, counts[0].shape, found, groups, side, least)

    def _allowed(self, counts: Sequence[Floats]) -> NDArray[np.bool_]:
        """Large enough, and not nearly everybody."""
        size, everybody = sum(counts), sum(float(one.n) for one in self.wholes)
        allowed = (size >= self.least) & (size <= everybody - self.least)
        if len(counts) > 1:
            for count, whole in zip(counts, self.wholes, strict=True):
                allowed &= (count >= LEAST_OF_AN_ARM) & (count <= whole.n - LEAST_OF_AN_ARM)
        return np.asarray(allowed)

    def _may_reach(self, n: Floats, s: Floats, side: Side, least: float) -> NDArray[np.bool_]:
        """Whose z can reach `least` at all: by the pooled variance alone, which needs no squares.

        The outcome is centred, so with t = s^2 N / (n (N - n)) that z^2 is (N - 2) t / (Q - t), which grows with t.
        """
        whole = self.wholes[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            t = s * s * (whole.n / (n * (whole.n - n)))
        enough = np.asarray(t >= least**2 * whole.q / (whole.n - 2 + least**2) * (1 - 1e-9))
        if side is Side.BOTH:
            return enough
        return enough & ((s > 0) if side is Side.HIGH else (s < 0))

    def _best(
        self,
        chosen: Sequence[int],
        shape: tuple[int, ...],
        found: NDArray[Any],
        groups: Sequence[Moments],
        side: Side,
        least: float,
    ) -> tuple[list[Candidate], float]:
        gap, variance = contrast(groups, self.wholes)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.nan_to_num(gap / np.sqrt(variance), nan=0.0, posinf=0.0, neginf=0.0)
        strength = {Side.HIGH: z, Side.LOW: -z, Side.BOTH: np.abs(z)}[side]
        order = np.argsort(-strength, kind="stable")[:KEPT_OF_A_SET]
        kept = order[strength[order] >= least]
        places: Any = np.stack(np.unravel_index(found[kept], shape), axis=-1)
        candidates = [
            Candidate(
                terms=tuple(zip(chosen, (int(one) for one in row), strict=True)),
                z=float(z[place]),
                moments=tuple(Moments(one.n[place], one.s[place], one.q[place]) for one in groups),
            )
            for place, row in zip(kept, places, strict=True)
        ]
        return candidates, float(strength[order[0]])


def contracted(cube: Floats, spans: Sequence[Floats]) -> Floats:
    """Sums over every choice of bins: cube of shape (bins,) per axis, spans (options, bins) each."""
    for span in spans:
        cube = np.tensordot(cube, span, axes=(0, 1))  # the axis done goes last, the next comes first
    return cube


def sets_of(places: Sequence[int], depth: int) -> Iterator[tuple[int, ...]]:
    """All sets of so many of these features."""
    return combinations(sorted(places), depth)
