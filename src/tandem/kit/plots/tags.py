"""The template tag that puts a plot on a page: drawing, keys, words, and the table beneath it."""

from typing import Any

from django import template

from tandem.kit.plots.domain import Plot, Table

register = template.Library()


@register.inclusion_tag("_plot.html")
def plot(drawn: Plot, csv: str = "", heading: str = "h3") -> dict[str, Any]:
    """A plot with its table; csv: the address of its figures as a file."""
    return {"plot": drawn, "csv": csv, "heading": heading}


@register.inclusion_tag("_plot_table.html")
def figures(table: Table, csv: str = "") -> dict[str, Any]:
    """The table alone."""
    return {"table": table, "csv": csv}
