"""Values of customers as people read them: dates, money with its currency, yes and no."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

PLAIN_BELOW = 10_000


def shown(value: Any, kind: str = "", currency: str = "") -> str:
    """One value in words; empty when it is not known."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, date | datetime):
        return date_format(value, "j M Y")
    if kind == "money":
        return f"{Decimal(str(value)):,.2f} {currency}".strip()
    if isinstance(value, int | float | Decimal):
        return _number(value)
    return str(value)


def _number(value: int | float | Decimal) -> str:
    """Years and other small numbers stay without separators; halves keep one decimal, chances three."""
    whole = int(value)
    if value != whole:
        return f"{value:,.1f}" if abs(float(value)) >= 1 else f"{value:.3f}"
    return f"{whole:,}" if abs(whole) >= PLAIN_BELOW else str(whole)
