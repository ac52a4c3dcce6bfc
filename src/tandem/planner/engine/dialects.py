"""Where PostgreSQL says the same in other words: trees are rewritten here, and nowhere else, before they become text.

Trees are written so that most of them mean the same in both. What is left: how a text is searched, the value that
belongs to the smallest or largest other one, rounding of floating-point numbers, and values found before a query. What
PostgreSQL has no words for is refused.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sqlglot import exp

from tandem.kit.problems import Refused

#: of DuckDB alone: sets of customers as bits, and values kept beside a query
_ONLY_DUCKDB = frozenset({"bitstring_agg", "get_bit"})


class NotInThisEngine(Refused):
    """A tree asks for what an engine cannot do."""

    title = "The engine cannot answer this"


def for_postgres(query: exp.Expr, found: Mapping[str, Any]) -> str:
    """The query as text for PostgreSQL; `found` are the values of the names it asks for by `getvariable`."""
    return query.copy().transform(lambda node: _reworded(node, found)).sql(dialect="postgres")


def _reworded(node: exp.Expr, found: Mapping[str, Any]) -> exp.Expr:
    if isinstance(node, exp.Contains):
        place = exp.func("strpos", node.this, node.expression)
        return exp.GT(this=place, expression=exp.Literal.number(0))
    if isinstance(node, exp.ArgMin | exp.ArgMax):
        return _first(node)
    if isinstance(node, exp.Round):
        return _rounded(node)
    if isinstance(node, exp.Anonymous):
        return _named(node, found)
    return node


def _first(node: exp.ArgMin | exp.ArgMax) -> exp.Expr:
    """Ties are open in both engines: order by as much as tells rows apart. Inside a tuple, unknown is the largest."""
    several = isinstance(node.expression, exp.Tuple)
    keys = node.expression.expressions if several else [node.expression]
    descending = isinstance(node, exp.ArgMax)
    order = exp.Order(
        expressions=[exp.Ordered(this=key, desc=descending, nulls_first=descending) for key in keys]
    )
    listed = exp.ArrayAgg(this=exp.Order(this=node.this, expressions=order.expressions))
    known = exp.and_(
        *(
            exp.not_(exp.Is(this=one.copy(), expression=exp.null()))
            for one in (node.this, *(() if several else keys))
        )
    )
    kept = exp.Filter(this=listed, expression=exp.Where(this=known))
    return exp.Bracket(this=exp.Paren(this=kept), expressions=[exp.Literal.number(1)], offset=1)


def _rounded(node: exp.Round) -> exp.Expr:
    """Halves of a floating-point number go away from zero, as everywhere else."""
    if node.args.get("decimals") is not None:
        raise NotInThisEngine("Rounding to decimals is not the same everywhere.", "Cast to DECIMAL instead.")
    half = exp.Add(this=exp.Abs(this=node.this.copy()), expression=exp.Literal.number("0.5"))
    return exp.Mul(this=exp.Sign(this=node.this), expression=exp.Floor(this=exp.Paren(this=half)))


def _named(node: exp.Anonymous, found: Mapping[str, Any]) -> exp.Expr:
    name = str(node.this).lower()
    if name in _ONLY_DUCKDB:
        raise NotInThisEngine(f"PostgreSQL has no {name} as it is meant here.", "Ask with IN instead.")
    return _written(found[node.expressions[0].name]) if name == "getvariable" else node


def _written(value: Any) -> exp.Expr:
    if value is None or isinstance(value, bool | str | int | float | Decimal):
        return exp.convert(value)
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    raise NotInThisEngine(f"A value of type {type(value).__name__} cannot stand in a query.", "")
