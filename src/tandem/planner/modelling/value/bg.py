"""BG/NBD (Fader, Hardie, Lee 2005a), a reference: by it every customer of one purchase is still one for certain."""

from collections.abc import Sequence

from tandem.planner.modelling.value import geometric
from tandem.planner.modelling.value.counting import Counted
from tandem.planner.modelling.value.domain import MOST, Array

NAMES, TIMES = geometric.NAMES, geometric.TIMES
ROWS = MOST
_FIRST = 0


def likelihood(parameters: Sequence[float], data: Counted) -> tuple[float, Array]:
    """The log-likelihood and its gradient by the logs of r, alpha, a, b."""
    return geometric.likelihood(parameters, data, _FIRST)


def p_alive(parameters: Sequence[float], x: Array, tx: Array, T: Array) -> Array:
    """The chance that a customer has not stopped."""
    return geometric.p_alive(parameters, x, tx, T, _FIRST)


def if_alive(parameters: Sequence[float], x: Array, T: Array, t: float) -> Array:
    """Purchases expected in the next t of a customer who has not stopped."""
    return geometric.if_alive(parameters, x, T, t, _FIRST)


def buys_if_alive(parameters: Sequence[float], x: Array, T: Array, t: float) -> Array:
    """The chance of a purchase within t of a customer who has not stopped."""
    return geometric.buys_if_alive(parameters, x, T, t)


def unconditional(parameters: Sequence[float], t: Array) -> Array:
    """E[X(t)]: purchases after the first within t, by a new customer."""
    return geometric.unconditional(parameters, t, _FIRST)


def frequencies(parameters: Sequence[float], T: Array, most: int) -> Array:
    """P(X(T) = 0 .. most - 1), one row per T."""
    return geometric.frequencies(parameters, T, most, _FIRST)
