"""What a plot is made of: its figures as a table, its axes, its keys; and numbers as people read them."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Literal

from django.utils.safestring import SafeString

Cell = str | int | float | Decimal | date | None
#: how a series is drawn: each has a colour and a shape of its own
Kind = Literal["actual", "model", "other", "limit", "s1", "s2", "s3", "s4", "s5", "s6", "s7"]
#: for several of a kind, in this order
SERIES: tuple[Kind, ...] = ("s1", "s2", "s3", "s4", "s5", "s6", "s7")
Format = Literal["number", "percent", "date", "exact"]

FORMULA = ("=", "+", "-", "@", "\t", "\r")
THOUSAND, MILLION, TEN, TINY = 1_000, 1_000_000, 10, 1e-9


@dataclass(frozen=True, kw_only=True)
class Table:
    """Figures with a heading for each column; key: part of an address, so letters, digits and hyphens."""

    key: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def shown(self) -> Iterator[tuple[str, ...]]:
        """The rows in words."""
        return (tuple(plain(cell) for cell in row) for row in self.rows)

    def as_csv(self) -> str:
        """The whole table; numbers unrounded, and no text that a spreadsheet would take for a formula."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(_safe(one) for one in self.headings)
        writer.writerows([_safe(cell) for cell in row] for row in self.rows)
        return out.getvalue()


def _safe(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


@dataclass(frozen=True, kw_only=True)
class Key:
    """What a colour and shape mean."""

    kind: str
    label: str
    line: bool = False


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A drawing with the table of its figures; wide: on a narrow screen it is scrolled, not made small."""

    table: Table
    words: str
    svg: SafeString
    keys: tuple[Key, ...] = ()
    wide: bool = False

    @property
    def title(self) -> str:
        """What it shows."""
        return self.table.title


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis: what stands along it, and how its numbers are written."""

    label: str
    format: Format = "number"

    def words(self, value: float) -> str:
        """One number along it."""
        if self.format == "percent":
            return f"{100 * value:.3g} %"
        if self.format == "date":
            return f"{date.fromordinal(max(1, round(value))):%-d %b %y}"
        return short(value)


def ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Round numbers from at or below `low` to at or above `high`, about `most` of them."""
    span = max(high - low, TINY * max(abs(high), abs(low), 1))
    rough = span / max(most - 1, 1)
    power = float(TEN ** (len(f"{int(rough)}") - 1)) if rough >= 1 else _power_below_one(rough)
    step = next(power * one for one in (1, 2, 2.5, 5, 10) if power * one >= rough * (1 - TINY))
    first = int(low // step)
    count = first
    found = [first * step]
    while found[-1] < high - TINY * span:
        count += 1
        found.append(count * step)
    return tuple(found)


def _power_below_one(rough: float) -> float:
    power = 1.0
    while power > rough:
        power /= TEN
    return power


def short(value: float) -> str:
    """1234567 -> 1.23M, 12345 -> 12.3k, 0.25 -> 0.25."""
    if abs(value) >= MILLION:
        return f"{value / MILLION:.3g}M"
    if abs(value) >= THOUSAND * TEN:
        return f"{value / THOUSAND:.3g}k"
    return f"{value:,.0f}" if abs(value) >= THOUSAND else f"{value:.3g}"


def plain(cell: Cell) -> str:
    """One cell of a table in words; a dash for what is not known."""
    if isinstance(cell, bool | str | date):
        return str(cell)
    if cell is None or not isfinite(cell):
        return "–"
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:,.1f}" if abs(float(cell)) >= THOUSAND / TEN else f"{cell:.3g}"


def known(values: Sequence[float | None]) -> list[float]:
    """The values that are numbers."""
    return [float(one) for one in values if one is not None and isfinite(one)]
