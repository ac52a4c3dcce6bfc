"""A table as colours: rows where they were, columns where they went, each cell with its number."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from django.utils.html import format_html
from django.utils.safestring import SafeString

from tandem.kit.plots.domain import Axis, Plot, Table
from tandem.kit.plots.drawing import WIDTH, joined, number, picture, text

STEPS = 9
LETTER = 5.4
MOST_NAMED = 9
SMALL = 0.005
DARK_FROM = 5


@dataclass(frozen=True, kw_only=True)
class _Form:
    """Sizes; letters: how many of a row's name are shown; named: columns by name and cells with words."""

    names: float = 112.0
    head: float = 46.0
    row: float = 30.0
    letters: int = 20
    named: bool = True


_CLOSE = _Form(names=224.0, head=20.0, row=16.0, letters=36, named=False)


def heat(
    table: Table, words: str, rows: Sequence[str], columns: Sequence[str],
    shares: Sequence[Sequence[float | None]], *, stays: bool = False,
) -> Plot:  # fmt: skip
    """Shares of 0 to 1 as cells, darker for more. stays: the diagonal, who did not move, is framed.

    More than nine columns are numbered as the rows are, and cells have no words: the table has all.
    """
    form = _Form() if len(columns) <= MOST_NAMED else _CLOSE
    wide = (WIDTH - form.names) / max(len(columns), 1)
    parts = [_head(columns, wide, form)]
    for nth, (name, line) in enumerate(zip(rows, shares, strict=True)):
        top = form.head + form.row * nth
        label = _cut(name if form.named else f"{nth + 1}  {name}", form.letters)
        parts.append(text(form.names - 6, top + form.row / 2 + 4, label, anchor="end"))
        parts.extend(
            _cell(
                (form.names + wide * place, top, wide), share, form, stayed=stays and name == columns[place]
            )
            for place, share in enumerate(line)
        )
    drawing = picture(table, words, joined(parts), form.head + form.row * len(rows) + 4)
    return Plot(table=table, words=words, svg=drawing, wide=True)


def _head(columns: Sequence[str], wide: float, form: _Form) -> SafeString:
    """Names over the columns, broken into two lines where they have two words; or numbers."""
    parts: list[SafeString] = []
    letters = int(wide / LETTER)
    for place, name in enumerate(columns):
        first, _, rest = name.partition(" ") if form.named else (str(place + 1), "", "")
        middle = form.names + wide * (place + 0.5)
        parts.append(text(middle, form.head - (22 if rest else 8), _cut(first, letters), "plot-small"))
        if rest:
            parts.append(text(middle, form.head - 8, _cut(rest, letters), "plot-small"))
    return joined(parts)


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _cell(place: tuple[float, float, float], share: float | None, form: _Form, *, stayed: bool) -> SafeString:
    left, top, wide = place
    level = 0 if share is None or not isfinite(share) else min(STEPS, round(STEPS * max(share, 0) ** 0.5))
    box = format_html(
        '<rect class="plot-cell heat-{}{}" x="{}" y="{}" width="{}" height="{}"/>',
        level, " stayed" if stayed else "", number(left + 1), number(top + 1), number(wide - 2),
        number(form.row - 2),
    )  # fmt: skip
    if not form.named:
        return box
    css = "on-dark" if level >= DARK_FROM else ""
    return joined((box, text(left + wide / 2, top + form.row / 2 + 4, _share(share), css)))


def _share(share: float | None) -> str:
    if not share:
        return "" if share is None else "·"
    return "<1 %" if share < SMALL else Axis(label="", format="percent").words(round(share, 2))
