"""Bars side by side, such as predicted and actual for each tenth, or a histogram beside its model."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tandem.kit.plots.domain import Axis, Key, Kind, Plot, Table, known
from tandem.kit.plots.drawing import (
    FLOOR,
    LEFT,
    RIGHT,
    WIDTH,
    Scale,
    floor,
    joined,
    number,
    picture,
    rows_of_grid,
    text,
    upright,
)

GAP = 0.22
WIDEST = 60.0


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A value for each place; one that is not known has no bar."""

    label: str
    values: Sequence[float | None]
    kind: Kind = "actual"


def bars(table: Table, words: str, places: Sequence[str], series: Sequence[Bars], *, x: str, y: Axis) -> Plot:
    """Bars with their table, one group for each place."""
    up, marks = upright(known([value for one in series for value in one.values]))
    slot = (WIDTH - RIGHT - LEFT) / max(len(places), 1)
    inside = joined((
        rows_of_grid(up, marks, y),
        *(_series(one, nth, len(series), slot, up) for nth, one in enumerate(series)),
        floor(x), _names(places, slot),
    ))  # fmt: skip
    keys = tuple(Key(kind=one.kind, label=one.label) for one in series)
    return Plot(table=table, words=words, svg=picture(table, words, inside), keys=keys)


def _series(series: Bars, nth: int, of: int, slot: float, up: Scale) -> SafeString:
    wide = min(WIDEST, slot * (1 - GAP) / of)
    zero = up(0)
    drawn = (
        (
            number(LEFT + slot * (place + 0.5) + wide * (nth - of / 2)),
            number(min(up(value), zero)),
            number(wide),
            number(abs(zero - up(value))),
        )
        for place, value in enumerate(series.values)
        if value is not None
    )
    return format_html(
        '<g class="plot-bars {}">{}</g>',
        series.kind,
        format_html_join("", '<rect x="{}" y="{}" width="{}" height="{}"/>', drawn),
    )


def _names(places: Sequence[str], slot: float) -> SafeString:
    return joined(text(LEFT + slot * (nth + 0.5), FLOOR + 16, name) for nth, name in enumerate(places))
