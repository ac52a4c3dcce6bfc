"""Conditions as sqlglot expressions. Each rule about history is its own semi or anti join.

Source of the join-per-rule form: one GROUP BY over all events is several times slower once there are many.
Given what a snapshot has ready, a rule about history is answered from there (`prepared`), otherwise from the orders.
"""

from datetime import date, timedelta

import sqlglot.expressions as exp

from tandem.planner.customers.rights import PROFILED
from tandem.planner.engine.domain import CUSTOMER, CUSTOMERS, ORDERS
from tandem.planner.targeting.domain import (
    Aggregate,
    AttributeRule,
    EventKind,
    Group,
    HistoryRule,
    Measure,
    Node,
    Operator,
)
from tandem.planner.targeting.pieces import column, compare, holds_for_zero, literal, sure, table
from tandem.planner.targeting.prepared import NOTHING, Prepared, holds

_COLUMN = {Measure.AMOUNT: "value", Measure.QUANTITY: "quantity"}


def members(group: Group, as_of: date, ready: Prepared = NOTHING) -> exp.Select:
    """The surrogates of a condition's customers."""
    return exp.select(column(CUSTOMER)).from_(table(CUSTOMERS)).where(truth(group, as_of, ready))


def truth(
    node: Node, as_of: date, ready: Prepared = NOTHING, *, only: int | None = None, negated: bool = False
) -> exp.Expr:
    """A boolean over a row of `customers`, never NULL. `only` keeps history rules to one customer's orders.

    negated: whether the node stands under an odd number of *not*; whoever objects to profiling meets no rule on a
    score, and not its negation either.
    """
    if isinstance(node, Group):
        return _group(node, as_of, ready, only, negated)
    if isinstance(node, AttributeRule):
        return _of_profiled(node, as_of, negated) if node.score else _attribute(node, as_of)
    if ready:
        return holds(node, as_of, ready)
    return _history(node, as_of, only)


def _of_profiled(rule: AttributeRule, as_of: date, negated: bool) -> exp.Expr:
    allowed, met = sure(column(PROFILED)), exp.paren(_attribute(rule, as_of))
    return exp.or_(exp.not_(allowed), met) if negated else exp.and_(allowed, met)


def _group(group: Group, as_of: date, ready: Prepared, only: int | None, negated: bool) -> exp.Expr:
    if not group.members:
        return exp.false()
    join = exp.and_ if group.every else exp.or_
    turned = negated != group.negated
    whole = join(
        *(exp.paren(truth(member, as_of, ready, only=only, negated=turned)) for member in group.members)
    )
    return exp.not_(exp.paren(whole)) if group.negated else whole


def _attribute(rule: AttributeRule, as_of: date) -> exp.Expr:
    if rule.operator is Operator.KNOWN:
        return exp.not_(exp.Is(this=column(rule.field), expression=exp.null()))
    if rule.operator is Operator.UNKNOWN:
        return exp.Is(this=column(rule.field), expression=exp.null())
    opposite = _OPPOSITES.get(rule.operator)
    if opposite is not None:
        return exp.not_(sure(_positive(rule, opposite, as_of)))
    return sure(_positive(rule, rule.operator, as_of))


_OPPOSITES = {
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_EQUAL: Operator.EQUAL,
    Operator.NOT_IN_LAST: Operator.IN_LAST,
}


def _positive(rule: AttributeRule, operator: Operator, as_of: date) -> exp.Expr:
    this = column(rule.field)
    values = [literal(value) for value in rule.values]
    if operator is Operator.IN:
        return exp.In(this=this, expressions=values)
    if operator is Operator.CONTAINS:
        return exp.Contains(this=this, expression=values[0])
    if operator is Operator.STARTS:
        return exp.StartsWith(this=this, expression=values[0])
    if operator is Operator.IN_LAST:
        return _window(rule.field, int(str(rule.values[0])), as_of)
    return compare(lambda: column(rule.field), operator, values)


def _window(name: str, days: int, as_of: date) -> exp.Expr:
    """The `days` days that end with the run day."""
    return exp.and_(
        exp.GT(this=column(name), expression=literal(as_of - timedelta(days=days))),
        exp.LTE(this=column(name), expression=literal(as_of)),
    )


