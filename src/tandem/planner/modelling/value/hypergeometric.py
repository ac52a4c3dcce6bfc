"""The mean number of purchases until somebody stops, safe over the whole range of parameters.

With k = r + x and the chance of stopping p ~ Beta(a, b), the BG and MBG expectations are the mean of
(1 - (1 + p tau)^-k) / p. In closed form, after Euler's transformation (Abramowitz, Stegun 15.3.3):

    (a + b - 1)/(a - 1) [1 - (1 - z)^(a - 1) 2F1(a - 1, a + b - 1 - k; a + b - 1; z)],  z = tau/(1 + tau)

Transformed it neither overflows for frequent buyers nor cancels near a = 1. Where scipy's 2F1 is not to be trusted
(large parameters, a at 1, a + b near 1, z near 1, a difference of nearly equal numbers, a value outside the bounds)
the mean is integrated by Gauss and Jacobi.
"""

import numpy as np

from tandem.planner.modelling.value.counting import NUDGE
from tandem.planner.modelling.value.domain import Array, Mask

#: beyond these scipy's series lose digits
TRUSTED_PARAMETER = 200.0
TRUSTED_Z = 0.9
#: the least difference in the brackets; a smaller one has lost more than four digits
LEAST_LEFT = 1e-4
NODES, MANY_NODES, MANY_FROM = 48, 256, 30.0


def purchases_until_stop(k: Array, a: float, b: Array, tau: Array) -> Array:
    """E[(1 - (1 + p tau)^-k)/p] for p ~ Beta(a, b); k, b, tau: arrays of one length, tau = t/(alpha + T)."""
    from scipy.special import hyp2f1

    z, total = tau / (1 + tau), a + b - 1
    with np.errstate(all="ignore"):
        series = hyp2f1(a - 1, total - k, total, z)
        found = total / (a - 1) * (1 - np.exp((1 - a) * np.log1p(tau)) * series)
    lost = ~trusted(found, k, a, b, tau)
    if lost.any():
        found[lost] = integrated(k[lost], a, b[lost], tau[lost])
    return found


def trusted(found: Array, k: Array, a: float, b: Array, tau: Array) -> Mask:
    """Where the closed form may be taken: inside the bounds of the mean, and away from where digits are lost."""
    total = a + b - 1
    near = (abs(a - 1) > NUDGE) & (np.abs(total) > 0.01) & (tau / (1 + tau) <= TRUSTED_Z)
    small = np.maximum(np.maximum(np.abs(total - k), np.abs(total)), a) <= TRUSTED_PARAMETER
    with np.errstate(all="ignore"):
        small &= np.abs(found * (a - 1) / total) > LEAST_LEFT
        return np.asarray(near & small & np.isfinite(found) & (found >= 0) & (found <= k * tau * (1 + 1e-9)))


def integrated(k: Array, a: float, b: Array, tau: Array) -> Array:
    """The same mean by quadrature with the weight p^(a-1) (1-p)^(b-1); one rule for each different b."""
    found = np.empty_like(tau)
    for level in np.unique(b):
        rows = np.flatnonzero(b == level)
        for many in (False, True):
            some = rows[(k[rows] * tau[rows] > MANY_FROM) == many]
            if len(some):
                p, weight = beta_rule(a, float(level), MANY_NODES if many else NODES)
                inner = -np.expm1(-k[some, None] * np.log1p(p * tau[some, None])) / p
                found[some] = np.einsum("ij,j->i", inner, weight)
    return found


def beta_rule(a: float, b: float, nodes: int) -> tuple[Array, Array]:
    """Points in (0, 1) and weights (sum 1) of the Gauss rule for Beta(a, b), by Golub and Welsch (1969).

    From the eigenvectors of the Jacobi matrix, so that large a and b do not overflow.
    """
    from scipy.linalg import eigh_tridiagonal

    n = np.arange(nodes, dtype=np.float64)
    first, second = b - 1, a - 1
    both = first + second
    with np.errstate(all="ignore"):
        diagonal = (second**2 - first**2) / ((2 * n + both) * (2 * n + both + 2))
        diagonal[0] = (second - first) / (both + 2)
        m = n[1:]
        beside = 4 * m * (m + first) * (m + second) * (m + both)
        beside /= (2 * m + both) ** 2 * ((2 * m + both) ** 2 - 1)
        beside[0] = 4 * (1 + first) * (1 + second) / ((2 + both) ** 2 * (3 + both))
    points, vectors = eigh_tridiagonal(diagonal, np.sqrt(beside))
    return np.maximum((points + 1) / 2, np.finfo(float).tiny), vectors[0] ** 2
