"""Pareto/NBD (Schmittlein, Morrison, Colombo 1987; Fader, Hardie 2005), a reference: one may stop any day.

Those who stopped enter the likelihood by an integral over the day on which they did, from the last purchase to the
end. Its closed form is a difference of two 2F1 that nearly cancel and whose derivatives by the parameters are no
functions one can call; so the integral itself is taken, by Gauss and Legendre on a logarithmic scale, and its
derivatives on the same points. The closed form is the reference in the tests. Parameters r, alpha, s, beta.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tandem.planner.modelling.value import geometric
from tandem.planner.modelling.value.counting import (
    Counted,
    away_from_one,
    log_rising,
    rising_slope,
    share_of,
    softplus_and_share,
    total,
)
from tandem.planner.modelling.value.domain import Array

NAMES = ("r", "alpha", "s", "beta")
TIMES = ("alpha", "beta")
ROWS = 20_000
NODES = 24
CHUNK = 20_000
_POINTS, _WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(NODES))
_POINTS = _POINTS + 0.5


def likelihood(parameters: Sequence[float], data: Counted) -> tuple[float, Array]:
    """The log-likelihood and its gradient by the logs of r, alpha, s, beta."""
    r, alpha, s, beta = parameters
    x, weight = data.levels, data.level_weight
    k = r + data.x
    log_end, log_stop = np.log(alpha + data.T), np.log(beta + data.T)
    log_gone, gone = _gone(parameters, data.x, data.tx, data.T, slopes=True)
    extra, stopped = softplus_and_share(log_gone + k * log_end + s * log_stop)
    aged, worn = np.log1p(data.T / alpha), np.log1p(data.T / beta)
    value = total(weight, log_rising(r, x))
    value += total(data.weight, extra - r * aged - data.x * log_end - s * worn)
    alive, customers = data.weight * (1 - stopped), weight.sum()
    stopped = data.weight * stopped
    by_r = total(weight, rising_slope(r, x) + np.log(alpha)) - total(alive, log_end)
    by_r += total(stopped, gone[0])
    by_alpha = customers * r / alpha - total(alive * k, 1 / (alpha + data.T)) + total(stopped, gone[1])
    by_s = customers * np.log(beta) - total(alive, log_stop) + total(stopped, gone[2])
    by_beta = customers * s / beta - total(alive, s / (beta + data.T)) + total(stopped, gone[3])
    return value, np.array([by_r, by_alpha, by_s, by_beta]) * parameters


def p_alive(parameters: Sequence[float], x: Array, tx: Array, T: Array) -> Array:
    """The chance that a customer has not stopped."""
    r, alpha, s, beta = parameters
    log_gone, _slopes = _gone(parameters, x, tx, T)
    return share_of(-(log_gone + (r + x) * np.log(alpha + T) + s * np.log(beta + T)))


def if_alive(parameters: Sequence[float], x: Array, T: Array, t: float) -> Array:
    """Purchases expected in the next t of a customer who has not stopped."""
    r, alpha, s, beta = parameters
    return (r + x) / (alpha + T) * _while_there(s, beta + T, t)


def buys_if_alive(parameters: Sequence[float], x: Array, T: Array, t: float) -> Array:
    """The chance, of a customer who has not stopped, of a purchase within t: it comes before the stop."""
    r, alpha, s, beta = parameters
    k, end = r + x, alpha + T
    area = _integral(k + 1, end, np.full_like(x, s), beta + T, np.full_like(x, t))[0]
    return np.minimum(k / end * area, 1.0)


def unconditional(parameters: Sequence[float], t: Array) -> Array:
    """E[X(t)]: purchases after the first within t, by a new customer."""
    r, alpha, s, beta = parameters
    return r / alpha * _while_there(s, beta, np.asarray(t, dtype=np.float64))


def frequencies(parameters: Sequence[float], T: Array, most: int) -> Array:
    """P(X(T) = 0 .. most - 1), one row per T: of those still there, and of those who stopped on some day before."""
    r, alpha, s, beta = parameters
    alive = geometric.counted(r, alpha, T, most) * np.exp(-s * np.log1p(T / beta))[:, None]
    days, weights = _scaled(np.full_like(T, (s + 1) / beta + r / alpha), T)
    stopping = s / beta * np.exp(-(s + 1) * np.log1p(days / beta)) * weights
    stopped = [stopping[row] @ geometric.counted(r, alpha, days[row], most) for row in range(len(T))]
    return alive + np.reshape(stopped, alive.shape)


def _while_there(s: float, end: Array | float, t: Array | float) -> Array:
    """The mean time, of the next t, before a customer stops who has not stopped by now; end = beta + T."""
    less = away_from_one(s) - 1
    return np.asarray(end * -np.expm1(-less * np.log1p(np.asarray(t / end))) / less)


def _gone(
    parameters: Sequence[float], x: Array, tx: Array, T: Array, *, slopes: bool = False
) -> tuple[Array, tuple[Array, ...]]:
    """log of s times the integral of (alpha+u)^-(r+x) (beta+u)^-(s+1) over tx..T, and its slopes by the parameters."""
    r, alpha, s, beta = parameters
    k, start, stop = r + x, alpha + tx, beta + tx
    area, means = _integral(k, start, np.full_like(x, s + 1), stop, T - tx, slopes=slopes)
    log_start, log_stop = np.log(start), np.log(stop)
    with np.errstate(divide="ignore"):
        found = np.log(s) - k * log_start - (s + 1) * log_stop + np.log(area)
    if not slopes:
        return found, ()
    by_r, by_alpha = -(log_start + means[0]), -k / start * means[1]
    by_s, by_beta = 1 / s - (log_stop + means[2]), -(s + 1) / stop * means[3]
    return found, (by_r, by_alpha, by_s, by_beta)


def _integral(
    k: Array, start: Array, power: Array, stop: Array, length: Array, *, slopes: bool = False
) -> tuple[Array, tuple[Array, ...]]:
    """The integral over d in 0..length of (1 + d/start)^-k (1 + d/stop)^-power.

    slopes: also the means, under that weight, of log(1 + d/start), 1/(1 + d/start) and the same of stop.
    """
    area, means = np.empty_like(start), tuple(np.empty_like(start) for _one in range(4 if slopes else 0))
    for begin in range(0, len(start), CHUNK):
        part = slice(begin, begin + CHUNK)
        days, weights = _scaled(k[part] / start[part] + power[part] / stop[part], length[part])
        near, far = np.log1p(days / start[part, None]), np.log1p(days / stop[part, None])
        weights *= np.exp(-k[part, None] * near - power[part, None] * far)
        area[part] = weights.sum(axis=1)
        least = np.maximum(area[part], np.finfo(float).tiny)
        for mean, of in zip(means, _of_slopes(near, far), strict=False):
            mean[part] = np.einsum("ij,ij->i", weights, of()) / least
    return area, means


def _of_slopes(near: Array, far: Array) -> tuple[Callable[[], Array], ...]:
    return (lambda: near, lambda: np.exp(-near), lambda: far, lambda: np.exp(-far))


def _scaled(rate: Array, length: Array) -> tuple[Array, Array]:
    """Points in 0..length and weights, dense where something that decays at `rate` still counts; one row per length."""
    top = np.log1p(rate * length)[:, None]
    logs = top * _POINTS
    return np.expm1(logs) / rate[:, None], top * _WEIGHTS * np.exp(logs) / rate[:, None]
