"""Halves of the customers by hash: the same customer and salt always fall on the same side."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from tandem.planner.discovery.domain import LARGEST_SEARCH, Flags

_SALT = "discovery"


def share_of(customers: NDArray[np.int64], salt: str) -> NDArray[np.float64]:
    """A place in [0, 1) for each customer, shape (n,): SplitMix64 (Steele, Lea, Flood 2014) of number and salt.

    The salt is discovery's own: the draw of control groups does not know it.
    """
    key = int.from_bytes(hashlib.sha256(f"{_SALT}:{salt}".encode()).digest()[:8], "big")
    with np.errstate(over="ignore"):
        z = customers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) / 2**53


def searched(customers: NDArray[np.int64], seed: int, split: int = 0) -> Flags:
    """Who is of the search half, shape (n,): half of them, of over 2 million one million."""
    share = min(0.5, LARGEST_SEARCH / max(len(customers), 1))
    return share_of(customers, f"{seed}:{split}") < share
