"""Plots as inline SVG made on the server: they need no script, no style attribute, and print in black and white.

Colours come from classes (`kit/static/tandem/plots.css`), so a page's light and dark apply; what a colour tells, a
shape tells too. Every plot is a `Plot`: drawing, words and the table of its figures.
"""

from tandem.kit.plots.bars import Bars, bars
from tandem.kit.plots.domain import SERIES, Axis, Key, Plot, Table
from tandem.kit.plots.heat import heat
from tandem.kit.plots.lines import Line, lines
from tandem.kit.plots.spark import spark

__all__ = ["SERIES", "Axis", "Bars", "Key", "Line", "Plot", "Table", "bars", "heat", "lines", "spark"]
