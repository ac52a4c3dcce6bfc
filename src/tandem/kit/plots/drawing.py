"""The frame of a plot: the picture with its name and description, the axes, the grid."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from tandem.kit.plots.domain import Axis, Table, ticks

WIDTH, HEIGHT = 480.0, 270.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 12.0, 12.0, 44.0
FLOOR = HEIGHT - BOTTOM


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Numbers from `low` to `high` onto pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where it stands."""
        return self.start + (self.end - self.start) * (value - self.low) / ((self.high - self.low) or 1.0)


def upright(values: Sequence[float]) -> tuple[Scale, tuple[float, ...]]:
    """The scale from the floor up, with 0 in it, and its ticks."""
    marks = ticks(min([0.0, *values]), max([0.0, *values]) or 1.0)
    return Scale(low=marks[0], high=marks[-1], start=FLOOR, end=TOP), marks


def picture(table: Table, words: str, inside: SafeString, height: float = HEIGHT) -> SafeString:
    """The drawing with its name and what is seen in it, for those who cannot see it."""
    return format_html(
        '<svg class="plot-svg" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" role="img" '
        'aria-labelledby="{k}-name" aria-describedby="{k}-words" focusable="false">'
        '<title id="{k}-name">{title}</title><desc id="{k}-words">{words}</desc>{inside}</svg>',
        w=f"{WIDTH:g}", h=f"{height:g}", k=f"plot-{table.key}", title=table.title, words=words, inside=inside,
    )  # fmt: skip


def joined(parts: Iterable[SafeString]) -> SafeString:
    """Drawn one over the other."""
    return mark_safe("".join(parts))  # noqa: S308 - parts are escaped already


def number(value: float) -> str:
    """A place in the drawing."""
    return f"{value:.1f}"


def text(x: float, y: float, words: str, css: str = "", anchor: str = "middle") -> SafeString:
    """Words at a place."""
    return format_html(
        '<text class="plot-text {}" x="{}" y="{}" text-anchor="{}">{}</text>',
        css, number(x), number(y), anchor, words,
    )  # fmt: skip


def rows_of_grid(scale: Scale, marks: Sequence[float], axis: Axis) -> SafeString:
    """Level lines with their numbers, and the name of the axis at the top."""
    lines = format_html_join(
        "",
        '<line class="plot-grid" x1="{}" x2="{}" y1="{}" y2="{}"/>',
        ((number(LEFT), number(WIDTH - RIGHT), number(scale(one)), number(scale(one))) for one in marks),
    )
    numbers = joined(text(LEFT - 6, scale(one) + 4, axis.words(one), anchor="end") for one in marks)
    return joined((lines, numbers))


def floor(label: str) -> SafeString:
    """The line at zero or below all, and what stands along it."""
    line = format_html(
        '<line class="plot-axis" x1="{}" x2="{}" y1="{}" y2="{}"/>',
        number(LEFT), number(WIDTH - RIGHT), number(FLOOR), number(FLOOR),
    )  # fmt: skip
    return joined((line, text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, label, "plot-label")))
