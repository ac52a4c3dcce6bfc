"""The segments of a snapshot being built: cut monthly, applied daily, kept with the snapshot's publication."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from tandem.planner.modelling.lifecycle.domain import Stage, StageRules
from tandem.planner.modelling.models import (
    LayerMethods,
    MicroSegment,
    SegmentCuts,
    ValueSegmentWorth,
    ValueShares,
)
from tandem.planner.modelling.scoring.ranks import make_ranks, make_scores
from tandem.planner.modelling.segments import cutting, worth
from tandem.planner.modelling.segments.domain import (
    LAYERS,
    VALUE_SEGMENTS,
    VALUE_SHARES,
    Basis,
    Cell,
    Clusters,
    Cutting,
    Method,
    Segment,
    kept_numbers,
    least_members,
    merged,
    names,
    whole,
)

MONTH = timedelta(days=28)
_NOBODY = worth.Worth(members=0, future_value=Decimal(0), churn_rate=0.0)


@dataclass(frozen=True, kw_only=True)
class Definition:
    """How customers are cut into segments."""

    cut_on: date
    cuts: dict[Stage, Cutting]
    segments: tuple[Segment, ...]
    value_cuts: tuple[float, ...]
    shares: tuple[float, ...]
    returns: tuple[tuple[int, float], ...]
    basis: Basis = Basis.NO_MODEL
    methods: dict[Stage, Method] = field(default_factory=dict)


class Segmenting:
    """Makes the segments of one snapshot, and keeps what was made once that is published."""

    def __init__(self, account_id: int, before: Path | None, *, is_newest: bool) -> None:
        """before: the Parquet of an earlier day's snapshot; is_newest: whether no later day has one."""
        self._account_id, self._before, self._is_newest = account_id, before, is_newest
        self._made: Definition | None = None
        self._worth: dict[int, worth.Worth] = {}
        self._values: dict[int, worth.Worth] = {}

    def make(
        self,
        session: duckdb.DuckDBPyConnection,
        day: date,
        rules: StageRules,
        spreads: worth.Spreads | None = None,
    ) -> None:
        """Make the table `segments`; `people`, `features` and `stages` are there, and `scores` if any were made.

        spreads: what intervals are made of.
        """
        make_scores(session)
        make_ranks(session)
        cutting.make_standing(session)
        stored = definition(self._account_id)
        found = self._definition(session, day, stored)
        same = stored is not None and stored.basis.figure == found.basis.figure
        cutting.make_segments(
            session, found.cuts, found.segments, found.value_cuts, found.basis, self._before if same else None
        )
        rates = cutting.figures(session, rules, found.returns)
        self._worth, self._values = worth.measured(session, rates, spreads or worth.Spreads())
        for scratch in ("standing", "ranks"):
            session.execute(f"DROP TABLE {scratch}")

    def keep(self) -> None:
        """Write down what was cut and counted, in the transaction that publishes the snapshot."""
        if self._made is not None:
            _write(self._account_id, self._made)
        if self._is_newest:
            for row in MicroSegment.objects.filter(account_id=self._account_id, is_current=True):
                counted = asdict(self._worth.get(row.number, _NOBODY))
                MicroSegment.objects.filter(account_id=self._account_id, pk=row.pk).update(**counted)
            for place in range(1, len(VALUE_SEGMENTS) + 1):
                ValueSegmentWorth.objects.update_or_create(
                    account_id=self._account_id,
                    place=place,
                    defaults=asdict(self._values.get(place, _NOBODY)),
                )

    def as_json(self) -> dict[str, Any]:
        """What `keep` needs, for a process that publishes what another made."""
        micro, values = (
            [[number, one.as_json()] for number, one in found.items()]
            for found in (self._worth, self._values)
        )
        return {"made": _plain(self._made) if self._made else None, "worth": micro, "values": values}

    def restore(self, stored: dict[str, Any]) -> None:
        """Take over what `as_json` gave."""
        self._made = _from_plain(stored["made"]) if stored["made"] else None
        self._worth, self._values = (
            {number: worth.Worth.from_json(one) for number, one in stored.get(key, ())}
            for key in ("worth", "values")
        )

    def _definition(
        self, session: duckdb.DuckDBPyConnection, day: date, stored: Definition | None
    ) -> Definition:
        """The stored definition while it is a month fresh and of the wanted shares and basis, else cut anew.

        A snapshot of an earlier day than the newest takes what is stored, unless there is no future value on it.
        """
        shares, basis = value_shares(self._account_id), cutting.measured_basis(session)
        methods = layer_methods(self._account_id)
        due = stored is not None and (day - stored.cut_on >= MONTH or stored.methods != methods)
        if stored is None or (self._is_newest and due):
            self._made = _cut(session, self._account_id, day, shares, basis, stored)
            return self._made
        if stored.shares == shares and stored.basis is basis:
            return stored
        values = stored.value_cuts
        if stored.shares != shares or stored.basis.figure != basis.figure:
            values = cutting.measured_value_cuts(session, shares, basis)
        found = replace(stored, value_cuts=values, shares=shares, basis=basis)
        if self._is_newest or stored.shares != shares:
            self._made = found
        return found


