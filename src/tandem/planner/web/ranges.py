"""Intervals of groups as people read them: from one amount to another, rounded to what can be known."""

import math
from decimal import Decimal

from django.utils.translation import gettext as _

FIGURES = 3


def of_money(low: float | Decimal | None, high: float | Decimal | None, currency: str) -> str:
    """Two amounts with the currency, three figures of each; empty without an interval."""
    if low is None or high is None:
        return ""
    return _("%(low)s\u00a0%(currency)s to %(high)s\u00a0%(currency)s") % {
        "low": _rounded(float(low)), "high": _rounded(float(high)), "currency": currency,
    }  # fmt: skip


def of_share(low: float | None, high: float | None) -> str:
    """Two shares in percent; empty without an interval, or where it has no width."""
    if low is None or high is None or _percent(low) == _percent(high):
        return ""
    return _("%(low)s\u00a0%% to %(high)s\u00a0%%") % {"low": _percent(low), "high": _percent(high)}


def _rounded(value: float) -> str:
    if value <= 0:
        return "0"
    places = FIGURES - 1 - math.floor(math.log10(value))
    return f"{round(value, places):,.{min(max(places, 0), 2)}f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}" if share < 0.1 else f"{100 * share:.0f}"
