"""Who moved where as a picture with its table; what micro-segments are worth against how likely they leave."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from tandem.kit.plots import Axis, Line, Plot, Table, heat, lines
from tandem.kit.plots.domain import Cell
from tandem.planner.modelling.segments.movement import NONE, NOT_YET, Flow, Movement
from tandem.planner.modelling.segments.overview import MicroSegmentView, ValueSegmentView

_FEWEST = 2
MOST_MOVES = 5


def of_movement(found: Movement, currency: str) -> Plot | None:
    """Rows where customers were, columns where they are; nothing without an earlier day."""
    if found.before is None or not found.flows:
        return None
    rows = _drawn(found, [one.before for one in found.flows])
    columns = _drawn(found, [one.after for one in found.flows])
    shares = [[_share(found.cell(one, other)) for other in columns] for one in rows]
    words = _(
        "Each row is where customers were; along it, where they are now, in percent of the row. "
        "Who stayed is framed."
    )
    was, now = [one or NONE for one in rows], [one or NONE for one in columns]
    return heat(_table(found, currency), words, was, now, shares, stays=True)


def _drawn(found: Movement, ends: Sequence[str | None]) -> list[str | None]:
    """The names to draw, then those who were not there yet, and those in none."""
    extra = [one for one in (NOT_YET, None) if one in ends]
    return [*(one for one in found.names if one in ends or found.what != "microsegment"), *extra]


def _share(flow: Flow | None) -> float | None:
    return flow.share if flow else 0.0


def _table(found: Movement, currency: str) -> Table:
    headings = (_("From"), _("To"), _("Customers"), _("Share of From"), _("Spent in between (%s)") % currency)
    rows = tuple(
        (one.before or NONE, one.after or NONE, one.customers, one.share, one.revenue)
        for one in sorted(found.flows, key=lambda flow: -flow.customers)
    )
    return Table(key="movement", title=_("From where to where"), headings=headings, rows=rows)


def largest_moves(found: Movement) -> list[Flow]:
    """The moves most customers made; new ones are told apart."""
    moved = [one for one in found.flows if one.moved and one.before != NOT_YET]
    return sorted(moved, key=lambda one: -one.customers)[:MOST_MOVES]


def of_segments(found: Sequence[MicroSegmentView], currency: str) -> Plot | None:
    """Each micro-segment a dot: up for worth, right for likely to leave."""
    figures = ((one.churn_rate, one.future_value) for one in found)
    placed = sorted((rate, float(value)) for rate, value in figures if rate is not None and value is not None)
    if len(placed) < _FEWEST:
        return None
    dots = Line(label=_("a micro-segment"), points=placed, dots_only=True)
    words = _(
        "Up: worth more in a year. Right: more of them will be in Churn in 28 days. Right and up is where to act."
    )
    x, y = Axis(label=_("in Churn in 28 days"), format="percent"), Axis(label=currency)
    return lines(table_of(found, currency), words, [dots], x=x, y=y)


def table_of(found: Sequence[MicroSegmentView], currency: str) -> Table:
    """The micro-segments with their figures."""
    headings = (
        _("Name"), _("Stage"), _("Customers"), *_worth_headings(currency),
    )  # fmt: skip
    rows = tuple((one.name, str(one.stage), one.members, *_worth(one)) for one in found)
    return Table(
        key="micro-segments", title=_("Worth and risk of the micro-segments"), headings=headings, rows=rows
    )


def _worth_headings(currency: str) -> tuple[str, ...]:
    return (
        _("Expected in a year (%s)") % currency, _("In Churn in 28 days"), _("Expected, from"), _("Expected, to"),
        _("In Churn, from"), _("In Churn, to"),
    )  # fmt: skip


def _worth(one: MicroSegmentView | ValueSegmentView) -> tuple[Cell, ...]:
    return one.future_value, one.churn_rate, one.value_low, one.value_high, one.churn_low, one.churn_high


def table_of_values(found: Sequence[ValueSegmentView], currency: str) -> Table:
    """The value segments with their limits and what they are worth."""
    headings = (
        _("Value segment"), _("Percent"), _("At least (%s)") % currency, _("Customers"), *_worth_headings(currency),
    )  # fmt: skip
    rows = tuple((one.name, one.share, one.least, one.members, *_worth(one)) for one in found)
    return Table(key="value-segments", title=_("Value segments"), headings=headings, rows=rows)
