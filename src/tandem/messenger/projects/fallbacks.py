"""Which attributes have something to stand in their place when a person lacks them."""

import re

from tandem.messenger.projects.compiled import Compiled
from tandem.messenger.projects.conditions import HAS
from tandem.messenger.projects.parts import Part

#: a printed value, and the test right before it where the template says what else to print
_PRINTED = re.compile(r"(?:\{% if t(\d+) %\})?\{\{ e(\d+) \}\}")


def fallbacks(compiled: Compiled) -> frozenset[str]:
    """Names that are nowhere printed without something to print instead, or that only decide what is printed."""
    bare = {name for part in compiled.parts for name in _bare(part)}
    return frozenset(compiled.names) - bare


def _bare(part: Part) -> set[str]:
    found = set()
    for test, value in _PRINTED.findall(part.source):
        name = part.printed[int(value)]
        if not test or part.asked[int(test)] != (name, HAS):
            found.add(name)
    return found
