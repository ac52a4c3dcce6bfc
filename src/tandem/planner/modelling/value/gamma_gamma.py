"""Gamma-Gamma (Fader, Hardie 2013; Fader, Hardie, Lee 2005b): what a customer spends on a purchase day.

The mean m of a customer's x repeat purchase days is gamma around a level that itself differs between customers. The
expected value leans on the population the fewer days are known. Parameters p, q (shapes), g (money).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from tandem.planner.modelling.value.counting import log_rising, rising_slope, total
from tandem.planner.modelling.value.domain import Array
from tandem.planner.modelling.value.fitting import greatest

NAMES = ("p", "q", "g")
SAME = 1e-9


@dataclass(frozen=True, kw_only=True)
class GammaGamma:
    """The fitted model of spend; repeaters: customers it was fitted to (x > 0, m > 0); correlation: of x and m.

    constant: everybody spends this, so there is nothing to fit; note: why there are no parameters (all answers are
    NaN then), else empty.
    """

    parameters: Mapping[str, float]
    log_likelihood: float
    converged: bool
    repeaters: float
    correlation: float
    constant: float | None = None
    note: str = ""

    def mean(self, x: ArrayLike, m: ArrayLike) -> Array:
        """E[M] for each row in money: p (g + x m) / (p x + q - 1); of somebody without repeat days the population's.

        m below 0 (returns outweigh) counts as 0. NaN where q <= 1 leaves no mean.
        """
        x = np.asarray(x, dtype=np.float64)
        if self.constant is not None or self.note:
            return np.full_like(x, math.nan if self.constant is None else self.constant)
        p, q, g = (self.parameters[name] for name in NAMES)
        spent = np.where(x > 0, x * np.fmax(np.asarray(m, dtype=np.float64), 0), 0.0)
        below = p * x + q - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(below > 0, p * (g + spent) / below, np.nan)

    @property
    def population(self) -> float:
        """The mean of a customer of whom nothing is known."""
        return float(self.mean(np.zeros(1), np.zeros(1))[0])

    def as_json(self) -> dict[str, Any]:
        """A plain object that `from_json` reads back; a value that is not there as null."""
        plain = {name: _plain(value) for name, value in self.parameters.items()}
        others = {"log_likelihood": _plain(self.log_likelihood), "correlation": _plain(self.correlation)}
        return {**asdict(self), "parameters": plain, **others}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The model that `as_json` wrote."""
        parameters = {name: _number(value) for name, value in stored["parameters"].items()}
        others = {name: _number(stored[name]) for name in ("log_likelihood", "correlation")}
        return cls(**{**stored, "parameters": parameters, **others})


def fit_spend(x: ArrayLike, m: ArrayLike, weight: ArrayLike | None = None) -> GammaGamma:
    """Parameters of greatest likelihood over the rows with x > 0 and m > 0 (others say nothing about the level)."""
    counts, means = (np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (x, m))
    weights = np.ones_like(counts) if weight is None else np.asarray(weight, dtype=np.float64)
    used = (counts > 0) & (means > 0) & (weights > 0)
    counts, means, weights = counts[used], means[used], weights[used]
    repeaters = float(weights.sum())
    known: dict[str, Any] = {"repeaters": repeaters, "correlation": correlation(counts, means, weights)}
    if not repeaters or float(np.ptp(means)) <= SAME * float(means.max()):
        constant = float(means[0]) if len(means) > 1 else None
        note = "" if constant is not None else _too_few(repeaters)
        nothing = dict.fromkeys(NAMES, math.nan)
        return GammaGamma(
            **known,
            parameters=nothing,
            log_likelihood=math.nan,
            converged=not note,
            constant=constant,
            note=note,
        )
    scale = float(np.average(means, weights=weights))
    data = _Spend(counts, means / scale, weights)
    values, likelihood, converged = greatest(data.likelihood, len(NAMES), repeaters)
    parameters = {name: float(value) for name, value in zip(NAMES, values * (1, 1, scale), strict=True)}
    likelihood -= repeaters * math.log(scale)
    return GammaGamma(**known, parameters=parameters, log_likelihood=likelihood, converged=converged)


def correlation(x: Array, m: Array, weight: Array) -> float:
    """Pearson's, weighted; NaN where one of the two does not vary."""
    if weight.sum() <= 0:
        return math.nan
    apart = [values - np.average(values, weights=weight) for values in (x, m)]
    both, *own = (total(weight, apart[i] * apart[j]) for i, j in ((0, 1), (0, 0), (1, 1)))
    size = math.sqrt(own[0] * own[1])
    return float(both / size) if size > 0 else math.nan


class _Spend:
    """The likelihood over many evaluations: what depends on x alone once per x."""

    def __init__(self, x: Array, m: Array, weight: Array) -> None:
        self.levels, self.place = np.unique(x, return_inverse=True)
        self.weight, self.spent = weight, x * m
        self.level_weight = np.bincount(self.place, weight)
        self.once, self.logs = total(weight, np.log(m)), total(weight, np.log(self.spent))

    def likelihood(self, parameters: Array) -> tuple[float, Array]:
        from scipy.special import gammaln, psi

        p, q, g = parameters
        shape = p * self.levels
        apart = np.bincount(self.place, self.weight * np.log1p(g / self.spent))
        logs, by_level = self.logs + apart.sum(), self.levels * apart
        fixed = log_rising(shape, q) - gammaln(q) + q * math.log(g)
        value = total(self.level_weight, fixed) - p * by_level.sum() - self.once - q * logs
        by_p = total(self.level_weight, self.levels * rising_slope(shape, q)) - by_level.sum()
        by_q = total(self.level_weight, psi(shape + q) - psi(q) + math.log(g)) - logs
        share = np.bincount(self.place, self.weight / (g + self.spent))
        by_g = self.level_weight.sum() * q / g - total(shape + q, share)
        return float(value), np.array([by_p, by_q, by_g]) * parameters


def _too_few(repeaters: float) -> str:
    if repeaters:
        return "Only one customer has bought on a second day; that says nothing about others."
    return "Nobody has spent anything on a second day, so nothing can be learnt about spend."


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
