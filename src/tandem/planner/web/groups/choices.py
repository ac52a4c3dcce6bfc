"""What the builder offers: attributes in sets, questions to the history, operators in words."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from tandem.planner.customers.score_words import HEADINGS
from tandem.planner.engine.domain import Attribute, Kind
from tandem.planner.targeting.domain import COMPARISONS, OPERATORS, Operator

SETS = ("Model", *HEADINGS, "Orders", "Profile", "Consent")
_PLAIN = frozenset({"any", "none"})


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question to the history: its code `events.sale.sum.amount` and its words."""

    code: str
    label: str
    kind: str
    agg: str
    of: str = ""

    @property
    def compared(self) -> bool:
        """Whether an operator and a value follow."""
        return self.agg not in _PLAIN


def questions() -> tuple[Question, ...]:
    """Every question, sales first."""
    words = {
        "sale": (
            _("ordered"),
            _("never ordered"),
            _("number of orders"),
            _("spent"),
            _("items ordered"),
            _("order"),
        ),
        "return": (
            _("returned"),
            _("never returned"),
            _("number of returns"),
            _("got back"),
            _("items returned"),
            _("return"),
        ),
    }
    found: list[Question] = []
    for kind, (some, none, number, amount, items, noun) in words.items():
        plain = (("any", "", some), ("none", "", none), ("count", "", number))
        sums = (("sum", "amount", amount), ("sum", "quantity", items))
        extremes = tuple(
            (agg, of, f"{word} {noun}{unit}")
            for agg, word in (("max", _("largest")), ("min", _("smallest")), ("avg", _("average")))
            for of, unit in (("amount", ""), ("quantity", _(", items")))
        )
        for agg, of, label in (*plain, *sums, *extremes):
            code = ".".join(part for part in ("events", kind, agg, of) if part)
            found.append(Question(code=code, label=label, kind=kind, agg=agg, of=of))
    return tuple(found)


def sets_of(
    attributes: Iterable[Attribute], find: str = "", chosen: Collection[str] = ()
) -> list[tuple[str, list[Attribute]]]:
    """The attributes under their headings: those that a search finds, with values in the snapshot, and the chosen."""
    under: dict[str, list[Attribute]] = {name: [] for name in SETS}
    for attribute in attributes:
        empty = attribute.set in HEADINGS and attribute.low is None
        if attribute.name in chosen or (not empty and _found(find, attribute)):
            under.setdefault(attribute.set, []).append(attribute)
    return [(name, members) for name, members in under.items() if members]


def _found(find: str, attribute: Attribute) -> bool:
    told = f"{attribute.name} {attribute.label} {attribute.set} {attribute.meaning}".lower()
    return all(word in told for word in find.lower().split())


def operators_of(code: str, attributes: Mapping[str, Attribute]) -> list[tuple[str, str]]:
    """Operators of an attribute or question, in words, the usual one first."""
    if code.startswith("events."):
        compared = code.split(".")[2] not in _PLAIN
        return [(one.value, _comparison()[one]) for one in COMPARISONS] if compared else []
    attribute = attributes.get(code)
    if attribute is None:
        return []
    if attribute.kind is Kind.FLAG:
        return [
            ("yes", _("is yes")),
            ("no", _("is no")),
            ("null", _("is unknown")),
            ("notNull", _("is known")),
        ]
    words = _date() if attribute.kind is Kind.DATE else _comparison()
    return [(one.value, words[one]) for one in OPERATORS[attribute.kind]]


def _shared() -> dict[Operator, str]:
    return {
        Operator.BETWEEN: _("is between"),
        Operator.UNKNOWN: _("is unknown"),
        Operator.KNOWN: _("is known"),
    }


def _comparison() -> dict[Operator, str]:
    return {
        **_shared(),
        Operator.AT_LEAST: _("at least"),
        Operator.AT_MOST: _("at most"),
        Operator.MORE: _("more than"),
        Operator.LESS: _("less than"),
        Operator.EQUAL: _("exactly"),
        Operator.NOT_EQUAL: _("is not"),
        Operator.IN: _("is any of"),
        Operator.NOT_IN: _("is none of"),
        Operator.CONTAINS: _("contains"),
        Operator.STARTS: _("starts with"),
    }


def _date() -> dict[Operator, str]:
    return {
        **_shared(),
        Operator.IN_LAST: _("in the last days"),
        Operator.NOT_IN_LAST: _("not in the last days"),
        Operator.LESS: _("before"),
        Operator.AT_LEAST: _("on or after"),
        Operator.EQUAL: _("on"),
        Operator.MORE: _("after"),
        Operator.AT_MOST: _("on or before"),
    }
