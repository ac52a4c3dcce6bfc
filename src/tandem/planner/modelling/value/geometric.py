"""BG/NBD and MBG/NBD: buying as a Poisson process with gamma rates, a geometric chance to stop at purchases.

In BG/NBD (`first` = 0; Fader, Hardie, Lee 2005) nobody stops at the first purchase, in MBG/NBD (`first` = 1;
Batislam, Denizel, Filiztekin 2007; CBG/NBD of Hoppe, Wagner 2007) it is like any other.
Parameters r, alpha, a, b; times in the unit of alpha.
"""

from collections.abc import Sequence

import numpy as np

from tandem.planner.modelling.value.counting import (
    Counted,
    log_rising,
    rising_slope,
    share_of,
    softplus_and_share,
    total,
)
from tandem.planner.modelling.value.domain import Array
from tandem.planner.modelling.value.hypergeometric import purchases_until_stop

NAMES = ("r", "alpha", "a", "b")
TIMES = ("alpha",)


def likelihood(parameters: Sequence[float], data: Counted, first: int) -> tuple[float, Array]:
    """The log-likelihood and its gradient by the logs of the parameters."""
    r, alpha, a, b = parameters
    x, weight, place = data.levels, data.level_weight, data.place
    aged = np.log1p(data.T / alpha)
    silent = aged - np.log1p(data.tx / alpha)
    k = r + data.x
    extra, stopped = softplus_and_share(_log_odds_of_stop(a, b, x, first)[place] + k * silent)
    fixed = log_rising(r, x) + log_rising(b, a) - log_rising(b + x + first, a)
    value = total(weight, fixed - x * np.log(alpha)) + total(data.weight, extra - k * aged)
    stopped *= data.weight
    gone = np.bincount(place, stopped, len(x))
    together, end, last = -rising_slope(a + b, x + first), 1 / (alpha + data.T), 1 / (alpha + data.tx)
    by_r = total(weight, rising_slope(r, x)) - total(data.weight, aged)
    by_r += total(stopped, silent)
    by_alpha = weight.sum() * r / alpha - total(data.weight * k, end) + total(stopped * k, end - last)
    by_a = total(weight, together) + gone.sum() / a
    stays = np.where(x + first > 0, b + x + first - 1, 1.0)
    by_b = total(weight, together + rising_slope(b, x + first)) - total(gone, 1 / stays)
    return value, np.array([by_r, by_alpha, by_a, by_b]) * parameters


def p_alive(parameters: Sequence[float], x: Array, tx: Array, T: Array, first: int) -> Array:
    """The chance that a customer has not stopped."""
    r, alpha, a, b = parameters
    silent = np.log(alpha + T) - np.log(alpha + tx)
    return share_of(-(_log_odds_of_stop(a, b, x, first) + (r + x) * silent))


def if_alive(parameters: Sequence[float], x: Array, T: Array, t: float, first: int) -> Array:
    """Purchases expected in the next t of a customer who has not stopped; times P(alive) it is E[Y(t)]."""
    r, alpha, a, b = parameters
    return purchases_until_stop(r + x, a, b + x + first, t / (alpha + T))


def buys_if_alive(parameters: Sequence[float], x: Array, T: Array, t: float) -> Array:
    """The chance of a purchase within t of a customer who has not stopped."""
    return -np.expm1(-(parameters[0] + x) * np.log1p(t / (parameters[1] + T)))


def unconditional(parameters: Sequence[float], t: Array, first: int) -> Array:
    """E[X(t)]: purchases after the first within t, by a new customer of whom nothing is known."""
    r, alpha, a, b = parameters
    stays = b / (a + b) if first else 1.0
    t = np.asarray(t, dtype=np.float64)
    return stays * purchases_until_stop(np.full_like(t, r), a, np.full_like(t, b + first), t / alpha)


def frequencies(parameters: Sequence[float], T: Array, most: int, first: int) -> Array:
    """P(X(T) = 0 .. most - 1), one row per T."""
    from scipy.special import betaln

    r, alpha, a, b = parameters
    x = np.arange(most)
    counts = counted(r, alpha, T, most)
    alive = np.exp(betaln(a, b + x + first) - betaln(a, b))
    with np.errstate(invalid="ignore"):
        stopped = np.where(x + first > 0, np.exp(betaln(a + 1, b + x + first - 1) - betaln(a, b)), 0.0)
    reached = 1 - np.concatenate((np.zeros((len(T), 1)), np.cumsum(counts, axis=1)[:, :-1]), axis=1)
    return alive * counts + stopped * reached


def counted(r: float, alpha: float, T: Array, most: int) -> Array:
    """The negative binomial: P(0 .. most - 1 purchases in T) of somebody who never stops, one row per T."""
    from scipy.special import gammaln

    x = np.arange(most)
    shape = gammaln(r + x) - gammaln(r) - gammaln(x + 1)
    share = np.log(alpha) - np.log(alpha + T)
    with np.errstate(divide="ignore", invalid="ignore"):
        bought = np.where(x > 0, x * (np.log(T) - np.log(alpha + T))[:, None], 0.0)
    return np.exp(shape + r * share[:, None] + bought)


def _log_odds_of_stop(a: float, b: float, x: Array, first: int) -> Array:
    """log of a/(b + x), or a/(b + x - 1); who cannot have stopped yet: minus infinity."""
    able = x + first > 0
    return np.where(able, np.log(a) - np.log(np.where(able, b + x + first - 1, 1.0)), -np.inf)
