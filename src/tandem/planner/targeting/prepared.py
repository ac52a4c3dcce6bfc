"""Rules about history answered from a snapshot's prepared table `history` instead of its orders.

A row of `history` holds what its customer has from its day on; the first row inside a window therefore holds the
window's figures, and is found by comparing, without grouping. Only several categories at once, and the few figures
that are not kept, are still grouped. What the table holds is said where it is made, in the customers' `history`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from weakref import WeakKeyDictionary

import sqlglot.expressions as exp

from tandem.planner.engine.domain import CATEGORIES, CUSTOMER, CUSTOMERS, HISTORY, Engine
from tandem.planner.targeting.domain import (
    Aggregate,
    EventKind,
    Group,
    HistoryRule,
    Measure,
    Operator,
    Value,
    rules_of,
)
from tandem.planner.targeting.pieces import column, compare, holds_for_zero, literal, sure, table

ALL = 0
#: up to 16 MB
MOST_BITS = 2**27
_KEPT: dict[tuple[Aggregate, Measure | None], str] = {
    (Aggregate.COUNT, None): "times",
    (Aggregate.SUM, Measure.AMOUNT): "amount_sum",
    (Aggregate.SUM, Measure.QUANTITY): "quantity_sum",
    (Aggregate.AVG, Measure.AMOUNT): "amount_sum",
    (Aggregate.AVG, Measure.QUANTITY): "quantity_sum",
    (Aggregate.MAX, Measure.AMOUNT): "amount_max",
}
_FEATURES = {
    (Aggregate.COUNT, None): "orders",
    (Aggregate.SUM, Measure.AMOUNT): "total_spent",
}


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a snapshot has ready for a condition.

    codes: of the categories asked for; low, high: the smallest and the largest surrogate; features: whether the
    columns of features are of these orders; bits: whether the engine keeps sets of customers as bits. Compiling with
    it adds to `marks`: who is found by each rule about history, as queries that the engine answers first.
    """

    codes: Mapping[str, int] = field(default_factory=dict)
    low: int = 0
    high: int = -1
    features: bool = True
    bits: bool = True
    marks: dict[str, exp.Select] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return self.high >= self.low


NOTHING = Prepared()


def prepared(engine: Engine, tree: Group) -> Prepared:
    """What a snapshot has ready for a condition; nothing for one made before there was such a table."""
    asked = any(isinstance(rule, HistoryRule) for rule in rules_of(tree))
    if not asked or HISTORY not in engine.tables:
        return NOTHING
    low, high = _span(engine)
    return Prepared(codes=_codes(engine, tree), low=low, high=high, bits=engine.bits)


def _span(engine: Engine) -> tuple[int, int]:
    """The smallest and the largest surrogate, asked once of an engine: a published snapshot never changes.

    Of a table that rows were ever deleted from the engine keeps no such statistics, and reads all of it.
    """
    found = _spans.get(engine)
    if found is None:
        found = _spans[engine] = _asked_span(engine)
    return found


_spans: WeakKeyDictionary[Engine, tuple[int, int]] = WeakKeyDictionary()


def _asked_span(engine: Engine) -> tuple[int, int]:
    ends = (exp.Min(this=column(CUSTOMER)), exp.Max(this=column(CUSTOMER)))
    rows = [row for name in (CUSTOMERS, HISTORY) for row in engine.rows(exp.select(*ends).from_(table(name)))]
    known = [row for row in rows if row[0] is not None]
    return min((row[0] for row in known), default=0), max((row[1] for row in known), default=0)


def _codes(engine: Engine, tree: Group) -> dict[str, int]:
    asked = {name for rule in rules_of(tree) if isinstance(rule, HistoryRule) for name in rule.categories}
    if not asked:
        return {}
    listed = [literal(name) for name in sorted(asked)]
    query = exp.select(column("category"), column("code")).from_(table(CATEGORIES))
    return dict(engine.rows(query.where(exp.In(this=column("category"), expressions=listed))))


def holds(rule: HistoryRule, as_of: date, ready: Prepared) -> exp.Expr:
    """A boolean over a row of `customers`, never NULL."""
    counted = rule.agg in (Aggregate.COUNT, Aggregate.SUM)
    turned = rule.agg is Aggregate.NONE or (counted and holds_for_zero(rule))
    if ready.features and rule.kind is EventKind.SALE and not rule.categories:
        feature = _feature(rule, as_of)
        if feature is not None:
            return feature
    codes = (
        [ready.codes[name] for name in rule.categories if name in ready.codes] if rule.categories else [ALL]
    )
    if not codes:
        return exp.true() if turned else exp.false()
    found = _customers(rule, codes, as_of, turned=turned)
    met = _among(found, ready)
    return exp.not_(met) if turned else met


def _among(found: exp.Select, ready: Prepared) -> exp.Expr:
    """Whether the customer is found. One bit for each is smaller, and sooner made, than a hash table of those found."""
    span = ready.high - ready.low
    if span >= MOST_BITS or not ready.bits:
        return sure(exp.In(this=column(CUSTOMER), query=found.subquery()))
    ends = (literal(0), literal(span))
    bits = exp.select(exp.func("bitstring_agg", _place(ready), *ends)).from_(found.subquery("found"))
    # Named by what it asks: marks of several conditions can be answered together.
    name = f"found_{sha256(bits.sql().encode()).hexdigest()[:24]}"
    ready.marks[name] = bits
    bit = exp.func("get_bit", exp.func("getvariable", exp.Literal.string(name)), _place(ready))
    return sure(exp.EQ(this=bit, expression=literal(1)))


