"""What a snapshot computes of each customer, as expression trees over `orders` and `history` that every engine runs.

Same-day purchases are one order (`daily`). Sales count towards orders and sums; returns are kept apart. Trees say what
engines would otherwise understand differently: the division of whole numbers, the rounding of money, what is unknown.
"""

from datetime import date

from sqlglot import exp

from tandem.planner.engine.domain import CUSTOMER, HISTORY, ORDERS

MONEY = "decimal(18,2)"
#: days that features look back
WINDOWS = (30, 90, 365)
#: class column -> the feature it ranks; equal values share a class, 5 is best
RFM = {"rfm_recency": "last_order", "rfm_frequency": "orders", "rfm_monetary": "total_spent"}


def _c(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _n(number: int | str) -> exp.Expr:
    return exp.Literal.number(str(number))


def _as(made: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(made, name, quoted=True)


def _day(day: date) -> exp.Expr:
    return exp.cast(exp.Literal.string(day.isoformat()), "date")


def table(name: str) -> exp.Table:
    """A table by its name."""
    return exp.to_table(exp.to_identifier(name, quoted=True).sql())


def _count() -> exp.Expr:
    return exp.Count(this=exp.Star())


def _sum(name: str) -> exp.Expr:
    return exp.Sum(this=_c(name))


def _where(made: exp.Expr, condition: exp.Expr) -> exp.Expr:
    return exp.Filter(this=made, expression=exp.Where(this=condition))


def _only(query: exp.Select, among: str) -> exp.Select:
    """The query for those customers alone who are in the table `among`; for everybody if that is empty."""
    if not among:
        return query
    return query.where(
        exp.In(this=_c(CUSTOMER), query=exp.select(_c(CUSTOMER)).from_(table(among)).subquery())
    )


def daily() -> exp.Select:
    """A row for each customer and day with a purchase: customer, day, value."""
    sold = exp.and_(exp.EQ(this=_c("code"), expression=_n(0)), exp.not_(_c("returned")))
    return exp.select(_c(CUSTOMER), _c("day"), _as(_c("amount"), "value")).from_(table(HISTORY)).where(sold)


def features(as_of: date, among: str = "") -> exp.Select:
    """What purchases say of each customer, those figures aside that change from one day to the next by themselves."""
    days = exp.Sub(this=exp.Max(this=_c("day")), expression=exp.Min(this=_c("day")))
    gap = exp.Div(
        this=exp.Paren(this=days), expression=exp.Paren(this=exp.Sub(this=_count(), expression=_n(1))),
        typed=False, safe=False,
    )  # fmt: skip
    several = exp.GT(this=_count(), expression=_n(1))
    asked = exp.select(
        _c(CUSTOMER),
        _as(exp.Min(this=_c("day")), "first_order"),
        _as(exp.Max(this=_c("day")), "last_order"),
        _as(_count(), "orders"),
        _as(exp.cast(_sum("value"), MONEY), "total_spent"),
        _as(mean(_sum("value"), _count()), "average_order"),
        _as(exp.ArgMin(this=_c("value"), expression=_c("day")), "first_day_value"),
        *(one for window in WINDOWS for one in _window(as_of, window)),
        _as(exp.cast(exp.Case().when(several, gap), "double"), "usual_gap"),
    )
    return _only(asked.from_(daily().subquery("daily")), among).group_by(_c(CUSTOMER))


def _window(as_of: date, window: int) -> tuple[exp.Expr, exp.Expr]:
    inside = exp.GT(this=_c("day"), expression=exp.Sub(this=_day(as_of), expression=_n(window)))
    return (
        _as(_where(_count(), inside), f"orders_{window}"),
        _as(_where(_sum("value"), inside.copy()), f"spent_{window}"),
    )


def mean(total: exp.Expr, times: exp.Expr) -> exp.Expr:
    """Money divided by a count, to the cent; halves go away from zero, exactly, for it is done in whole numbers."""
    cents = exp.cast(exp.Mul(this=exp.cast(total, MONEY), expression=_n(100)), "bigint")
    below = exp.LT(this=cents.copy(), expression=_n(0))
    half = exp.Case().when(below, exp.Neg(this=times.copy())).else_(times.copy())
    doubled = exp.Add(this=exp.Mul(this=_n(2), expression=cents), expression=half)
    whole = exp.IntDiv(
        this=exp.Paren(this=doubled), expression=exp.Paren(this=exp.Mul(this=_n(2), expression=times))
    )
    return exp.cast(exp.Mul(this=exp.cast(whole, "decimal(18,0)"), expression=_n("0.01")), MONEY)


def returned(among: str = "") -> exp.Select:
    """How many lines each customer returned, and their value."""
    asked = exp.select(_c(CUSTOMER), _as(_count(), "returns"), _as(_sum("value"), "returned"))
    lines = asked.from_(table(ORDERS)).where(_kind("return"))
    return _only(lines, among).group_by(_c(CUSTOMER))


def favourite(among: str = "") -> exp.Select:
    """The category each customer spent most on; of equals the last by name."""
    known = exp.not_(exp.Is(this=_c("category"), expression=exp.null()))
    spent = exp.select(_c(CUSTOMER), _c("category"), _as(_sum("value"), "value")).from_(table(ORDERS))
    spent = _only(spent.where(_kind("sale"), known), among).group_by(_c(CUSTOMER), _c("category"))
    most = exp.ArgMax(this=_c("category"), expression=exp.Tuple(expressions=[_c("value"), _c("category")]))
    return (
        exp.select(_c(CUSTOMER), _as(most, "main_category"))
        .from_(spent.subquery("spent"))
        .group_by(_c(CUSTOMER))
    )


def _kind(kind: str) -> exp.Expr:
    return exp.EQ(this=_c("kind"), expression=exp.Literal.string(kind))


def dated(as_of: date, source: str) -> exp.Select:
    """The features with what counts days to the as-of; `source` holds those of `features`."""
    counted = [
        _as(exp.cast(exp.Paren(this=exp.Sub(this=_day(as_of), expression=_c(since))), "int"), name)
        for name, since in (("days_since_last_order", "last_order"), ("tenure_days", "first_order"))
    ]
    kept = [one.alias_or_name for one in features(as_of).expressions]
    return exp.select(*map(_c, kept[:-1]), *counted, _c(kept[-1])).from_(table(source))


def classes(feature: str, source: str) -> exp.Select:
    """Value -> class 1 to 5 by how many customers have at most that value; equal values share a class, 5 is best."""
    counted = exp.select(_as(_c(feature), "v"), _as(_count(), "n")).from_(table(source)).group_by(_c(feature))
    so_far = exp.Window(
        this=_sum("n"), order=exp.Order(expressions=[exp.Ordered(this=_c("v"), nulls_first=False)])
    )
    share = exp.Div(
        this=exp.Mul(this=_n(5), expression=so_far),
        expression=exp.Window(this=_sum("n")),
        typed=False,
        safe=False,
    )
    place = exp.Greatest(this=_n(1), expressions=[exp.Ceil(this=share)], ignore_nulls=True)
    return exp.select(_c("v"), _as(exp.cast(place, "tinyint"), "class")).from_(counted.subquery("counted"))


def duck(query: exp.Expr) -> str:
    """The query as DuckDB's text, for a snapshot being built."""
    return query.sql(dialect="duckdb")
