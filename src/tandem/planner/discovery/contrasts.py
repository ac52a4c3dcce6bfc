"""A group against its complement: difference of means and the greater of Welch's and the pooled variance.

With skewed sums Welch's variance alone is too small where the group is: on pure noise it "finds" groups in 39 % of runs
on an untouched half, the greater of the two in 5 %.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Moments(NamedTuple):
    """Customers, sum and sum of squares of an outcome; numbers or arrays of one shape."""

    n: Floats
    s: Floats
    q: Floats

    @classmethod
    def of(cls, y: Floats) -> "Moments":
        """Of all values of y, shape (n,)."""
        squares = np.einsum("i,i", y, y)  # not the library's product, which wakes its threads for every call
        return cls(np.float64(len(y)), np.float64(y.sum()), np.float64(squares))  # type: ignore[arg-type]

    def less(self, other: "Moments") -> "Moments":
        """Those of the customers that are left without the other's."""
        return Moments(self.n - other.n, self.s - other.s, self.q - other.q)


def difference(group: Moments, whole: Moments) -> tuple[Floats, Floats]:
    """Mean of the group less mean of the rest of `whole`, and its variance; NaN where a side has under 2 customers."""
    rest = whole.less(group)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.maximum(group.q - group.s**2 / group.n, 0)
        outside = np.maximum(rest.q - rest.s**2 / rest.n, 0)
        welch = inside / (group.n * (group.n - 1)) + outside / (rest.n * (rest.n - 1))
        pooled = (inside + outside) / (whole.n - 2) * (1 / group.n + 1 / rest.n)
        gap = group.s / group.n - rest.s / rest.n
    enough = (group.n > 1) & (rest.n > 1)
    return np.where(enough, gap, np.nan), np.where(enough, np.maximum(welch, pooled), np.nan)


def contrast(groups: Sequence[Moments], wholes: Sequence[Moments]) -> tuple[Floats, Floats]:
    """Difference and variance: of one arm, or of treated less control where there are two."""
    gap, variance = difference(groups[0], wholes[0])
    if len(groups) > 1:
        of_control, doubt = difference(groups[1], wholes[1])
        gap, variance = gap - of_control, variance + doubt
    return gap, variance


def z_of(groups: Sequence[Moments], wholes: Sequence[Moments]) -> Floats:
    """Difference in standard errors; 0 where there is none or too few customers."""
    gap, variance = contrast(groups, wholes)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = gap / np.sqrt(variance)
    return np.where(np.isfinite(z), z, 0.0)
