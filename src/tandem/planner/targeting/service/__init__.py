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
from tandem.planner.targeting.service.groups import (
    find_group,
    get_group,
    list_groups,
    named_group,
    save_group,
    set_priority,
)
from tandem.planner.targeting.service.membership import group_changes, keep_membership
from tandem.planner.targeting.service.sizes import group_sizes, keep_sizes
from tandem.planner.targeting.service.worth import Expectation, expectation

__all__ = [
    "Expectation",
    "attributes_of",
    "checked",
    "count",
    "expectation",
    "explain",
    "find_group",
    "get_group",
    "group_changes",
    "group_sizes",
    "keep_membership",
    "keep_sizes",
    "list_groups",
    "members_count",
    "named_group",
    "sample",
    "save_group",
    "set_priority",
    "to_condition",
    "to_text",
    "why_nobody",
    "write_members",
]