def _cut(
    session: duckdb.DuckDBPyConnection,
    account_id: int,
    day: date,
    shares: tuple[float, ...],
    basis: Basis,
    old: Definition | None,
) -> Definition:
    methods = layer_methods(account_id)
    cuts = _measured(session, methods)
    counted = cutting.counted_cells(session, cuts)
    customers = sum(sum(cells.values()) for cells in counted.values())
    parts = [
        (stage, part, name)
        for stage in LAYERS
        for part, name in _named(stage, counted[stage], cuts[stage], customers)
    ]
    places = [(stage, part) for stage, part, _ in parts]
    overlap = cutting.counted_overlap(session, (old.cuts, old.segments), (cuts, places)) if old else {}
    for one in old.segments if old else ():  # nobody is there today, and yet it is the same
        if (one.stage, one.cells) in places:
            overlap.setdefault((one.number, places.index((one.stage, one.cells))), 1)
    numbers = kept_numbers(overlap, len(parts), _next_number(account_id))
    return Definition(
        cut_on=day,
        cuts=cuts,
        segments=tuple(
            Segment(number=number, stage=stage, name=name, cells=cells)
            for number, (stage, cells, name) in zip(numbers, parts, strict=True)
        ),
        value_cuts=cutting.measured_value_cuts(session, shares, basis),
        shares=shares,
        returns=cutting.measured_returns(session, day),
        basis=basis,
        methods=methods,
    )


def _measured(session: duckdb.DuckDBPyConnection, methods: Mapping[Stage, Method]) -> dict[Stage, Cutting]:
    """Each stage by its method; by quantiles where it is too small for groups."""
    found: dict[Stage, Cutting] = {**cutting.measured_cuts(session)}
    wanted = [stage for stage, method in methods.items() if method is Method.KMEANS]
    if wanted:
        from tandem.planner.modelling.segments import clusters

        row: Any = session.execute("SELECT count(*) FROM standing").fetchone()
        for stage in wanted:
            found[stage] = clusters.measured(session, stage, least_members(row[0])) or found[stage]
    return found


def _named(
    stage: Stage, counts: dict[Cell, int], cuts: Cutting, customers: int
) -> list[tuple[tuple[Cell, ...], str]]:
    if isinstance(cuts, Clusters):
        return [(((number,),), name) for number, name in enumerate(cuts.names)]
    parts = merged(counts, customers) or ((tuple(0 for _ in LAYERS[stage]),),)
    parts = whole(parts, cuts)
    return list(zip(parts, names(stage, parts, cuts), strict=True))


def _next_number(account_id: int) -> int:
    newest = MicroSegment.objects.filter(account_id=account_id).order_by("-number").first()
    return newest.number + 1 if newest else 1


