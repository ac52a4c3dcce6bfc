"""Every conjunction of up to three conditions, scored exactly from cubes of counts.

For each set of features one `bincount` over the customers gives a cube: customers, sum and sum of squares of the
outcome in each cell. Contracting each axis with the matrix of its options (all contiguous ranges; a value or all
others) gives the same three figures of every group at once. Nothing is sampled and nothing is grown greedily.
"""

from collections.abc import Iterable, Iterator, Sequence
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

#: so many groups are worked on at once
AT_ONCE = 1 << 16

Places = NDArray[np.intp]
#: (place of the feature, place of the option on its axis), by feature
Terms = tuple[tuple[int, int], ...]


class Scored(NamedTuple):
    """The strongest groups over one set of features, best first.

    options: the place of each group's option on each axis of `chosen`, shape (groups, features); z: shape (groups,);
    best: the largest z of all, these or weaker ones.
    """

    chosen: tuple[int, ...]
    options: Places
    z: Floats
    moments: tuple[Moments, ...]
    best: float

    def clear(self, least: float) -> "Scored":
        """Only those with at least that z, either way."""
        kept = np.abs(self.z) >= least
        moments = tuple(Moments(one.n[kept], one.s[kept], one.q[kept]) for one in self.moments)
        return self._replace(options=self.options[kept], z=self.z[kept], moments=moments)


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
        self._pair: tuple[tuple[int, int, int], Places] | None = None

    def tables(self, chosen: Sequence[int]) -> tuple[Moments, ...]:
        """All groups over these features, for each arm arrays of shape (options + 1,) per feature; last = all bins."""
        spans = [self._spans[place][None] for place in chosen]
        return tuple(
            Moments(*(contracted(self._cells(arm, chosen, which)[None], spans)[0] for which in range(3)))
            for arm in range(len(self._y))
        )

    def _cells(self, arm: int, chosen: Sequence[int], which: int) -> Floats:
        """Customers (0), sum (1) or sum of squares (2) of every cell of these features."""
        shape = tuple(len(self.axes[place].bins) for place in chosen)
        index, y = self._index(arm, chosen), self._y[arm]
        weights = (None, y, y)[which] if which < 2 else y * y
        cells = np.bincount(index, weights, minlength=int(np.prod(shape)))
        return cells.astype(np.float64, copy=False).reshape(shape)

    def _index(self, arm: int, chosen: Sequence[int]) -> Places:
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

    def scored(self, sets: Iterable[tuple[int, ...]], side: Side, least: float) -> Iterator[Scored]:
        """For each set of features with any the strongest groups that have at least that z."""
        for alike in self._alike(sets):
            yield from self._together(alike, side, least)

    def _alike(self, sets: Iterable[tuple[int, ...]]) -> Iterator[list[tuple[int, ...]]]:
        """Sets whose axes have the same sizes, so many that their groups are worked on at once."""
        shapes = [one.shape for one in self.options]
        batches: dict[Any, list[tuple[int, ...]]] = {}
        for chosen in sets:
            placed = tuple(sorted(chosen, key=lambda place: (shapes[place], place)))
            batches.setdefault(tuple(shapes[place] for place in placed), []).append(placed)
        for key, found in batches.items():
            room = max(1, AT_ONCE // max(1, int(np.prod([options for options, _ in key]))))
            found.sort()
            for first in range(0, len(found), room):
                yield found[first : first + room]

    def _tables(self, sets: Sequence[tuple[int, ...]], which: int) -> list[Floats]:
        """One of the three figures of every group, for each arm of shape (sets, options, ...)."""
        spans = [
            np.stack([self._spans[place][:-1] for place in places]) for places in zip(*sets, strict=True)
        ]
        cells = [
            np.stack([self._cells(arm, chosen, which) for chosen in sets]) for arm in range(len(self._y))
        ]
        return [contracted(one, spans) for one in cells]

    def _together(self, sets: Sequence[tuple[int, ...]], side: Side, least: float) -> Iterator[Scored]:
        counts = self._tables(sets, 0)
        shape = counts[0].shape
        allowed = self._allowed(counts)
        self.candidates += int(np.count_nonzero(allowed))
        sums = self._tables(sets, 1)
        allowed &= self._may_reach(counts, sums, side, least)
        found = np.flatnonzero(allowed)
        if not len(found):
            return
        each = int(np.prod(shape[1:]))
        rows, place = np.unique(found // each, return_inverse=True)
        at = place * each + found % each
        squares = self._tables([sets[row] for row in rows], 2)
        groups = [
            Moments(one.ravel()[found], two.ravel()[found], three.ravel()[at])
            for one, two, three in zip(counts, sums, squares, strict=True)
        ]
        starts = [*np.searchsorted(place, np.arange(len(rows))), len(place)]
        for turn, row in enumerate(rows):
            part = slice(int(starts[turn]), int(starts[turn + 1]))
            of_row = [Moments(one.n[part], one.s[part], one.q[part]) for one in groups]
            yield self._best(sets[row], shape[1:], found[part] % each, of_row, side, least)

    def _allowed(self, counts: Sequence[Floats]) -> Flags:
        """Those large enough, and not nearly everybody."""
        size = counts[0] if len(counts) == 1 else counts[0] + counts[1]
        everybody = sum(float(one.n) for one in self.wholes)
        allowed = (size >= self.least) & (size <= everybody - self.least)
        if len(counts) > 1:
            for count, whole in zip(counts, self.wholes, strict=True):
                allowed &= (count >= LEAST_OF_AN_ARM) & (count <= whole.n - LEAST_OF_AN_ARM)
        return np.asarray(allowed)

    def _may_reach(self, n: Sequence[Floats], s: Sequence[Floats], side: Side, least: float) -> Flags:
        """Whose z can reach `least` at all: by the pooled variance alone, which needs no squares of the group.

        The outcome is centred, so with h = N / (n (N - n)) the difference is s h, the pooled variance
        h (Q - s^2 h) / (N - 2), and z^2 of one arm at least L^2 where s^2 >= n (N - n) L^2 Q / (N (N - 2 + L^2)).
        """
        if len(n) == 1:
            whole, gap = self.wholes[0], s[0]
            bound = least**2 * whole.q / (whole.n * (whole.n - 2 + least**2)) * (1 - 1e-9)
            room = n[0] * (whole.n - n[0])
            room *= bound
            enough = np.asarray(gap * gap >= room)
        else:
            gap, enough = self._of_arms(n, s, least)
        if side is Side.BOTH:
            return enough
        enough &= (gap > 0) if side is Side.HIGH else (gap < 0)
        return enough

    def _of_arms(self, n: Sequence[Floats], s: Sequence[Floats], least: float) -> tuple[Floats, Flags]:
        """The difference of the arms' differences, and whether it may reach `least`."""
        gap, variance = np.zeros(n[0].shape), np.zeros(n[0].shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            for sign, count, total, whole in zip((1, -1), n, s, self.wholes, strict=True):
                h = whole.n / (count * (whole.n - count))
                change = total * h
                gap += sign * change
                variance += h * (whole.q - total * change) / (whole.n - 2)
            enough = np.asarray(gap * gap >= least**2 * variance * (1 - 1e-9))
        return gap, enough

    def _best(
        self,
        chosen: tuple[int, ...],
        shape: tuple[int, ...],
        found: Places,
        groups: Sequence[Moments],
        side: Side,
        least: float,
    ) -> Scored:
        gap, variance = contrast(groups, self.wholes)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.nan_to_num(gap / np.sqrt(variance), nan=0.0, posinf=0.0, neginf=0.0)
        strength = {Side.HIGH: z, Side.LOW: -z, Side.BOTH: np.abs(z)}[side]
        order = np.argsort(-strength, kind="stable")[:KEPT_OF_A_SET]
        kept = order[strength[order] >= least]
        by_place = np.argsort(chosen)
        options = np.stack(np.unravel_index(found[kept], shape), axis=-1)[:, by_place]
        return Scored(
            chosen=tuple(chosen[place] for place in by_place),
            options=options,
            z=z[kept],
            moments=tuple(Moments(one.n[kept], one.s[kept], one.q[kept]) for one in groups),
            best=float(strength[order[0]]),
        )


def contracted(cubes: Floats, spans: Sequence[Floats]) -> Floats:
    """Sums over every choice of bins: cubes of shape (sets, bins, ...), spans (sets, options, bins) for each axis."""
    many = len(cubes)
    for span in spans:  # the axis done goes last, the next comes first
        rest = cubes.shape[2:]
        done = cubes.reshape(many, cubes.shape[1], -1).swapaxes(1, 2) @ span.swapaxes(1, 2)
        cubes = done.reshape(many, *rest, span.shape[1])
    return cubes


def sets_of(places: Sequence[int], depth: int) -> Iterator[tuple[int, ...]]:
    """All sets of so many of these features."""
    return combinations(sorted(places), depth)
