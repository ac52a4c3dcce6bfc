"""NBD (Ehrenberg 1959): nobody ever stops. What the other models must beat before their P(alive) is shown."""

from collections.abc import Sequence

import numpy as np

from tandem.planner.modelling.value import geometric
from tandem.planner.modelling.value.counting import Counted, log_rising, rising_slope, total
from tandem.planner.modelling.value.domain import MOST, Array

NAMES = ("r", "alpha")
TIMES = ("alpha",)
ROWS = MOST


def likelihood(parameters: Sequence[float], data: Counted) -> tuple[float, Array]:
    """The log-likelihood and its gradient by the logs of r, alpha."""
    r, alpha = parameters
    x, weight = data.levels, data.level_weight
    aged, k = np.log1p(data.T / alpha), r + data.x
    value = total(weight, log_rising(r, x) - x * np.log(alpha)) - total(data.weight * k, aged)
    by_r = total(weight, rising_slope(r, x)) - total(data.weight, aged)
    by_alpha = weight.sum() * r / alpha - total(data.weight * k, 1 / (alpha + data.T))
    return value, np.array([by_r, by_alpha]) * parameters


def p_alive(parameters: Sequence[float], x: Array, tx: Array, T: Array) -> Array:
    """1 for everybody."""
    return np.ones_like(x)


def if_alive(parameters: Sequence[float], x: Array, T: Array, t: float) -> Array:
    """Purchases expected in the next t."""
    r, alpha = parameters
    return (r + x) * t / (alpha + T)


def buys_if_alive(parameters: Sequence[float], x: Array, T: Array, t: float) -> Array:
    """The chance of a purchase within t."""
    return geometric.buys_if_alive(parameters, x, T, t)


def unconditional(parameters: Sequence[float], t: Array) -> Array:
    """E[X(t)]: purchases after the first within t, by a new customer."""
    r, alpha = parameters
    return r * np.asarray(t, dtype=np.float64) / alpha


def frequencies(parameters: Sequence[float], T: Array, most: int) -> Array:
    """P(X(T) = 0 .. most - 1), one row per T."""
    r, alpha = parameters
    return geometric.counted(r, alpha, T, most)
