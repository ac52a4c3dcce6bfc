"""What others may know of stages and segments."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isclose
from typing import Any

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound, Refused
from tandem.planner.accounts import service as accounts
from tandem.planner.customers.rights import described as is_described
from tandem.planner.modelling.lifecycle.domain import Stage
from tandem.planner.modelling.models import LayerMethods, MicroSegment, ValueSegmentWorth, ValueShares
from tandem.planner.modelling.segments.domain import (
    BASIS_WORDS,
    CLUSTERED,
    STAGE_IDS,
    VALUE_SEGMENTS,
    Basis,
    Clusters,
    Cutting,
    Method,
    Segment,
    described,
)
from tandem.planner.modelling.segments.segmenting import definition, layer_methods, value_shares

_FIGURES = (
    "members", "future_value", "churn_rate", "value_low", "value_high", "churn_low", "churn_high",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MicroSegmentView:
    """A micro-segment on the newest day; churn_rate: mean chance to be in Churn in 28 days, 0 to 1.

    future_value: the members' mean; description: what its customers have in common, with figures; low and high:
    between them the mean will lie 8 times of 10, None where past days do not tell. None of it is told of too few
    members, but how the name calls its part of the stage is.
    """

    id: int
    name: str
    stage: Stage
    stage_id: int
    members: int
    future_value: Decimal | None
    churn_rate: float | None
    description: str = ""
    value_low: Decimal | None = None
    value_high: Decimal | None = None
    churn_low: float | None = None
    churn_high: float | None = None

    @property
    def described(self) -> bool:
        """Whether it is large enough for its figures to be told."""
        return is_described(self.members)


@dataclass(frozen=True, kw_only=True)
class ValueSegmentView:
    """A value segment: the share of customers with a value it is cut for, and the least value in it.

    members and what follows as of a micro-segment; None before the first snapshot, and what follows of too few.
    """

    id: int
    name: str
    share: float
    least: float | None
    members: int | None = None
    future_value: Decimal | None = None
    churn_rate: float | None = None
    value_low: Decimal | None = None
    value_high: Decimal | None = None
    churn_low: float | None = None
    churn_high: float | None = None

    @property
    def described(self) -> bool:
        """Whether it is large enough for its figures to be shown to people."""
        return is_described(self.members or 0)


@dataclass(frozen=True, kw_only=True)
class SegmentBasis:
    """What value segments are cut by, and in words why."""

    by: str
    words: str


_UNTOLD: dict[str, Any] = {"future_value": None, "churn_rate": None}


class BadLayers(Refused):
    """No such stage, or no such method."""

    title = "This stage cannot be cut so"


class BadShares(Refused):
    """The shares are not five that make a whole."""

    title = "These shares do not work"


def lifecycle_stages() -> tuple[tuple[int, str], ...]:
    """Every stage: id and name."""
    return tuple(sorted((number, str(stage)) for stage, number in STAGE_IDS.items()))


def stage_name(stage_id: int) -> str | None:
    """The stage behind an id; None for an unknown one."""
    return dict(lifecycle_stages()).get(stage_id)


def microsegments(account_id: int) -> tuple[MicroSegmentView, ...]:
    """The micro-segments in force, by id."""
    rows = MicroSegment.objects.filter(account_id=account_id, is_current=True).order_by("number")
    told = descriptions(account_id)
    return tuple(
        MicroSegmentView(
            id=row.number, name=row.name, stage=Stage(row.stage), stage_id=STAGE_IDS[Stage(row.stage)],
            members=row.members, **(_figures(row, told) if is_described(row.members) else _UNTOLD),
        )
        for row in rows
    )  # fmt: skip


def _figures(row: MicroSegment, told: Mapping[int, str]) -> dict[str, Any]:
    figures = {name: getattr(row, name) for name in _FIGURES if name != "members"}
    return {**figures, "description": told.get(row.number, "")}


def descriptions(account_id: int) -> dict[int, str]:
    """Id of a micro-segment in force -> what its customers have in common."""
    found = definition(account_id)
    if found is None:
        return {}
    return {one.number: _described(one, found.cuts[one.stage]) for one in found.segments}


def _described(one: Segment, cuts: Cutting) -> str:
    return cuts.told[one.cells[0][0]] if isinstance(cuts, Clusters) else described(one.stage, one.cells, cuts)


def layers(account_id: int) -> tuple[tuple[Stage, Method], ...]:
    """How each stage that may be cut by k-means is to be cut."""
    wanted = layer_methods(account_id)
    return tuple((stage, wanted.get(stage, Method.QUANTILES)) for stage in CLUSTERED)


def set_layers(account_id: int, methods: Mapping[str, str], *, actor: str, clock: Clock) -> None:
    """Stage -> quantiles or kmeans, others as they are; the next snapshot cuts by them. Raises BadLayers."""
    known = {str(stage): stage for stage in CLUSTERED}
    wanted = layer_methods(account_id)
    for stage, method in methods.items():
        if stage not in known or method not in tuple(Method):
            raise BadLayers(
                f"{stage} cannot be cut by {method}.",
                f"Stages are {', '.join(known)}; methods are {', '.join(Method)}.",
                field="layers",
            )
        wanted[known[stage]] = Method(method)
    stored = {str(stage): str(one) for stage, one in sorted(wanted.items()) if one is not Method.QUANTILES}
    with transaction.atomic():
        LayerMethods.objects.update_or_create(account_id=account_id, defaults={"methods": stored})
        accounts.record(account_id, actor=actor, action="layers.set", subject="", detail=stored, clock=clock)


def basis(account_id: int) -> SegmentBasis:
    """What the value segments of the newest day are cut by."""
    found = definition(account_id)
    kind = found.basis if found else Basis.NO_MODEL
    return SegmentBasis(by=kind.figure, words=BASIS_WORDS[kind])


def value_segments(account_id: int) -> tuple[ValueSegmentView, ...]:
    """The five value segments, best first; the last has no least value, nor has any before the first snapshot."""
    found = definition(account_id)
    cuts = (*(found.value_cuts if found else (None,) * 4), None)
    shares = value_shares(account_id)
    worth = {
        row.pop("place"): row if is_described(row["members"]) else {"members": row["members"]}
        for row in ValueSegmentWorth.objects.filter(account_id=account_id).values("place", *_FIGURES)
    }
    return tuple(
        ValueSegmentView(id=place, name=name, share=share, least=least, **worth.get(place, {}))
        for place, (name, share, least) in enumerate(zip(VALUE_SEGMENTS, shares, cuts, strict=True), 1)
    )


def value_segment(*, number: int | None = None, name: str = "") -> tuple[int, str]:
    """Id and name of a value segment, by either. Raises NotFound."""
    for place, known in enumerate(VALUE_SEGMENTS, 1):
        if place == number or known.lower() == name.strip().lower():
            return place, known
    raise NotFound(f"There is no value segment {number if number is not None else name}.")


def set_value_shares(account_id: int, shares: tuple[float, ...], *, actor: str, clock: Clock) -> None:
    """Percent of the customers with a value for each value segment, best first; the next snapshot cuts by them.

    Raises BadShares.
    """
    positive = all(share > 0 for share in shares)
    if len(shares) != len(VALUE_SEGMENTS) or not positive or not isclose(sum(shares), 100, abs_tol=0.01):
        raise BadShares(
            f"{', '.join(f'{share:g}' for share in shares)} are not five shares above 0 that make 100.",
            "Give them best first, as 1,4,15,30,50.",
            field="shares",
        )
    with transaction.atomic():
        ValueShares.objects.update_or_create(account_id=account_id, defaults={"shares": list(shares)})
        accounts.record(
            account_id, actor=actor, action="value_segments.set", subject="", detail={"shares": list(shares)},
            clock=clock,
        )  # fmt: skip
