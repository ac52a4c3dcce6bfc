"""A rule in words: a title made of what its features are, and a sentence with its size and both figures.

The same rule always reads the same. Nothing says why: a group differs, it is not told what makes it differ.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem.planner.customers.rights import LEAST_DESCRIBED
from tandem.planner.discovery.domain import (
    LEAST_MEMBERS,
    Axis,
    Condition,
    Flags,
    Found,
    GoalKind,
    Kind,
    Role,
    Rule,
    Test,
    Unit,
    written,
)

Axes = Mapping[str, Axis]

TOO_SMALL = "A group of fewer than 50 people is not described."
_WORDS = {
    Role.RECENCY: ("recent", "quiet", "lapsed"),
    Role.FREQUENCY: ("occasional", "regular", "frequent"),
    Role.VALUE: ("low spend", "middle spend", "high spend"),
    Role.PRICE: ("low price", "mid price", "high price"),
}
_VERBS = {
    GoalKind.SURPRISE: "bought",
    GoalKind.ORDERS: "bought",
    GoalKind.CHURNS: "left",
    GoalKind.RESPONDS: "responded",
}
_WHY = {
    "too_few": "There are too few customers to search one half and confirm on the other: {least} are needed.",
    "constant": "All customers have the same outcome, so no group can differ.",
    "nothing_stood_out": "{candidates} groups were looked at and none stood out clearly enough to be tested. "
    "A longer period, more customers or another goal may show one.",
    "not_confirmed": "{tested} groups stood out on one half of the customers, and none held on the other half. "
    "That happens by chance; nothing is shown that was not confirmed.",
}


def title(rule: Rule, axes: Axes) -> str:
    """Such as "Lapsed bags buyers, mid price": how recent and frequent, of what, then price, value and the rest."""
    before: list[str] = []
    after: list[str] = []
    of_what = "customers"
    for condition in rule.conditions:
        axis = axes[condition.name]
        if axis.role is Role.CATEGORY and (named := _buyers(condition, axis)):
            of_what = named
        elif axis.role in _WORDS and condition.test is Test.RANGE:
            word = _WORDS[axis.role][_third(condition, axis)]
            (before if axis.role in (Role.RECENCY, Role.FREQUENCY) else after).append(word)
        else:
            after.append(condition_words(condition, axis))
    text = ", ".join([" ".join([*before, of_what]), *after])
    return text[0].upper() + text[1:]


def _buyers(condition: Condition, axis: Axis) -> str:
    """Whose favourite it is; nothing where the condition rather tells who is not."""
    if condition.test is Test.ONE_OF and len(condition.values) == 1:
        return f"{condition.values[0]} buyers"
    if condition.test is Test.RANGE and _third(condition, axis):
        return f"{_small(axis.label)} buyers"
    return ""


def _third(condition: Condition, axis: Axis) -> int:
    """Low, middle or high: where the middle of its bins lies on the axis."""
    ordered = [one for one in axis.bins if not one.missing]
    low = 0 if condition.low is None else _places(ordered, "low", condition.low, 0)
    high = len(ordered) - 1 if condition.high is None else _places(ordered, "high", condition.high, -1)
    share = (low + high) / 2 / max(len(ordered) - 1, 1)
    return 0 if share < 1 / 3 else 1 if share <= 2 / 3 else 2


def _places(ordered: list[Any], name: str, bound: float, which: int) -> int:
    found = [place for place, one in enumerate(ordered) if getattr(one, name) == bound]
    return found[which] if found else 0


def condition_words(condition: Condition, axis: Axis, currency: str = "") -> str:
    """Such as "days since last order 51 or more"."""
    label = _small(axis.label)
    if condition.test in (Test.UNKNOWN, Test.KNOWN):
        return f"{label} {'not ' if condition.test is Test.UNKNOWN else ''}known"
    if axis.kind is Kind.NUMBER:
        return f"{label} {_range(condition, axis, currency)}"
    values = [_value(one, axis) for one in condition.values]
    told = values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"
    unknown = any(one.missing for one in axis.bins) and condition.unknown_too
    negated = "not " if condition.test is Test.NOT_ONE_OF else ""
    return f"{label} {negated}{told}{' (unknown included)' if unknown else ''}"


def _value(value: str, axis: Axis) -> str:
    return {"true": "yes", "false": "no"}.get(value, value) if axis.kind is Kind.FLAG else value


def _range(condition: Condition, axis: Axis, currency: str) -> str:
    low, high, beyond, below = condition.low, condition.high, condition.low_open, condition.high_open
    if axis.whole and axis.unit is not Unit.MONEY:
        low, beyond = (low + 1, False) if low is not None and beyond else (low, beyond)
        high, below = (high - 1, False) if high is not None and below else (high, below)

    def told(value: float) -> str:
        return figure(value, axis.unit, currency)

    if low is None and high is not None:
        return f"under {told(high)}" if below else told(high) if high == 0 else f"{told(high)} or less"
    if high is None and low is not None:
        return f"over {told(low)}" if beyond else f"{told(low)} or more"
    if low is None or high is None:
        return "known"
    if low == high:
        return told(low)
    return f"{'over ' if beyond else ''}{told(low)} to {'under ' if below else ''}{told(high)}"


def figure(value: float, unit: Unit, currency: str = "") -> str:
    """A number as it is read: thousands apart, money with its currency, shares in percent."""
    if unit is Unit.SHARE:
        return f"{_plain(value * 100)} %"
    if unit is Unit.MONEY:
        return f"{value:,.2f} {currency}".rstrip()
    return f"{_plain(value)}{' days' if unit is Unit.DAYS else ''}"


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"


def sentence(
    rule: Rule, goal: GoalKind, axes: Axes, *, rate: bool, size: int | None = None, currency: str = ""
) -> str:
    """Such as "2,140 customers with ...; 61 % bought, 51 % expected"; under 50 people nothing is told of them.

    rate: whether the outcome was yes or no; size: today's, where it is another than when it was found.
    """
    members = rule.size if size is None else size
    if min(members, rule.estimate.members) < LEAST_DESCRIBED:
        return TOO_SMALL
    told = ", ".join(condition_words(one, axes[one.name], currency) for one in rule.conditions)
    return f"{members:,} customers with {told}; {outcome_words(rule, goal, rate=rate, currency=currency)}"


def outcome_words(rule: Rule, goal: GoalKind, *, rate: bool, currency: str = "") -> str:
    """Both figures: the group's, and the others' or what was expected."""
    mean, other = rule.estimate.mean, rule.estimate.other
    if goal in (GoalKind.UPLIFT_ORDERS, GoalKind.UPLIFT_SPENDS):
        unit = "points more bought" if rate else "more spent"
        one, two = (_percent(v).removesuffix(" %") if rate else _money(v, currency) for v in (mean, other))
        return f"{one} {unit} with the campaign than without, {two} among the others"
    against = "expected" if goal is GoalKind.SURPRISE else "of the others"
    if rate:
        return f"{_percent(mean)} {_VERBS.get(goal, 'bought')}, {_percent(other)} {against}"
    against = "expected" if goal is GoalKind.SURPRISE else "the others"
    return f"{_money(mean, currency)} spent on average, {_money(other, currency)} {against}"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %" if abs(share) >= 0.1 else f"{share * 100:.1f} %"


def _money(value: float, currency: str) -> str:
    return f"{value:,.2f} {currency}".rstrip()


def _small(label: str) -> str:
    return label[:1].lower() + label[1:] if label[1:2].islower() or label[1:2] == " " else label


def why_nothing(found: Found) -> str:
    """Why no group is shown, and what would help; empty if there are some."""
    told = _WHY.get(found.note, "")
    return told.format(
        least=f"{4 * LEAST_MEMBERS:,}", candidates=f"{found.candidates:,}", tested=f"{len(found.tested):,}"
    )


def traits(
    raw: Mapping[str, NDArray[Any]], axes: Axes, members: Flags, *, without: Iterable[str] = (), most: int = 3
) -> tuple[str, ...]:
    """What most sets a group apart: median shift by interquartile range, or a value's share; () under 50 people.

    raw: columns as the binning got them, shape (n,) each; without: names already in the rule.
    """
    if int(np.count_nonzero(members)) < LEAST_DESCRIBED:
        return ()
    told = [
        _shift(axis, raw[name], members) if axis.kind is Kind.NUMBER else _share(axis, raw[name], members)
        for name, axis in sorted(axes.items())
        if name not in set(without)
    ]
    told.sort(key=lambda one: -one[0])
    return tuple(words for strength, words in told[:most] if strength > 0)


def _shift(axis: Axis, values: NDArray[Any], members: Flags) -> tuple[float, str]:
    numbers = values.astype(np.float64, copy=False)
    known = ~np.isnan(numbers)
    if int(np.count_nonzero(known & members)) < LEAST_DESCRIBED:
        return 0.0, ""
    low, middle, high = np.quantile(numbers[known], (0.25, 0.5, 0.75))
    own = float(np.median(numbers[known & members]))
    if high == low:
        return 0.0, ""
    words = (
        f"{axis.label} {figure(own, axis.unit)} in the middle, {figure(float(middle), axis.unit)} among all"
    )
    return abs(own - float(middle)) / float(high - low), words


def _share(axis: Axis, values: NDArray[Any], members: Flags) -> tuple[float, str]:
    """Only values that at least 50 of the group have are told."""
    inside = values[members]
    best, words = 0.0, ""
    for one in (value for cut in axis.bins for value in cut.values):
        own = np.fromiter((written(v) == one for v in inside if v is not None), np.bool_)
        if own.sum() < LEAST_DESCRIBED:
            continue
        share = float(own.sum()) / len(inside)
        among = float(np.mean([v is not None and written(v) == one for v in values]))
        if share - among > best / 2:
            best = 2 * (share - among)
            words = f"{axis.label} {_value(one, axis)} {_percent(share)}, {_percent(among)} among all"
    return best, words
