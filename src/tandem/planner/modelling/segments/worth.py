"""What micro-segments and value segments are worth and how many of them will be in Churn, with intervals."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from decimal import Decimal
from typing import Any

import duckdb

from tandem.planner.modelling.learning.domain import Evidence, Model, Spread
from tandem.planner.modelling.learning.intervals import Sums, churn_range, value_range
from tandem.planner.modelling.models import ModelRun
from tandem.planner.modelling.segments.domain import VALUE_SEGMENTS

CENTS = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Worth:
    """Of a segment: members, mean future value and mean chance to be in Churn in 28 days.

    low and high: between them that mean will lie 8 times of 10; None where past days do not tell.
    """

    members: int
    future_value: Decimal
    churn_rate: float
    value_low: Decimal | None = None
    value_high: Decimal | None = None
    churn_low: float | None = None
    churn_high: float | None = None

    def as_json(self) -> list[Any]:
        """Plain."""
        return [str(one) if isinstance(one, Decimal) else one for one in astuple(self)]

    @classmethod
    def from_json(cls, stored: Sequence[Any]) -> "Worth":
        """What `as_json` gave."""
        members, value, rate, low, high, churn_low, churn_high = stored
        return cls(
            members=members, future_value=Decimal(value), churn_rate=rate, churn_low=churn_low, churn_high=churn_high,
            value_low=None if low is None else Decimal(low), value_high=None if high is None else Decimal(high),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Spreads:
    """What intervals are made of, by model; None: no interval."""

    value: Spread | None = None
    churn: Spread | None = None
    back: Spread | None = None

    @classmethod
    def of(cls, evidence: Evidence | None) -> "Spreads":
        """Those of a day's models."""
        if evidence is None:
            return cls()
        found = (evidence.of(model) for model in (Model.VALUE, Model.CHURN, Model.REACTIVATION))
        value, churn, back = (one.spread if one else None for one in found)
        return cls(value=value, churn=churn, back=back)


def measured(
    session: duckdb.DuckDBPyConnection, rates: Mapping[int, tuple[int, Decimal, float]], spreads: Spreads
) -> tuple[dict[int, Worth], dict[int, Worth]]:
    """Micro-segment -> its worth, and place of a value segment -> its worth; of the tables `segments`, `standing`.

    rates: micro-segment -> members, mean future value, mean chance to be in Churn, which its customers without a
    score share.
    """
    cells = _cells(session)
    rest = _without_score(cells, rates)
    micro: dict[int, list[Sums]] = defaultdict(list)
    value: dict[int, list[Sums]] = defaultdict(list)
    for number, place, sums, unscored in cells:
        made = replace(sums, sure=unscored * rest.get(number, 0.0))
        micro[number].append(made)
        value[place].append(made)
    return (
        {number: _worth(sums, spreads, rates[number]) for number, sums in micro.items()},
        {place: _worth(sums, spreads, None) for place, sums in value.items()},
    )


def _cells(session: duckdb.DuckDBPyConnection) -> list[tuple[int, int, Sums, int]]:
    """(micro-segment, place of the value segment, sums, customers without a score) by stage."""
    names = ", ".join(f"'{one}'" for one in VALUE_SEGMENTS)
    rows = session.execute(
        f"""WITH one AS (SELECT g.microsegment_id AS micro, list_position([{names}], g.value_segment) AS place, s.stage,
            coalesce(g.future_value, 0)::DOUBLE AS v, g.churn_risk AS c, g.reactivation AS b
          FROM segments g JOIN standing s ON s.customer = g.customer)
        SELECT micro, place, stage, count(*), sum(v), sum(v * v), coalesce(sum(c), 0), coalesce(sum(c * c), 0),
          coalesce(sum(b), 0), coalesce(sum(b * b), 0), count(b), count(*) FILTER (c IS NULL AND b IS NULL)
        FROM one WHERE micro IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
    ).fetchall()
    return [
        (micro, place, Sums(stage=stage, members=n, value=v, value_squares=v2, churn=c, churn_squares=c2, back=b,
                            back_squares=b2, asked_back=asked), unscored)
        for micro, place, stage, n, v, v2, c, c2, b, b2, asked, unscored in rows
    ]  # fmt: skip


def _without_score(
    cells: Iterable[tuple[int, int, Sums, int]], rates: Mapping[int, tuple[int, Decimal, float]]
) -> dict[int, float]:
    """Micro-segment -> mean chance to be in Churn of its customers without a score."""
    left: dict[int, float] = {number: members * rate for number, (members, _, rate) in rates.items()}
    people: dict[int, int] = defaultdict(int)
    for number, _, sums, unscored in cells:
        left[number] = left.get(number, 0.0) - (sums.churn + sums.asked_back - sums.back)
        people[number] += unscored
    return {number: min(max(left[number] / n, 0.0), 1.0) for number, n in people.items() if n}


def _worth(sums: Sequence[Sums], spreads: Spreads, known: tuple[int, Decimal, float] | None) -> Worth:
    members = sum(one.members for one in sums)
    mean, rate = Decimal(sum(one.value for one in sums) / members).quantize(CENTS), _rate(sums, members)
    if known is not None:
        _, mean, rate = known
    value = value_range(spreads.value, sums)
    churn = churn_range(spreads.churn, spreads.back, sums)
    return Worth(
        members=members, future_value=mean, churn_rate=rate,
        value_low=_mean(value.low, members) if value else None,
        value_high=_mean(value.high, members) if value else None,
        churn_low=churn.low if churn else None, churn_high=churn.high if churn else None,
    )  # fmt: skip


def _rate(sums: Sequence[Sums], members: int) -> float:
    return sum(one.churn + one.sure + one.asked_back - one.back for one in sums) / members


def _mean(total: float, members: int) -> Decimal:
    return Decimal(total / members).quantize(CENTS)


def spreads_of(account_id: int) -> Spreads:
    """Those of the models in force."""
    wanted = (Model.VALUE.value, Model.CHURN.value, Model.REACTIVATION.value)
    rows = ModelRun.objects.filter(account_id=account_id, in_force=True, model__in=wanted)
    found = {row.model: Evidence.from_json(row.evidence).models[0].spread for row in rows}
    return Spreads(
        **{name: found.get(model) for name, model in zip(("value", "churn", "back"), wanted, strict=True)}
    )
