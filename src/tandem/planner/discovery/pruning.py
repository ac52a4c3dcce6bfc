"""From many overlapping groups to few that differ: conditions that add nothing go, near copies go."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tandem.planner.discovery.contrasts import Moments, z_of
from tandem.planner.discovery.cubes import Cubes, Places, Scored, Terms
from tandem.planner.discovery.domain import MOST_ALIKE, Condition, Feature, Flags, Floats

#: what a condition has to add over the group without it
LEAST_ADDED = 3.0
#: of two groups with much the same customers the shorter is shown: a condition more has to be so much stronger
DEARER = 0.02
#: so many of the strongest are compared with those accepted
COMPARED = 400
#: a group has to be seen in the outcome itself
LEAST_BARE = 2.0


class Candidate(NamedTuple):
    """A group and its z on the half where it was found."""

    terms: Terms
    z: float


class _Pool(NamedTuple):
    """Groups over one set of features: options of shape (groups, features), the sign they were found with."""

    options: Places
    signs: Floats
    moments: tuple[Moments, ...]


class Pruning:
    """Shortens groups found in these cubes; keeps what it counted of the smaller ones."""

    def __init__(self, cubes: Cubes, least_added: float = LEAST_ADDED) -> None:
        self._cubes, self._least = cubes, least_added
        self._tables: dict[tuple[int, ...], tuple[Moments, ...]] = {}

    def all_of(self, found: Iterable[Scored], least_z: float, most: int = COMPARED) -> list[Candidate]:
        """Each shortened, once, the strongest so many; those that fall below the z are left out.

        Conditions go that add less than z = 3 over the group without them, the weakest first, then it is asked again.
        """
        pools: dict[tuple[int, ...], list[_Pool]] = {}
        for one in found:
            pools.setdefault(one.chosen, []).append(_Pool(one.options, np.sign(one.z), one.moments))
        kept: list[tuple[tuple[int, ...], Places, Floats]] = []
        for size in range(max(map(len, pools), default=0), 0, -1):
            for chosen in sorted(one for one in pools if len(one) == size):
                options, z = self._staying(chosen, self._merged(chosen, pools[chosen]), pools, least_z)
                kept.append((chosen, options, z))
        return _strongest(kept, most)

    def _merged(self, chosen: tuple[int, ...], found: list[_Pool]) -> _Pool:
        """Each group once; what is known of it is kept or looked up."""
        if len(found) == 1 and found[0].moments:
            return found[0]
        rows = np.vstack([np.column_stack([one.options, one.signs.astype(np.intp)]) for one in found])
        rows = np.unique(rows, axis=0)
        options, signs = rows[:, :-1], rows[:, -1].astype(np.float64)
        return _Pool(options, signs, self._moments(chosen, options))

    def _moments(self, chosen: tuple[int, ...], options: Places) -> tuple[Moments, ...]:
        if chosen not in self._tables:
            self._tables[chosen] = self._cubes.tables(chosen)
        at = tuple(options.T)
        return tuple(Moments(one.n[at], one.s[at], one.q[at]) for one in self._tables[chosen])

    def _staying(
        self,
        chosen: tuple[int, ...],
        pool: _Pool,
        pools: dict[tuple[int, ...], list[_Pool]],
        least_z: float,
    ) -> tuple[Places, Floats]:
        """Options and z of those that need all their conditions; the others go to the pools of shorter groups."""
        stays = np.ones(len(pool.signs), np.bool_)
        if len(chosen) > 1:
            added = np.stack([self._added(chosen, pool, place) for place in range(len(chosen))])
            weakest = added.argmin(0)
            stays = added.min(0) >= self._least
            for place in range(len(chosen)):
                gone = ~stays & (weakest == place)
                if gone.any():
                    shorter = _Pool(np.delete(pool.options[gone], place, 1), pool.signs[gone], ())
                    pools.setdefault(without(chosen, place), []).append(shorter)
        z = z_of(
            [Moments(one.n[stays], one.s[stays], one.q[stays]) for one in pool.moments], self._cubes.wholes
        )
        clear = (z * pool.signs[stays] > 0) & (np.abs(z) >= least_z)
        return pool.options[stays][clear], z[clear]

    def _added(self, chosen: tuple[int, ...], pool: _Pool, place: int) -> Floats:
        """z of each group within the group without one of its conditions."""
        around = self._moments(without(chosen, place), np.delete(pool.options, place, 1))
        return np.asarray(pool.signs * z_of(pool.moments, around))


def _strongest(kept: Sequence[tuple[tuple[int, ...], Places, Floats]], most: int) -> list[Candidate]:
    if not kept:
        return []
    strength = np.concatenate([np.abs(z) * (1 - DEARER * (len(chosen) - 1)) for chosen, _, z in kept])
    owner = np.repeat(np.arange(len(kept)), [len(z) for _, _, z in kept])
    starts = np.concatenate([[0], np.cumsum([len(z) for _, _, z in kept])])
    found = []
    for place in np.argsort(-strength, kind="stable")[:most]:
        chosen, options, z = kept[owner[place]]
        row = int(place - starts[owner[place]])
        terms = tuple(zip(chosen, (int(one) for one in options[row]), strict=True))
        found.append(Candidate(terms, float(z[row])))
    return found


def without(items: tuple[Any, ...], place: int) -> tuple[Any, ...]:
    """All but the one at that place."""
    return items[:place] + items[place + 1 :]


def members_of(terms: Terms, features: Sequence[Feature], options: Sequence[Flags]) -> Flags:
    """Who belongs to the group, shape (n,)."""
    found: Flags | None = None
    for place, option in terms:
        inside = options[place][option][features[place].codes]
        found = inside if found is None else found & inside
    if found is None:
        raise ValueError("A group has at least one condition.")
    return found


def members(conditions: Sequence[Condition], features: Sequence[Feature]) -> Flags:
    """Who belongs to a rule, shape (n,), by the bins it was found with."""
    by_name = {one.axis.name: one for one in features}
    found = np.ones(len(features[0].codes), np.bool_)
    for condition in conditions:
        feature = by_name[condition.name]
        options = feature.axis.options()
        row = next(one for one in options if feature.axis.condition(one) == condition)
        found &= row[feature.codes]
    return found


def jaccard(one: Flags, other: Flags) -> float:
    """Customers of both groups as a share of those of either."""
    either = int(np.count_nonzero(one | other))
    return int(np.count_nonzero(one & other)) / either if either else 0.0


class Diverse:
    """Takes in groups one by one: none like those taken before, and none that is only their shadow.

    After each, what is left of the outcome is what the groups taken do not explain; the next must stand out in it.
    """

    def __init__(
        self,
        features: Sequence[Feature],
        y: Floats,
        treated: Flags | None,
        least_z: float,
    ) -> None:
        self.groups: list[Flags] = []
        self.left = y
        self._features, self._y, self._treated = features, y, treated
        self._least_z = least_z
        self._options = [one.axis.options() for one in features]
        self._wholes = self._wholes_left = wholes_of(y, treated)

    def take(self, candidates: Sequence[Candidate], most: int) -> list[Candidate]:
        """The ones taken, strongest first; at most so many."""
        taken: list[Candidate] = []
        for one in candidates:
            if len(taken) == most:
                break
            inside = members_of(one.terms, self._features, self._options)
            if self._stands_out(inside, one.z) and all(
                jaccard(inside, two) < MOST_ALIKE for two in self.groups
            ):
                taken.append(one)
                self.groups.append(inside)
                self.left = residual(self._y, self.groups, self._treated)
                self._wholes_left = wholes_of(self.left, self._treated)
        return taken

    def _stands_out(self, inside: Flags, z: float) -> bool:
        """In what is left, and bare as well: a later round finds groups that others hid, which nobody would see."""
        left = z_among(inside, self.left, self._treated, self._wholes_left)
        if left * z <= 0 or abs(left) < self._least_z:
            return False
        bare = z_among(inside, self._y, self._treated, self._wholes)
        return bare * z > 0 and abs(bare) >= LEAST_BARE


def residual(y: Floats, groups: Sequence[Flags], treated: Flags | None = None) -> Floats:
    """What is left of y, shape (n,), when the groups' own levels are taken off by least squares, in each arm apart."""
    if not groups:
        return y
    if treated is None:
        return y - _fitted(y, groups)
    left = y.astype(np.float64, copy=True)
    for arm in (treated, ~treated):
        left[arm] -= _fitted(y[arm], [one[arm] for one in groups])
    return left


