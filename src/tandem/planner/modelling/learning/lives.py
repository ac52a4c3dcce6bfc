"""The purchase models of one day, with their gates: what they may be used for, and what they answer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning.domain import LIFE_KINDS, Fit, GateResult, Rung
from tandem.planner.modelling.value import (
    Fitted,
    GammaGamma,
    Gate,
    Histories,
    fit,
    fit_spend,
    gates,
    life_passed,
    spend_passed,
)  # fmt: skip

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Lives:
    """Purchase models by rung, the spend model, and the gates of each."""

    fits: dict[Rung, Fitted]
    nbd: Fitted
    spend: GammaGamma
    gates: dict[Rung, tuple[Gate, ...]]

    def may(self, rung: Rung, *, value: bool = False) -> bool:
        """Whether the gates allow its chances; with value also its amounts."""
        found = self.gates.get(rung, ())
        return life_passed(found) and (not value or spend_passed(found))

    def refusal(self, rung: Rung, *, value: bool = False) -> str:
        """In words why not; empty when it may be used."""
        if self.may(rung, value=value):
            return ""
        failed = [gate.words for gate in self.gates.get(rung, ()) if not gate.passed]
        return failed[0] if failed else "This model was not fitted."

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The purchase models fitted."""
        return tuple(self.fits)

    @property
    def shown(self) -> Rung:
        """The purchase model whose P(alive) is shown: the default."""
        return Rung.LIFE

    def value(self, rung: Rung, histories: Histories, days: float) -> Array:
        """Expected spend within `days`, not calibrated."""
        return self.fits[rung].expected(histories, days) * self.spend.mean(histories.x, histories.m)

    def buys(self, rung: Rung, histories: Histories, days: Array | float) -> Array:
        """Chance of a purchase within `days`, a number or one for each row."""
        if np.isscalar(days):
            return np.clip(self.fits[rung].p_buys(histories, float(days)), 0, 1)  # type: ignore[arg-type]
        wanted = np.asarray(days, dtype=np.float64)
        found = np.zeros(len(histories))
        for one in np.unique(wanted):
            rows = wanted == one
            found[rows] = self.fits[rung].p_buys(part(histories, rows), float(one))
        return np.clip(found, 0, 1)

    def columns(self, histories: Histories, horizon: int) -> dict[str, Array]:
        """Features for the trees: P(alive), expected purchases and order value, unknown where gates failed."""
        unknown = np.full(len(histories), np.nan)
        alive = expected = mean = unknown
        if self.may(self.shown):
            fitted = self.fits[self.shown]
            alive, expected = fitted.p_alive(histories), fitted.expected(histories, horizon)
        if spend_passed(self.gates.get(self.shown, ())):
            mean = self.spend.mean(histories.x, histories.m)
        return {"p_alive": alive, "expected_orders": expected, "mean_order": mean}

    def gate_results(self) -> tuple[GateResult, ...]:
        """The gates of the default model."""
        return tuple(GateResult(**gate.as_json()) for gate in self.gates.get(self.shown, ()))

    def described(self) -> tuple[Fit, ...]:
        """Parameters and log-likelihoods of all."""
        spend: dict[str, Any] = self.spend.as_json()
        return (
            *(_described(kind.value, fitted.as_json()) for kind, fitted in self.fits.items()),
            _described("nbd", self.nbd.as_json()),
            _described("gamma-gamma", spend),
        )


def _described(kind: str, stored: dict[str, Any]) -> Fit:
    return Fit(
        kind=kind, parameters=stored["parameters"], log_likelihood=stored["log_likelihood"],
        converged=stored["converged"], note=stored["note"],
    )  # fmt: skip


def live(rows: Histories, people: Histories, rungs: tuple[Rung, ...] = (Rung.LIFE, Rung.LIFE_BG)) -> Lives:
    """Fit the purchase models to `rows` (collapsed) and the spend model to `people` (one row each)."""
    nbd = fit("nbd", rows)
    spend = fit_spend(people.x, people.m, people.weight)
    fits = {rung: fit(LIFE_KINDS[rung], rows) for rung in rungs}
    return Lives(
        fits=fits, nbd=nbd, spend=spend,
        gates={rung: gates(fitted, nbd, spend, rows) for rung, fitted in fits.items()},
    )  # fmt: skip


def part(histories: Histories, rows: NDArray[Any]) -> Histories:
    """Some rows of it."""
    columns = (histories.x, histories.tx, histories.T, histories.m, histories.weight)
    return Histories(*(column[rows] for column in columns))
