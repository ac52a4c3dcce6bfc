"""Figures of discoveries as people read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from tandem.planner.discovery.views import AloneView, DiscoveryView, Lift, RecordView, RunView

#: the first percentages are told with a decimal
_FINE = 0.1


@dataclass(frozen=True)
class Card:
    """A discovery with its figures in words."""

    found: DiscoveryView
    currency: str

    @property
    def mean(self) -> str:
        """The group's figure."""
        return figure(self.found.estimate.mean, self.found.rate, self.currency)

    @property
    def other(self) -> str:
        """What it is compared with."""
        return figure(self.found.estimate.other, self.found.rate, self.currency)

    @property
    def difference(self) -> str:
        """How much more or less."""
        return gap(self.found.estimate.difference, self.found.rate, self.currency)

    @property
    def interval(self) -> str:
        """Between which differences the truth lies with 95 %."""
        told = self.found.estimate
        return between(told.low, told.high, self.found.rate, self.currency)

    @property
    def chance(self) -> str:
        """q in words."""
        q = self.found.estimate.q
        return _("under 0.1 %") if q < 0.001 else f"{100 * q:.1f} %"

    @property
    def spent(self) -> str:
        """By a member in a year, and by any customer."""
        return _("%(mine)s a customer, %(all)s among all") % {
            "mine": money(float(self.found.spent), self.currency),
            "all": money(float(self.found.spent_all), self.currency),
        }

    @property
    def alone(self) -> str:
        """How it does against as many customers at the end of one attribute; empty where that is not known."""
        one = self.found.alone
        if one is None:
            return ""
        words = (
            _("%(gap)s (%(interval)s) against as many customers with the highest %(label)s")
            if one.top
            else _("%(gap)s (%(interval)s) against as many customers with the lowest %(label)s")
        )
        against = words % {
            "gap": gap(one.difference, self.found.rate, self.currency),
            "interval": between(one.low, one.high, self.found.rate, self.currency),
            "label": one.label,
        }
        return f"{against}: {self._verdict(one)}"

    def _verdict(self, one: AloneView) -> str:
        if one.better:
            return _("the group does better")
        worse = one.high < 0 if self.found.direction > 0 else one.low > 0
        return _("that one attribute does better") if worse else _("that one attribute does as well")

    @property
    def later(self) -> str:
        """How it did afterwards; empty while the days are not over."""
        told = self.found.later
        if told is None:
            return ""
        words = (
            _("%(mean)s against %(other)s: it kept its side")
            if told.kept
            else _("%(mean)s against %(other)s: it did not hold")
        )
        return words % {
            "mean": figure(told.mean, self.found.rate, self.currency),
            "other": figure(told.other, self.found.rate, self.currency),
        }


def simpler(cards: Sequence[Card]) -> tuple[int, int]:
    """Groups not sure to be better than as many customers at the end of one attribute, and of how many it is known."""
    known = [one.found.alone for one in cards if one.found.alone is not None]
    return sum(not one.better for one in known), len(known)


def record_lines(record: RecordView) -> list[tuple[str, str, bool]]:
    """Against whom, by how much, and whether it is sure to be above zero."""
    against = (
        (_("Against the others, or what was expected"), record.rest),
        (_("Against customers of the same recency, orders and spend"), record.usual),
        (_("Against as many customers at the end of one attribute"), record.alone),
    )
    return [(words, _lift(one), one.sure) for words, one in against if one.groups]


def _lift(one: Lift) -> str:
    """The mean difference; its interval once there are two groups."""
    told = gap(one.mean, True, "")
    return f"{told} ({between(one.low, one.high, True, '')})" if one.groups > 1 else told


def simple_rows(run: RunView, currency: str) -> list[dict[str, Any]]:
    """The two segments of each attribute that was confirmed."""
    rate = run.how.rate
    return [
        {
            "label": one.label, "first": one.first, "second": one.second, "first_members": one.first_members,
            "second_members": one.second_members, "mean": figure(one.mean, rate, currency),
            "other": figure(one.other, rate, currency),
            "interval": between(one.low, one.high, rate, currency),
        }
        for one in run.simple
        if one.confirmed
    ]  # fmt: skip


def figure(value: float, rate: bool, currency: str) -> str:
    """A share in percent, or a sum of money."""
    if not rate:
        return money(value, currency)
    return f"{100 * value:.0f} %" if abs(value) >= _FINE else f"{100 * value:.1f} %"


def gap(value: float, rate: bool, currency: str) -> str:
    """A difference with its sign: points of percent, or money."""
    if rate:
        return _("%(points)s points") % {"points": f"{100 * value:+.1f}"}
    return f"{value:+,.2f} {currency}".strip()


def between(low: float, high: float, rate: bool, currency: str) -> str:
    """Two differences."""
    return _("%(low)s to %(high)s") % {
        "low": gap(low, rate, "").removesuffix(" points"),
        "high": gap(high, rate, currency),
    }


def money(value: float, currency: str) -> str:
    """A sum of money."""
    return f"{value:,.2f} {currency}".strip()
