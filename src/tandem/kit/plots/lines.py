"""Lines over numbers or days: joined, stepped, or dots alone; with a line at which something begins."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tandem.kit.plots.domain import Axis, Cell, Key, Kind, Plot, Table, known, ticks
from tandem.kit.plots.drawing import (
    FLOOR,
    LEFT,
    RIGHT,
    TOP,
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

MOST_DOTS = 60
LABELS, DAYS_NAMED = 5, 4
HALF = 2


@dataclass(frozen=True, kw_only=True)
class Line:
    """Points (x, y), ascending by x; a y that is not known interrupts it."""

    label: str
    points: Sequence[tuple[float, float | None]]
    kind: Kind = "actual"
    step: bool = False
    dots_only: bool = False


def lines(
    table: Table, words: str, series: Sequence[Line], *, x: Axis, y: Axis,
    mark: tuple[float, str] | None = None, levels: Sequence[float] = (),
) -> Plot:  # fmt: skip
    """Lines with their table. mark: an upright dashed line and its words; levels: limits drawn level."""
    xs = [point[0] for one in series for point in one.points]
    across, below = _across(xs, x)
    up, marks = upright([*known([point[1] for one in series for point in one.points]), *levels])
    inside = joined((
        rows_of_grid(up, marks, y), floor(x.label), _ticks(across, below, x),
        *(_level(up, one) for one in levels), *(_line(one, across, up) for one in series), _mark(across, mark),
    ))  # fmt: skip
    keys = tuple(Key(kind=one.kind, label=one.label, line=not one.dots_only) for one in series)
    return Plot(table=table, words=words, svg=picture(table, words, inside), keys=keys)


def _across(xs: Sequence[float], axis: Axis) -> tuple[Scale, tuple[float, ...]]:
    """Numbers begin and end at round ones; days where the first and last stand."""
    low, high = min(xs, default=0.0), max(xs, default=1.0)
    if axis.format == "date":
        count = min(DAYS_NAMED, max(1, round(high - low)))
        marks = tuple(low + (high - low) * place / count for place in range(count + 1))
        return _scale(low, high), marks
    marks = ticks(low, high, LABELS + 1)
    return _scale(marks[0], marks[-1]), marks


def _scale(low: float, high: float) -> Scale:
    return Scale(low=low, high=high, start=LEFT, end=WIDTH - RIGHT)


def _ticks(across: Scale, marks: Sequence[float], axis: Axis) -> SafeString:
    last = len(marks) - 1
    anchors = ["end" if place and place == last else "middle" for place in range(len(marks))]
    return joined(
        text(across(one), FLOOR + 16, axis.words(one), anchor=anchor)
        for one, anchor in zip(marks, anchors, strict=True)
    )


def _level(up: Scale, value: float) -> SafeString:
    at = number(up(value))
    return format_html(
        '<line class="plot-limit" x1="{}" x2="{}" y1="{}" y2="{}"/>',
        number(LEFT),
        number(WIDTH - RIGHT),
        at,
        at,
    )


def _line(line: Line, across: Scale, up: Scale) -> SafeString:
    placed = [(across(x), None if y is None else up(y)) for x, y in line.points]
    dots = [(number(x), number(y)) for x, y in placed if y is not None]
    drawn: list[SafeString] = []
    if not line.dots_only:
        path = _path(placed, step=line.step)
        drawn.append(format_html('<path class="plot-line {}" d="{}"/>', line.kind, path))
    if line.dots_only or (line.kind not in {"model", "limit"} and len(dots) <= MOST_DOTS):
        drawn.append(
            format_html(
                '<g class="plot-dots {}">{}</g>',
                line.kind,
                format_html_join("", '<circle cx="{}" cy="{}" r="3"/>', dots),
            )
        )
    return joined(drawn)


def _path(placed: Sequence[tuple[float, float | None]], *, step: bool) -> str:
    parts: list[str] = []
    pen_up = True
    for x, y in placed:
        if y is None:
            pen_up = True
            continue
        if pen_up:
            parts.append(f"M{x:.1f} {y:.1f}")
        else:
            parts.append(f"H{x:.1f} V{y:.1f}" if step else f"L{x:.1f} {y:.1f}")
        pen_up = False
    return " ".join(parts) or "M0 0"


def _mark(across: Scale, mark: tuple[float, str] | None) -> SafeString:
    if mark is None:
        return joined(())
    at, words = across(mark[0]), mark[1]
    late = at > (LEFT + WIDTH) / HALF
    line = format_html(
        '<line class="plot-mark" x1="{}" x2="{}" y1="{}" y2="{}"/>', number(at), number(at), number(TOP), number(FLOOR)
    )  # fmt: skip
    where = at - 5 if late else at + 5
    return joined((line, text(where, TOP + 9, words, "plot-note", "end" if late else "start")))


def table_of(key: str, title: str, x: str, series: Sequence[Line]) -> Table:
    """The table of lines that share their x."""
    xs = sorted({point[0] for one in series for point in one.points})
    found = [dict(one.points) for one in series]
    rows: list[tuple[Cell, ...]] = [(value, *(one.get(value) for one in found)) for value in xs]
    return Table(key=key, title=title, headings=(x, *(one.label for one in series)), rows=tuple(rows))
