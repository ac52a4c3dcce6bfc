"""BG/BB (Fader, Hardie, Shang 2010): one purchase or none at each of n opportunities, as with yearly donations.

x: opportunities taken; tx: the last one taken (0: none); T: how many there were. Parameters alpha, beta (taking one),
gamma, delta (stopping before one). No unit of time: all counts are opportunities.
"""

from collections.abc import Sequence

import numpy as np

from tandem.planner.modelling.value.counting import Counted, total
from tandem.planner.modelling.value.domain import MOST, Array

NAMES = ("alpha", "beta", "gamma", "delta")
TIMES: tuple[str, ...] = ()
ROWS = MOST


def likelihood(parameters: Sequence[float], data: Counted) -> tuple[float, Array]:
    """The log-likelihood and its gradient by the logs of the parameters."""
    from scipy.special import psi

    alpha, beta, gamma, delta = parameters
    terms, lived, stopped = _terms(parameters, data.x, data.tx, data.T)
    peak = terms.max(axis=1, keepdims=True)
    shares = np.exp(terms - peak)
    sums = shares.sum(axis=1, keepdims=True)
    shares *= data.weight[:, None] / sums
    both, leaving = psi(alpha + beta + lived), psi(gamma + delta + lived + stopped)
    x, customers = data.x[:, None], data.weight.sum()
    by_alpha = (shares * (psi(alpha + x) - both)).sum() - customers * (psi(alpha) - psi(alpha + beta))
    by_beta = (shares * (psi(beta + lived - x) - both)).sum() - customers * (psi(beta) - psi(alpha + beta))
    by_gamma = (shares * (psi(gamma + stopped) - leaving)).sum() - customers * (
        psi(gamma) - psi(gamma + delta)
    )
    by_delta = (shares * (psi(delta + lived) - leaving)).sum() - customers * (psi(delta) - psi(gamma + delta))
    value = total(data.weight, (peak + np.log(sums))[:, 0])
    return value, np.array([by_alpha, by_beta, by_gamma, by_delta]) * parameters


def p_alive(parameters: Sequence[float], x: Array, tx: Array, T: Array) -> Array:
    """The chance that a customer is still there at the next opportunity."""
    from scipy.special import betaln

    alpha, beta, gamma, delta = parameters
    there = betaln(alpha + x, beta + T - x) - betaln(alpha, beta)
    there = there + betaln(gamma, delta + T + 1) - betaln(gamma, delta)
    return np.exp(there - _log_likelihoods(parameters, x, tx, T))


def if_alive(parameters: Sequence[float], x: Array, T: Array, t: float) -> Array:
    """Of the next t opportunities (whole ones) those taken by a customer who is still there at the first of them."""
    return _over(parameters, x, T, t, first_only=False)


def buys_if_alive(parameters: Sequence[float], x: Array, T: Array, t: float) -> Array:
    """The chance that such a customer takes at least one of the next t opportunities."""
    return np.minimum(_over(parameters, x, T, t, first_only=True), 1.0)


def unconditional(parameters: Sequence[float], t: Array) -> Array:
    """E[X(t)]: opportunities taken of the first t, by a new customer."""
    from scipy.special import betaln

    alpha, beta, gamma, delta = parameters
    t = np.asarray(t, dtype=np.float64)
    steps = np.arange(1, max(int(t.max(initial=0)), 0) + 1)
    there = np.exp(betaln(gamma, delta + steps) - betaln(gamma, delta))
    return alpha / (alpha + beta) * np.concatenate(([0.0], np.cumsum(there)))[t.astype(int)]


def frequencies(parameters: Sequence[float], T: Array, most: int) -> Array:
    """P(X(T) = 0 .. most - 1), one row per T."""
    return np.stack([_frequencies_of(parameters, int(n), most) for n in T]) if len(T) else np.zeros((0, most))


def _frequencies_of(parameters: Sequence[float], n: int, most: int) -> Array:
    """Over the opportunities at which one was still there: all n, or the first i of them."""
    from scipy.special import betaln, gammaln

    alpha, beta, gamma, delta = parameters
    x, lived = np.arange(most)[:, None], np.arange(n + 1)[None, :]
    stopped = (lived < n).astype(float)
    possible = x <= lived
    others = np.where(possible, lived - x, 0)
    ways = gammaln(lived + 1) - gammaln(x + 1) - gammaln(others + 1)
    logs = ways + betaln(alpha + x, beta + others) - betaln(alpha, beta)
    logs = logs + betaln(gamma + stopped, delta + lived) - betaln(gamma, delta)
    return np.where(possible, np.exp(logs), 0.0).sum(axis=1)


def _terms(parameters: Sequence[float], x: Array, tx: Array, T: Array) -> tuple[Array, Array, Array]:
    """Per row and opportunity lived through (last column: all of them): log of its part, their number, 1 if stopped."""
    from scipy.special import betaln

    alpha, beta, gamma, delta = parameters
    width = int((T - tx).max(initial=0)) + 1
    lived = np.minimum(tx[:, None] + np.arange(width), T[:, None])
    lived[:, -1] = T
    stopped = np.ones_like(lived)
    stopped[:, -1] = 0
    logs = betaln(alpha + x[:, None], beta + lived - x[:, None]) - betaln(alpha, beta)
    logs += betaln(gamma + stopped, delta + lived) - betaln(gamma, delta)
    beyond = (lived >= T[:, None]) & (stopped == 1)
    return np.where(beyond, -np.inf, logs), lived, stopped


def _log_likelihoods(parameters: Sequence[float], x: Array, tx: Array, T: Array) -> Array:
    terms = _terms(parameters, x, tx, T)[0]
    peak = terms.max(axis=1)
    return peak + np.log(np.exp(terms - peak[:, None]).sum(axis=1))


def _over(parameters: Sequence[float], x: Array, T: Array, t: float, *, first_only: bool) -> Array:
    """The sum over the next t opportunities of the chance that it is taken (as the first of them)."""
    from scipy.special import betaln

    alpha, beta, gamma, delta = parameters
    base = betaln(alpha + x, beta + T - x) + betaln(gamma, delta + T + 1)
    found = np.zeros_like(x)
    for step in range(1, int(t) + 1):
        before = step - 1 if first_only else 0
        taken = betaln(alpha + x + 1, beta + T - x + before)
        found += np.exp(taken + betaln(gamma, delta + T + step) - base)
    return found
