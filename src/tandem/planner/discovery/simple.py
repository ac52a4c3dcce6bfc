"""The simple view: one attribute, one threshold, the two segments that differ most; confirmed like everything else.

It follows what Optimove shows as Target Group Discovery: the likelihood of two segments of one attribute.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tandem.planner.discovery.binning import cap
from tandem.planner.discovery.confirming import measured, together
from tandem.planner.discovery.domain import (
    LEAST_MEMBERS,
    LEAST_SHARE,
    Axis,
    Condition,
    Estimate,
    Feature,
    Flags,
    Floats,
    Kind,
    Method,
    Outcome,
)
from tandem.planner.discovery.pruning import z_among
from tandem.planner.discovery.splitting import searched


@dataclass(frozen=True, kw_only=True)
class TwoSegments:
    """An attribute cut in two: of the estimate `mean` is the first segment's, `other` the second's.

    The first is the one with more. Customers of whom the attribute is not known are in neither; expectations play no
    part: it is the bare outcome.
    """

    name: str
    first: Condition
    second: Condition
    first_size: int
    second_size: int
    estimate: Estimate
    confirmed: bool


def splits(
    features: Sequence[Feature],
    outcome: Outcome,
    customers: NDArray[np.int64],
    *,
    seed: int,
    method: Method = Method.BH,
    q: float = 0.05,
) -> tuple[TwoSegments, ...]:
    """Each attribute's best cut, the surest first: the cut is chosen on one half, its figures are of the other."""
    search = searched(customers, seed)
    if min(search.sum(), (~search).sum()) < 2 * LEAST_MEMBERS:
        return ()
    y = outcome.y if outcome.rate else np.minimum(outcome.y, cap(outcome.y[search]))
    found = [(one, cut) for one in features if (cut := _best(one, outcome, y, search)) is not None]
    made = [_told(one, cut, outcome, y, ~search) for one, cut in found]
    answers = together([one.estimate.p for one in made], method)
    judged = [
        replace(one, estimate=replace(one.estimate, q=answer), confirmed=answer <= q)
        for one, answer in zip(made, answers, strict=True)
    ]
    return tuple(sorted(judged, key=lambda one: (one.estimate.q, one.estimate.p, one.name)))


def _cuts(axis: Axis) -> Iterator[tuple[Flags, Flags]]:
    """Both segments of every cut, shape (bins,): below and above a threshold, or a value and all others."""
    known = np.array([not one.missing for one in axis.bins])
    places = np.arange(len(axis.bins))
    ordered = int(known.sum())
    if axis.kind is Kind.NUMBER:
        for first in range(1, ordered):
            yield known & (places < first), known & (places >= first)
    else:
        for value in range(ordered if ordered > 2 else ordered - 1):
            yield places == value, known & (places != value)


def _best(feature: Feature, outcome: Outcome, y: Floats, half: Flags) -> tuple[Flags, Flags] | None:
    """The cut with the largest difference in standard errors on this half, the segment with more first."""
    codes, y = feature.codes[half], y[half]
    treated = None if outcome.treated is None else outcome.treated[half]
    least = max(LEAST_MEMBERS, LEAST_SHARE * len(y))
    best, found = 0.0, None
    for one, other in _cuts(feature.axis):
        within = (one | other)[codes]
        inside = one[codes][within]
        if min(inside.sum(), (~inside).sum()) < least:
            continue
        z = z_among(inside, y[within], None if treated is None else treated[within])
        if abs(z) > best:
            best, found = abs(z), (one, other) if z > 0 else (other, one)
    return found


def _told(
    feature: Feature, cut: tuple[Flags, Flags], outcome: Outcome, y: Floats, half: Flags
) -> TwoSegments:
    first, second = cut
    within = (first | second)[feature.codes] & half
    treated = None if outcome.treated is None else outcome.treated[within]
    return TwoSegments(
        name=feature.axis.name,
        first=feature.axis.condition(first),
        second=feature.axis.condition(second),
        first_size=int(first[feature.codes].sum()),
        second_size=int(second[feature.codes].sum()),
        estimate=measured(first[feature.codes][within], y[within], treated, 1),
        confirmed=False,
    )
