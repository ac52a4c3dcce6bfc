"""Every function of the vendor's API, from the tables of its groups."""

from tandem.planner.api.function import Function
from tandem.planner.api.functions import actions, customers, general, groups, integrations, model, segments

FUNCTIONS: tuple[Function, ...] = tuple(
    function
    for group in (general, model, actions, groups, customers, segments, integrations)
    for function in group.FUNCTIONS
)

#: (group, name) in lower case -> function; every spelling is a key
BY_NAME = {
    (function.group, name.lower()): function
    for function in FUNCTIONS
    for name in (function.name, *function.spellings)
}
