"""Purchase histories as the value models see them: collapsed, weighted, in days."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

WEEK = 7.0
#: unique histories up to which a fit works on exact days; beyond, on whole weeks
MOST = 1_000_000
#: places up to which pairs of whole numbers are marked in a table instead of sorted
TABLE = 20_000_000


class Kind(StrEnum):
    """The models of how often somebody buys and when they stop."""

    MBG = "mbg"
    BG = "bg"
    PARETO = "pareto"
    NBD = "nbd"
    BGBB = "bgbb"


@dataclass(frozen=True, kw_only=True, eq=False)
class Histories:
    """One row per customer, or per group of customers with the same history. Arrays of one length, float.

    x: purchase days after the first; tx: days from the first to the last purchase (0 if x = 0); T: days from the
    first purchase to the end of the data; m: mean value of the purchase days after the first, NaN if there is none
    (missing: not known for any); weight: customers of the row. In BG/BB tx and T count opportunities, not days.
    """

    x: Array
    tx: Array
    T: Array
    m: Array
    weight: Array

    def __init__(
        self,
        x: ArrayLike,
        tx: ArrayLike,
        T: ArrayLike,
        m: ArrayLike | None = None,
        weight: ArrayLike | None = None,
    ) -> None:
        counts = np.atleast_1d(np.asarray(x, dtype=np.float64))
        given = {"x": counts, "m": np.full(counts.shape, np.nan), "weight": np.ones(counts.shape)}
        for name, values in {"tx": tx, "T": T, "m": m, "weight": weight}.items():
            if values is not None:
                given[name] = np.atleast_1d(np.asarray(values, dtype=np.float64))
        for name, array in given.items():
            if array.shape != counts.shape or array.ndim != 1:
                raise ValueError(f"{name} is not as long as x")
            object.__setattr__(self, name, array)
        if not ((self.x >= 0) & (self.tx >= 0) & (self.tx <= self.T) & (self.weight >= 0)).all():
            raise ValueError("a history needs 0 <= x, 0 <= tx <= T and 0 <= weight")

    def __len__(self) -> int:
        return len(self.x)

    @property
    def customers(self) -> float:
        """How many customers they are."""
        return float(self.weight.sum())

    @cached_property
    def pairs(self) -> tuple[Array, Array, NDArray[np.intp]]:
        """The different (x, T), on which expectations depend, and for each row which of them it has."""
        width = int(self.T.max(initial=0)) + 1
        whole = (self.x == np.rint(self.x)).all() and (np.rint(self.T) == self.T).all()
        if not whole or (self.x.max(initial=0) + 1) * width > TABLE:
            pairs, place = np.unique(np.stack((self.x, self.T)), axis=1, return_inverse=True)
            return pairs[0], pairs[1], place.reshape(-1)
        keys = (self.x * width + self.T).astype(np.intp)
        seen = np.zeros(int(keys.max(initial=0)) + 1, dtype=bool)
        seen[keys] = True
        found = np.flatnonzero(seen)
        x, T = np.divmod(found, width)
        return x.astype(np.float64), T.astype(np.float64), (np.cumsum(seen) - 1)[keys]

    def collapsed(self, most: int = MOST) -> "Histories":
        """Equal (x, tx, T) as one row with their weights added, without m; more than `most` such rows: whole weeks."""
        found = self._grouped(self.tx, self.T)
        if len(found) > most:
            found = found._grouped(WEEK * np.rint(found.tx / WEEK), WEEK * np.rint(found.T / WEEK))
        return found

    def _grouped(self, tx: Array, T: Array) -> "Histories":
        if not len(self):
            return self
        order = _order(self.x, tx, T)
        columns = (self.x[order], tx[order], T[order])
        rows = np.stack(columns)
        starts = np.flatnonzero(np.concatenate(([True], (rows[:, 1:] != rows[:, :-1]).any(axis=0))))
        x, last, end = (column[starts] for column in columns)
        return Histories(x, last, end, weight=np.add.reduceat(self.weight[order], starts))


def _order(x: Array, tx: Array, T: Array) -> NDArray[np.intp]:
    """Rows by x, tx, T: by one number where all are whole and small, which sorts in a third of the time."""
    last, end = tx.max() + 1, T.max() + 1
    if x.max() * last * end < 2**53 and all((part == np.rint(part)).all() for part in (x, tx, T)):
        return np.argsort(((x * last + tx) * end + T).astype(np.int64))
    return np.lexsort((T, tx, x))


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One condition under which a model may be believed, in words for the marketer.

    name: converged, dropout, better_than_nbd (of the model of purchases), spend_mean, spend_independent (of spend);
    value and limit: what was compared, None where there was nothing to compare.
    """

    name: str
    passed: bool
    value: float | None
    limit: str
    words: str

    def as_json(self) -> dict[str, Any]:
        """A plain object."""
        return {
            "name": self.name,
            "passed": self.passed,
            "value": self.value,
            "limit": self.limit,
            "words": self.words,
        }