def _place(ready: Prepared) -> exp.Expr:
    return exp.cast(exp.Sub(this=column(CUSTOMER), expression=literal(ready.low)), "int")


def _feature(rule: HistoryRule, as_of: date) -> exp.Expr | None:
    """The rule as a comparison of a column that every snapshot has, where there is one."""
    if rule.agg in (Aggregate.ANY, Aggregate.NONE):
        met = sure(exp.GT(this=column("last_order"), expression=literal(_before(rule, as_of))))
        return exp.not_(met) if rule.agg is Aggregate.NONE else met
    name = _FEATURES.get((rule.agg, rule.of)) if rule.days is None else None
    if name is None:
        return None
    return sure(compare(lambda: column(name), _operator(rule), map(literal, rule.values)))


def _customers(rule: HistoryRule, codes: list[int], as_of: date, *, turned: bool) -> exp.Select:
    """The customers with such orders who meet the rule; those who do not, if it is to be turned round."""
    lines = _inside(rule, codes, as_of)
    first = lines.where(exp.LTE(this=column("before"), expression=literal(_before(rule, as_of))))
    if rule.agg in (Aggregate.ANY, Aggregate.NONE):
        return first.select(column(CUSTOMER))
    kept = _KEPT.get((rule.agg, rule.of))
    if kept and len(codes) == 1:
        met = _met(rule, lambda: column(kept), lambda: column("times"))
        return first.select(column(CUSTOMER)).where(exp.not_(exp.paren(met)) if turned else met)
    grouped = _mended(rule, first, lines, kept) if kept else _totals(rule, lines, len(codes) > 1)
    figure = _MENDED[rule.agg] if kept else _GROUPED[rule.agg]
    met = _met(rule, figure.copy, lambda: exp.Sum(this=column("times")))
    having = exp.not_(exp.paren(met)) if turned else met
    return grouped.select(column(CUSTOMER)).group_by(column(CUSTOMER)).having(having)


def _inside(rule: HistoryRule, codes: list[int], as_of: date) -> exp.Select:
    returned = column("returned")
    return (
        exp.select()
        .from_(table(HISTORY))
        .where(
            returned if rule.kind is EventKind.RETURN else exp.not_(returned),
            exp.In(this=column("code"), expressions=[literal(code) for code in codes]),
            exp.GT(this=column("day"), expression=literal(_before(rule, as_of))),
        )
    )


def _totals(rule: HistoryRule, lines: exp.Select, several: bool) -> exp.Select:
    """One row per customer and day. Few days have more than one category; only those are added up."""
    measured = column((rule.of or Measure.AMOUNT).value)
    plain = lines.select(column(CUSTOMER), exp.alias_(measured, "total", quoted=True))
    if not several:
        return exp.select().from_(plain.subquery("days"))
    added = lines.where(column("several")).select(
        column(CUSTOMER), exp.alias_(exp.Sum(this=measured.copy()), "total", quoted=True)
    )
    both = exp.union(
        plain.where(exp.not_(column("several"))),
        added.group_by(column(CUSTOMER), column("day")),
        distinct=False,
    )
    return exp.select().from_(both.subquery("days"))


def _mended(rule: HistoryRule, first: exp.Select, lines: exp.Select, kept: str) -> exp.Select:
    """A row per customer and category, and for each day with several categories one that counts that day once.

    Figures of sales are never below zero, so the day's sum is the larger one.
    """
    kept_rows = first.select(
        column(CUSTOMER), column("times"), exp.alias_(column(kept), "total", quoted=True)
    )
    if rule.agg is Aggregate.SUM:
        return exp.select().from_(kept_rows.subquery("days"))
    once = exp.cast(exp.Sub(this=literal(1), expression=exp.Count(this=exp.Star())), "int")
    total: dict[Aggregate, exp.Expr] = {
        Aggregate.COUNT: once.copy(),
        Aggregate.AVG: literal(0),
        Aggregate.MAX: exp.Sum(this=column((rule.of or Measure.AMOUNT).value)),
    }
    mending = lines.where(column("several")).select(
        column(CUSTOMER), exp.alias_(once, "times"), exp.alias_(total[rule.agg], "total", quoted=True)
    )
    both = exp.union(kept_rows, mending.group_by(column(CUSTOMER), column("day")), distinct=False)
    return exp.select().from_(both.subquery("days"))


_GROUPED: dict[Aggregate, exp.Expr] = {
    Aggregate.MIN: exp.Min(this=column("total")),
    Aggregate.MAX: exp.Max(this=column("total")),
}
_MENDED: dict[Aggregate, exp.Expr] = {
    Aggregate.COUNT: exp.Sum(this=column("total")),
    Aggregate.SUM: exp.Sum(this=column("total")),
    Aggregate.AVG: exp.Sum(this=column("total")),
    Aggregate.MAX: exp.Max(this=column("total")),
}


def _met(rule: HistoryRule, figure: Callable[[], exp.Expr], times: Callable[[], exp.Expr]) -> exp.Expr:
    values: list[exp.Expr] = [literal(value) for value in rule.values]
    if rule.agg is Aggregate.AVG:
        # Total against value x days: exact in decimals, where a quotient would not be.
        values = [exp.Mul(this=value, expression=times()) for value in values]
    return compare(figure, _operator(rule), values)


def _operator(rule: HistoryRule) -> Operator:
    return rule.operator or Operator.AT_LEAST


def _before(rule: HistoryRule, as_of: date) -> Value:
    """The day before the window."""
    return date.min if rule.days is None else as_of - timedelta(days=rule.days)
