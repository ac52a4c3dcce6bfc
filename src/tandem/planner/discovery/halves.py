"""Both halves of a split, each with what is to be explained in it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tandem.planner.discovery.binning import cap
from tandem.planner.discovery.domain import Codes, Feature, Flags, Floats, Outcome
from tandem.planner.discovery.expected import expected
from tandem.planner.discovery.splitting import searched


class Half(NamedTuple):
    """One half: its features, the outcome to explain, what was expected of it, and who was treated."""

    features: tuple[Feature, ...]
    y: Floats
    expected: Floats | None
    treated: Flags | None


class Split(NamedTuple):
    """Both halves of one split."""

    search: Half
    confirm: Half


def split_of(
    features: Sequence[Feature],
    outcome: Outcome,
    rfm: tuple[Codes, Codes, Codes] | None,
    customers: NDArray[np.int64],
    seed: int,
    turn: int,
) -> Split:
    """Sums are capped by the search half; what is expected is learnt in each half apart."""
    first = searched(customers, seed, turn)
    highest = np.inf if outcome.rate else cap(outcome.y[first])
    halves = []
    for part in (first, ~first):
        y = np.minimum(outcome.y[part], highest)
        usual = None if outcome.expected is None else outcome.expected[part]
        if usual is None and rfm is not None:
            codes = (rfm[0][part], rfm[1][part], rfm[2][part])
            usual = expected(codes, y, customers[part], seed)
        halves.append(
            Half(
                features=tuple(Feature(axis=one.axis, codes=one.codes[part]) for one in features),
                y=y if usual is None else y - usual,
                expected=usual,
                treated=None if outcome.treated is None else outcome.treated[part],
            )
        )
    return Split(*halves)
