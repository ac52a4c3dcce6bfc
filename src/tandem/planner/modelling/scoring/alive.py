"""P(alive) as an expression tree, for engines to compute it where the histories lie.

Over a row of `histories`: x purchase days after the first, tx and T days from the first to the last and to the as-of.
BG/NBD and MBG/NBD have it in closed form (Fader, Hardie, Lee 2005; Batislam, Denizel, Filiztekin 2007).
"""

from collections.abc import Mapping

from sqlglot import exp

#: an engine may know no larger number than e to this; at e to -700 nobody is alive
_MOST = 700


def p_alive(kind: str, parameters: Mapping[str, float], unit_days: float) -> exp.Expr:
    """The chance that a customer has not left for good; kind: bg or mbg; parameters: r, alpha, a, b."""
    r, alpha, a, b = (_number(parameters[name]) for name in ("r", "alpha", "a", "b"))
    x, last, end = (exp.column(name, quoted=True) for name in ("x", "tx", "T"))
    silence = _minus(
        exp.Ln(this=_plus(alpha, _over(end, unit_days))), exp.Ln(this=_plus(alpha, _over(last, unit_days)))
    )
    stays = _plus(b, x.copy()) if kind == "mbg" else _minus(_plus(b, x.copy()), exp.Literal.number(1))
    odds = exp.Ln(this=exp.Div(this=a, expression=exp.Paren(this=stays), typed=False, safe=False))
    grown = exp.Mul(this=exp.Paren(this=_plus(r, x.copy())), expression=exp.Paren(this=silence))
    power = exp.Least(this=_plus(odds, grown), expressions=[exp.Literal.number(_MOST)], ignore_nulls=True)
    share = exp.Div(
        this=exp.cast(exp.Literal.number(1), "double"),
        expression=exp.Paren(this=_plus(exp.Literal.number(1), exp.Exp(this=power))),
        typed=False, safe=False,
    )  # fmt: skip
    if kind == "mbg":
        return share
    never = exp.EQ(this=x.copy(), expression=exp.Literal.number(0))  # nobody stops before the second purchase
    return exp.Case().when(never, exp.cast(exp.Literal.number(1), "double")).else_(share)


def _number(value: float) -> exp.Expr:
    return exp.cast(exp.Literal.string(repr(float(value))), "double")


def _plus(one: exp.Expr, other: exp.Expr) -> exp.Expr:
    return exp.Add(this=one.copy(), expression=other)


def _minus(one: exp.Expr, other: exp.Expr) -> exp.Expr:
    return exp.Sub(this=one, expression=other)


def _over(days: exp.Expr, unit: float) -> exp.Expr:
    return exp.Div(this=days, expression=_number(unit), typed=False, safe=False)
