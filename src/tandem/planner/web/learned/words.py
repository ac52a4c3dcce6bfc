"""What a model's figures mean, in sentences: words before numbers, and never more than was measured."""

from typing import Protocol

from django.utils.translation import gettext as _

from tandem.planner.modelling.learning.domain import (
    LEAST_FACTOR,
    MOST_FACTOR,
    Model,
)


class Judged(Protocol):
    """How right something was: a model, one of its stages, its line in the registry."""

    @property
    def auc(self) -> float | None:
        """How often it ranks the right way round."""

    @property
    def capture(self) -> float | None:
        """What the highest tenth held."""

    @property
    def past_capture(self) -> float | None:
        """The same by past spend."""

    @property
    def ratio(self) -> float | None:
        """Actual by predicted."""


WELL, FAIRLY, BARELY = 0.75, 0.65, 0.55

#: who did it, for "of all who ..."
_DID = {
    Model.CHURN: "reached Churn",
    Model.REACTIVATION: "bought again",
    Model.CONVERSION: "bought",
    Model.TOP: "rose to the top 1 %",
}
_WHO = {
    Model.CHURN: "Customers who still buy and can reach Churn in that time.",
    Model.REACTIVATION: "Customers in Churn.",
    Model.CONVERSION: "Customers registered who never bought.",
    Model.VALUE: "Customers who have bought, but for dormant ones.",
    Model.TOP: "Customers who have bought and are not there yet, but for dormant ones.",
}
_USE = {
    Model.CHURN: "High: write before they are gone. The highest tenth is where a reminder has most to save.",
    Model.REACTIVATION: "High: worth winning back. Low: another message will hardly change it.",
    Model.CONVERSION: "High: a first purchase is near; a welcome offer may not be needed.",
    Model.VALUE: "Compare it with what a message and a discount cost. Means of groups are firmer than one person's.",
    Model.TOP: "High: treat them as the best customers before they are.",
}


_GATES = {
    "converged": "The fit came to an end",
    "dropout": "Customers do leave, and not all at once",
    "better_than_nbd": "Leaving explains the log better",
    "spend_mean": "Spending has a mean",
    "spend_independent": "Who buys often spends no more each time",
}


def gate(name: str) -> str:
    """What a condition asks."""
    return _GATES.get(name, name.replace("_", " ").capitalize())


def who(model: Model) -> str:
    """For whom the number is."""
    return _WHO[model]


def use(model: Model) -> str:
    """What to do with it."""
    return _USE[model]


def how_right(model: Model, found: Judged, days: int = 0) -> tuple[str, ...]:
    """How often it was right, on data it had not seen; says so where nothing could be measured."""
    if found.auc is None and found.capture is None and found.ratio is None:
        return (_("Not checked yet: the log is too short to hide a period and look back."),)
    parts = (_ranking(model, found), _capture(model, found), _level(model, found, days))
    return tuple(one for one in parts if one)


def _ranking(model: Model, found: Judged) -> str:
    if found.auc is None:
        return ""
    pairs = round(100 * found.auc)
    did = _DID.get(model, "bought")
    return _(
        "%(grade)s: of 100 pairs of a customer who %(did)s and one who did not, it ranked %(pairs)s the right "
        "way round; guessing gets 50."
    ) % {"grade": _grade(found.auc), "did": did, "pairs": pairs}


def _grade(auc: float) -> str:
    if auc >= WELL:
        return _("It ranks well")
    if auc >= FAIRLY:
        return _("It ranks fairly")
    return _("It ranks a little better than guessing") if auc >= BARELY else _("It hardly ranks")


def _capture(model: Model, found: Judged) -> str:
    if found.capture is None:
        return ""
    what = _("what was spent") if model is Model.VALUE else _("all who %s") % _DID[model]
    said = _("The tenth it ranked highest held %(share)s %% of %(what)s.") % {
        "share": round(100 * found.capture), "what": what,
    }  # fmt: skip
    return f"{said} {_against(found)}".strip()


def _against(found: Judged) -> str:
    """The same by past spend, which needs no model."""
    if found.capture is None or found.past_capture is None:
        return ""
    past = round(100 * found.past_capture)
    if round(100 * found.capture) > past:
        return _("Ranking by past spend would have held %s %%.") % past
    if round(100 * found.capture) == past:
        return _("Ranking by past spend held as much.")
    return _("Ranking by past spend held more: %s %%. It does not beat that.") % past


def _level(model: Model, found: Judged, days: int) -> str:
    if found.ratio is None:
        return ""
    within = _(" in %s days") % days if days else ""
    what = _("was spent") if model is Model.VALUE else _("came")
    said = _("For every 100 it expected%(within)s, %(actual)s %(what)s.") % {
        "within": within, "actual": round(100 * found.ratio), "what": what,
    }  # fmt: skip
    if LEAST_FACTOR <= found.ratio <= MOST_FACTOR:
        return said
    return said + " " + _("Use the order it gives, not the level.")
