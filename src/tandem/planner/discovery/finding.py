"""The search on one half: score all, shorten, keep what differs, take its effect off and look again."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tandem.planner.discovery.cubes import LEAST_Z, PROMISING, Cubes, Scored, Terms, sets_of
from tandem.planner.discovery.domain import MOST_TESTED, Feature, Flags, Floats, Side
from tandem.planner.discovery.pruning import LEAST_ADDED, Diverse, Pruning

ROUNDS = 2
#: this share of the places is for the first round
_OF_FIRST = 0.6


class Group(NamedTuple):
    """What the search half proposes: places of features and options, its z there, and the round that found it."""

    terms: Terms
    z: float
    round: int


class Proposed(NamedTuple):
    """The groups of one search and how many were scored for them."""

    groups: tuple[Group, ...]
    candidates: int


def find(
    features: Sequence[Feature],
    y: Floats,
    *,
    treated: Flags | None = None,
    side: Side = Side.HIGH,
    depth: int = 3,
    rounds: int = ROUNDS,
    least_z: float = LEAST_Z,
    least_added: float = LEAST_ADDED,
    most: int = MOST_TESTED,
) -> Proposed:
    """At most 20 groups that differ, in the order found; features and y of the search half, shape (n,).

    The same rows give the same groups: nothing is drawn.
    """
    groups: list[Group] = []
    scored = 0
    kept = Diverse(features, y, treated, least_z)
    for turn in range(rounds):
        cubes = Cubes(features, kept.left, treated)
        strongest = _strongest(cubes, side, depth, least_z)
        scored += cubes.candidates
        short = Pruning(cubes, least_added).all_of(strongest, least_z)
        room = (math.ceil(_OF_FIRST * most) if turn + 1 < rounds else most) - len(groups)
        taken = kept.take(short, room)
        groups += [Group(one.terms, one.z, turn) for one in taken]
        if not taken:
            break
    return Proposed(tuple(groups), scored)


def _strongest(cubes: Cubes, side: Side, depth: int, least_z: float) -> list[Scored]:
    """Of every single feature and pair, and of three features among the twelve most promising."""
    found: list[Scored] = []
    best = np.zeros(len(cubes.axes))
    for size in range(1, min(depth, 2) + 1):
        for one in cubes.scored(
            sets_of(range(len(best)), size), side, 0.0 if size == 1 else min(least_z, 2.0)
        ):
            best[list(one.chosen)] = np.maximum(best[list(one.chosen)], one.best)
            found.append(one.clear(least_z))
    if depth > 2:
        promising = [int(one) for one in np.argsort(-best, kind="stable")[:PROMISING]]
        found += cubes.scored(sets_of(promising, 3), side, least_z)
    return found
