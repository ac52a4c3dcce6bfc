"""The conditions under which a value model may be believed, and what a marketer is told about each."""

import math
from collections.abc import Iterable

import numpy as np

from tandem.planner.modelling.value.domain import Gate, Histories, Kind
from tandem.planner.modelling.value.fitting import Fitted
from tandem.planner.modelling.value.gamma_gamma import GammaGamma

LEAST_STOP, MOST_STOP = 1e-3, 0.999
MOST_CERTAIN = 1e3
LEAST_EVIDENCE = 0.01
MOST_RELATED = 0.3
LIFE = ("converged", "dropout", "better_than_nbd")
SPEND = ("spend_mean", "spend_independent")


def gates(fitted: Fitted, nbd: Fitted, spend: GammaGamma | None, histories: Histories) -> tuple[Gate, ...]:
    """All gates of a model of purchases, compared with NBD on the same histories, and of the model of spend.

    Without `spend` only those of purchases.
    """
    found = (_converged(fitted), _dropout(fitted, histories), _better(fitted, nbd))
    return found if spend is None else (*found, _mean(spend), _independent(spend))


def life_passed(found: Iterable[Gate]) -> bool:
    """Whether P(alive) and expected purchases may be shown."""
    return _passed(found, LIFE)


def spend_passed(found: Iterable[Gate]) -> bool:
    """Whether the mean order value may be shown; with `life_passed` also the future value."""
    return _passed(found, SPEND)


def _passed(found: Iterable[Gate], names: tuple[str, ...]) -> bool:
    by_name = {gate.name: gate.passed for gate in found}
    return all(by_name.get(name, False) for name in names)


def _converged(fitted: Fitted) -> Gate:
    words = "The calculation came to its end."
    if not fitted.converged:
        words = fitted.note or "The calculation did not come to an end, so its numbers are not used."
    return Gate(name="converged", passed=fitted.converged, value=None, limit="the search ends", words=words)


def _dropout(fitted: Fitted, histories: Histories) -> Gate:
    """Whether stopping can be told apart from silence: the mean chance to stop is neither 0 nor 1 nor all alike."""
    share, certain = _stopping(fitted, histories)
    limit = f"between {LEAST_STOP:g} and {MOST_STOP:g}, and customers differ (below {MOST_CERTAIN:g})"
    if math.isnan(share):
        words = "Without a model nothing can be said about who has stopped buying."
        return Gate(name="dropout", passed=False, value=None, limit=limit, words=words)
    within = LEAST_STOP < share < MOST_STOP
    return Gate(
        name="dropout",
        passed=within and certain < MOST_CERTAIN,
        value=share,
        limit=limit,
        words=_stopping_words(fitted.kind, share, within, certain),
    )


def _stopping(fitted: Fitted, histories: Histories) -> tuple[float, float]:
    """The mean chance to stop, and the parameter that says how alike customers are in it."""
    known = fitted.parameters
    if fitted.kind in (Kind.BG, Kind.MBG):
        return known["a"] / (known["a"] + known["b"]), known["b"]
    if fitted.kind is Kind.BGBB:
        return known["gamma"] / (known["gamma"] + known["delta"]), known["delta"]
    if fitted.kind is Kind.NBD:
        return math.nan if fitted.note else 0.0, 0.0
    age = np.average(histories.T, weights=histories.weight) / fitted.unit_days if len(histories) else math.nan
    gone = -math.expm1(-known["s"] * math.log1p(age / known["beta"]))
    return gone, known["beta"] * fitted.unit_days / max(float(histories.T.max(initial=1)), 1)


def _stopping_words(kind: Kind, share: float, within: bool, certain: float) -> str:
    if share <= LEAST_STOP:
        return (
            "By this model nobody ever stops buying, so it cannot tell who is still a customer: "
            "no chance of being a customer is shown."
        )
    if share >= MOST_STOP:
        return (
            "By this model almost everybody stops at once, so it cannot tell who is still a customer: "
            "no chance of being a customer is shown."
        )
    if within and certain >= MOST_CERTAIN:
        return (
            "The data do not show that customers differ in how soon they stop, so who is still a customer "
            "cannot be told from silence: no chance of being a customer is shown."
        )
    when = "have stopped by now" if kind is Kind.PARETO else "stop after a purchase day"
    return f"On average {share:.1%} {when}, and this can be told apart from mere silence."


def _better(fitted: Fitted, nbd: Fitted) -> Gate:
    """Likelihood ratio; NBD lies on the border of the others, so chi-squared with 2 degrees is on the careful side."""
    name, limit = "better_than_nbd", f"p below {LEAST_EVIDENCE:g}"
    ratio = 2 * (fitted.log_likelihood - nbd.log_likelihood)
    if math.isnan(ratio) or fitted.kind is Kind.BGBB or fitted.unit_days != nbd.unit_days:
        words = "It could not be compared with a model in which nobody ever stops."
        return Gate(name=name, passed=False, value=None, limit=limit, words=words)
    p = math.exp(-max(ratio, 0) / 2)
    better = "explains the purchases clearly better than" if p < LEAST_EVIDENCE else "is no better than"
    words = f"A model in which customers may stop {better} one in which nobody ever does."
    return Gate(name=name, passed=p < LEAST_EVIDENCE, value=p, limit=limit, words=words)


def _mean(spend: GammaGamma) -> Gate:
    name, limit = "spend_mean", "q above 1"
    if spend.note or not spend.converged:
        words = spend.note or "The calculation of spend did not come to an end, so its numbers are not used."
        return Gate(name=name, passed=False, value=None, limit=limit, words=words)
    if spend.constant is not None:
        words = "Everybody spends the same on a purchase day, so there is nothing to estimate."
        return Gate(name=name, passed=True, value=None, limit=limit, words=words)
    q = spend.parameters["q"]
    if q > 1:
        words = "Spend per purchase day has a stable average."
    else:
        words = "A few very large orders make the average unstable: no expected order value is shown."
    return Gate(name=name, passed=q > 1, value=q, limit=limit, words=words)


def _independent(spend: GammaGamma) -> Gate:
    name, limit = "spend_independent", f"correlation within {MOST_RELATED:g} of 0"
    related = spend.correlation
    if spend.note:
        return Gate(name=name, passed=False, value=None, limit=limit, words=spend.note)
    if math.isnan(related):
        words = "Spend and number of purchases do not vary together, because one of them does not vary."
        return Gate(name=name, passed=True, value=None, limit=limit, words=words)
    passed = abs(related) < MOST_RELATED
    words = "How often somebody buys and how much they spend are nearly unrelated, as the model assumes."
    if not passed:
        more = "more" if related > 0 else "less"
        words = (
            f"Frequent buyers spend clearly {more} per purchase day, which the model does not allow for: "
            "its order values are not used."
        )
    return Gate(name=name, passed=passed, value=related, limit=limit, words=words)
