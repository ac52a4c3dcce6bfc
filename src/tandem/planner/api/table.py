"""Every function of the vendor's API, from the tables of its groups."""

import re

from tandem.planner.api.function import Function
from tandem.planner.api.functions import (
    actions,
    channels,
    customers,
    general,
    groups,
    integrations,
    interactions,
    listed,
    model,
    promotions,
    segments,
)

_GROUPS = (
    general, model, actions, groups, listed, customers, segments, integrations, channels, interactions, promotions,
)  # fmt: skip
FUNCTIONS: tuple[Function, ...] = tuple(function for group in _GROUPS for function in group.FUNCTIONS)

#: (group, name) in lower case -> function; every spelling is a key
BY_NAME = {
    (function.group, name.lower()): function
    for function in FUNCTIONS
    for name in (function.name, *function.spellings)
    if not function.path
}


def _pattern(function: Function) -> re.Pattern[str]:
    """The address after the version, its parameters as groups with their names in lower case."""
    parts = re.split(r"\{(\w+)\}", f"{function.group}/{function.path}")
    fixed = [re.escape(part) for part in parts[::2]]
    named = [f"(?P<{part.lower()}>.+)" for part in parts[1::2]]
    text = "".join(one for pair in zip(fixed, [*named, ""], strict=True) for one in pair)
    return re.compile(rf"(?:(?P<_version>v\d+\.\d+|current)/)?{text}/?", re.IGNORECASE)


_BY_PATH = tuple((_pattern(function), function) for function in FUNCTIONS if function.path)
_NAMED = re.compile(
    r"(?:(?P<version>v\d+\.\d+|current)/)?(?P<group>[a-z]+)/(?P<name>[a-z]+)/?", re.IGNORECASE
)


def find(path: str) -> tuple[Function, str, dict[str, str]] | None:
    """The function at an address, the version in lower case, and the parameters the address holds."""
    match = _NAMED.fullmatch(path)
    function = BY_NAME.get((match["group"].lower(), match["name"].lower())) if match else None
    if match and function:
        return function, (match["version"] or "").lower(), {}
    for pattern, held in _BY_PATH:
        if match := pattern.fullmatch(path):
            given = match.groupdict()
            return held, (given.pop("_version") or "").lower(), given
    return None
