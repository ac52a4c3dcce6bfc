"""The scores among a snapshot's columns, in words: what each says, for whom, by when."""

from collections.abc import Iterator

Row = tuple[str, str, str, str, str]

#: model -> its heading, what it is about, who has it
_MODELS = {
    "future_value": ("Future value", "future value", "buyers who are not dormant"),
    "churn_risk": ("Risk of churn", "risk of churn", "customers who still buy"),
    "reactivation": ("Reactivation", "chance of reactivation", "customers in Churn"),
    "conversion": ("Conversion", "chance of conversion", "those registered who never bought"),
    "top_spender": ("Top spender", "chance to become a top spender", "buyers not among the top 1 % yet"),
}
HEADINGS = tuple(heading for heading, _, _ in _MODELS.values())
_SCORES: tuple[Row, ...] = (
    ("future_value", "future value", "money", "Future value",
     "What the customer is expected to spend in the next 365 days, before returns, corrected by how often such figures "
     "were right."),
    ("future_value_90", "future value of 90 days", "money", "Future value", "The same for the next 90 days."),
    ("future_value_30", "future value of 30 days", "money", "Future value", "The same for the next 30 days."),
    ("future_value_raw", "future value, uncorrected", "money", "Future value",
     "Of 365 days as the model gives it, before it is corrected by past results."),
    ("mean_order", "expected order value", "money", "Future value", "What the next orders are expected to be worth."),
    ("expected_orders_30", "expected orders in 30 days", "number", "Future value", "Of the next 30 days."),
    ("expected_orders_90", "expected orders in 90 days", "number", "Future value", "Of the next 90 days."),
    ("expected_orders_365", "expected orders in 365 days", "number", "Future value", "Of the next 365 days."),
    ("p_alive", "chance to be still a customer", "number", "Risk of churn",
     "0 to 1: how likely it is that the customer has not left for good. Empty where the model does not hold."),
    ("churn_risk", "risk of churn", "number", "Risk of churn",
     "0 to 1, of customers who still buy: the chance to be in Churn in 28 days."),
    ("reactivation", "chance of reactivation", "number", "Reactivation",
     "0 to 1, of customers in Churn: the chance to buy again within 28 days."),
    ("conversion", "chance of conversion", "number", "Conversion",
     "0 to 1, of those registered who never bought: the chance of a first order within 28 days."),
    ("top_spender", "chance to become a top spender", "number", "Top spender",
     "0 to 1: the chance to be among the top 1 % by lifetime spend in 84 days. Empty for those who are."),
)  # fmt: skip
#: suffix of the column -> words after the score's, the highest rank, among whom
_RANKS = (
    ("percentile", "percentile", 100, ""),
    ("permille", "permille", 1000, ""),
    ("percentile_in_stage", "percentile in the stage", 100, "of the same lifecycle stage"),
    ("permille_in_stage", "permille in the stage", 1000, "of the same lifecycle stage"),
)


def score_attributes() -> tuple[Row, ...]:
    """(column, label, kind, heading, meaning) of every score and rank, heading by heading."""
    rows = (*_SCORES, *_ranks())
    return tuple(sorted(rows, key=lambda row: HEADINGS.index(row[3])))


def _ranks() -> Iterator[Row]:
    for model, (heading, label, who) in _MODELS.items():
        for suffix, words, most, where in _RANKS:
            among = f"{who} {where}".strip()
            yield (
                f"{model}_{suffix}", f"{label} {words}", "number", heading,
                f"1 to {most:,} among {among}; {most:,} = the highest. Equal scores share a rank: "
                f"where a model has one score for all, all have the highest.",
            )  # fmt: skip
