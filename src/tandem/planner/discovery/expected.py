"""What the usual view expects of a customer: learnt from recency, frequency and spend of other customers.

Cells of the three are few, so each half's customers become at most a thousand rows. A regression over them (each bin's
level, and how levels of one change along another) says what a cell should show; what it shows beyond that counts the
more the more customers it has. Each customer's expectation comes from the other folds of the same half only: neither
their own outcome nor the other half's is in it.
"""

import numpy as np
from numpy.typing import NDArray

from tandem.planner.discovery.binning import number
from tandem.planner.discovery.domain import Codes, Dropped, Floats, Unit
from tandem.planner.discovery.splitting import share_of

FOLDS = 5
_BINS = (16, 8, 8)
#: a cell's own mean counts as much as the regression when it has so many customers
_LEAN = 30.0
_RIDGE = 1.0

Places = NDArray[np.intp]


def cells(rfm: tuple[Floats, Floats, Floats]) -> tuple[Codes, Codes, Codes]:
    """Recency, frequency and spend in quantile bins, shape (n,) each."""
    made = [number("", one, unit=Unit.NONE, bins=bins) for one, bins in zip(rfm, _BINS, strict=True)]
    zero = np.zeros(len(rfm[0]), np.uint8)
    r, f, m = (zero if isinstance(one, Dropped) else one.codes for one in made)
    return r, f, m


def expected(rfm: tuple[Codes, Codes, Codes], y: Floats, customers: NDArray[np.int64], seed: int) -> Floats:
    """Cross-fitted mean of y by recency, frequency and spend, shape (n,); rfm as `cells` gives them."""
    folds: Places = (share_of(customers, f"{seed}:folds") * FOLDS).astype(np.intp)
    sizes = [int(one.max(initial=0)) + 1 for one in rfm]
    r, f, m = (one.astype(np.intp) for one in rfm)
    cell: Places = (r * sizes[1] + f) * sizes[2] + m
    there, cell = np.unique(cell, return_inverse=True)  # of few customers most cells are empty
    many = len(there)
    at = folds * many + cell
    n = np.bincount(at, minlength=FOLDS * many).reshape(FOLDS, many).astype(np.float64)
    s = np.bincount(at, y, minlength=FOLDS * many).reshape(FOLDS, many)
    design = _design(sizes)[there]
    of_fold = np.stack([_levels(design, n.sum(0) - n[fold], s.sum(0) - s[fold]) for fold in range(FOLDS)])
    return np.asarray(of_fold.ravel()[at])


def _design(sizes: list[int]) -> Floats:
    """For each cell: the constant, its three bins, and how the bins of one change along another, (cells, columns)."""
    places = np.indices(sizes).reshape(3, -1)
    flags = [np.eye(size)[place] for size, place in zip(sizes, places, strict=True)]
    ranks = [(place / max(size - 1, 1) - 0.5)[:, None] for size, place in zip(sizes, places, strict=True)]
    crossed = [flags[one] * ranks[other] for one, other in ((1, 0), (2, 0), (1, 2))]
    return np.hstack([np.ones((len(places[0]), 1)), *flags, *crossed])


def _levels(design: Floats, n: Floats, s: Floats) -> Floats:
    """The mean each cell is expected to have, from its customers and their sums in the other folds."""
    mean = s.sum() / max(n.sum(), 1)
    above = s - n * mean
    weighted = design * n[:, None]
    ridge = _RIDGE * np.eye(design.shape[1])
    level = design @ np.linalg.solve(design.T @ weighted + ridge, design.T @ above)
    return np.asarray(mean + level + (above - n * level) / (n + _LEAN))
