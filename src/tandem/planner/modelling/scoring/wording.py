"""A customer's rhythm, scores and reasons in sentences. Pure."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from tandem.planner.modelling.learning.domain import Model, ModelEvidence
from tandem.planner.modelling.scoring.domain import Reason

MOST_REASONS = 3
#: a difference of less than this many interquartile ranges is none
LEAST_FAR = 0.25
_SAYS = {
    Model.CHURN: "{} chance to be in Churn in 28 days",
    Model.REACTIVATION: "{} chance to buy again within 28 days",
    Model.CONVERSION: "{} chance of a first order within 28 days",
    Model.VALUE: "Expected to spend {} in the next 365 days",
    Model.TOP: "{} chance to be among the top 1 % by lifetime spend in 84 days",
}


def rhythm(stage: str, known: Mapping[str, Any], others: tuple[float, float] | None) -> str:
    """How often the customer buys, and since when not.

    known: orders, usual_gap and days_since_last_order; others: shares of the stage more active and less active.
    """
    orders, silence, gap = known["orders"], known["days_since_last_order"], known["usual_gap"]
    if not orders:
        return "Registered, and has never bought."
    if orders == 1 or not gap:
        told = f"Bought once, {days(silence)} ago"
    else:
        told = f"Buys every {days(max(round(gap), 1))} on average, silent for {silence:,}"
    if others is None:
        return f"{told}."
    more, less = (round(100 * share) for share in others)
    if not more and not less:
        return f"{told}; as active as the other {stage} customers."
    compared = f"less active than {more} %" if more > less else f"more active than {less} %"
    return f"{told}; {compared} of {stage} customers."


def days(count: int) -> str:
    """A number of days in words."""
    return f"{count:,} day" if count == 1 else f"{count:,} days"


def says(model: Model, value: float, currency: str) -> str:
    """What a score says of the customer."""
    amount = f"{value:,.2f} {currency}".strip() if model is Model.VALUE else _percent(value)
    return f"{_SAYS[model].format(amount)}."


def alike(stage: str) -> str:
    """Told beside a score that everybody in the stage has."""
    return f" No ranking: everybody in {stage} has the same."


def right(
    model: Model, value: float, percentile: int | None, judged: ModelEvidence | None, currency: str
) -> str:
    """How often such a score was right on the newest completed back-test; empty where unknown, or for a score of 0.

    Such a score: of money the same tenth by rank (none without one), of a chance the tenth with the nearest prediction.
    """
    deciles = [one for one in judged.deciles if one.customers] if judged and value else []
    if not judged or not deciles:
        return ""
    if model is Model.VALUE and percentile is None:
        return ""
    if model is Model.VALUE:
        tenth = ceil((percentile or 1) / 10)
        found = min(deciles, key=lambda one: abs(one.decile - tenth))
        predicted, actual = (f"{one:,.2f} {currency}".strip() for one in (found.predicted, found.actual))
        return (
            f"At the last check customers ranked like this spent {actual} each in {judged.horizon} days; "
            f"{predicted} was expected."
        )
    found = min(deciles, key=lambda one: abs(one.predicted - value))
    return (
        f"At the last check it came true for {_percent(found.actual)} of the customers with such a score; "
        f"{_percent(found.predicted)} was expected."
    )


def _percent(share: float) -> str:
    percent = 100 * share
    return "0 %" if not percent else f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"


def reasons(
    stage: str,
    labels: Mapping[str, tuple[str, str]],
    mine: Mapping[str, float | None],
    middle: Mapping[str, tuple[float, float] | None],
    importance: Sequence[tuple[str, float]] = (),
) -> tuple[Reason, ...]:
    """At most three attributes in which the customer differs from the middle customer of the stage.

    By the model's importance where it is known, else by how far they are away. labels: attribute -> words and kind;
    middle: attribute -> median and interquartile range of the stage.
    """
    weights = {name: size for name, size in importance if size > 0}
    found = []
    for name, (label, kind) in labels.items():
        value, compared = mine.get(name), middle.get(name)
        if value is None or compared is None or value == compared[0] or (weights and name not in weights):
            continue
        median, spread = compared
        far = abs(value - median) / (spread or abs(median) or 1.0)
        if far < LEAST_FAR:
            continue
        told = f"{label[:1].upper()}{label[1:]}: {_figure(value, kind)}"
        words = f"{told}; the middle customer in {stage} has {_figure(median, kind)}."
        reason = Reason(attribute=name, label=label, kind=kind, value=value, median=median, words=words)
        found.append((weights.get(name, 0.0) if weights else far, reason))
    found.sort(key=lambda one: (-one[0], one[1].attribute))
    return tuple(reason for _, reason in found[:MOST_REASONS])


def _figure(value: float, kind: str) -> str:
    if kind == "money":
        return f"{value:,.2f}"
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 1 else f"{value:.2f}"