def z_among(
    inside: Flags, y: Floats, treated: Flags | None, wholes: Sequence[Moments] | None = None
) -> float:
    """The group's z, shape (n,) each; wholes: of everybody, if they are known already."""
    return float(z_of(groups_of(inside, y, treated), wholes or wholes_of(y, treated)))


def groups_of(inside: Flags, y: Floats, treated: Flags | None) -> list[Moments]:
    """Of the group, one for each arm."""
    if treated is None:
        return [Moments.of(y[inside])]
    return [Moments.of(y[inside & arm]) for arm in (treated, ~treated)]


def wholes_of(y: Floats, treated: Flags | None) -> list[Moments]:
    """Of everybody, one for each arm."""
    return [Moments.of(y)] if treated is None else [Moments.of(y[arm]) for arm in (treated, ~treated)]


def _fitted(y: Floats, groups: Sequence[Flags]) -> Floats:
    """By the normal equations of the groups and a constant: counts of customers that two groups share."""
    everybody = np.ones(len(y), np.bool_)
    columns = [everybody, *groups]
    shared = np.array([[np.count_nonzero(a & b) for b in columns] for a in columns], np.float64)
    sums = np.array([y[one].sum() for one in columns])
    levels = np.linalg.lstsq(shared, sums, rcond=None)[0]
    fitted = np.zeros(len(y))
    for level, one in zip(levels, columns, strict=True):
        fitted += level * one
    return fitted
