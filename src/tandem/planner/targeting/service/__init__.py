"""Target groups' verbs. Conditions come in and go out in the stored form; texts in words."""

from tandem.planner.targeting.service.answer import (
    attributes_of,
    checked,
    count,
    members_count,
    to_condition,
    to_text,
    write_members,
)
from tandem.planner.targeting.service.explain import explain, sample, why_nobody
from tandem.planner.targeting.service.groups import find_group, get_group, list_groups, save_group

__all__ = [
    "attributes_of",
    "checked",
    "count",
    "explain",
    "find_group",
    "get_group",
    "list_groups",
    "members_count",
    "sample",
    "save_group",
    "to_condition",
    "to_text",
    "why_nobody",
    "write_members",
]
