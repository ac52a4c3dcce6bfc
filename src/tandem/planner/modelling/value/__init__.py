"""Customer value in NumPy and SciPy: how often people buy, when they stop, what they spend. No Django, no files."""

from tandem.planner.modelling.value.domain import Gate, Histories, Kind
from tandem.planner.modelling.value.fitting import Fitted, fit
from tandem.planner.modelling.value.gamma_gamma import GammaGamma, fit_spend
from tandem.planner.modelling.value.gates import gates, life_passed, spend_passed
from tandem.planner.modelling.value.histories import collapse, make_histories, of_days, read_histories
from tandem.planner.modelling.value.outlook import future_value, tracking

__all__ = [
    "Fitted",
    "GammaGamma",
    "Gate",
    "Histories",
    "Kind",
    "collapse",
    "fit",
    "fit_spend",
    "future_value",
    "gates",
    "life_passed",
    "make_histories",
    "of_days",
    "read_histories",
    "spend_passed",
    "tracking",
]
