"""All groups at once from cubes: against the same groups counted one by one, and against published figures."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples

from tandem.planner.discovery.contrasts import Moments, z_of
from tandem.planner.discovery.cubes import Cubes, sets_of
from tandem.planner.discovery.domain import Axis, Bin, Feature, Kind, Side

#: survived, sex, siblings or spouse, parents or children, cabin known, port: the first 156 passengers of the Titanic in
#: the usual list, which pysubgroup (Apache-2.0) shows its results on
_PASSENGERS = """
0m10-S 1f10cC 1f00-S 1f10cS 0m00-S 0m00-Q 0m00cS 0m31-S 1f02-S 1f10-C 1f11cS 1f00cS 0m00-S 0m15-S 0f00-S 1f00-S
0m41-Q 1m00-S 0f10-S 1f00-C 0m00-S 1m00cS 1f00-Q 1m00cS 0f31-S 1f15-S 0m00-C 0m32cS 1f00-Q 0m00-S 0m00-C 1f10cC
1f00-Q 0m00-S 0m10-C 0m10-S 1m00-C 0m00-S 0f20-S 1f10-C 0f10-S 0f10-S 0m00-C 1f12-C 1f00-Q 0m00-S 0m10-Q 1f00-Q
0m20-C 0f10-S 0m41-S 0m00-S 1f10cC 1f10-S 0m01cC 1m00cS 1f00-S 0m00-C 1f12-S 0m52-S 0m00-C 1f00c? 0m10cS 0m32-S
0m00-C 1m11-C 1f00cS 0m00-S 1f42-S 0m20-S 0m00-S 0f52-S 0m00-S 0m10-C 1m00-S 0m00cS 0m00-S 0m00-S 1m02-S 1f00-S
0m00-S 1m00-S 1f00-Q 0m00-S 1f00-S 1f30-S 0m13-S 0m00-S 1f32cS 0m00-S 0m00-S 0m00-S 0m10cS 0m12-S 0m00-S 0m00-S
0m00cC 1m01cC 1f01-S 0m10-S 0f00-S 0m00-S 0m01cS 0m00-S 0m20-S 0m00-S 1f00-S 1m00-S 0m00-S 1f10-Q 0m00cS 0f10-C
0m00-S 0f10-S 0f00-C 0m00-S 0m00-Q 0m10-S 0m01cC 0f42-S 0m20-S 0m00-S 0m10-C 1f00cS 0m01cS 1m10-C 0m00-Q 1m00-S
1f11cC 0m00-S 0m00-C 0m00-S 0f10-S 1f10-S 0m00-S 0m00-C 1f02cS 0m10cS 0m00-S 0m00cC 0f02-C 1f00-S 1f10-S 0m00-Q
0m00-S 0m11-S 1m00-S 0f22-S 0m02cS 0m00-S 0m00-S 1f10cS 0m00-S 0m02-S 0m00-S 0m01-C
"""
TITANIC = _PASSENGERS.split()


def feature(name: str, codes: np.ndarray, bins: int, kind: Kind = Kind.NUMBER) -> Feature:
    cut = tuple(Bin(low=float(place), high=float(place), values=(str(place),)) for place in range(bins))
    return Feature(axis=Axis(name=name, label=name, kind=kind, bins=cut), codes=codes.astype(np.uint8))


def of_words(place: int) -> Feature:
    """One letter of each passenger as a category."""
    letters = [word[place] for word in TITANIC]
    values = sorted(set(letters))
    made = feature(str(place), np.array([values.index(one) for one in letters]), len(values), Kind.CATEGORY)
    cut = tuple(Bin(values=(value,)) for value in values)
    return Feature(axis=Axis(name=made.axis.name, label="", kind=Kind.CATEGORY, bins=cut), codes=made.codes)


def test_the_published_subgroups_of_the_titanic():
    features = [of_words(place) for place in range(1, 6)]
    cubes = Cubes(features, np.array([float(word[0]) for word in TITANIC]))
    found = []
    for depth in (1, 2):
        for chosen in sets_of(range(len(features)), depth):
            sums = cubes.tables(chosen)[0].s
            for options in itertools.product(*(range(len(features[place].axis.bins)) for place in chosen)):
                words = {
                    (features[p].axis.bins[o].values[0], p) for p, o in zip(chosen, options, strict=True)
                }
                found.append((round(float(sums[options]) / len(TITANIC), 6), words))
    found.sort(key=lambda one: -one[0])
    female = ("f", 0)
    assert found[:5] == [
        (0.132150, {female}),
        (0.101331, {female, ("0", 2)}),
        (0.079142, {female, ("0", 1)}),
        (0.077663, {female, ("-", 3)}),
        (0.071746, {female, ("S", 4)}),
    ]


@st.composite
def small_data(draw):
    kinds = draw(st.lists(st.sampled_from([Kind.NUMBER, Kind.CATEGORY]), min_size=3, max_size=4))
    seed, arms = draw(st.integers(0, 2**32)), draw(st.booleans())
    rng = np.random.default_rng(seed)
    n = draw(st.integers(900, 1500))
    features = [
        feature(f"f{place}", rng.integers(0, bins, n), bins, kind)
        for place, (kind, bins) in enumerate(zip(kinds, rng.integers(2, 5, len(kinds)), strict=True))
    ]
    y = np.round(rng.lognormal(size=n) * (rng.random(n) < 0.5), 2) + features[0].codes * 0.5
    return features, y, (rng.random(n) < 0.5) if arms else None


def naive(features, y, treated, chosen, options):
    inside = np.ones(len(y), bool)
    for place, option in zip(chosen, options, strict=True):
        inside &= features[place].axis.options()[option][features[place].codes]
    arms = [np.ones(len(y), bool)] if treated is None else [treated, ~treated]
    gap, variance, least = 0.0, 0.0, len(y)
    for sign, arm in zip((1, -1), arms, strict=False):
        a, b = y[arm & inside], y[arm & ~inside]
        least = min(least, len(a), len(b))
        if least < 2:
            return 0.0, int(inside.sum()), least
        pooled = (((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()) / (len(a) + len(b) - 2)
        gap += sign * (a.mean() - b.mean())
        variance += max(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b), pooled * (1 / len(a) + 1 / len(b)))
    return gap / variance**0.5, int(inside.sum()), least


@settings(max_examples=examples(4), deadline=None)
@given(small_data(), st.sampled_from(list(Side)), st.sampled_from([0.0, 1.5]))
def test_every_group_is_scored_as_if_counted_alone(data, side, least):
    features, y, treated = data
    cubes = Cubes(features, y, treated)
    everything = 0
    for depth in (1, 2, 3):
        together = {
            one.chosen: one for one in cubes.scored(sets_of(range(len(features)), depth), side, least)
        }
        for chosen in sets_of(range(len(features)), depth):
            expected = {}
            for options in itertools.product(*(range(len(features[p].axis.options())) for p in chosen)):
                z, size, of_an_arm = naive(features, y, treated, chosen, options)
                large = cubes.least <= size <= len(y) - cubes.least
                if large and (treated is None or of_an_arm >= 50):
                    expected[tuple(zip(chosen, options, strict=True))] = z
            everything += len(expected)
            strength = {Side.HIGH: 1, Side.LOW: -1}
            wanted = {t: abs(z) if side is Side.BOTH else strength[side] * z for t, z in expected.items()}
            best = sorted((z for z in wanted.values() if z >= least and z > 0), reverse=True)[:20]
            found = together.get(chosen)
            pairs = zip(found.z, found.options.tolist(), strict=True) if found else ()
            by_terms = {tuple(zip(chosen, options, strict=True)): z for z, options in pairs}
            got = [abs(z) for z in by_terms.values() if z * strength.get(side, z) > 0]
            assert got == pytest.approx(best, rel=1e-9)
            for terms, z in by_terms.items():
                assert z == pytest.approx(expected[terms], rel=1e-9, abs=1e-9)
    assert cubes.candidates == everything


def test_the_greater_variance_is_taken():
    rare = np.zeros(1000)
    rare[:10], rare[500:] = 100.0, 1.0
    group = Moments.of(rare[:500])
    welch = rare[:500].var(ddof=1) / 500 + 0
    pooled = (rare[:500].var() * 500 + 0) / 998 * (2 / 500)
    assert pooled == pytest.approx(welch, rel=0.01)
    small = Moments.of(rare[500:550])
    z = float(z_of([small], [Moments.of(rare)]))
    rest = np.concatenate([rare[:500], rare[550:]])
    alone = (1 - rest.mean()) / (rest.var(ddof=1) / len(rest)) ** 0.5
    assert abs(z) < abs(alone) / 3  # Welch alone would take a group without spread for certain
    assert float(z_of([group], [Moments.of(rare)])) == pytest.approx(
        (rare[:500].mean() - 1) / max(welch, pooled) ** 0.5, rel=1e-6
    )