def definition(account_id: int) -> Definition | None:
    """How the account's customers are cut; None before the first snapshot."""
    row = SegmentCuts.objects.filter(account_id=account_id).first()
    if row is None:
        return None
    kept = MicroSegment.objects.filter(account_id=account_id, is_current=True).order_by("number")
    return Definition(
        cut_on=row.cut_on,
        cuts={Stage(stage): _cutting(cuts) for stage, cuts in row.layers.items()},
        segments=tuple(
            Segment(
                number=one.number, stage=Stage(one.stage), name=one.name, cells=tuple(map(tuple, one.cells))
            )
            for one in kept
        ),
        value_cuts=tuple(row.values),
        shares=tuple(row.shares),
        returns=tuple((days, share) for days, share in row.returns),
        basis=Basis(row.basis),
        methods={Stage(stage): Method(method) for stage, method in row.methods.items()},
    )


def _cutting(stored: Any) -> Cutting:
    return Clusters.from_json(stored) if isinstance(stored, dict) else tuple(map(tuple, stored))


def _plain_cuts(cuts: Mapping[Stage, Cutting]) -> dict[str, Any]:
    return {str(stage): asdict(one) if isinstance(one, Clusters) else one for stage, one in cuts.items()}


def _plain(made: Definition) -> dict[str, Any]:
    return {
        "cut_on": made.cut_on.isoformat(),
        "cuts": _plain_cuts(made.cuts), "methods": {str(stage): str(one) for stage, one in made.methods.items()},
        "segments": [[one.number, str(one.stage), one.name, one.cells] for one in made.segments],
        "value_cuts": made.value_cuts, "shares": made.shares, "returns": made.returns, "basis": str(made.basis),
    }  # fmt: skip


def _from_plain(stored: dict[str, Any]) -> Definition:
    return Definition(
        cut_on=date.fromisoformat(stored["cut_on"]),
        cuts={Stage(stage): _cutting(cuts) for stage, cuts in stored["cuts"].items()},
        methods={Stage(stage): Method(one) for stage, one in stored.get("methods", {}).items()},
        segments=tuple(
            Segment(number=number, stage=Stage(stage), name=name, cells=tuple(map(tuple, cells)))
            for number, stage, name, cells in stored["segments"]
        ),
        value_cuts=tuple(stored["value_cuts"]), shares=tuple(stored["shares"]),
        returns=tuple(map(tuple, stored["returns"])), basis=Basis(stored["basis"]),
    )  # fmt: skip


def value_shares(account_id: int) -> tuple[float, ...]:
    """The wanted shares of the value segments, percent, best first."""
    row = ValueShares.objects.filter(account_id=account_id).first()
    return tuple(row.shares) if row else VALUE_SHARES


def layer_methods(account_id: int) -> dict[Stage, Method]:
    """How each stage is to be cut that is not by quantiles."""
    row = LayerMethods.objects.filter(account_id=account_id).first()
    return {Stage(stage): Method(method) for stage, method in row.methods.items()} if row else {}


def _write(account_id: int, made: Definition) -> None:
    SegmentCuts.objects.update_or_create(
        account_id=account_id,
        defaults={
            "cut_on": made.cut_on,
            "layers": _plain_cuts(made.cuts),
            "methods": {str(stage): str(one) for stage, one in made.methods.items()},
            "values": list(made.value_cuts),
            "shares": list(made.shares),
            "returns": list(made.returns),
            "basis": str(made.basis),
        },
    )
    _write_segments(account_id, made.segments)


def _write_segments(account_id: int, segments: Sequence[Segment]) -> None:
    numbers = [one.number for one in segments]
    MicroSegment.objects.filter(account_id=account_id).exclude(number__in=numbers).update(is_current=False)
    for one in segments:
        MicroSegment.objects.update_or_create(
            account_id=account_id,
            number=one.number,
            defaults={
                "stage": str(one.stage), "name": one.name, "cells": one.cells, "is_current": True,
            },
        )  # fmt: skip
