"""The small pieces that compiled conditions are made of."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

import sqlglot.expressions as exp

from tandem.planner.targeting.domain import HistoryRule, Operator, Value

_BINARY: dict[Operator, type[exp.Binary]] = {
    Operator.EQUAL: exp.EQ,
    Operator.LESS: exp.LT,
    Operator.AT_MOST: exp.LTE,
    Operator.MORE: exp.GT,
    Operator.AT_LEAST: exp.GTE,
}


def column(name: str) -> exp.Column:
    """A quoted column."""
    return exp.Column(this=exp.to_identifier(name, quoted=True))


def table(name: str) -> exp.Table:
    """A quoted table."""
    return exp.Table(this=exp.to_identifier(name, quoted=True))


def literal(value: Value) -> exp.Expr:
    """A typed literal; decimals are written out, never with an exponent."""
    if isinstance(value, bool):
        return exp.true() if value else exp.false()
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    plain = format(Decimal(repr(value)), "f")
    written = exp.Literal.number(plain.lstrip("-"))
    return exp.Neg(this=written) if plain.startswith("-") else written


def sure(condition: exp.Expr) -> exp.Expr:
    """Unknown counts as false."""
    return exp.Coalesce(this=condition, expressions=[exp.false()])


def compare(left: Callable[[], exp.Expr], operator: Operator, values: Iterable[exp.Expr]) -> exp.Expr:
    """`left` compared with one value or, for between, two."""
    given = list(values)
    if operator is Operator.BETWEEN:
        return exp.and_(exp.GTE(this=left(), expression=given[0]), exp.LTE(this=left(), expression=given[1]))
    return _BINARY[operator](this=left(), expression=given[0])


def holds_for_zero(rule: HistoryRule) -> bool:
    """Whether somebody without a single such order meets a rule on a count or sum."""
    first, last = rule.values[0], rule.values[-1]
    return {
        Operator.EQUAL: first == 0,
        Operator.LESS: first > 0,
        Operator.AT_MOST: first >= 0,
        Operator.MORE: first < 0,
        Operator.AT_LEAST: first <= 0,
        Operator.BETWEEN: first <= 0 <= last,
    }[rule.operator or Operator.EQUAL]
