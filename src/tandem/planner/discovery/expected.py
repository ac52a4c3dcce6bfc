"""What the usual view expects of a customer: means of recency, frequency and spend cells, of other customers.

Each customer's expectation is learnt from the others of the same half only (five folds), so neither their own outcome
nor the other half's is in it. Small cells lean on their recency and frequency, those on recency, that on all.
"""

import numpy as np
from numpy.typing import NDArray

from tandem.planner.discovery.binning import number
from tandem.planner.discovery.domain import Codes, Dropped, Floats, Unit
from tandem.planner.discovery.splitting import share_of

FOLDS = 5
_BINS = (16, 8, 8)
#: a cell of so many customers counts as much as the coarser one
_LEAN = 20.0


def cells(rfm: tuple[Floats, Floats, Floats]) -> tuple[Codes, Codes, Codes]:
    """Recency, frequency and spend in quantile bins, shape (n,) each."""
    made = [number("", one, unit=Unit.NONE, bins=bins) for one, bins in zip(rfm, _BINS, strict=True)]
    zero = np.zeros(len(rfm[0]), np.uint8)
    r, f, m = (zero if isinstance(one, Dropped) else one.codes for one in made)
    return r, f, m


def expected(rfm: tuple[Codes, Codes, Codes], y: Floats, customers: NDArray[np.int64], seed: int) -> Floats:
    """Cross-fitted mean of y by recency, frequency and spend, shape (n,); rfm as `cells` gives them."""
    folds = (share_of(customers, f"{seed}:folds") * FOLDS).astype(np.intp)
    r, f, m = (one.astype(np.intp) for one in rfm)
    size_f, size_m = int(f.max(initial=0)) + 1, int(m.max(initial=0)) + 1
    levels = (np.zeros(len(y), np.intp), r, r * size_f + f, (r * size_f + f) * size_m + m)
    found = np.zeros(len(y))
    for place, level in enumerate(levels):
        n, s = _of_others(level, folds, y)
        lean = _LEAN if place else 0.0
        found = (s + lean * found) / np.maximum(n + lean, 1)
    return found


def _of_others(level: NDArray[np.intp], folds: NDArray[np.intp], y: Floats) -> tuple[Floats, Floats]:
    """Customers and sum of y of each one's cell, without their own fold."""
    size = int(level.max(initial=0)) + 1
    own = folds * size + level
    n, s = np.bincount(own, minlength=FOLDS * size), np.bincount(own, y, minlength=FOLDS * size)
    of_all = (n.reshape(FOLDS, size).sum(0), s.reshape(FOLDS, size).sum(0))
    return of_all[0][level] - n[own], of_all[1][level] - s[own]
