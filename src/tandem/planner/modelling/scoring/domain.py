"""Which columns the scores and their ranks have. Pure."""

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
