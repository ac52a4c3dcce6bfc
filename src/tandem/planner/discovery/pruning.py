"""From many overlapping groups to few that differ: conditions that add nothing go, near copies go."""

from collections.abc import Iterable, Sequence

import numpy as np

from tandem.planner.discovery.contrasts import Moments, z_of
from tandem.planner.discovery.cubes import Candidate, Cubes, Terms
from tandem.planner.discovery.domain import MOST_ALIKE, Condition, Feature, Flags, Floats

#: what a condition has to add over the group without it
LEAST_ADDED = 3.0
#: so many of the strongest are compared with those accepted
COMPARED = 400
#: a group has to be seen in the outcome itself
LEAST_BARE = 2.0


class Pruning:
    """Shortens groups found in these cubes; keeps what it counted of the smaller ones."""

    def __init__(self, cubes: Cubes, least_added: float = LEAST_ADDED) -> None:
        self._cubes, self._least = cubes, least_added
        self._tables: dict[tuple[int, ...], tuple[Moments, ...]] = {}

    def shortened(self, candidate: Candidate) -> Candidate:
        """Without the conditions that add less than z = 3 over their parent, the weakest first; scored again."""
        while len(candidate.terms) > 1:
            parents = [self._group(_without(candidate.terms, place)) for place in range(len(candidate.terms))]
            sign = 1 if candidate.z > 0 else -1
            added = [sign * float(z_of(candidate.moments, parent.moments)) for parent in parents]
            weakest = int(np.argmin(added))
            if added[weakest] >= self._least:
                return candidate
            candidate = parents[weakest]
        return candidate

    def _group(self, terms: Terms) -> Candidate:
        chosen = tuple(place for place, _ in terms)
        if chosen not in self._tables:
            self._tables[chosen] = self._cubes.tables(chosen)
        at = tuple(option for _, option in terms)
        moments = tuple(Moments(one.n[at], one.s[at], one.q[at]) for one in self._tables[chosen])
        return Candidate(terms, float(z_of(moments, self._cubes.wholes)), moments)

    def all_of(self, candidates: Iterable[Candidate], least_z: float) -> list[Candidate]:
        """Each shortened, once, strongest first; those that fall below the z are left out."""
        kept: dict[Terms, Candidate] = {}
        for one in candidates:
            short = self.shortened(one)
            if one.z * short.z > 0 and abs(short.z) >= least_z:
                kept[short.terms] = short
        return sorted(kept.values(), key=lambda one: (-abs(one.z), one.terms))


def _without(terms: Terms, place: int) -> Terms:
    return terms[:place] + terms[place + 1 :]


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
        least_added: float = LEAST_ADDED,
    ) -> None:
        self.groups: list[Flags] = []
        self.left = y
        self._features, self._y, self._treated = features, y, treated
        self._least_z, self._least_added = least_z, least_added
        self._options = [one.axis.options() for one in features]
        self._wholes = self._wholes_left = wholes_of(y, treated)

    def take(self, candidates: Sequence[Candidate], most: int) -> list[Candidate]:
        """The ones taken, strongest first; at most so many."""
        taken: list[Candidate] = []
        for one in candidates[:COMPARED]:
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

    def _needs_all(self, one: Candidate, inside: Flags) -> bool:
        """Each condition adds to what is left as well; what only the groups taken made it seem to add is noise."""
        sign = 1 if one.z > 0 else -1
        for place in range(len(one.terms) if len(one.terms) > 1 and self.groups else 0):
            around = members_of(_without(one.terms, place), self._features, self._options)
            treated = None if self._treated is None else self._treated[around]
            if sign * z_among(inside[around], self.left[around], treated) < self._least_added:
                return False
        return True


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
