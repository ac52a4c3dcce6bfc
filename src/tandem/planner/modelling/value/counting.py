"""What all likelihoods share: terms in x alone are worked out once per value of x, sums are weighted."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.value.domain import Array, Histories

NUDGE = 1e-6
#: from here on three terms of Stirling's series are exact
LARGE = 200.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Counted:
    """Histories in the model's own unit of time, prepared for many evaluations of a likelihood."""

    x: Array
    tx: Array
    T: Array
    weight: Array

    @classmethod
    def of(cls, histories: Histories, unit: float) -> "Counted":
        """Days divided by `unit`."""
        return cls(
            x=histories.x, tx=histories.tx / unit, T=histories.T / unit, weight=histories.weight.copy()
        )

    @cached_property
    def levels(self) -> Array:
        """The different x, ascending."""
        return self._levels[0]

    @cached_property
    def place(self) -> np.ndarray:
        """For each row where its x is among `levels`."""
        return self._levels[1]

    @cached_property
    def level_weight(self) -> Array:
        """For each of `levels` the customers who have it."""
        return np.asarray(np.bincount(self.place, self.weight, len(self.levels)), dtype=np.float64)

    @cached_property
    def _levels(self) -> tuple[Array, np.ndarray]:
        levels, place = np.unique(self.x, return_inverse=True)
        return levels, place


def away_from_one(value: float) -> float:
    """The formulas divide by a - 1 (s - 1): at 1 itself they are limits, so step aside."""
    return 1 + NUDGE if abs(value - 1) < NUDGE else value


def softplus_and_share(log_odds: Array) -> tuple[Array, Array]:
    """log(1 + e) and e / (1 + e) of log e, without overflow."""
    small = np.exp(-np.abs(log_odds))
    share = np.where(log_odds >= 0, 1.0, small) / (1 + small)
    return np.maximum(log_odds, 0) + np.log1p(small), share


def share_of(log_odds: Array) -> Array:
    """e / (1 + e) of log e."""
    return softplus_and_share(log_odds)[1]


def log_rising(start: Array | float, more: Array | float) -> Array:
    """log of G(start + more)/G(start), by Stirling's series where the two would nearly cancel."""
    from scipy.special import gammaln

    start, more = np.broadcast_arrays(np.asarray(start, dtype=np.float64), more)
    end = start + more
    series = (end - 0.5) * np.log1p(more / start) + more * np.log(start) - more
    series += (1 / end - 1 / start) / 12 - (end**-3 - start**-3) / 360
    return np.where(start > LARGE, series, gammaln(end) - gammaln(start))


def rising_slope(start: Array | float, more: Array | float) -> Array:
    """psi(start + more) - psi(start), the derivative of `log_rising` by `start`, in the same way."""
    from scipy.special import psi

    start, more = np.broadcast_arrays(np.asarray(start, dtype=np.float64), more)
    end = start + more
    series = np.log1p(more / start) - (1 / end - 1 / start) / 2 - (end**-2 - start**-2) / 12
    series += (end**-4 - start**-4) / 120
    return np.where(start > LARGE, series, psi(end) - psi(start))


def total(first: NDArray[Any], second: NDArray[Any]) -> float:
    """The sum of the products. Not by BLAS: its threads wait for each other and double the work on rows this few."""
    return float(np.einsum("i,i->", first, second))
