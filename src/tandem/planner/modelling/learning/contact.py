"""Contact with customers as a feature: messages sent, opened and clicked, by the day on which it happened.

The rooms above hold it; whichever does says so when the half starts. Both engines run the same text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

WINDOW = 90
_SENT = "what IN ('emails', 'texts')"
_DAYS = {"contact": _SENT, "open": "what = 'opens'", "click": "what = 'clicks'"}
_LABELS = {"emails": "e-mails", "texts": "text messages", "opens": "opens", "clicks": "clicks"}
COUNTED = tuple(f"{what}_{days}" for what in _LABELS for days in (30, WINDOW))
#: column -> what a reader calls it; days since are known where it happened within the window
FIGURES = {
    **{f"{what}_{days}": f"{label} in {days} days" for what, label in _LABELS.items() for days in (30, WINDOW)},
    **{f"days_since_{what}": f"days since the last {what}" for what in _DAYS},
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Source:
    """Who can tell. any: (account) whether there is anything; events: writes rows (customer, day, what, times) up to a
    day as CSV, of customers that meet an SQL text; figures: writes those of everybody on a day."""

    any: Callable[[int], bool]
    events: Callable[[int, date, str, Path], None]
    figures: Callable[[int, date, Path], None]


_SOURCES: list[Source] = []


def tell_by(source: Source) -> None:
    """Contact is known from here."""
    _SOURCES[:] = [source]


def source() -> Source | None:
    """Who can tell, if anybody."""
    return _SOURCES[0] if _SOURCES else None


def figures(rows: str, day: date) -> str:
    """SQL of the figures of each customer at the end of a day; rows: SQL of (customer, day, what, times)."""
    on = f"DATE '{day.isoformat()}'"
    counts = ", ".join(
        f"coalesce(sum(times) FILTER (WHERE what = '{what}' AND day > {on} - {days}), 0) AS {what}_{days}"
        for what in _LABELS
        for days in (30, WINDOW)
    )
    since = ", ".join(
        f"{on} - max(day) FILTER (WHERE {such}) AS days_since_{what}" for what, such in _DAYS.items()
    )
    within = f"day > {on} - {WINDOW} AND day <= {on}"
    return f"SELECT customer, {counts}, {since} FROM {rows} WHERE {within} GROUP BY customer"
