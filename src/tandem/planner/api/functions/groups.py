"""groups/*: target groups."""

from tandem.planner.api.function import known_by_name

FUNCTIONS = known_by_name(
    "groups", "GetTargetGroupDetails GetTargetGroupName GetTargetGroupID GetTargetGroupsByDate"
)
