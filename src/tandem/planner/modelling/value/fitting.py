"""Maximum likelihood by L-BFGS-B over the logs of the parameters, and what a fitted model answers."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from tandem.planner.modelling.value import bg, bgbb, mbg, nbd, pareto
from tandem.planner.modelling.value.counting import Counted, total
from tandem.planner.modelling.value.domain import WEEK, Array, Histories, Kind

BOUND = 12.0
PRECISE = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000, "maxfun": 3000}
#: a mean slope per customer that is as good as none: far out on a flat ridge rounding ends the search sooner
FLAT = 5e-5


class _Model(Protocol):
    NAMES: tuple[str, ...]
    TIMES: tuple[str, ...]
    ROWS: int
    likelihood: Callable[..., tuple[float, Array]]
    p_alive: Callable[..., Array]
    if_alive: Callable[..., Array]
    buys_if_alive: Callable[..., Array]
    unconditional: Callable[..., Array]
    frequencies: Callable[..., Array]


_MODELS: dict[Kind, Any] = {
    Kind.MBG: mbg,
    Kind.BG: bg,
    Kind.PARETO: pareto,
    Kind.NBD: nbd,
    Kind.BGBB: bgbb,
}


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A model with its parameters; histories and horizons go in as days and are turned into its own unit here.

    log_likelihood: in that unit; rows: unique histories it was fitted to; note: in words why there are no parameters
    (all answers are NaN then), else empty.
    """

    kind: Kind
    parameters: Mapping[str, float]
    log_likelihood: float
    converged: bool
    unit_days: float
    rows: int
    customers: float
    note: str = ""

    def p_alive(self, histories: Histories) -> Array:
        """For each row the chance, 0 to 1, that the customer has not stopped buying."""
        if self.note:
            return np.full(len(histories), np.nan)
        tx, T = histories.tx / self.unit_days, histories.T / self.unit_days
        return np.asarray(self._model.p_alive(self._values, histories.x, tx, T))

    def expected(self, histories: Histories, days: float) -> Array:
        """For each row E[Y]: purchase days expected in the next `days`."""
        return self._if_alive(histories, "if_alive", days)

    def p_buys(self, histories: Histories, days: float) -> Array:
        """For each row the chance of a purchase within `days`."""
        return self._if_alive(histories, "buys_if_alive", days)

    def unconditional(self, days: ArrayLike) -> Array:
        """E[X]: purchase days after the first within `days` of it, by a new customer."""
        days = np.asarray(days, dtype=np.float64)
        if self.note:
            return np.full_like(days, np.nan)
        found = self._model.unconditional(self._values, days.reshape(-1) / self.unit_days)
        return np.asarray(found).reshape(days.shape)

    def frequencies(self, T: ArrayLike, most: int = 7) -> Array:
        """P(X = 0 .. most - 1) and, last, P(X >= most) for each T in days: shape (len(T), most + 1)."""
        ends = np.atleast_1d(np.asarray(T, dtype=np.float64))
        if self.note:
            return np.full((len(ends), most + 1), np.nan)
        unique, place = np.unique(ends, return_inverse=True)
        found = self._model.frequencies(self._values, unique / self.unit_days, most)
        rest = np.clip(1 - found.sum(axis=1, keepdims=True), 0, 1)
        return np.asarray(np.concatenate((found, rest), axis=1)[place])

    def as_json(self) -> dict[str, Any]:
        """A plain object that `from_json` reads back; a value that is not there as null."""
        plain = {name: None if math.isnan(value) else value for name, value in self.parameters.items()}
        likelihood = None if math.isnan(self.log_likelihood) else self.log_likelihood
        return {
            **asdict(self),
            "kind": self.kind.value,
            "parameters": plain,
            "log_likelihood": likelihood,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The model that `as_json` wrote."""
        parameters = {name: _number(value) for name, value in stored["parameters"].items()}
        likelihood = _number(stored["log_likelihood"])
        return cls(
            **{
                **stored,
                "kind": Kind(stored["kind"]),
                "parameters": parameters,
                "log_likelihood": likelihood,
            }
        )

    @property
    def _model(self) -> Any:
        return _MODELS[self.kind]

    @property
    def _values(self) -> tuple[float, ...]:
        return tuple(self.parameters[name] for name in self._model.NAMES)

    def _if_alive(self, histories: Histories, name: str, days: float) -> Array:
        """P(alive) times what is expected of the living, which depends on x and T alone."""
        alive = self.p_alive(histories)
        if self.note or not len(histories):
            return alive
        x, T, place = histories.pairs
        answer = getattr(self._model, name)(self._values, x, T / self.unit_days, days / self.unit_days)
        return np.asarray(alive * answer[place])


def fit(
    kind: Kind | str, histories: Histories, *, unit_days: float = WEEK, most: int | None = None
) -> Fitted:
    """The parameters of greatest likelihood, in units of `unit_days` (BG/BB: in opportunities).

    Histories are collapsed first; more than `most` unique ones (as the model bears) are rounded to whole weeks.
    Data from which nothing can be learnt give a model with a note and no parameters, never an exception.
    """
    kind = Kind(kind)
    model: _Model = _MODELS[kind]
    unit = 1.0 if kind is Kind.BGBB else unit_days
    rows = histories.collapsed(model.ROWS if most is None else most)
    known: dict[str, Any] = {"kind": kind, "unit_days": unit, "rows": len(rows), "customers": rows.customers}
    note = _nothing_to_learn(rows)
    if note:
        nothing = dict.fromkeys(model.NAMES, math.nan)
        return Fitted(**known, parameters=nothing, log_likelihood=math.nan, converged=False, note=note)
    scale = float(np.average(rows.T, weights=rows.weight)) if model.TIMES else 1.0
    data = Counted.of(rows, scale)
    values, likelihood, converged = greatest(
        lambda parameters: model.likelihood(parameters, data), len(model.NAMES), rows.customers
    )
    factor = scale / unit if model.TIMES else 1.0
    parameters = {
        name: float(value * factor if name in model.TIMES else value)
        for name, value in zip(model.NAMES, values, strict=True)
    }
    likelihood -= total(rows.weight, rows.x) * math.log(factor)
    return Fitted(**known, parameters=parameters, log_likelihood=likelihood, converged=converged)


def greatest(
    likelihood: Callable[[Array], tuple[float, Array]], number: int, customers: float
) -> tuple[Array, float, bool]:
    """Parameters (logs within +-12, from 0), their log-likelihood, and whether the search came to its end."""
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    def loss(logs: Array) -> tuple[float, Array]:
        value, slope = likelihood(np.exp(logs))
        return -value / customers, -slope / customers

    # BLAS threads would wait for each other over vectors of ten numbers: twice the work for nothing
    with threadpool_limits(1, user_api="blas"):
        found = minimize(
            loss,
            np.zeros(number),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-BOUND, BOUND)] * number,
            options=PRECISE,
        )
    slope = np.where(np.abs(found.x) >= BOUND, 0.0, found.jac)
    ended = bool(found.success or np.abs(slope).max() < FLAT) and bool(np.isfinite(found.fun))
    return np.exp(found.x), -float(found.fun) * customers, ended


def _nothing_to_learn(rows: Histories) -> str:
    if rows.customers <= 0:
        return "There are no customers to learn from."
    if rows.T.max() <= 0:
        return "All customers bought for the first time on the last day; there is no time after it to learn from."
    if total(rows.weight, rows.x) <= 0:
        return "Nobody has bought on a second day, so nothing can be learnt about coming back."
    return ""


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
