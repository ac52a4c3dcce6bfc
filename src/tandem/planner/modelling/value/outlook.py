"""What follows from both models: future value per customer, and the course of a whole cohort."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from tandem.planner.modelling.value.domain import Array, Histories
from tandem.planner.modelling.value.fitting import Fitted
from tandem.planner.modelling.value.gamma_gamma import GammaGamma

HORIZONS = (30, 90, 365)


def future_value(
    fitted: Fitted, spend: GammaGamma, histories: Histories, days: Sequence[int] = HORIZONS
) -> dict[int, Array]:
    """Per horizon in days and row: expected purchases times expected value of one, in money, not calibrated."""
    mean = spend.mean(histories.x, histories.m)
    return {horizon: fitted.expected(histories, horizon) * mean for horizon in days}


def tracking(fitted: Fitted, T: ArrayLike, weight: ArrayLike, days: ArrayLike) -> Array:
    """Repeat purchase days of a whole cohort expected up to each of `days`, counted from the end of the data.

    T: days from first purchase to the end of the data, with `weight` customers each; a day below 0 lies before that
    end. Cumulative: differences of it are the purchases in between.
    """
    ends = np.asarray(days, dtype=np.float64)
    born, place = np.unique(np.asarray(T, dtype=np.float64), return_inverse=True)
    customers = np.bincount(place, np.broadcast_to(np.asarray(weight, dtype=np.float64), place.shape))
    ages = np.maximum(born[:, None] + ends, 0)
    levels, at = np.unique(ages, return_inverse=True)
    return np.asarray(customers @ fitted.unconditional(levels)[at].reshape(ages.shape))