def _events(rule: HistoryRule, as_of: date, only: int | None) -> exp.Expr:
    within: list[exp.Expr] = [exp.EQ(this=column("kind"), expression=literal(rule.kind.value))]
    if rule.days is not None:
        within.append(exp.paren(_window("day", rule.days, as_of)))
    else:
        within.append(exp.LTE(this=column("day"), expression=literal(as_of)))
    if rule.categories:
        within.append(
            exp.In(this=column("category"), expressions=[literal(name) for name in rule.categories])
        )
    if only is not None:
        within.append(exp.EQ(this=column(CUSTOMER), expression=literal(only)))
    return exp.and_(*within)


def _amount(rule: HistoryRule) -> exp.Expr:
    measured = column(_COLUMN[rule.of or Measure.AMOUNT])
    return exp.Abs(this=measured) if rule.kind is EventKind.RETURN else measured


def _per_day(rule: HistoryRule, as_of: date, only: int | None) -> exp.Select:
    """One row per customer and day with an order: that day's total is the order's."""
    selected: list[exp.Expr] = [column(CUSTOMER), column("day")]
    if rule.agg is not Aggregate.COUNT:
        selected.append(exp.alias_(exp.Sum(this=_amount(rule)), "total", quoted=True))
    return (
        exp.select(*selected)
        .from_(table(ORDERS))
        .where(_events(rule, as_of, only))
        .group_by(column(CUSTOMER), column("day"))
    )


def _source(rule: HistoryRule, as_of: date, only: int | None) -> exp.Select:
    """Rows to aggregate by customer: lines for a sum, days for everything else."""
    if rule.agg is Aggregate.SUM:
        return exp.select().from_(table(ORDERS)).where(_events(rule, as_of, only))
    return exp.select().from_(_per_day(rule, as_of, only).subquery("days"))


def aggregate(rule: HistoryRule) -> exp.Expr:
    """What is compared: 0 for a sum or count over nothing, NULL for the rest."""
    total = column("total")
    if rule.agg is Aggregate.SUM:
        return exp.Coalesce(this=exp.Sum(this=_amount(rule)), expressions=[literal(0)])
    if rule.agg is Aggregate.MIN:
        return exp.Min(this=total)
    if rule.agg is Aggregate.MAX:
        return exp.Max(this=total)
    if rule.agg is Aggregate.AVG:
        return exp.Sum(this=total)
    return exp.Count(this=exp.Star())


def _having(rule: HistoryRule) -> exp.Expr:
    operator = rule.operator or Operator.AT_LEAST
    if rule.agg is Aggregate.AVG:
        # Total against value x days: exact in decimals, where a quotient would not be.
        values = [
            exp.Mul(this=literal(value), expression=exp.Count(this=exp.Star())) for value in rule.values
        ]
        return compare(lambda: aggregate(rule), operator, values)
    return compare(lambda: aggregate(rule), operator, [literal(value) for value in rule.values])


def _history(rule: HistoryRule, as_of: date, only: int | None) -> exp.Expr:
    if rule.agg in (Aggregate.ANY, Aggregate.NONE):
        plain = exp.select(column(CUSTOMER)).from_(table(ORDERS)).where(_events(rule, as_of, only))
        joined = _joined(plain)
        return exp.not_(joined) if rule.agg is Aggregate.NONE else joined
    grouped = _source(rule, as_of, only).select(column(CUSTOMER)).group_by(column(CUSTOMER))
    if rule.agg in (Aggregate.SUM, Aggregate.COUNT) and holds_for_zero(rule):
        return exp.not_(_joined(grouped.having(exp.not_(exp.paren(_having(rule))))))
    return _joined(grouped.having(_having(rule)))


def _joined(customers: exp.Select) -> exp.Expr:
    # NULL in a NOT IN list would empty the answer; the outer COALESCE-free form needs surrogates only.
    known = customers.where(exp.not_(exp.Is(this=column(CUSTOMER), expression=exp.null())))
    return exp.In(this=column(CUSTOMER), query=known.subquery())


def observed(rule: HistoryRule, as_of: date, customer: int) -> exp.Select:
    """The customer's own figure for a rule: how often, how much, or the average."""
    if rule.agg in (Aggregate.ANY, Aggregate.NONE):
        counted = HistoryRule(agg=Aggregate.COUNT, days=rule.days, kind=rule.kind, categories=rule.categories)
        return _source(counted, as_of, customer).select(exp.Count(this=exp.Star()))
    figure = aggregate(rule)
    if rule.agg is Aggregate.AVG:
        total = exp.cast(exp.Sum(this=column("total")), "double")
        figure = exp.Div(this=total, expression=exp.Count(this=exp.Star()), typed=False, safe=True)
    return _source(rule, as_of, customer).select(figure)
