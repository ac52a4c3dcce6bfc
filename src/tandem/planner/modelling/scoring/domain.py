"""Which columns the scores and their ranks have, and what is told of one customer's. Pure."""

from dataclasses import dataclass
from datetime import date

from tandem.planner.modelling.learning.domain import Model

#: the columns of the table `scores`, the customer aside: all DOUBLE, NULL = not of the model's population, or no model
SCORES = (
    "p_alive", "expected_orders_30", "expected_orders_90", "expected_orders_365", "mean_order", "future_value_raw",
    "future_value_30", "future_value_90", "future_value", "churn_risk", "reactivation", "conversion", "top_spender",
)  # fmt: skip
#: those that are sums of money
MONEY = ("mean_order", "future_value_raw", "future_value_30", "future_value_90", "future_value")
#: suffix of a rank's column -> (the highest rank, whether it is the rank within the stage)
RANKS = {
    "percentile": (100, False), "permille": (1000, False),
    "percentile_in_stage": (100, True), "permille_in_stage": (1000, True),
}  # fmt: skip


def rank_column(model: Model, rank: str) -> str:
    """The name of a rank's column."""
    return f"{model}_{rank}"


def rank_columns() -> tuple[str, ...]:
    """The ranks of all models, model by model."""
    return tuple(rank_column(model, rank) for model in Model for rank in RANKS)


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One attribute of a customer against the middle customer of the stage; words tell it."""

    attribute: str
    label: str
    kind: str
    value: float
    median: float
    words: str


@dataclass(frozen=True, kw_only=True)
class ScoreLine:
    """One score of a customer: its ranks, what it says, how often it was right, and what it goes by.

    kind: share (0 to 1) or money.
    """

    model: str
    label: str
    kind: str
    value: float
    percentile: int | None
    percentile_in_stage: int | None
    words: str
    right: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Where a customer stands and why, on the day of the newest snapshot; rhythm: in one sentence.

    differs: what most sets the customer apart in the stage, while no model says what it goes by.
    """

    customer_id: str
    as_of: date
    stage: str
    rhythm: str
    scores: tuple[ScoreLine, ...]
    notes: tuple[str, ...]
    differs: tuple[Reason, ...] = ()
