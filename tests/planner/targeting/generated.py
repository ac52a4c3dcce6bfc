"""Random conditions over a catalogue of every kind, and random customers and orders."""

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from tandem.planner.engine.domain import Attribute, Kind

AS_OF = date(2026, 6, 30)
CATALOGUE = (
    Attribute(name="country", label="Country", kind=Kind.TEXT, set="Profile", choices=("SE", "NO", "DE")),
    Attribute(name="Odd `name`", label="Odd", kind=Kind.TEXT, set="Profile"),
    Attribute(name="orders", label="Orders", kind=Kind.NUMBER, set="Orders"),
    Attribute(name="ordered", label="A name that is a word of the language", kind=Kind.NUMBER, set="Orders"),
    Attribute(name="total_spent", label="Spent", kind=Kind.MONEY, set="Orders"),
    Attribute(name="last_order", label="Last order", kind=Kind.DATE, set="Orders"),
    Attribute(name="may_receive_email", label="May receive email", kind=Kind.FLAG, set="Consent"),
)
CATEGORIES = ("Books", "x 'y\" z", "NO", "or")
COUNTRIES = ("SE", "NO", "DE", "not", 'a "quote" \\', "O'Hara; DROP TABLE customers", "å-b")

_days = st.integers(1, 400)
_amounts = st.one_of(st.integers(-5, 400), st.decimals(-5, 400, places=2).map(float))
_dates = st.dates(date(2026, 1, 1), date(2026, 7, 10))


def _pairs(values: Any) -> Any:
    return st.tuples(values, values).map(lambda pair: sorted(pair))


def _texts(values: tuple[str, ...]) -> Any:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


def _attribute(name: str, operators: list[str], values: Any) -> Any:
    return st.builds(
        lambda op, v: {"field": name, "operator": op, "value": v}, st.sampled_from(operators), values
    )


def _known(name: str) -> Any:
    return st.sampled_from(["null", "notNull"]).map(lambda op: {"field": name, "operator": op})


_COMPARED = ["=", "<", "<=", ">", ">="]
_ATTRIBUTES = st.one_of(
    *(_attribute(name, ["in", "notIn"], _texts(COUNTRIES)) for name in ("country", "Odd `name`")),
    _attribute("country", ["contains", "beginsWith"], st.sampled_from(["S", "O'", '"', "q"])),
    *(_attribute(name, [*_COMPARED, "!="], _amounts) for name in ("orders", "ordered", "total_spent")),
    _attribute("total_spent", ["between"], _pairs(_amounts)),
    _attribute("last_order", ["inLast", "notInLast"], _days),
    _attribute("last_order", _COMPARED, _dates.map(str)),
    _attribute("last_order", ["between"], _pairs(_dates).map(lambda pair: [str(day) for day in pair])),
    _attribute("may_receive_email", ["="], st.booleans()),
    *(_known(attribute.name) for attribute in CATALOGUE),
)


def _where(kind: str, category: list[str] | None, days: int | None) -> dict[str, Any]:
    where: dict[str, Any] = {"kind": kind, **({"category": category} if category else {})}
    return {"field": "events", "where": where, **({"days": days} if days else {})}


_WHERE = st.builds(
    _where, st.sampled_from(["sale", "return"]), st.none() | _texts(CATEGORIES), st.none() | _days
)
_PLAIN = st.sampled_from([{"agg": "any"}, {"agg": "none"}])
_OF = st.one_of(
    st.just({"agg": "count"}),
    st.builds(
        lambda agg, of: {"agg": agg, "of": of},
        st.sampled_from(["sum", "min", "max", "avg"]),
        st.sampled_from(["amount", "quantity"]),
    ),
)
_CUT = st.one_of(
    st.builds(lambda op, v: {"operator": op, "value": v}, st.sampled_from(_COMPARED), _amounts),
    _pairs(_amounts).map(lambda pair: {"operator": "between", "value": pair}),
)
_HISTORY = st.one_of(
    st.builds(lambda where, plain: {**where, **plain}, _WHERE, _PLAIN),
    st.builds(lambda where, of, cut: {**where, **of, **cut}, _WHERE, _OF, _CUT),
)
_RULES = st.one_of(_ATTRIBUTES, _HISTORY)


def _group(members: Any, smallest: int = 1) -> Any:
    return st.builds(
        lambda combinator, negated, rules: {"combinator": combinator, "not": negated, "rules": rules},
        st.sampled_from(["and", "or"]),
        st.booleans(),
        st.lists(members, min_size=smallest, max_size=3),
    )


def conditions(*more: Any) -> Any:
    """Stored conditions over the catalogue here, and over whatever rules are added."""
    rules = st.one_of(_RULES, *more)
    return _group(st.recursive(rules, _group, max_leaves=6)).map(lambda group: {"version": 1, **group})


CONDITIONS = conditions()

_CUSTOMER = st.fixed_dictionaries(
    {
        "country": st.none() | st.sampled_from(COUNTRIES),
        "Odd `name`": st.none() | st.sampled_from(COUNTRIES),
        "orders": st.none() | st.integers(0, 10),
        "ordered": st.none() | st.integers(0, 400),
        "total_spent": st.none() | st.decimals(0, 400, places=2),
        "last_order": st.none() | _dates,
        "may_receive_email": st.none() | st.booleans(),
    }
)
_ORDER = st.fixed_dictionaries(
    {
        "customer": st.integers(0, 7),
        "day": st.integers(0, 450).map(lambda back: AS_OF - timedelta(days=back)),
        "value": st.decimals(0, 300, places=2),
        "quantity": st.integers(0, 12).map(lambda halves: halves / 2),
        "category": st.none() | st.sampled_from(CATEGORIES),
        "kind": st.sampled_from(["sale", "sale", "return"]),
    }
)
PEOPLE = st.lists(_CUSTOMER, min_size=1, max_size=8)
ORDERS = st.lists(_ORDER, max_size=25)
