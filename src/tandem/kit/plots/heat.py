"""A table as colours: rows where they were, columns where they went, each cell with its number."""

from collections.abc import Sequence
from math import isfinite

from django.utils.html import format_html
from django.utils.safestring import SafeString

from tandem.kit.plots.domain import Axis, Plot, Table
from tandem.kit.plots.drawing import WIDTH, joined, number, picture, text

NAMES, HEAD, ROW = 132.0, 46.0, 30.0
STEPS = 9
MOST_LETTERS, LETTERS_PER_COLUMN = 20, 9
SMALL = 0.005


def heat(
    table: Table, words: str, rows: Sequence[str], columns: Sequence[str],
    shares: Sequence[Sequence[float | None]], *, stays: bool = False,
) -> Plot:  # fmt: skip
    """Shares of 0 to 1 as cells, darker for more. stays: the diagonal, who did not move, is drawn apart."""
    wide = (WIDTH - NAMES) / max(len(columns), 1)
    parts = [_head(columns, wide)]
    for nth, (name, line) in enumerate(zip(rows, shares, strict=True)):
        top = HEAD + ROW * nth
        parts.append(text(NAMES - 6, top + ROW / 2 + 4, _cut(name, MOST_LETTERS), anchor="end"))
        parts.extend(
            _cell(NAMES + wide * place, top, wide, share, stays and name == columns[place])
            for place, share in enumerate(line)
        )
    drawing = picture(table, words, joined(parts), HEAD + ROW * len(rows) + 4)
    return Plot(table=table, words=words, svg=drawing)


def _head(columns: Sequence[str], wide: float) -> SafeString:
    """Names over the columns, broken into two lines where they have two words."""
    parts: list[SafeString] = []
    for place, name in enumerate(columns):
        first, _, rest = name.partition(" ")
        middle = NAMES + wide * (place + 0.5)
        parts.append(text(middle, HEAD - (22 if rest else 8), _cut(first, LETTERS_PER_COLUMN)))
        if rest:
            parts.append(text(middle, HEAD - 8, _cut(rest, LETTERS_PER_COLUMN)))
    return joined(parts)


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _cell(left: float, top: float, wide: float, share: float | None, stayed: bool) -> SafeString:
    level = 0 if share is None or not isfinite(share) else min(STEPS, round(STEPS * share**0.5))
    box = format_html(
        '<rect class="plot-cell heat-{}{}" x="{}" y="{}" width="{}" height="{}"/>',
        level, " stayed" if stayed else "", number(left + 1), number(top + 1), number(wide - 2), number(ROW - 2),
    )  # fmt: skip
    css = "on-dark" if level > STEPS // 2 else ""
    return joined((box, text(left + wide / 2, top + ROW / 2 + 4, _share(share), css)))


def _share(share: float | None) -> str:
    if not share:
        return "" if share is None else "·"
    return "<1 %" if share < SMALL else Axis(label="", format="percent").words(round(share, 2))
