"""What is kept from people's profiles: small groups are not described, scores are for those who do not object."""

from tandem.planner.customers.score_words import HEADINGS

#: a group of fewer customers is never described by what its members share
LEAST_DESCRIBED = 50
#: the column that says who does not object
PROFILED = "may_be_profiled"
_MADE_FROM_SCORES = frozenset({"microsegment", "value_segment"})


def described(members: int) -> bool:
    """Whether a group of this many customers may be described by traits: averages, shares, stages, what is typical."""
    return members >= LEAST_DESCRIBED


def is_score(name: str, heading: str) -> bool:
    """Whether an attribute is a score, a rank or made from scores: who objects to profiling has none."""
    return heading in HEADINGS or name in _MADE_FROM_SCORES
